//! Everything that an app's tasks can leave on a host.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{App, Host, wait_until};

/// One line per container, volume, network, process and file. Compare two footprints to find
/// what was added in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint(BTreeSet<String>);

/// The label of anonymous volumes of an app's tasks, which cannot be recognized by anything else.
const VOLUME_LABEL: &str = "oneoff-test-app";

/// The directory below the plugin's data that has the records of ended tasks.
const RECORDS: &str = "records";

impl Footprint {
    /// Gives every task of the app an anonymous volume, which is removed with the container.
    pub fn with_volume(app: &App<'_>) {
        let mount = format!(
            "--mount type=volume,destination=/volume,volume-label={VOLUME_LABEL}={}",
            app.name
        );
        app.dokku_ok("docker-options:add", &["run", &mount]);
    }

    /// The footprint after an attached and a detached task have ended: the first tasks create
    /// directories and the supervisor's lock, which stay.
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

    /// Containers, volumes and networks of the app, files of the plugin except its records, and
    /// every process that descends from a command of this host.
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

    /// What this footprint has and the one before had not.
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
