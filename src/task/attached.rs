//! An attached task: our streams are its streams, its exit code is ours.

use anyhow::Result;
use signal_hook::consts::SIGHUP;

use super::background;
use super::container::Task;
use super::keeper::{Keeper, Kept};
use super::lock;
use super::made::Made;
use super::request::OnHangup;
use super::signals::Events;
use super::terminal::Terminal;
use crate::docker::Docker;
use crate::dokku::host::Host;
use crate::dokku::message;
use crate::exit;

/// Runs the task to its end and gives its exit code; 0 when its user has left it
/// by the detach keys.
///
/// # Errors
/// It could not be made or started by docker, or a hook refused it.
pub(crate) fn run(host: &Host, docker: &Docker, mut task: Task) -> Result<u8> {
    let events = Events::watch()?;
    let locks = lock::take(host, docker, &task)?;
    let made = Made::create(host, docker, &mut task)?;
    drop(locks);
    if let Some(signal) = events.signal_so_far() {
        return Ok(exit::of_signal(signal));
    }
    let keeper = Keeper::new(docker, &made.id, task.stop_timeout, task.time_to_live);
    let mut keeper = keeper.attached(task.streams.terminal, task.on_hangup);
    if task.on_hangup == Some(OnHangup::Stop) {
        events.watch_reader();
    }
    made.starts();
    let kept = attend(docker, &made.id, &task, &mut keeper, &events);
    let time_left = keeper.time_left();
    match kept {
        Ok(Kept::Ended(code)) => {
            made.finish(host, &task.app, code);
            Ok(code)
        }
        // Where nothing can look after it, `run:retire` finds it: it is not removed.
        Ok(Kept::Left) => {
            let kept = background::keep(host, &task, &made, time_left);
            let name = made.leave();
            kept?;
            message::info(&format!(
                "The task runs on: 'docker container attach {name}' comes back to it"
            ));
            Ok(0)
        }
        Ok(Kept::HungUp) => {
            let kept = background::keep(host, &task, &made, time_left);
            made.leave();
            kept?;
            Ok(exit::of_signal(SIGHUP))
        }
        // Docker gives no answer, and the task may run well: it is not ours to end.
        Err(error) => {
            made.leave();
            Err(error)
        }
    }
}

fn attend(
    docker: &Docker,
    id: &str,
    task: &Task,
    keeper: &mut Keeper<'_>,
    events: &Events,
) -> Result<Kept> {
    let mut terminal = if task.streams.terminal {
        Terminal::guard()?
    } else {
        None
    };
    let client = docker.container_start_attached(id, task.streams.stdin, task.streams.terminal)?;
    if let Some(terminal) = &mut terminal {
        terminal.client_is(client.pids().first().copied());
    }
    keeper.keep(events, client, terminal.as_ref())
}
