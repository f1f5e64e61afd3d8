//! Creation of a task's container:
//!
//! journal → create → hook `post-container-create` → … → teardown.
//!
//! Containers are created without `--rm`: after a failed start, or after docker's client has
//! failed, the cause can only be read from a container that still exists. If one of the steps
//! fails, the container is removed.

use std::cell::Cell;

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_create::{ContainerSpec, CreateOutcome};
use crate::dokku::host::Host;
use crate::record::{Reason, TaskInfo};
use crate::task::handoff::finalizer;
use crate::task::journal::{Journal, JournalEvent, JournalHeader, SupervisionInfo, attendant};
use crate::task::model::labels;
use crate::task::model::task_exit::{TaskExit, now};
use crate::task::spec::TaskSpec;
use crate::ui::exit::{ExitStatus, Failure};
use crate::ui::message;

/// A container that this process has created, and its journal. Both are removed when this value is
/// dropped.
pub(crate) struct CreatedContainer<'a> {
    docker: &'a Docker,
    pub(crate) id: String,
    pub(crate) name: String,
    /// `None` once the journal is handed to another process or released.
    journal: Option<Journal>,
    deadline_passed: Cell<bool>,
}

impl Drop for CreatedContainer<'_> {
    fn drop(&mut self) {
        let Some(journal) = self.journal.take() else {
            return;
        };
        match self.docker.container_remove(&self.id) {
            Ok(()) => journal.remove(),
            Err(error) => message::warn(&format!("{error:#}")),
        }
    }
}

impl<'a> CreatedContainer<'a> {
    /// Creates the task's container and fires the trigger `post-container-create`.
    ///
    /// # Errors
    /// Docker cannot create the container, or a hook fails: then neither a container nor a journal
    /// remains.
    pub(crate) fn create(
        host: &Host,
        docker: &'a Docker,
        task: &mut TaskSpec,
        detached: bool,
    ) -> Result<Self> {
        let mut created = Self::create_with_free_name(host, docker, task, detached)?;
        if let Some(shell) = task.default_shell()
            && !docker.container_has_file(&created.id, shell)?
        {
            let other = task.use_fallback_shell();
            host.info(&format!("The image has no {shell}, running {other}"));
            created = Self::create_with_free_name(host, docker, task, detached)?;
        }
        host.triggers().notify(
            "post-container-create",
            &["app", &created.id, &task.app, "run"],
        )?;
        Ok(created)
    }

    /// Creates the container under a random number. Docker decides whether the name is free:
    /// another number is tried until docker accepts one.
    fn create_with_free_name(
        host: &Host,
        docker: &'a Docker,
        task: &TaskSpec,
        detached: bool,
    ) -> Result<Self> {
        const MAX_NAME_ATTEMPTS: usize = 100;
        for _ in 0..MAX_NAME_ATTEMPTS {
            let mut container = task.container(random_number())?;
            let header = journal_header(host, task, &container, detached);
            let journal = match Journal::create(host, &header) {
                Ok(Some(journal)) => journal,
                Ok(None) => continue,
                Err(error) => with_memory_journal(host, &header, &error)?,
            };
            container.options.push(attendant_of(&journal));
            match docker.container_create(&container) {
                Ok(CreateOutcome::Created(id)) => {
                    journal.mark(&id, &JournalEvent::Created);
                    return Ok(Self {
                        docker,
                        id,
                        name: container.name,
                        journal: Some(journal),
                        deadline_passed: Cell::new(false),
                    });
                }
                Ok(CreateOutcome::NameTaken) => journal.remove(),
                Ok(CreateOutcome::Unidentified(printed)) => {
                    // If the removal fails, the journal is kept, and the process that recovers the
                    // task searches for the container.
                    remove_named(docker, &container.name)?;
                    journal.remove();
                    return Err(Failure::error(
                        ExitStatus::DOCKER_FAILED,
                        format!(
                            "docker printed no id of the container that it created, but '{printed}'"
                        ),
                    ));
                }
                // The journal is kept: the process that recovers the task searches for the
                // container.
                Ok(CreateOutcome::Unknown(error)) => return Err(error),
                Err(error) => {
                    journal.remove();
                    return Err(error);
                }
            }
        }
        bail!(
            "no free name for a container of '{}' was found in {MAX_NAME_ATTEMPTS} tries",
            task.app
        )
    }

