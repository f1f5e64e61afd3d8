//! Which `plugn` is found: hooks find our own, this process finds the real one.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

use rustix::fs::{Access, access};

/// The directory beside `bin` in the plugin's tree. It contains only `plugn`, so that no other
/// program of ours (`list`, `run`, `set`) hides another one in `PATH`.
const PLUGN_DIRECTORY: &str = "path";
const PLUGN: &str = "plugn";

/// `PATH` with our plugn in front; `None` if it has that already, is empty, or if our plugn
/// does not exist.
pub(crate) fn for_hooks() -> Option<&'static OsStr> {
    static PATH: OnceLock<Option<OsString>> = OnceLock::new();
    PATH.get_or_init(|| {
        let path = env::var_os("PATH").filter(|path| !path.is_empty())?;
        let own = own_directory().filter(|own| access(own.join(PLUGN), Access::EXEC_OK).is_ok())?;
        if env::split_paths(&path).next().as_ref() == Some(&own) {
            return None;
        }
        env::join_paths([own].into_iter().chain(env::split_paths(&path))).ok()
    })
    .as_deref()
}

/// The first `plugn` after our own in `PATH`. Skipping everything before our own prevents that
/// two of ours, of two trees, pass a call to each other endlessly.
pub(crate) fn plugn() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let entries: Vec<PathBuf> = env::split_paths(&path).collect();
    let own = own_directory().and_then(|own| resolved(&own));
    let last = entries
        .iter()
        .rposition(|entry| own.is_some() && resolved(entry) == own);
    let later = entries.get(last.map_or(0, |last| last + 1)..)?;
    which::which_in(PLUGN, env::join_paths(later).ok(), "/").ok()
}

fn own_directory() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    Some(program.parent()?.parent()?.join(PLUGN_DIRECTORY))
}

/// The file that `plugn` in this directory resolves to.
fn resolved(directory: &Path) -> Option<PathBuf> {
    fs::canonicalize(directory.join(PLUGN)).ok()
}
