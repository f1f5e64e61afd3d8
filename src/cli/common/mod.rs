//! Code that several subcommands share: options and usage, selection of tasks, tables.

pub(crate) mod args;
pub(crate) mod exit_status;
pub(crate) mod launch;
pub(crate) mod list_entry;
pub(crate) mod selection;
pub(crate) mod ssh_words;
pub(crate) mod table;
pub(crate) mod task_args;
pub(crate) mod unknown_option;
