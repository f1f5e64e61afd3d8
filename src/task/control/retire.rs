//! The sweep stops tasks past their deadline, and finalizes or removes tasks that no process
//! supervises.
//!
//! A task whose journal is locked is supervised by the process that holds the lock; the sweep skips
//! it. It also skips a task without a journal whose app does not exist here: docker may serve
//! another Dokku host, too. The others, by state ("ours": created by this plugin):
//!
//! | task | past its deadline | otherwise |
//! |---|---|---|
//! | never started, ours | removed | removed: the process that was to start it has ended |
//! | never started, core's (`cron:run`) | removed | skipped |
//! | running | stopped, hook fired, removed; ours: handed to a running supervisor | ours: handed to the supervisor |
//! | ended | hook fired, removed | ours: hook fired, removed; core's: skipped |
//! | container is removed | hook fired, recorded as lost | hook fired, recorded as lost |
//!
//! No hook is fired for core's tasks: core fires it.
//!
//! The sweep compares deadlines with the host's clock, which an administrator may set forward. The
//! supervisor uses a clock that cannot be set. So as long as a supervisor is running, it alone
//! enforces the deadlines of our tasks, except for a task that it has failed to stop in time.

mod action;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};

use crate::docker::Docker;
use crate::docker::container_inspect::ContainerInfo;
use crate::docker::container_stop::StopOutcome;
use crate::dokku::app_settings;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::task_name::TaskName;
use crate::record::Reason;
use crate::task::control::find;
use crate::task::control::retire::action::{Action, action_for, overdue_by};
use crate::task::handoff::supervisor;
use crate::task::journal;
use crate::task::journal::{AllLocked, Journal, JournalEvent, JournalState, attendant};
use crate::task::model::labels;
use crate::task::model::task_exit::TaskExit;
use crate::task::teardown::finalize;
use crate::task::teardown::recover::{Recovery, recover};
use crate::ui::message;

/// Sweeps the tasks of an app, or of all apps. Returns whether all steps succeeded; a failure is
/// printed and does not stop the sweep.
///
/// # Errors
/// Docker does not answer when the containers are listed or inspected.
pub(crate) fn retire(host: &Host, docker: &Docker, app: Option<&App>) -> Result<bool> {
    let mut tasks = find::list_tasks(docker, app)?;
    let mut journals = journal::names(host);
    journals.retain(|name| !move_if_damaged(host, name, app));
    tasks.retain(|task| host.apps().exists(&task.app) || journals.contains(&task.name));
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let mut sweep = Sweep {
        host,
        docker,
        timeouts: HashMap::new(),
        without_journals: None,
        succeeded: true,
    };
    let inspections = docker.containers_inspect(&ids)?;
    for info in &inspections.found {
        let result = sweep.retire(info);
        sweep.record_failure(info.name(), result);
    }
    for task in tasks
        .iter()
        .filter(|task| inspections.unclear.contains(&task.id))
    {
        let reason = "docker's description of it cannot be read";
        sweep.record_failure(&task.name, Err(anyhow::anyhow!(reason)));
    }
    let existing: HashSet<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    for name in journals {
        if !existing.contains(name.as_str()) {
            let result = sweep.retire_without_container(&name, app);
            sweep.record_failure(&name, result);
        }
    }
    supervisor::remove_stale_fifo(host);
    supervisor::adopt_orphans(host);
    Ok(sweep.succeeded)
}

/// Moves a damaged journal to another directory, so that later sweeps do not fail at it again.
/// Returns whether the journal is damaged.
fn move_if_damaged(host: &Host, name: &str, app: Option<&App>) -> bool {
    let damage = |state: &JournalState| state.damage_reason();
    let Some(damage) = journal::state(host, name).as_ref().and_then(damage) else {
        return false;
    };
    let task_name = TaskName::read(name);
    let is_selected =
        app.is_none_or(|app| task_name.is_some_and(|task_name| task_name.app == app.name()));
    if let (true, Ok(Some(journal))) = (is_selected, Journal::lock_existing(host, name)) {
        message::warn(&match journal.move_to_damaged(host) {
            Ok(path) => format!(
                "The journal of {name} is damaged ({damage}): it is now '{}'",
                path.display()
            ),
            Err(error) => format!("The journal of {name} is damaged ({damage}): {error:#}"),
        });
    }
    true
}

struct Sweep<'a> {
    host: &'a Host,
    docker: &'a Docker,
    /// Stop timeouts in seconds, by app.
    timeouts: HashMap<String, u64>,
    /// The lock on the directory of journals; `Some` once a journal could not be written.
    without_journals: Option<AllLocked>,
    succeeded: bool,
}

