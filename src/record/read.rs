//! Reading records, without a lock and from the newest on.

use std::io;

use serde::Deserialize;

use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::record::reverse_lines::ReverseLines;
use crate::record::{Record, Store, VERSION};
use crate::ui::message;

/// Lines that could not be shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) damaged: u64,
    /// Of a version that we do not know.
    pub(crate) newer: u64,
}

impl Skipped {
    pub(crate) fn add(&mut self, other: Self) {
        self.damaged += other.damaged;
        self.newer += other.newer;
    }

    /// Says it, in a line each.
    pub(crate) fn report(self) {
        let said = [
            (self.damaged, "cannot be read"),
            (self.newer, "were written by a newer version of the plugin"),
        ];
        for (count, why) in said.into_iter().filter(|(count, _)| *count > 0) {
            message::warn(&format!("Skipped {count} records that {why}"));
        }
    }
}

/// The records of one app, the newest first.
pub(crate) struct RecordsNewestFirst {
    /// `None` where there is no file, and so no record.
    lines: Option<io::Result<ReverseLines>>,
    /// What they are asked under: after a renaming they name the old one.
    app: String,
    pub(crate) passed: Skipped,
}

impl RecordsNewestFirst {
    /// What cannot be read is none: [`RecordsNewestFirst::report_failure`].
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
            passed: Skipped::default(),
        }
    }

    /// Says why there are fewer records than there may be.
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
                Some(ParsedLine::Record(record)) => {
                    return Some(Record {
                        app: self.app.clone(),
                        ..*record
                    });
                }
                Some(ParsedLine::Newer) => self.passed.newer += 1,
                None => self.passed.damaged += 1,
            }
        }
    }
}

enum ParsedLine {
    Record(Box<Record>),
    Newer,
}

/// `None` for what is damaged.
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

/// The newest record whose container had exactly this name or id, of an app that the
/// user may see.
pub(crate) fn find(host: &Host, container: &str, app: Option<&App>) -> Option<(Record, App)> {
    search(host, container, app, |_| {})
}

/// The same, and says what cannot be read.
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
    say: fn(&RecordsNewestFirst),
) -> Option<(Record, App)> {
    let is_short_id = container.len() == 12;
    let is_it = |record: &Record| {
        record.name == container
            || record.id == container
            || (is_short_id && record.id.starts_with(container))
    };
    let in_app = |app: App| {
        let mut newest = RecordsNewestFirst::of(host, &app);
        let found = newest.find(is_it);
        say(&newest);
        Some((found?, app))
    };
    match app {
        Some(app) => in_app(app.clone()),
        None => host
            .visible_app_of(container)
            .and_then(in_app)
            // By id, or of an app that had another name then.
            .or_else(|| host.apps().into_iter().find_map(in_app)),
    }
}

#[cfg(test)]
mod tests;
