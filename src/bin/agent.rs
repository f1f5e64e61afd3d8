fn main() -> std::process::ExitCode {
    dokku_oneoff::agent()
}
