//! Opens files in the plugin's own directories without trusting what is at their paths: a FIFO or a
//! device could block us, a symbolic link can lead elsewhere, and a file of gigabytes takes memory
//! and time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{MemfdFlags, OFlags, memfd_create};

/// Opens a regular file, without following a symbolic link at its path and without blocking on
/// another kind of file.
///
/// # Errors
/// There is no such file, it cannot be opened, or it is not a regular file.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_checked(options, path, OFlags::NONBLOCK | OFlags::NOFOLLOW)
}

/// As [`open`], for a file of at most `max_bytes` bytes.
///
/// # Errors
/// As [`open`]; or the file is larger.
pub(crate) fn open_within(
    options: &mut OpenOptions,
    path: &Path,
    max_bytes: u64,
) -> io::Result<File> {
    let file = open(options, path)?;
    check_size(&file, max_bytes)?;
    Ok(file)
}

/// Reads a regular file of at most `max_bytes` bytes.
///
/// # Errors
/// As [`open`]; or the file is larger, or cannot be read.
pub(crate) fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    content(&open(OpenOptions::new().read(true), path)?, max_bytes)
}

/// As [`read`], but follows symbolic links: for files that belong to another program, which may use
/// links as it likes.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_through_links(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let file = open_checked(OpenOptions::new().read(true), path, OFlags::NONBLOCK)?;
    content(&file, max_bytes)
}

/// Reads an open file of at most `max_bytes` bytes from its beginning, whatever its offset.
///
/// # Errors
/// The file is larger, or cannot be read.
pub(crate) fn content(file: &File, max_bytes: u64) -> io::Result<Vec<u8>> {
    check_size(file, max_bytes)?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match file.read_at(&mut chunk, bytes.len() as u64) {
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        // The file may grow while it is read.
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(max_bytes));
        }
    }
}

/// Creates a file in memory, without a path. If `inherited` is set, processes that we start inherit
/// the open file.
///
/// # Errors
/// The kernel cannot create one.
pub(crate) fn in_memory(inherited: bool) -> io::Result<File> {
    const NAME: &str = "dokku-oneoff";
    let flags = if inherited {
        MemfdFlags::empty()
    } else {
        MemfdFlags::CLOEXEC
    };
    // Kernels before 6.3 do not know this flag; later ones may be configured to require it.
    let created = memfd_create(NAME, flags | MemfdFlags::NOEXEC_SEAL);
    Ok(created.or_else(|_| memfd_create(NAME, flags))?.into())
}

/// Opens a directory, in order to lock it. A symbolic link to a directory is an error.
///
/// # Errors
/// There is no such directory, or it cannot be opened.
pub(crate) fn directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

fn open_checked(options: &mut OpenOptions, path: &Path, flags: OFlags) -> io::Result<File> {
    let opened = options.custom_flags(flags.bits().cast_signed()).open(path);
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(file),
        Ok(_) => Err(not_regular()),
        // The kernel's error depends on the kind of file: "No such device or address" for a FIFO
        // without a reader, "Too many levels of symbolic links" for a symbolic link.
        Err(error)
            if error.kind() != io::ErrorKind::AlreadyExists
                && fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) =>
        {
            Err(not_regular())
        }
        Err(error) => Err(error),
    }
}

fn check_size(file: &File, max_bytes: u64) -> io::Result<()> {
    if file.metadata()?.len() > max_bytes {
        return Err(too_large(max_bytes));
    }
    Ok(())
}

fn not_regular() -> io::Error {
    io::Error::other("it is not a regular file")
}

fn too_large(max_bytes: u64) -> io::Error {
    io::Error::other(format!("it is larger than {max_bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    /// One of everything that can be at a path instead of a regular file.
    fn planted(directory: &Path) -> Vec<std::path::PathBuf> {
        let path = |name: &str| directory.join(name);
        mkfifoat(CWD, path("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        fs::create_dir(path("directory")).unwrap();
        symlink("target", path("link")).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        symlink("/dev/zero", path("device")).unwrap();
        fs::write(path("target"), "value").unwrap();
        ["fifo", "directory", "link", "dangling", "device"]
            .map(path)
            .to_vec()
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        for path in planted(directory.path()) {
            let open_for =
                |options: &mut OpenOptions| open(options, &path).unwrap_err().to_string();
            for message in [
                open_for(OpenOptions::new().read(true)),
                open_for(OpenOptions::new().append(true)),
                open_for(OpenOptions::new().append(true).create(true)),
                open_for(OpenOptions::new().read(true).append(true)),
            ] {
                assert_eq!(message, "it is not a regular file", "{}", path.display());
            }
            let created = open(OpenOptions::new().append(true).create_new(true), &path);
            assert_eq!(created.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
        assert!(!directory.path().join("nowhere").exists());
        let path = directory.path().join("target");
        assert_eq!(read(&path, 5).unwrap(), b"value");
        let missing = read(&directory.path().join("none"), 5).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_link_is_followed_only_where_allowed() {
        let directory = tempfile::tempdir().unwrap();
        for path in planted(directory.path()) {
            let read = read_through_links(&path, 5);
            assert_eq!(read.is_ok(), path.ends_with("link"), "{}", path.display());
        }
    }

    #[test]
    fn a_read_stops_at_its_byte_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sparse");
        let file = File::create(&path).unwrap();
        for (length, is_read) in [(0, true), (10_000, true), (10_001, false), (1 << 40, false)] {
            file.set_len(length).unwrap();
            assert_eq!(read(&path, 10_000).is_ok(), is_read, "{length}");
            let opened = open_within(OpenOptions::new().read(true), &path, 10_000);
            assert_eq!(opened.is_ok(), is_read, "{length}");
        }
    }

    #[test]
    fn only_a_directory_is_locked_as_one() {
        let directory = tempfile::tempdir().unwrap();
        let opened = planted(directory.path());
        let opened = opened.iter().filter(|path| super::directory(path).is_ok());
        let names: Vec<_> = opened.map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["directory"]);
    }
}
