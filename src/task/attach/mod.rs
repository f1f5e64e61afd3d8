//! An attached task: our streams are its streams, its exit code is ours.

pub(crate) mod monitor;
pub(crate) mod terminal;

use std::io::{self, IsTerminal};
use std::time::SystemTime;

use anyhow::Result;
use signal_hook::consts::SIGHUP;

use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::task::attach::monitor::{Keeper, Kept};
use crate::task::attach::terminal::Terminal;
use crate::task::events::Events;
use crate::task::journal::Mark;
use crate::task::launch::create::{Made, UNSUPERVISED};
use crate::task::launch::detached::leave;
use crate::task::launch::{Begun, begin};
use crate::task::model::request::OnHangup;
use crate::task::model::task_exit::{End, was_never_tried};
use crate::task::spec::Task;
use crate::ui::{exit, message};

/// Runs the task to its end and gives its exit code; 0 when its user has left it
/// by the detach keys.
///
/// # Errors
/// It could not be made or started by docker, or a hook refused it.
pub(crate) fn run(host: &Host, docker: &Docker, mut task: Task) -> Result<u8> {
    let events = Events::watch()?;
    let made = match begin(host, docker, &mut task, &events, false)? {
        Begun::Made(made) => made,
        Begun::Over(code) => return Ok(code),
    };
    if task.on_hangup == Some(OnHangup::Stop) {
        events.watch_reader();
    }
    match attend(docker, &made, &task, &events) {
        Ok(Kept::Ended(end)) => {
            match &end {
                End::Gone(_) => message::warn("the task's container was removed by somebody else"),
                End::There(state) if was_never_tried(state) => {
                    message::warn("docker's client has ended before the task was started");
                }
                End::There(_) => {}
            }
            Ok(made.finish(host, &end))
        }
        Ok(Kept::Told { end, asked }) => {
            Ok(made.finish_while(host, &end, || events.wait_for_last_output(asked)))
        }
        Ok(Kept::Left) => {
            made.mark(&Mark::Left);
            warn_of_no_supervisor(&made);
            let name = leave(host, made);
            say_left(host, &name);
            Ok(0)
        }
        Ok(Kept::HungUp) => {
            made.mark(&Mark::Left);
            warn_of_no_supervisor(&made);
            leave(host, made);
            Ok(exit::of_signal(SIGHUP))
        }
        // Docker gives no answer, and the task may run well: it is not ours to end.
        Err(error) => {
            leave(host, made);
            Err(error)
        }
    }
}

/// What was said of a missing journal when the task began was true as long as we were
/// there.
fn warn_of_no_supervisor(made: &Made<'_>) {
    if !made.has_journal() {
        message::warn(UNSUPERVISED);
    }
}

/// How to come back to a task that its user has left.
pub(crate) fn say_left(host: &Host, name: &str) {
    host.info(&format!(
        "The task runs on: 'dokku run:attach --container {name}' comes back to it"
    ));
}

fn somebody_is_at_a_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

fn attend(docker: &Docker, made: &Made<'_>, task: &Task, events: &Events) -> Result<Kept> {
    let mut terminal = if task.streams.terminal {
        Terminal::guard()?
    } else {
        None
    };
    let mut keeper = Keeper::new(docker, made, task.stop_timeout, task.time_to_live)
        .on_hangup(task.streams.terminal, task.on_hangup);
    let (stdin, with_terminal) = (task.streams.stdin, task.streams.terminal);
    let since = SystemTime::now();
    let client = docker.container_start_attached(&made.id, stdin, with_terminal)?;
    if let Some(terminal) = &mut terminal {
        terminal.client_is(client.pids().first().copied());
    }
    // There what the hooks say would come between the task's lines, and what is typed
    // would still be the task's.
    if !somebody_is_at_a_terminal() {
        keeper = keeper.be_told(events, since);
    }
    keeper.keep(events, client, terminal.as_ref())
}
