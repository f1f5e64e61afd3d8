//! Options of `docker run` and of old guides that `run` does not have, and what to use.

/// What to use in place of this option (`--name` or `-n`) of a command that creates a task: a
/// sentence without its period. `None` if the option is not one that users know from elsewhere.
pub(crate) fn hint(option: &str) -> Option<&'static str> {
    Some(match option {
        "--detach" | "-d" => "'dokku run:detached' starts a detached task",
        "--interactive" | "-i" => {
            "stdin is attached without it, and a terminal is allocated if stdin and stdout are terminals"
        }
        "--tty" | "-t" => {
            "a terminal is allocated if stdin and stdout are terminals; '--force-tty' allocates one in any case"
        }
        "--name" => "the name of a task is its app's with a number; '--label' marks a task",
        "--env-file" => "'--env' sets a variable, and 'dokku config:set' one of every task",
        "--volume" | "-v" | "--mount" => "'dokku storage:mount' mounts a directory",
        "--publish" | "-p" | "--network" | "--privileged" | "--cap-add" | "--gpus"
        | "--shm-size" | "--add-host" | "--ulimit" => {
            "'dokku docker-options:add <app> run' sets options of docker"
        }
        "-m" => "the option is '--memory'",
        "-u" => "the option is '--user'",
        "-w" => "the option is '--workdir'",
        "-l" => "the option is '--label'",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_docker_have_a_hint_and_other_options_have_none() {
        for option in ["-d", "--detach", "-t", "--name", "-v"] {
            assert!(hint(option).is_some(), "{option}");
        }
        for option in ["--wrong", "-x", "", "--"] {
            assert_eq!(hint(option), None, "{option}");
        }
    }
}
