//! Sweeping: tasks past their deadline, and what was left behind.
//!
//! A task whose lease is held has somebody who looks after it and is left alone.
//! For the others:
//!
//! | it | past its deadline | else |
//! |---|---|---|
//! | was never started, ours | removed | removed: nobody is left to start it |
//! | was never started, core's (`cron:run`) | removed | left |
//! | runs | stopped, told to the hook, removed | ours: gets a process that looks after it |
//! | has ended | told to the hook, removed | the same when ours, else left to core |

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::background::{self, Running};
use super::lease::Lease;
use super::made::{self, code_of};
use super::{labels, listing};
use crate::docker::Docker;
use crate::docker::container_inspect::{Facts, Status};
use crate::docker::container_stop::Stopped;
use crate::dokku::app::App;
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::exit;

/// What is to be done with a container that nobody looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Leave,
    /// Remove it: it never ran.
    Remove,
    /// Its end is to be told, with its own exit code.
    Finish,
    /// Stop it at its deadline.
    Stop,
    /// Start a process that looks after it, for so long.
    Adopt {
        time_left: Option<u64>,
    },
}

/// Retires the tasks of an app, or of all. Gives whether all went well; what did
/// not is said and does not stop the rest.
///
/// # Errors
/// Docker gives no answer to the first question.
pub(crate) fn retire(host: &Host, docker: &Docker, app: Option<&App>) -> Result<bool> {
    let tasks = listing::tasks(docker, app)?;
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let mut timeouts = HashMap::new();
    let mut well = true;
    for facts in docker.container_facts(&ids)? {
        if let Err(error) = retire_one(host, docker, &facts, &mut timeouts) {
            message::warn(&format!("{} cannot be retired: {error:#}", facts.name()));
            well = false;
        }
    }
    Ok(well)
}

fn retire_one(
    host: &Host,
    docker: &Docker,
    facts: &Facts,
    timeouts: &mut HashMap<String, u64>,
) -> Result<()> {
    let name = facts.name();
    let app = facts.label(labels::APP).unwrap_or_default();
    let Some(_lease) = Lease::of_task(host, name)? else {
        return Ok(());
    };
    // It may have been started since it was looked at, and be between two processes
    // that look after it: only what is seen under the lease counts.
    let now = docker.container_facts(&[&facts.id])?;
    let Some(facts) = now.first() else {
        return Ok(());
    };
    let time_left = match time_left(facts, SystemTime::now()) {
        Ok(time_left) => time_left,
        Err(label) => {
            message::warn(&format!(
                "{name} has no deadline: its label says '{label}', which is no number of seconds"
            ));
            None
        }
    };
    let mut stop_timeout = || -> Result<u64> {
        if !timeouts.contains_key(app) {
            timeouts.insert(app.to_owned(), host.stop_timeout_of(app)?);
        }
        Ok(timeouts[app])
    };
    match verdict(facts, time_left) {
        Verdict::Leave => {}
        Verdict::Remove => made::remove(docker, &facts.id),
        Verdict::Finish => {
            let code = code_of(&facts.state).unwrap_or(exit::DOCKER);
            made::finish(host, docker, app, &facts.id, code);
        }
        Verdict::Stop => {
            if !host.quiet {
                message::info(&format!("Retiring {name}: it is past its deadline"));
            }
            if let Stopped::No(why) = docker.container_stop(&facts.id, stop_timeout()?)? {
                anyhow::bail!(why);
            }
            made::finish(host, docker, app, &facts.id, exit::DEADLINE);
        }
        Verdict::Adopt { time_left } => {
            let stop_timeout = stop_timeout()?;
            background::look_after(
                host,
                &Running {
                    app,
                    id: &facts.id,
                    name,
                    stop_timeout,
                    time_left,
                },
            )?;
        }
    }
    Ok(())
}

