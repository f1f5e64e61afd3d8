//! All that an app's tasks can leave on a host.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{App, Host, wait_until};

/// What is there, a line each. Two of them tell what has come in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint(BTreeSet<String>);

/// Anonymous volumes of an app's tasks, which have nothing else to be known by.
const VOLUME_LABEL: &str = "oneoff-test-app";

/// Below the plugin's data directory: what is kept of tasks that have ended.
const RECORDS: &str = "records";

impl Footprint {
    /// Gives every task of the app a volume of its own, which goes with it.
    pub fn with_volume(app: &App<'_>) {
        let mount = format!(
            "--mount type=volume,destination=/volume,volume-label={VOLUME_LABEL}={}",
            app.name
        );
        app.dokku_ok("docker-options:add", &["run", &mount]);
    }

    /// What is there once an attached and a detached task have come and gone: the first
    /// ones make directories, and the supervisor's lock, that stay.
    #[track_caller]
    pub fn after_first_use(host: &Host, app: &App<'_>) -> Self {
        assert_eq!(app.run(["true"]).code, 0);
        let detached = app.subcommand("run:detached", &[], ["true"]);
        let detached = super::run_to_end(&detached.stdin_null());
        assert_eq!(detached.code, 0, "{detached:?}");
        wait_until("both have gone", || {
            (host.processes().is_empty() && app.containers().is_empty()).then_some(())
        });
        Self::of(host, app)
    }

    /// Containers, volumes and networks of the app, files of the plugin's but for its
    /// records, and every process that a command of this host has left.
    pub fn of(host: &Host, app: &App<'_>) -> Self {
        let mut found = BTreeSet::new();
        let label = format!("label={VOLUME_LABEL}={}", app.name);
        let name = format!("name={}", app.name);
        for container in app.containers() {
            found.insert(format!("container {container}"));
        }
        for volume in host
            .docker(&["volume", "ls", "--quiet", "--filter", &label])
            .lines()
        {
            found.insert(format!("volume {volume}"));
        }
        for network in host
            .docker(&["network", "ls", "--quiet", "--filter", &name])
            .lines()
        {
            found.insert(format!("network {network}"));
        }
        for process in host.processes() {
            found.insert(format!("process {process}"));
        }
        add_files(&host.library().join("data/oneoff"), &mut found);
        Self(found)
    }

    /// What is there that was not there before.
    pub fn since(&self, before: &Self) -> Vec<String> {
        self.0.difference(&before.0).cloned().collect()
    }
}

fn add_files(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name() != RECORDS {
                add_files(&path, found);
            }
        } else {
            found.insert(format!("file {}", path.display()));
        }
    }
}
