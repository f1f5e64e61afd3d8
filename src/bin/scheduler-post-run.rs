fn main() -> std::process::ExitCode {
    dokku_oneoff::scheduler_post_run()
}