    /// Writes an event into the journal.
    pub(crate) fn log_event(&self, event: &JournalEvent) {
        if *event == JournalEvent::StopRequested(Reason::Deadline) {
            self.deadline_passed.set(true);
        }
        if let Some(journal) = &self.journal {
            journal.mark(&self.id, event);
        }
    }

    /// Whether the journal is on disk, so that another process can take over the task by its name.
    pub(crate) fn has_journal(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_on_disk)
    }

    /// Writes the event `started`. False if another process has already requested a stop: then the
    /// container must not be started.
    pub(crate) fn mark_started(&self) -> bool {
        self.log_event(&JournalEvent::Started(now()));
        // First write, then read: see `task::control::stop`.
        let state = self.journal.as_ref().map(Journal::state);
        state.is_none_or(|state| state.stop_requested.is_none())
    }

    /// Delegates the teardown to `bin/agent --finalize` and waits for it. Returns the exit
    /// status of the command.
    pub(crate) fn finalize(mut self, host: &Host, exit: &TaskExit) -> ExitStatus {
        let journal = self.journal.take();
        let result = journal.map_or(Ok(None), |journal| {
            finalizer::run(host, &self.name, journal, exit)
        });
        if let Err(error) = &result {
            message::warn(&format!("{error:#}"));
        }
        match result {
            Ok(Some(code)) => ExitStatus::of(code),
            _ if self.deadline_passed.get() => ExitStatus::DEADLINE,
            _ => ExitStatus::of(exit.exit_code()),
        }
    }

    /// Releases the journal's lock without removing the container, so that another process can
    /// take over the task. Returns the container's name.
    pub(crate) fn release_to_supervisor(mut self) -> String {
        self.journal = None;
        std::mem::take(&mut self.name)
    }
}

/// Removes the container of this name if it exists and this plugin has created it.
fn remove_named(docker: &Docker, name: &str) -> Result<()> {
    match docker.container_inspect(name)? {
        Some(info) if info.has_own_name_label() => docker.container_remove(&info.id),
        _ => Ok(()),
    }
}

/// A journal in memory, for a task whose journal cannot be written to disk: the task runs without
/// one on disk.
fn with_memory_journal(
    host: &Host,
    header: &JournalHeader,
    error: &anyhow::Error,
) -> Result<Journal> {
    let consequence = if header.task.detached {
        format!("\n{UNSUPERVISED}")
    } else {
        String::new()
    };
    message::warn_disk_once(&format!(
        "The task runs without a journal: {error:#}{consequence}"
    ));
    let journal = Journal::in_memory(host, &header.task.name)?;
    journal.write_header(header);
    Ok(journal)
}

/// Printed for a task without a journal on disk: no process supervises it after its command's end.
pub(crate) const UNSUPERVISED: &str =
    "Its deadline and its end are up to 'dokku run:retire', which Dokku fires every five minutes";

/// The docker option for the label `dokku-oneoff.attendant`: this process, if the journal is in
/// memory only and other processes cannot see it, else an empty value. The label is always set,
/// so that a label of this name in the image has no effect.
fn attendant_of(journal: &Journal) -> String {
    let own_label = (!journal.is_on_disk()).then(attendant::own_label).flatten();
    format!(
        "--label={}={}",
        labels::ATTENDANT,
        own_label.unwrap_or_default()
    )
}

fn journal_header(
    host: &Host,
    task: &TaskSpec,
    container: &ContainerSpec,
    detached: bool,
) -> JournalHeader {
    let info = TaskInfo {
        app: task.app.clone(),
        name: container.name.clone(),
        process_type: task.process_type.to_owned(),
        command: container.command.clone(),
        image: container.image.clone(),
        user: host.requester().to_owned(),
        detached,
        created: now(),
    };
    let supervision = SupervisionInfo {
        stop_timeout: task.stop_timeout,
        time_to_live: task.time_to_live,
        managed_by_core: false,
        // Unknown before the creation: the image, or a file of labels, may set labels that docker
        // copies into its events.
        plain_events: false,
    };
    JournalHeader {
        task: info,
        supervision,
    }
}

/// A random number from 1 to 65,535. Core's numbers are below 32,768; all readers of container
/// names accept any number.
fn random_number() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    u32::from(u16::try_from(random % 65_535).unwrap_or(0)) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_container_numbers_differ_and_stay_in_range() {
        let numbers: std::collections::HashSet<u32> = (0..100).map(|_| random_number()).collect();
        assert!(numbers.len() > 90);
        assert!(numbers.iter().all(|number| (1..=65_535).contains(number)));
    }
}