impl Sweep<'_> {
    fn record_failure(&mut self, name: &str, result: Result<()>) {
        if let Err(error) = result {
            message::warn(&format!("{name} cannot be retired: {error:#}"));
            self.succeeded = false;
        }
    }

    fn stop_timeout(&mut self, app: &str) -> Result<u64> {
        if let Some(seconds) = self.timeouts.get(app) {
            return Ok(*seconds);
        }
        let seconds = app_settings::stop_timeout_of(self.host, app)?;
        self.timeouts.insert(app.to_owned(), seconds);
        Ok(seconds)
    }

    fn retire(&mut self, info: &ContainerInfo) -> Result<()> {
        let name = info.name();
        let app = info.label(labels::APP).unwrap_or_default();
        if let Err(label) = overdue_by(info, SystemTime::now()) {
            message::warn(&format!(
                "{name} has no deadline: its label says '{label}', which is not a number of seconds"
            ));
        }
        // A container to be skipped: its journal is not locked even briefly, as core's hook may be
        // about to create that journal.
        if self.assess(info, false).0 == Action::Leave {
            return Ok(());
        }
        if attendant::supervises(info) {
            return Ok(());
        }
        let Some(journal) = self.journal(name)? else {
            return Ok(());
        };
        // The container may have been started since the inspection, and its task may just be handed
        // from one process to another: only an inspection under the journal's lock counts.
        let Some(info) = &self.docker.container_inspect(&info.id)? else {
            journal.release();
            return Ok(());
        };
        let stop_requested = journal.state().stop_requested == Some(Reason::Deadline);
        let is_supervised = journal.is_on_disk() && supervisor::is_running(self.host);
        let (action, overdue) = self.assess(info, is_supervised && !stop_requested);
        match action {
            Action::Leave => journal.release(),
            Action::Finalize => self.finalize_task(info, journal, overdue.is_some())?,
            Action::Stop => {
                let timeout = self.stop_timeout(app)?;
                // The supervisor has begun to stop the task, which takes up to the stop timeout.
                let grace = Duration::from_secs(timeout).saturating_add(STOP_GRACE_SLACK);
                if stop_requested && overdue.is_some_and(|overdue| overdue < grace) && is_supervised
                {
                    journal.release();
                    return Ok(());
                }
                self.stop(info, journal, timeout)?;
            }
            Action::Adopt => {
                if journal.state().header.is_none() {
                    let timeout = self.stop_timeout(app)?;
                    journal.recover_header(info, || timeout);
                }
                let is_on_disk = journal.is_on_disk();
                journal.release();
                if is_on_disk {
                    supervisor::adopt(self.host, name)?;
                }
            }
        }
        Ok(())
    }

    /// Locks the container's journal. If no journal can be written, returns one in memory; `None`
    /// if a live process has locked the journal, or if another sweep without journals is running:
    /// two must not run in parallel.
    fn journal(&mut self, name: &str) -> Result<Option<Journal>> {
        let locked = Journal::lock(self.host, name);
        if locked.is_ok() {
            return locked;
        }
        if self.without_journals.is_none() {
            self.without_journals = Some(journal::lock_all(self.host));
        }
        if matches!(self.without_journals, Some(AllLocked::ByAnother)) {
            return Ok(None);
        }
        Journal::in_memory(self.host, name).map(Some)
    }

    /// The action for the container, and how long ago its deadline was; `None` before the
    /// deadline. `is_enforced`: a supervisor enforces the deadline.
    fn assess(&self, info: &ContainerInfo, is_enforced: bool) -> (Action, Option<Duration>) {
        let overdue = overdue_by(info, SystemTime::now()).unwrap_or(None);
        let is_ours = info.is_ours(self.host);
        (
            action_for(info.state.status, is_ours, overdue.is_some(), is_enforced),
            overdue,
        )
    }

    fn stop(&mut self, info: &ContainerInfo, journal: Journal, timeout: u64) -> Result<()> {
        self.host.info(&format!(
            "Retiring {}: it is past its deadline",
            info.name()
        ));
        journal.recover_header(info, || timeout);
        journal.mark(&info.id, &JournalEvent::StopRequested(Reason::Deadline));
        if let StopOutcome::Failed(reason) = self.docker.container_stop(&info.id, timeout)? {
            bail!(reason);
        }
        self.finalize_task(info, journal, true)
    }

    /// Performs the missing last steps of a task. A task of core's is removed only past its
    /// deadline.
    fn finalize_task(&self, info: &ContainerInfo, journal: Journal, overdue: bool) -> Result<()> {
        if info.state.never_started() {
            if let Some(journal) =
                finalize::remove_if_never_started(self.docker, journal, &info.id)?
            {
                journal.release();
                supervisor::adopt(self.host, info.name())?;
            }
            return Ok(());
        }
        let journal_state = journal.recover_header(info, || 0);
        let state = self.docker.container_state(&info.id)?;
        let exit = state.map_or(TaskExit::Removed(None), TaskExit::Inspected);
        finalize::notify_and_record(self.host, self.docker, &journal, &journal_state, &exit);
        if overdue {
            return finalize::remove_container(self.docker, journal, &info.id);
        }
        finalize::remove_unless_core(self.docker, journal, &journal_state, &exit)
    }

    /// Recovers a journal whose container was removed by another process, or was never created.
    fn retire_without_container(&self, name: &str, app: Option<&App>) -> Result<()> {
        let header = journal::state(self.host, name).and_then(|state| state.header);
        let is_selected = |app: &App| {
            header
                .as_ref()
                .is_some_and(|header| header.task.app == app.name())
        };
        if !app.is_none_or(is_selected) {
            return Ok(());
        }
        let Some(journal) = Journal::lock_existing(self.host, name)? else {
            return Ok(());
        };
        if let Recovery::Running(_) = recover(self.host, self.docker, name, journal, None)? {
            supervisor::adopt(self.host, name)?;
        }
        Ok(())
    }
}

/// How long beyond the stop timeout a supervisor may take to stop a task at its deadline.
const STOP_GRACE_SLACK: Duration = Duration::from_secs(10);
