//! Prints the saved output of a task in the form of docker's logs.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result, bail};

use crate::cli::common::exit_status;
use crate::cli::logs::Options;
use crate::docker::container_ls::ContainerSummary;
use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::logs::merge::Prefix;
use crate::record::output::Output;
use crate::record::replay::{SavedEntry, replay};
use crate::record::{Record, Store, replay};

/// Prints the output that docker's client has missed, from the saved output. The client gets no
/// logs of a removed container, and docker closes followed logs with the container, even if the
/// client has not read them completely. Returns whether nothing is missing.
///
/// # Errors
/// An output cannot be written, although it has a reader.
pub(super) fn show_missed(
    host: &Host,
    app: &App,
    task: &ContainerSummary,
    number: usize,
    selection: &replay::Selection,
    options: &Options,
) -> Result<bool> {
    let Some(Record {
        output: Some(Output::Saved { .. }),
        ..
    }) = exit_status::record_of(host, app, task)
    else {
        return Ok(false);
    };
    let prefix = options.prefix(&task.name, number);
    let store = Store::for_app(host, app.name());
    let rest = write(&store, &task.id, selection, prefix.as_ref(), options);
    match rest {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        rest => Ok(rest
            .context("the logs cannot be shown completely")?
            .is_some()),
    }
}

/// Prints the saved output of a task whose container is removed, in the form of an existing
/// container's logs.
pub(super) fn show_saved(host: &Host, app: &App, record: &Record, options: &Options) -> Result<()> {
    let name = &record.task.name;
    match &record.output {
        Some(Output::Saved { .. }) => {}
        Some(Output::Unreadable(reason)) => bail!("the output of {name} is not kept: {reason}"),
        None if record.task.detached => bail!("the output of {name} is not kept"),
        None => bail!("{name} was attached: what it wrote is not kept"),
    }
    let selection = options.saved_selection();
    let prefix = options.prefix(name, 0);
    let store = Store::for_app(host, app.name());
    match write(&store, &record.id, &selection, prefix.as_ref(), options) {
        Ok(Some(())) => Ok(()),
        Ok(None) => bail!("the output of {name} is not kept any more"),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error).with_context(|| format!("the output of {name} cannot be shown")),
    }
}

fn write(
    store: &Store,
    id: &str,
    selection: &replay::Selection,
    prefix: Option<&Prefix>,
    options: &Options,
) -> io::Result<Option<()>> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut stderr = io::stderr();
    // Whether the last entry of stdout and of stderr ended within a line.
    let mut mid_line = [false; 2];
    let replayed = replay(store, id, selection, |line: &SavedEntry| {
        let to_stderr = line.to_stderr && options.stderr;
        let mut text = Vec::new();
        let mid_line = &mut mid_line[usize::from(line.to_stderr)];
        if let (false, Some(prefix)) = (*mid_line, prefix) {
            text.extend(prefix.at(&line.time));
        }
        text.extend(&line.bytes);
        text.extend(line.ends_line.then_some(b'\n'));
        *mid_line = !line.ends_line;
        if to_stderr {
            stderr.write_all(&text)
        } else {
            stdout.write_all(&text)
        }
    })?;
    stdout.flush()?;
    Ok(replayed)
}
