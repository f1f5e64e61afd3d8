//! Files of another kind, or of another size, in the place of the plugin's own: no
//! command waits for them, reads them whole or writes through them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use duct::cmd;
use serde_json::json;

use crate::support::{
    App, Host, Image, Output, docker, record, records, store, wait_until, write_records,
};

/// What can be at a path in the place of a file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    Fifo,
    Directory,
    /// More than fits into any memory, and nothing of it on the disk.
    Sparse,
    Link,
    DanglingLink,
    Device,
}

impl Plant {
    const ALL: [Self; 6] = [
        Self::Fifo,
        Self::Directory,
        Self::Sparse,
        Self::Link,
        Self::DanglingLink,
        Self::Device,
    ];

    /// In the place of what is there.
    fn at(self, path: &Path) {
        let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match self {
            Self::Fifo => {
                cmd!("mkfifo", path).run().unwrap();
            }
            Self::Directory => fs::create_dir(path.join("inner"))
                .or_else(|_| fs::create_dir_all(path.join("inner")))
                .unwrap(),
            Self::Sparse => File::create(path).unwrap().set_len(1 << 40).unwrap(),
            Self::Link => symlink(foreign(path), path).unwrap(),
            Self::DanglingLink => symlink(path.with_extension("nowhere"), path).unwrap(),
            Self::Device => symlink("/dev/zero", path).unwrap(),
        }
    }
}

/// A file outside the plugin's data that nothing of ours may touch.
fn foreign(path: &Path) -> PathBuf {
    let data = path.ancestors().find(|part| part.ends_with("oneoff"));
    let file = data.unwrap().with_file_name("foreign");
    if !file.exists() {
        fs::write(&file, FOREIGN).unwrap();
    }
    file
}

const FOREIGN: &str = "foreign\n";

/// Runs `dokku <words>`, which must come to an end.
#[track_caller]
fn dokku(host: &Host, words: &[&str]) -> Output {
    let command = host.command(words).stdin_null().stdout_capture();
    let handle = command.stderr_capture().unchecked().start().unwrap();
    let ended = handle.wait_timeout(Duration::from_secs(60)).unwrap();
    if ended.is_none() {
        let _ = handle.kill();
    }
    Output::new(ended.unwrap_or_else(|| panic!("dokku {words:?} has not ended within a minute")))
}

/// A host of the test's own, whose files may be planted.
fn own_host() -> Option<Host> {
    let host = Host::new();
    host.is_disposable().then_some(host)
}

fn data(host: &Host) -> PathBuf {
    host.library().join("data/oneoff")
}

#[track_caller]
fn all_have_gone(app: &App<'_>) {
    wait_until("the containers are removed", || {
        app.containers().is_empty().then_some(())
    });
}

/// Every command that looks at journals, and a task of each kind.
#[track_caller]
fn all_commands_work(host: &Host, app: &App<'_>, what: &str) {
    let script = "echo out; exit 3";
    let output = dokku(host, &["run", &app.name, "sh", "-c", script]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (3, "out\n"),
        "{what}: {output:?}"
    );
    let detached = dokku(host, &["run:detached", &app.name, "sh", "-c", "exit 4"]);
    assert_eq!(detached.code, 0, "{what}: {detached:?}");
    let waited = dokku(host, &["run:wait", "--container", detached.stdout.trim()]);
    assert_eq!(waited.code, 4, "{what}: {waited:?}");
    for words in [
        &["run:list", &app.name][..],
        &["run:list", "--all"],
        &["run:history", &app.name],
        &["run:stop", &app.name],
        &["run:logs", &app.name],
        &["run:report", &app.name],
        &["run:retire", &app.name],
        &["run:retire"],
    ] {
        let output = dokku(host, words);
        assert_eq!(output.code, 0, "{what}: {words:?}: {output:?}");
    }
    all_have_gone(app);
}

#[test]
fn planted_journals_do_no_harm() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let tasks = data(&host).join("tasks");
    for (number, plant) in (70_001..).zip(Plant::ALL) {
        plant.at(&tasks.join(format!("{}.run.{number}", app.name)));
    }
    // No container has such a name.
    fs::write(tasks.join("no name"), "{}").unwrap();
    all_commands_work(&host, &app, "journals");
    assert_eq!(fs::read_to_string(foreign(&tasks)).unwrap(), FOREIGN);
}

#[test]
fn a_planted_lock_file_does_no_harm() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let lock = data(&host).join(format!("locks/{}.dokku-oneoff.lock.migrate", app.name));
    let words = ["run", "--lock=migrate", &app.name, "echo", "out"];
    for plant in Plant::ALL {
        plant.at(&lock);
        let output = dokku(&host, &words);
        // A lock has no content.
        if plant == Plant::Sparse {
            output.assert_stdout("out\n");
        } else {
            output.assert_refused(1, "it is not a regular file");
        }
    }
}

#[test]
fn a_planted_control_fifo_does_no_harm() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let fifo = data(&host).join("supervisor.wake");
    for plant in Plant::ALL {
        wait_until("there is no supervisor", || {
            host.supervisor().is_none().then_some(())
        });
        plant.at(&fifo);
        let detached = dokku(&host, &["run:detached", &app.name, "sh", "-c", "exit 4"]);
        assert_eq!(
            (detached.code, detached.stderr.as_str()),
            (0, ""),
            "{plant:?}"
        );
        all_have_gone(&app);
        assert_eq!(fs::read_to_string(foreign(&fifo)).unwrap(), FOREIGN);
    }
}

