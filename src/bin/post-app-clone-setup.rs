fn main() -> std::process::ExitCode {
    dokku_oneoff::post_app_clone_setup()
}
