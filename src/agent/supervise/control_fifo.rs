//! The FIFO through which commands hand names of tasks to the supervisor.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags, fcntl_setfl, mkfifoat};

use crate::agent::supervise::workers::{Message, SupervisorContext};
use crate::settings::validate;
use crate::task::handoff::supervisor;

/// The FIFO, and the thread that reads names from it.
pub(crate) struct ControlFifo {
    fifo: File,
    reader: JoinHandle<()>,
}

impl ControlFifo {
    /// # Errors
    /// The plugin's data directory cannot be written.
    pub(crate) fn open(place: &SupervisorContext, news: &Sender<Message>) -> Result<Self> {
        let path = supervisor::fifo_path(&place.host);
        let opened = open_or_make(&path).and_then(|fifo| Ok((fifo.try_clone()?, fifo)));
        let (lines, fifo) =
            opened.with_context(|| format!("'{}' cannot be opened", path.display()))?;
        let news = news.clone();
        let reader = thread::spawn(move || {
            for name in BufReader::new(lines).lines().map_while(Result::ok) {
                // None is made of what is no name: it would become a path.
                if !name.is_empty() && validate::container(&name).is_err() {
                    continue;
                }
                if name.is_empty() || news.send(Message::Adopt(name)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { fifo, reader })
    }

    /// From here on nobody finds somebody who reads.
    pub(crate) fn close(mut self, place: &SupervisorContext) {
        let _ = fs::remove_file(supervisor::fifo_path(&place.host));
        if self.fifo.write_all(b"\n").is_ok() {
            let _ = self.reader.join();
        }
    }
}

/// The supervisor's FIFO. Whatever else is at its path gives way: no other process makes
/// one while we have the lock.
fn open_or_make(path: &Path) -> io::Result<File> {
    // For both, so that it does not end with the last process that has written (fifo(7)).
    let open = || supervisor::open_fifo(OpenOptions::new().read(true).write(true), path);
    let fifo = open().or_else(|_| {
        if path.symlink_metadata().is_ok() {
            let aside = path.with_extension(format!("wake.{}", std::process::id()));
            fs::remove_file(path).or_else(|_| fs::rename(path, aside))?;
        }
        mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?;
        open()
    })?;
    // It waits for what is written.
    fcntl_setfl(&fifo, OFlags::RDWR)?;
    Ok(fifo)
}