fn verdict(facts: &Facts, time_left: Option<Duration>) -> Verdict {
    let is_ours = facts.label(labels::USER).is_some();
    let is_late = time_left == Some(Duration::ZERO);
    match facts.state.status {
        Status::Created if is_ours || is_late => Verdict::Remove,
        Status::Exited | Status::Dead if is_ours || is_late => Verdict::Finish,
        Status::Running | Status::Paused | Status::Restarting if is_late => Verdict::Stop,
        Status::Running | Status::Paused if is_ours => Verdict::Adopt {
            time_left: time_left.map(|left| left.as_secs()),
        },
        _ => Verdict::Leave,
    }
}

/// The time until the deadline, zero when it has passed; `None` without one. It
/// counts from the start, or from the creation of what was never started.
///
/// # Errors
/// The label's value, when it is no number.
fn time_left(facts: &Facts, now: SystemTime) -> Result<Option<Duration>, String> {
    let Some(label) = facts.label(labels::TIME_TO_LIVE) else {
        return Ok(None);
    };
    let time_to_live: u64 = label.parse().map_err(|_| label.to_owned())?;
    let started = humantime::parse_rfc3339(&facts.state.started_at)
        .ok()
        .filter(|at| *at > SystemTime::UNIX_EPOCH);
    let Some(since) = started.or_else(|| humantime::parse_rfc3339(&facts.created).ok()) else {
        return Ok(None);
    };
    let deadline = since.checked_add(Duration::from_secs(time_to_live));
    Ok(deadline.map(|deadline| deadline.duration_since(now).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(status: &str, ours: bool, time_to_live: &str, started_at: &str) -> Facts {
        let user = if ours {
            r#","dokku-oneoff.user":"ada""#
        } else {
            ""
        };
        let json = format!(
            r#"["id","/demo.run.1","2026-01-01T00:00:00.5Z",{{"Status":"{status}","ExitCode":3,"StartedAt":"{started_at}"}},
               {{"com.dokku.active-deadline-seconds":"{time_to_live}"{user}}}]"#
        );
        serde_json::from_str(&json).unwrap()
    }

    const NEVER: &str = "0001-01-01T00:00:00Z";

    fn at(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_deadline_counts_from_the_start() {
        let seconds = |facts: &Facts, now| {
            time_left(facts, at(now)).map(|left| left.map(|left| left.as_secs()))
        };
        let started = facts("running", true, "60", "2026-01-01T00:00:10.123456789Z");
        assert_eq!(seconds(&started, "2026-01-01T00:00:30Z"), Ok(Some(40)));
        assert_eq!(seconds(&started, "2026-01-01T00:01:11Z"), Ok(Some(0)));
        let never = facts("created", true, "60", NEVER);
        assert_eq!(seconds(&never, "2026-01-01T00:00:30Z"), Ok(Some(30)));
        assert_eq!(
            seconds(
                &facts("running", true, "soon", NEVER),
                "2026-01-01T00:00:30Z"
            ),
            Err("soon".to_owned())
        );
    }

    #[test]
    fn what_becomes_of_each() {
        let late = Some(Duration::ZERO);
        let early = Some(Duration::from_secs(5));
        for (status, ours, time_left, expected) in [
            ("created", true, early, Verdict::Remove),
            ("created", false, early, Verdict::Leave),
            ("created", false, late, Verdict::Remove),
            (
                "running",
                true,
                early,
                Verdict::Adopt { time_left: Some(5) },
            ),
            ("running", true, None, Verdict::Adopt { time_left: None }),
            ("running", false, early, Verdict::Leave),
            ("running", false, late, Verdict::Stop),
            ("paused", true, late, Verdict::Stop),
            ("exited", true, early, Verdict::Finish),
            ("exited", false, early, Verdict::Leave),
            ("exited", false, late, Verdict::Finish),
            ("dead", false, late, Verdict::Finish),
            ("removing", true, late, Verdict::Leave),
        ] {
            let facts = facts(status, ours, "60", NEVER);
            assert_eq!(
                verdict(&facts, time_left),
                expected,
                "{status} {ours} {time_left:?}"
            );
        }
    }
}