#[test]
fn a_planted_supervisor_lock_does_no_harm() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let lock = data(&host).join("supervisor.lock");
    for plant in Plant::ALL {
        // A lock has no content.
        if plant == Plant::Sparse {
            continue;
        }
        plant.at(&lock);
        let detached = dokku(&host, &["run:detached", &app.name, "sh", "-c", "exit 4"]);
        assert_eq!(detached.code, 0, "{plant:?}: {detached:?}");
        let why = "it is not a regular file: the next run:retire does\n";
        assert!(detached.stderr.ends_with(why), "{plant:?}: {detached:?}");
        wait_until("it is swept", || {
            assert_eq!(dokku(&host, &["run:retire"]).code, 0, "{plant:?}");
            app.containers().is_empty().then_some(())
        });
    }
}

#[test]
fn planted_record_files_do_no_harm() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let lines = store(&host, &app).join("tasks.jsonl");
    for plant in Plant::ALL {
        plant.at(&lines);
        let output = dokku(&host, &["run", &app.name, "sh", "-c", "echo out; exit 3"]);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (3, "out\n"),
            "{plant:?}: {output:?}"
        );
        let why = match plant {
            Plant::Sparse => "it is larger than 16777216 bytes",
            _ => "it is not a regular file",
        };
        let warning = format!("cannot be written: {why}\n");
        assert!(output.stderr.ends_with(&warning), "{plant:?}: {output:?}");
        assert_eq!(output.stderr.lines().count(), 1, "{plant:?}: {output:?}");
        for words in [
            &["run:history", &app.name][..],
            &["run:list", "--all", &app.name],
        ] {
            let output = dokku(&host, words);
            let warning = format!("cannot be read: {why}\n");
            assert_eq!(output.code, 0, "{plant:?}: {output:?}");
            assert!(output.stderr.ends_with(&warning), "{plant:?}: {output:?}");
        }
        assert_eq!(fs::read_to_string(foreign(&lines)).unwrap(), FOREIGN);
    }
}

#[test]
fn a_planted_records_directory_does_no_harm() {
    let Some(host) = own_host() else { return };
    for plant in Plant::ALL {
        let app = host.app(Image::Busybox);
        plant.at(&store(&host, &app));
        let output = dokku(&host, &["run", &app.name, "sh", "-c", "exit 3"]);
        assert_eq!(output.code, 3, "{plant:?}: {output:?}");
        // Its end destroys the app.
    }
}

#[test]
fn a_planted_output_file_does_no_harm() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let record = {
        let mut record = record(&app, 1, 0, 0);
        record["output"] = json!({"kept": {"bytes": 7, "whole": true}});
        record
    };
    write_records(&host, &app, std::slice::from_ref(&record));
    let output = store(&host, &app)
        .join("output")
        .join(record["id"].as_str().unwrap());
    for plant in Plant::ALL {
        plant.at(&output);
        let shown = dokku(
            &host,
            &["run:logs", "--container", record["name"].as_str().unwrap()],
        );
        shown.assert_refused(1, "cannot be shown: it is");
    }
}

#[test]
fn pruning_does_not_follow_a_linked_output_directory() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    app.dokku_ok("run:set", &["keep-outputs", "1"]);
    let elsewhere = host.directory().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(elsewhere.join(name), FOREIGN).unwrap();
    }
    let output = store(&host, &app).join("output");
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    symlink(&elsewhere, &output).unwrap();
    let detached = dokku(&host, &["run:detached", &app.name, "echo", "line"]);
    assert_eq!(detached.code, 0, "{detached:?}");
    all_have_gone(&app);
    let mut left: Vec<_> = fs::read_dir(&elsewhere)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["a", "b", "c"]);
}

#[test]
fn planted_property_files_do_no_harm() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let property = |name: &str| {
        host.library()
            .join("config/oneoff")
            .join(&app.name)
            .join(name)
    };
    for plant in Plant::ALL {
        for name in ["ttl-seconds", "memory", "keep-records"] {
            plant.at(&property(name));
        }
        let output = dokku(&host, &["run", &app.name, "sh", "-c", "exit 3"]);
        assert_eq!((output.code, output.stderr.as_str()), (3, ""), "{plant:?}");
        assert_eq!(
            dokku(&host, &["run:report", &app.name]).code,
            0,
            "{plant:?}"
        );
    }
}

#[test]
fn an_app_name_in_a_journal_cannot_leave_the_records() {
    let Some(host) = own_host() else { return };
    let app = host.app(Image::Busybox);
    let name = format!("{}.run.70001", app.name);
    let command = ["sh", "-c", "echo out; exit 3"];
    let id = app.create_task_container(&name, &["dokku-oneoff.user=ada"], &command);
    docker(&["container", "start", &id]);
    docker(&["container", "wait", &id]);
    let outside = host.library().join("outside/output").join(&id);
    fs::create_dir_all(outside.parent().unwrap()).unwrap();
    fs::write(&outside, FOREIGN).unwrap();
    let head = json!({
        "app": "../../../outside", "name": name, "type": "run", "command": ["sh"], "image": "",
        "user": "ada", "detached": true, "created": "2026-01-01T00:00:00Z",
        "stop_timeout": 30, "time_to_live": null,
    });
    let tasks = data(&host).join("tasks");
    fs::create_dir_all(&tasks).unwrap();
    fs::write(
        tasks.join(&name),
        format!("{head}\n[\"{id}\",\"created\"]\n"),
    )
    .unwrap();
    assert_eq!(dokku(&host, &["run:retire", &app.name]).code, 0);
    all_have_gone(&app);
    assert_eq!(fs::read_to_string(&outside).unwrap(), FOREIGN);
    let records = records(&host, &app);
    assert_eq!(
        (records.len(), &records[0]["exit_code"]),
        (1, &json!(3)),
        "{records:?}"
    );
}
