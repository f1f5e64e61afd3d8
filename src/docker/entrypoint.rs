//! The entrypoint of a container: which one applies, and what it does with the container's command.

use crate::docker::option::DockerOption;

const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// The entrypoint of a container with these options: that of the image, unless `--entrypoint`
/// replaces it. An empty value removes it.
pub(crate) fn effective(options: &[DockerOption], of_image: &[String]) -> Vec<String> {
    match options.iter().rfind(|option| option.name == "entrypoint") {
        Some(option) => option
            .value
            .iter()
            .filter(|value| !value.is_empty())
            .cloned()
            .collect(),
        None => of_image.to_vec(),
    }
}

/// Whether this is `launcher` of Cloud Native Buildpacks.
pub(crate) fn is_launcher(entrypoint: &[String]) -> bool {
    entrypoint
        .first()
        .is_some_and(|program| base_name(program) == "launcher")
}

/// Whether the entrypoint ends in a shell's `-c`: the first argument is a line of that shell then,
/// and the arguments after it are not part of the command.
pub(crate) fn ends_in_shell_command_option(entrypoint: &[String]) -> bool {
    let Some((last, before)) = entrypoint.split_last() else {
        return false;
    };
    let Some(shell) = before
        .iter()
        .rposition(|word| SHELLS.contains(&base_name(word)))
    else {
        return false;
    };
    // Between them are options and their values only; the first other word would be a script.
    let options = &before[shell..];
    let are_options = options
        .windows(2)
        .all(|pair| pair[1].starts_with(['-', '+']) || takes_value(&pair[0]));
    are_options
        && !options.last().is_some_and(|word| takes_value(word))
        && !takes_value(last)
        && letters(last).is_some_and(|letters| letters.contains('c'))
}

/// Whether the option's value is the next word (`-o pipefail`, `-eo pipefail`).
fn takes_value(option: &str) -> bool {
    letters(option).is_some_and(|letters| letters.ends_with(['o', 'O']))
}

/// The letters of combined short options.
fn letters(option: &str) -> Option<&str> {
    option
        .strip_prefix('-')
        .filter(|letters| letters.chars().all(|letter| letter.is_ascii_alphabetic()))
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::option;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_last_entrypoint_option_replaces_the_entrypoint_of_the_image() {
        for (options, expected) in [
            ("--init", "/bin/sh -c"),
            ("--entrypoint launcher", "launcher"),
            ("--entrypoint=a --rm --entrypoint=b", "b"),
            ("--entrypoint=", ""),
        ] {
            let parsed = option::parse(words(options)).unwrap();
            let effective = effective(&parsed, &words("/bin/sh -c"));
            assert_eq!(effective.join(" "), expected, "{options}");
        }
    }

    #[test]
    fn a_shell_with_an_open_command_option_at_the_end_is_recognised() {
        for entrypoint in [
            "sh -c",
            "/bin/sh -l -c",
            "/bin/bash -lc",
            "bash -ce",
            "/bin/bash -o pipefail -c",
            "bash -euo pipefail -c",
            "bash --norc -c",
            "/bin/busybox sh -c",
            "/usr/bin/env bash -c",
            "/sbin/tini -- /bin/ash +x -c",
        ] {
            assert!(
                ends_in_shell_command_option(&words(entrypoint)),
                "{entrypoint}"
            );
        }
        for entrypoint in [
            "",
            "sh",
            "-c",
            "sh -l",
            "sh -o",
            "sh -co",
            "sh -o -c",
            "sh script -c",
            "sh -c exec --",
            "sh -c exec",
            "/docker-entrypoint.sh -c",
            "python -c",
            "bash --rc",
        ] {
            assert!(
                !ends_in_shell_command_option(&words(entrypoint)),
                "{entrypoint}"
            );
        }
    }

    #[test]
    fn the_launcher_is_recognised_by_its_file_name() {
        assert!(is_launcher(&words("/cnb/lifecycle/launcher")));
        assert!(is_launcher(&words("launcher")));
        assert!(!is_launcher(&words("/cnb/process/web launcher")));
        assert!(!is_launcher(&[]));
    }
}
