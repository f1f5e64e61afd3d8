//! The Procfile of an app as Dokku has stored it.
//!
//! The hook `procfile-get-command` expands an entry on the host: config values, and nothing for
//! every other variable. The stored file has the entry as it is written. The format is that of
//! procfile-util, which has checked the file before an entry is read from it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::sys::regular_file;

const MAX_BYTES: u64 = 1024 * 1024;

/// The text of the Procfile that belongs to the app's deployed release; `None` if the app has none.
/// Invalid UTF-8 is replaced by U+FFFD.
///
/// # Errors
/// The file cannot be read, or is larger than 1 MiB.
pub(super) fn read(host: &Host, app: &App) -> Result<Option<String>> {
    let directory = host.library.join("data/ps").join(app.name());
    let process = std::env::var("DOKKU_PID").ok();
    let Some(path) = path(&directory, process.as_deref()) else {
        return Ok(None);
    };
    match regular_file::read_through_links(&path, MAX_BYTES) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("'{}' cannot be read", path.display())),
    }
}

/// While an app is being deployed, the process of the deployment and those that it starts have a
/// Procfile of their own, or a note that the release has none.
fn path(directory: &Path, process: Option<&str>) -> Option<PathBuf> {
    let stored = directory.join("Procfile");
    let Some(process) = process.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())) else {
        return Some(stored);
    };
    let of_process = directory.join(format!("Procfile.{process}"));
    if directory
        .join(format!("Procfile.{process}.missing"))
        .exists()
    {
        return None;
    }
    Some(if of_process.exists() {
        of_process
    } else {
        stored
    })
}

/// The command of the entry `process_type`, as it is written, without a comment after it.
pub(super) fn find<'a>(procfile: &'a str, process_type: &str) -> Option<&'a str> {
    procfile
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let (name, command) = line.split_once(':')?;
            (name.trim_end() == process_type).then(|| without_comment(command.trim()))
        })
        .filter(|command| !command.is_empty())
}

/// A comment begins at the last `#` with white space before and something after it, else at the
/// last such `//`. A quote does not protect it.
fn without_comment(command: &str) -> &str {
    let start = |mark: &str| {
        (1..command.len()).rev().find(|at| {
            command.as_bytes()[at - 1].is_ascii_whitespace()
                && command.as_bytes()[*at..].starts_with(mark.as_bytes())
                && at + mark.len() < command.len()
        })
    };
    let end = start("#").or_else(|| start("//"));
    command[..end.unwrap_or(command.len())].trim_end()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_entry_is_found_as_it_is_written() {
        let procfile = "# job: not this\n\
            // job: nor this\n\
            web: true\r\n\
            \x20 job \t:   psql \"$DATABASE_URL\"  'a  b' \r\n\
            Other_1:a:b\n\
            last: é && $(date)";
        for (name, command) in [
            ("job", Some("psql \"$DATABASE_URL\"  'a  b'")),
            ("web", Some("true")),
            ("Other_1", Some("a:b")),
            ("last", Some("é && $(date)")),
            ("jo", None),
            ("", None),
            ("job: psql", None),
        ] {
            assert_eq!(find(procfile, name), command, "{name}");
        }
        assert_eq!(find("", "job"), None);
        assert_eq!(find("job:", "job"), None);
    }

    #[test]
    fn a_comment_after_an_entry_is_not_part_of_it() {
        for (command, expected) in [
            ("a # b", "a"),
            ("a\t#b", "a"),
            ("a #", "a #"),
            ("a#b", "a#b"),
            ("a # b # c", "a # b"),
            ("a // b", "a"),
            ("a http://b", "a http://b"),
            ("a //", "a //"),
            ("a ///", "a"),
            ("a // b # c", "a // b"),
            ("é # ü", "é"),
            ("echo 'a # b'", "echo 'a"),
        ] {
            assert_eq!(without_comment(command), expected, "{command}");
        }
    }

    #[test]
    fn a_deployment_has_a_procfile_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let path = |process| super::path(directory.path(), process);
        assert_eq!(path(None), Some(at("Procfile")));
        assert_eq!(path(Some("7")), Some(at("Procfile")));
        fs::write(at("Procfile.7"), "").unwrap();
        assert_eq!(path(Some("7")), Some(at("Procfile.7")));
        assert_eq!(path(Some("8")), Some(at("Procfile")));
        assert_eq!(path(Some("../7")), Some(at("Procfile")));
        fs::write(at("Procfile.7.missing"), "").unwrap();
        assert_eq!(path(Some("7")), None);
    }
}
