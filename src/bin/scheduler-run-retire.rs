fn main() -> std::process::ExitCode {
    dokku_oneoff::scheduler_run_retire()
}
