//! What is known of a task while its container is there: a file of the container's
//! name, locked by whoever looks after the task.
//!
//! It is made before the container, and removed after it. Every line is appended by
//! one write: at first what the record of the task begins with, then what has become
//! of it, each about one container by its id. So whoever comes after a process that
//! was killed knows which step was the last, and nothing is done twice. No value of
//! the task's environment stands in it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::labels;
use super::lease::{self, Lease};
use crate::docker::container_inspect::Facts;
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::record::Reason;

/// What is known before there is a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) app: String,
    /// The container's name.
    pub(crate) name: String,
    /// `run` or `cron`.
    #[serde(rename = "type")]
    pub(crate) process_type: String,
    /// The words that docker runs.
    pub(crate) command: Vec<String>,
    pub(crate) image: String,
    /// Who asked for it.
    pub(crate) user: String,
    pub(crate) detached: bool,
    /// RFC 3339, UTC.
    pub(crate) created: String,
    /// Seconds.
    pub(crate) stop_timeout: u64,
    pub(crate) time_to_live: Option<u64>,
    /// Somebody else starts it, stops it, tells of it and removes it: it is recorded
    /// only.
    #[serde(default)]
    pub(crate) foreign: bool,
}

/// What has become of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    /// Docker has said its id.
    Created,
    /// It is about to be started, at this time (RFC 3339, UTC).
    Started(String),
    /// Its user has left it: it runs on, detached.
    Left,
    /// It is about to be ended, for this reason.
    Ending(Reason),
    /// The hooks are about to be told of its end, with this exit code.
    Told(u8),
    /// Its record is written.
    Recorded,
}

/// What a journal tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Story {
    /// `None` when its line was torn.
    pub(crate) head: Option<Head>,
    /// The container's; `None` as long as docker has not said it.
    pub(crate) id: Option<String>,
    pub(crate) started: Option<String>,
    pub(crate) left: bool,
    /// The first reason counts.
    pub(crate) ending: Option<Reason>,
    pub(crate) told: Option<u8>,
    pub(crate) recorded: bool,
    /// The journal told of no beginning: another one may have been removed before.
    pub(crate) is_anew: bool,
}

/// Lines of a journal that the disk had no space for: as long as somebody has them, they
/// count.
#[derive(Clone, Default)]
pub(crate) struct Unwritten(Arc<Mutex<Vec<u8>>>);

/// A journal that we have locked.
pub(crate) struct Journal {
    lease: Lease,
    unwritten: Unwritten,
}

impl Head {
    /// For a container of ours that has no journal.
    pub(crate) fn of(facts: &Facts, stop_timeout: u64) -> Self {
        let label = |name| facts.label(name).unwrap_or_default().to_owned();
        Self {
            app: label(labels::APP),
            name: facts.name().to_owned(),
            process_type: label(labels::CONTAINER_TYPE),
            command: facts.command.clone().unwrap_or_default(),
            image: facts.image.clone(),
            user: label(labels::USER),
            detached: true,
            created: facts.created.clone(),
            stop_timeout,
            time_to_live: label(labels::TIME_TO_LIVE).parse().ok(),
            foreign: facts.label(labels::USER).is_none(),
        }
    }
}

impl Story {
    /// Lines that are torn or of another kind are passed over.
    fn read(text: &[u8]) -> Self {
        let mut story = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok((id, mark)) = serde_json::from_slice::<(String, Mark)>(line) {
                story.add(id, mark);
            } else if story.head.is_none() {
                story.head = serde_json::from_slice(line).ok();
            }
        }
        story
    }

    fn add(&mut self, id: String, mark: Mark) {
        if mark == Mark::Created {
            let head = self.head.take();
            *self = Self {
                head,
                id: Some(id),
                ..Self::default()
            };
        } else if self.id.as_ref() == Some(&id) {
            match mark {
                Mark::Created => {}
                Mark::Started(at) => self.started = Some(at),
                Mark::Left => self.left = true,
                Mark::Ending(reason) => self.ending = self.ending.or(Some(reason)),
                Mark::Told(code) => self.told = self.told.or(Some(code)),
                Mark::Recorded => self.recorded = true,
            }
        }
    }
}

