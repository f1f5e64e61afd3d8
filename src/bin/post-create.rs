fn main() -> std::process::ExitCode {
    dokku_oneoff::post_create()
}
