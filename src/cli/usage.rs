//! The usage of every command: the only source for `--help`, error messages and `run:help`.

/// The usage of one command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The part after the plugin's name: empty, or for example `:list`.
    pub(crate) word: &'static str,
    /// Options and arguments.
    pub(crate) synopsis: &'static str,
    /// What the command does, in one line for `dokku help`.
    pub(crate) summary: &'static str,
}

impl Usage {
    /// The usage line, for example `dokku run:list [--all] [<app>]`.
    pub(crate) fn line(&self) -> String {
        format!("dokku run{} {}", self.word, self.synopsis)
    }
}

pub(crate) const RUN: Usage = Usage {
    word: "",
    synopsis: "[options] <app> [<cmd>...]",
    summary: "Run a command in a new container using the current app image",
};
pub(crate) const ATTACH: Usage = Usage {
    word: ":attach",
    synopsis: "--container NAME",
    summary: "Attach to a running task",
};
pub(crate) const DETACHED: Usage = Usage {
    word: ":detached",
    synopsis: "[options] <app> [<cmd>...]",
    summary: "Run a command in a new detached container using the current app image",
};
pub(crate) const EXEC: Usage = Usage {
    word: ":exec",
    synopsis: "[--no-tty|--force-tty] --container NAME <cmd>...",
    summary: "Run another command in the container of a running task",
};
pub(crate) const HISTORY: Usage = Usage {
    word: ":history",
    synopsis: "[--format stdout|json] [--quiet] [-n N] [--failed] [--since TIME] [--type run|cron] [<app>]",
    summary: "List the tasks that have ended",
};
pub(crate) const LIST: Usage = Usage {
    word: ":list",
    synopsis: "[--format stdout|json] [--quiet] [--all] [<app>]",
    summary: "List the tasks of an app or of every app",
};
pub(crate) const LOGS: Usage = Usage {
    word: ":logs",
    synopsis: "[-n N] [-t] [-q] [--since TIME] [--stderr] <app>|--container NAME",
    summary: "Show the output of tasks",
};
pub(crate) const REPORT: Usage = Usage {
    word: ":report",
    synopsis: "[<app>|--global] [<flag>] [--format stdout|json]",
    summary: "Show the properties of one-off tasks",
};
pub(crate) const RETIRE: Usage = Usage {
    word: ":retire",
    synopsis: "[<app>]",
    summary: "Stop tasks past their deadline and remove leftovers",
};
pub(crate) const SET: Usage = Usage {
    word: ":set",
    synopsis: "<app>|--global <property> [<value>]",
    summary: "Set or unset a property of one-off tasks",
};
pub(crate) const STOP: Usage = Usage {
    word: ":stop",
    synopsis: "[--all] <app>|NAME...|--container NAME",
    summary: "Stop the tasks of an app or some of them",
};
pub(crate) const WAIT: Usage = Usage {
    word: ":wait",
    synopsis: "[--timeout TIME] --container NAME",
    summary: "Wait for a task to end and exit with its exit status",
};

/// Every command, in the order of `run:help`.
pub(crate) const ALL: [&Usage; 12] = [
    &RUN, &ATTACH, &DETACHED, &EXEC, &HISTORY, &LIST, &LOGS, &REPORT, &RETIRE, &SET, &STOP, &WAIT,
];

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;
    use crate::cli::{attach, exec, history, list, logs, retire, set, stop, wait};

    /// The options in a synopsis, as a user types them.
    fn options_of(synopsis: &str) -> Vec<String> {
        synopsis
            .split(['[', ']', '|', ' '])
            .filter(|word| word.starts_with('-'))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_synopsis_has_every_option_of_its_command_and_no_other() {
        let commands: [(&Usage, Command); 9] = [
            (&ATTACH, attach::Options::command()),
            (&EXEC, exec::Options::command()),
            (&HISTORY, history::Options::command()),
            (&LIST, list::Options::command()),
            (&LOGS, logs::Options::command()),
            (&RETIRE, retire::Options::command()),
            (&SET, set::Options::command()),
            (&STOP, stop::Options::command()),
            (&WAIT, wait::Options::command()),
        ];
        for (usage, command) in commands {
            let mut shown = options_of(usage.synopsis);
            for option in command
                .get_arguments()
                .filter(|option| !option.is_hide_set())
            {
                let long = option.get_long().map(|long| format!("--{long}"));
                let short = option.get_short().map(|short| format!("-{short}"));
                let spellings: Vec<String> = long.into_iter().chain(short).collect();
                let before = shown.len();
                shown.retain(|word| !spellings.contains(word));
                assert_eq!(before, shown.len() + 1, "{} {spellings:?}", usage.line());
            }
            assert!(shown.is_empty(), "{} {shown:?}", usage.line());
        }
    }
}