impl Journal {
    /// A new one; `None` when there is one of this name: the name is taken.
    ///
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn begin(host: &Host, head: &Head) -> Result<Option<Self>> {
        let Some(lease) = Lease::make(&path(host, &head.name))? else {
            return Ok(None);
        };
        let journal = Self::of(lease);
        journal.write(head);
        Ok(Some(journal))
    }

    /// The journal of this container; `None` when a process that lives has it. One
    /// that was not there is empty.
    ///
    /// # Errors
    /// As [`Journal::begin`].
    pub(crate) fn take(host: &Host, name: &str) -> Result<Option<Self>> {
        Ok(Lease::take(&path(host, name))?.map(Self::of))
    }

    /// The same; `None` when there is none, too.
    ///
    /// # Errors
    /// As [`Journal::begin`].
    pub(crate) fn take_existing(host: &Host, name: &str) -> Result<Option<Self>> {
        Ok(Lease::take_existing(&path(host, name))?.map(Self::of))
    }

    /// The journal that came to us as [`Journal::into_parts`] gives it.
    pub(crate) fn inherited(host: &Host, name: &str, file: fs::File, unwritten: &str) -> Self {
        let journal = Self::of(Lease::inherited(path(host, name), file));
        journal.unwritten.extend(unwritten.as_bytes());
        journal
    }

    /// With what could not be written before. What cannot be from now on is added to it.
    pub(crate) fn with(self, unwritten: &Unwritten) -> Self {
        let unwritten = unwritten.clone();
        Self { unwritten, ..self }
    }

    /// For another process of ours: the lock as an open file, and the lines that could
    /// not be written.
    pub(crate) fn into_parts(self) -> (fs::File, String) {
        let unwritten = String::from_utf8_lossy(&self.unwritten.lines()).into_owned();
        (self.lease.file, unwritten)
    }

    /// What it tells, and what is missing in it told by the container itself.
    pub(crate) fn completed(&self, facts: &Facts, stop_timeout: impl FnOnce() -> u64) -> Story {
        let mut story = self.story();
        if story.head.is_none() {
            let head = Head::of(facts, stop_timeout());
            self.write(&head);
            story.head = Some(head);
            story.is_anew = true;
        }
        if story.id.as_ref() != Some(&facts.id) {
            self.mark(&facts.id, &Mark::Created);
            let is_anew = story.is_anew;
            story.add(facts.id.clone(), Mark::Created);
            story.is_anew = is_anew;
        }
        story
    }

    pub(crate) fn story(&self) -> Story {
        let mut text = fs::read(self.lease.path()).unwrap_or_default();
        text.extend(self.unwritten.lines());
        Story::read(&text)
    }

    /// Writes down what is about to become of the container. A disk that is full
    /// stops no task: it is said.
    pub(crate) fn mark(&self, id: &str, mark: &Mark) {
        self.write(&(id, mark));
    }

    /// Leaves the task to whoever takes the journal next. One that tells nothing is
    /// none.
    pub(crate) fn give_back(self) {
        let file = self.lease.file.metadata();
        if file.is_ok_and(|file| file.len() == 0) && self.unwritten.lines().is_empty() {
            self.remove();
        }
    }

    /// It tells nothing that anybody has to know any more.
    pub(crate) fn remove(self) {
        self.lease.remove();
    }

    fn of(lease: Lease) -> Self {
        Self {
            lease,
            unwritten: Unwritten::default(),
        }
    }

    fn write(&self, line: &impl Serialize) {
        if let Err(error) = append(&self.lease.file, line) {
            let path = self.lease.path().display();
            message::warn_of_disk(&format!("'{path}' cannot be written: {error}"));
            self.unwritten.add(line);
        }
    }
}

