fn main() -> std::process::ExitCode {
    dokku_oneoff::post_app_rename_setup()
}
