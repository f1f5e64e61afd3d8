//! The control FIFO: commands write names of containers into it for the supervisor.

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

/// The FIFO, and the thread that reads container names from it.
pub(crate) struct ControlFifo {
    fifo: File,
    reader: JoinHandle<()>,
}

impl ControlFifo {
    /// Opens the FIFO, which is created if it does not exist, and starts the reader.
    ///
    /// # Errors
    /// The FIFO cannot be created or opened: the plugin's data directory cannot be written.
    pub(crate) fn open(context: &SupervisorContext, sender: &Sender<Message>) -> Result<Self> {
        let path = supervisor::fifo_path(&context.host);
        let opened = open_or_create(&path).and_then(|fifo| Ok((fifo.try_clone()?, fifo)));
        let (lines, fifo) =
            opened.with_context(|| format!("'{}' cannot be opened", path.display()))?;
        let sender = sender.clone();
        let reader = thread::spawn(move || {
            for name in BufReader::new(lines).lines().map_while(Result::ok) {
                // Names that are not valid are dropped: a name becomes part of a path.
                if !name.is_empty() && validate::container(&name).is_err() {
                    continue;
                }
                if name.is_empty() || sender.send(Message::Adopt(name)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { fifo, reader })
    }

    /// Removes the FIFO and stops the reader: commands find no reader any more.
    pub(crate) fn close(mut self, context: &SupervisorContext) {
        let _ = fs::remove_file(supervisor::fifo_path(&context.host));
        if self.fifo.write_all(b"\n").is_ok() {
            let _ = self.reader.join();
        }
    }
}

/// Opens the supervisor's FIFO, or creates it. Any other file at its path is removed or
/// renamed: no other process creates a FIFO while this one holds the supervisor's lock.
fn open_or_create(path: &Path) -> io::Result<File> {
    // Open for reading and writing, so that the reader does not get an end of file when the
    // last writer closes the FIFO (fifo(7)).
    let open = || supervisor::open_fifo(OpenOptions::new().read(true).write(true), path);
    let fifo = open().or_else(|_| {
        if path.symlink_metadata().is_ok() {
            let renamed = path.with_extension(format!("wake.{}", std::process::id()));
            fs::remove_file(path).or_else(|_| fs::rename(path, renamed))?;
        }
        mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?;
        open()
    })?;
    // Blocking: the reader waits for data.
    fcntl_setfl(&fifo, OFlags::RDWR)?;
    Ok(fifo)
}