impl Unwritten {
    fn lines(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn add(&self, line: &impl Serialize) {
        let line = serde_json::to_vec(line).unwrap_or_default();
        self.extend(&[b"\n", line.as_slice(), b"\n"].concat());
    }

    fn extend(&self, lines: &[u8]) {
        let mut unwritten = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.extend(lines);
    }
}

/// Writes into the journal of a task that somebody else looks after. One that has
/// gone needs it no more.
pub(crate) fn mark(host: &Host, name: &str, id: &str, mark: &Mark) {
    if let Ok(file) = OpenOptions::new().append(true).open(path(host, name)) {
        let _ = append(&file, &(id, mark));
    }
}

/// The same; what the disk has no space for is added to these lines.
pub(crate) fn mark_or_keep(host: &Host, name: &str, id: &str, mark: &Mark, lines: &Unwritten) {
    if let Ok(file) = OpenOptions::new().append(true).open(path(host, name))
        && append(&file, &(id, mark)).is_err()
    {
        lines.add(&(id, mark));
    }
}

/// What the journal of this container tells; `None` when there is none.
pub(crate) fn story(host: &Host, name: &str) -> Option<Story> {
    fs::read(path(host, name))
        .ok()
        .map(|text| Story::read(&text))
}

/// The names of the containers that have a journal.
pub(crate) fn names(host: &Host) -> Vec<String> {
    fs::read_dir(directory(host))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

/// Whether there is a journal of this name, and nobody looks after its task.
pub(crate) fn is_free(host: &Host, name: &str) -> bool {
    lease::is_free(&path(host, name))
}

fn directory(host: &Host) -> PathBuf {
    lease::directory(host).join("tasks")
}

fn path(host: &Host, name: &str) -> PathBuf {
    directory(host).join(name)
}

/// A line of its own, also after one that was torn.
fn append(mut file: &fs::File, line: &impl Serialize) -> std::io::Result<()> {
    let line = serde_json::to_string(line)?;
    file.write_all(format!("\n{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"app":"demo","name":"demo.run.1","type":"run","command":["true"],"image":"i","user":"ada","detached":true,"created":"2026-01-01T00:00:00Z","stop_timeout":30,"time_to_live":null}"#;

    fn read(lines: &[&str]) -> Story {
        Story::read(lines.join("\n").as_bytes())
    }

    #[test]
    fn a_story_is_told_line_by_line() {
        let story = read(&[
            HEAD,
            "",
            r#"["id","created"]"#,
            r#"["id",{"started":"2026-01-01T00:00:01Z"}]"#,
            r#"["id",{"ending":"stopped"}]"#,
            r#"["id",{"ending":"deadline"}]"#,
            r#"["id",{"told":3}]"#,
            r#"["id","recorded"]"#,
        ]);
        assert_eq!(story.head.unwrap().name, "demo.run.1");
        assert_eq!(story.id.as_deref(), Some("id"));
        assert_eq!(story.started.as_deref(), Some("2026-01-01T00:00:01Z"));
        assert_eq!(story.ending, Some(Reason::Stopped), "the first one counts");
        assert_eq!((story.told, story.recorded), (Some(3), true));
    }

    #[test]
    fn marks_of_another_container_and_torn_lines_are_passed_over() {
        let story = read(&[
            HEAD,
            r#"["old",{"told":3}]"#,
            r#"["old","created"]"#,
            r#"["old","recorded"]"#,
            r#"["new","created"]"#,
            r#"["old",{"ending":"stopped"}]"#,
            r#"["new",{"tol"#,
            r#"["new",{"told":4}]"#,
            r#"["new",{"sung":4}]"#,
        ]);
        assert_eq!(story.id.as_deref(), Some("new"));
        assert_eq!((story.ending, story.recorded), (None, false));
        assert_eq!(story.told, Some(4));
        assert_eq!(read(&["{\"app\":"]), Story::default());
    }
}
