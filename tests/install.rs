//! The plugin comes to a Dokku host, stays through what happens to that host, and
//! goes. All on embedded hosts of the tests' own: an installed one is somebody's.

mod another_dokku;
mod another_user;
mod archive;
mod built_here;
mod opt_out;
mod removed;
mod stand_in;
mod strictness;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use duct::cmd;

use crate::support::{Host, Image, Output, plugin_tree, repository};

/// Who has to serve `dokku run`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// The plugin.
    Us,
    /// Core, and the plugin answers as `dokku oneoff`.
    CoreBesideUs,
    /// Core, and there is nothing of the plugin.
    Core,
}

/// Runs a task and asks for all kinds of help.
#[track_caller]
fn assert_served(host: &Host, by: By) {
    let app = host.app(Image::Busybox);
    let core = |words: &str| format!("core's run was asked for: {words}\n");
    let run = app.run(["echo", "a task"]);
    if by == By::Us {
        run.assert_stdout("a task\n");
    } else {
        let asked = core(&format!("run {} echo a task", app.name));
        assert_eq!((run.code, run.stderr), (99, asked), "{by:?}");
    }
    let retire = host.dokku(["run:retire", &app.name]);
    if by == By::Us {
        assert_eq!(retire.code, 0, "{retire:?}");
    } else {
        let asked = core(&format!("run:retire {}", app.name));
        assert_eq!((retire.code, retire.stderr), (99, asked), "{by:?}");
    }

    let oneoff = host.dokku(["oneoff", &app.name, "echo", "beside"]);
    if by == By::Core {
        assert_eq!(oneoff.code, 1, "{oneoff:?}");
    } else {
        oneoff.assert_stdout("beside\n");
    }
    drop(app);

    for words in [vec!["help"], vec!["help", "--all"]] {
        let output = host.dokku(&words);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{by:?}");
        let all = words.len() > 1;
        let counts = commands_in(&output.stdout);
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        assert!(
            counts.values().all(|count| *count == 1),
            "{by:?}, {words:?}: a command twice: {output:?}"
        );
        assert_eq!(count("run"), 1, "{by:?}, {words:?}: {output:?}");
        assert_eq!(count("run:detached"), usize::from(all), "{output:?}");
        let ours = usize::from(by == By::CoreBesideUs);
        assert_eq!(count("oneoff"), ours, "{by:?}, {words:?}: {output:?}");
    }
    assert_page(host, "run");
    if by == By::Core {
        assert_eq!(host.dokku(["oneoff:help"]).code, 1);
    } else {
        assert_page(host, "oneoff");
    }
    let unknown = host.dokku(["run:no-such-command"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
}

/// How often each command stands at the beginning of a line of help.
fn commands_in(help: &str) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for line in help.lines().filter(|line| line.starts_with("    ")) {
        let name = line.split_whitespace().next().unwrap_or_default();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[track_caller]
fn assert_page(host: &Host, name: &str) {
    let page = host.dokku([format!("{name}:help")]);
    assert_eq!((page.code, page.stderr.as_str()), (0, ""), "{name}:help");
    let usages: Vec<&str> = page
        .stdout
        .lines()
        .filter(|line| line.starts_with("Usage:"))
        .collect();
    assert_eq!(usages, [format!("Usage: dokku {name}[:COMMAND]")]);
}

/// `dokku <words>` with variables, like `sudo NAME=value dokku …`.
fn dokku_with(host: &Host, variables: &[(&str, &str)], words: &[&str]) -> Output {
    let command = variables
        .iter()
        .fold(host.command(words), |command, (name, value)| {
            command.env(name, value)
        });
    crate::support::run_to_end(&command.stdin_null())
}

#[track_caller]
fn succeeds(output: &Output) {
    assert_eq!(output.code, 0, "{output:?}");
}

/// Packs a plugin's tree as `make release` does, though in less time; gives the
/// archive's URL.
fn pack(tree: &Path, archive: &Path) -> String {
    cmd!(repository().join("scripts/pack"), tree, archive)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("PACK_LEVEL", "1")
        .run()
        .unwrap();
    format!("file://{}", archive.display())
}

/// The plugin's archive, beside the host.
fn archive_url(host: &Host) -> String {
    let archive = host.directory().join("dokku-oneoff.tar.gz");
    if archive.exists() {
        return format!("file://{}", archive.display());
    }
    pack(&copy_of_the_tree(host, "packed"), &archive)
}

/// The plugin's tree without links to files that other tests have, too, and
/// without a debug build's hundreds of megabytes of symbols.
fn copy_of_the_tree(host: &Host, name: &str) -> PathBuf {
    let copy = host.directory().join(name);
    cmd!("cp", "-RP", plugin_tree(host.directory()), &copy)
        .run()
        .unwrap();
    cmd!("find", copy.join("bin"), "-type", "f")
        .pipe(cmd!("xargs", "strip"))
        .run()
        .unwrap();
    copy
}

fn available(host: &Host) -> PathBuf {
    host.library().join("plugins/available/oneoff")
}

fn run_link(host: &Host) -> PathBuf {
    fs::read_link(host.library().join("plugins/enabled/run")).unwrap()
}

fn write_script(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Binaries as they are in another machine's archive.
fn make_foreign(binaries: &Path) {
    for entry in fs::read_dir(binaries).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        // The machine's number of an ELF file; nothing has 0xfffe.
        bytes[18..20].copy_from_slice(&[0xfe, 0xff]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
