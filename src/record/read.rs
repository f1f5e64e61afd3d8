//! Reads records, without a lock, starting at the newest one.

use std::io;

use serde::Deserialize;

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::record::reverse_lines::ReverseLines;
use crate::record::{Record, Store, VERSION};
use crate::ui::message;

/// The counts of lines that were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) damaged: u64,
    /// Lines of a later version of the format.
    pub(crate) newer: u64,
}

impl Skipped {
    pub(crate) fn add(&mut self, other: Self) {
        self.damaged += other.damaged;
        self.newer += other.newer;
    }

    /// Prints a warning per kind of skipped lines.
    pub(crate) fn report(self) {
        let kinds = [
            (self.damaged, "cannot be read"),
            (self.newer, "were written by a newer version of the plugin"),
        ];
        for (count, reason) in kinds.into_iter().filter(|(count, _)| *count > 0) {
            message::warn(&format!("Skipped {count} records that {reason}"));
        }
    }
}

/// The records of one app, the newest first.
pub(crate) struct RecordsNewestFirst {
    /// `None` if there is no file, and so no record.
    lines: Option<io::Result<ReverseLines>>,
    /// The app's current name. Records from before a rename contain the old one.
    app: String,
    pub(crate) skipped: Skipped,
}

impl RecordsNewestFirst {
    /// An unreadable file yields no records; [`RecordsNewestFirst::report_failure`] prints why.
    pub(crate) fn of(host: &Host, app: &App) -> Self {
        Self::from(&Store::for_app(host, app.name()), app.name())
    }

    pub(crate) fn from(store: &Store, app: &str) -> Self {
        let lines = match store.lines() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file.and_then(ReverseLines::new)),
        };
        Self {
            lines,
            app: app.to_owned(),
            skipped: Skipped::default(),
        }
    }

    /// Prints a warning if the file could not be read completely.
    pub(crate) fn report_failure(&self) {
        let failure = match &self.lines {
            Some(Ok(lines)) => lines.failure.as_ref(),
            Some(Err(error)) => Some(error),
            None => None,
        };
        if let Some(error) = failure {
            let app = &self.app;
            message::warn(&format!("The records of {app} cannot be read: {error}"));
        }
    }
}

impl Iterator for RecordsNewestFirst {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            match self
                .lines
                .as_mut()?
                .as_mut()
                .ok()?
                .next()?
                .ok()
                .and_then(|line| read(&line))
            {
                Some(ParsedLine::Record(mut record)) => {
                    record.task.app.clone_from(&self.app);
                    return Some(*record);
                }
                Some(ParsedLine::Newer) => self.skipped.newer += 1,
                None => self.skipped.damaged += 1,
            }
        }
    }
}

enum ParsedLine {
    Record(Box<Record>),
    Newer,
}

/// `None` if the line is damaged.
fn read(line: &[u8]) -> Option<ParsedLine> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    match serde_json::from_slice::<Record>(line) {
        Ok(record) if record.version <= VERSION => Some(ParsedLine::Record(Box::new(record))),
        _ => serde_json::from_slice(line)
            .ok()
            .filter(|Version { version }| *version > VERSION)
            .map(|_| ParsedLine::Newer),
    }
}

/// The newest record of a container with exactly this name or id, in the given app or else in
/// all apps that the user may see.
pub(crate) fn find(host: &Host, container: &str, app: Option<&App>) -> Option<(Record, App)> {
    search(host, container, app, |_| {})
}

/// Like [`find`], with a warning per file that cannot be read.
pub(crate) fn find_and_report(
    host: &Host,
    container: &str,
    app: Option<&App>,
) -> Option<(Record, App)> {
    search(host, container, app, RecordsNewestFirst::report_failure)
}

fn search(
    host: &Host,
    container: &str,
    app: Option<&App>,
    report: fn(&RecordsNewestFirst),
) -> Option<(Record, App)> {
    let is_short_id = container.len() == 12;
    let is_match = |record: &Record| {
        record.task.name == container
            || record.id == container
            || (is_short_id && record.id.starts_with(container))
    };
    let in_app = |app: App| {
        let mut newest = RecordsNewestFirst::of(host, &app);
        let found = newest.find(is_match);
        report(&newest);
        Some((found?, app))
    };
    match app {
        Some(app) => in_app(app.clone()),
        None => host
            .apps()
            .of_task(container)
            .and_then(in_app)
            // By id, or by a name from before the app was renamed.
            .or_else(|| host.apps().visible().into_iter().find_map(in_app)),
    }
}

#[cfg(test)]
mod tests;
