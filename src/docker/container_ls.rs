//! `docker container ls`

use anyhow::Result;
use serde::{Deserialize, Deserializer};

use crate::docker::container_state::Status;
use crate::docker::{Docker, docker_error};
use crate::ui::message;

/// docker's short answer about one container of a list, in the order of [`SUMMARY_FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ContainerSummary {
    pub(crate) id: String,
    #[serde(deserialize_with = "own_name_of")]
    pub(crate) name: String,
    pub(crate) status: Status,
    /// The status in docker's own word, for example `running`.
    pub(crate) state: String,
    /// `Up 2 minutes`, `Exited (3) 2 minutes ago`.
    pub(crate) status_text: String,
    /// The command, in double quotes.
    pub(crate) command: String,
    /// `2022-08-03 05:47:44 +0000 UTC`, in the time zone of this process.
    pub(crate) created_at: String,
    /// For example `2 seconds ago`.
    pub(crate) running_for: String,
    pub(crate) image: String,
    pub(crate) app: String,
    /// `run` or `cron`.
    pub(crate) container_type: String,
    /// Seconds, as text; empty if the task has no time to live.
    pub(crate) time_to_live: String,
    pub(crate) cron_id: String,
    pub(crate) user: String,
    /// The container's name if this plugin has created the container; otherwise empty.
    pub(crate) own_name: String,
}

/// The container's own name. docker's list also has the names of links to the container,
/// `<other>/<alias>`, in any order, separated by commas.
fn own_name_of<'de, D: Deserializer<'de>>(names: D) -> Result<String, D::Error> {
    let names = String::deserialize(names)?;
    let own = names.split(',').find(|name| !name.contains('/'));
    Ok(own.unwrap_or(&names).to_owned())
}

/// One JSON array per line. `--format json` is not used, because it joins labels with commas that
/// their values can contain as well.
const SUMMARY_FORMAT: &str = concat!(
    "[{{json .ID}},{{json .Names}},{{json .State}},{{json .State}},{{json .Status}},{{json .Command}},",
    "{{json .CreatedAt}},{{json .RunningFor}},{{json .Image}},",
    r#"{{json (.Label "com.dokku.app-name")}},{{json (.Label "com.dokku.container-type")}},"#,
    r#"{{json (.Label "com.dokku.active-deadline-seconds")}},{{json (.Label "com.dokku.cron-id")}},"#,
    r#"{{json (.Label "dokku-oneoff.user")}},{{json (.Label "dokku-oneoff.name")}}]"#
);

impl ContainerSummary {
    /// The exit code, if the container has ended.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        let code = self.status_text.strip_prefix("Exited (")?;
        code.split_once(')')?.0.parse().ok()
    }
}

impl Docker {
    /// The containers that have all of these labels (`name` or `name=value`), newest first,
    /// whatever their state.
    ///
    /// # Errors
    /// docker does not answer or reports an error (exit code 125).
    pub(crate) fn container_ls(&self, labels: &[String]) -> Result<Vec<ContainerSummary>> {
        let mut arguments = [
            "container",
            "ls",
            "--all",
            "--no-trunc",
            "--format",
            SUMMARY_FORMAT,
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend(labels.iter().map(|label| format!("--filter=label={label}")));
        let output = self.capture(self.call(&arguments))?;
        if !output.status.success() {
            return Err(docker_error("list the containers", &output));
        }
        let (listed, unparsed) = parse_summaries(&output.stdout);
        if unparsed > 0 {
            message::warn(&format!(
                "docker's list has a line that cannot be read ({unparsed} in all): its container is passed over"
            ));
        }
        Ok(listed)
    }
}

/// Parses the lines of a list. Returns the number of lines that cannot be parsed as well.
pub(crate) fn parse_summaries(lines: &[u8]) -> (Vec<ContainerSummary>, usize) {
    let lines = lines.split(|byte| *byte == b'\n');
    let (mut listed, mut unparsed) = (Vec::new(), 0);
    for line in lines.filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(task) => listed.push(task),
            Err(_) => unparsed += 1,
        }
    }
    (listed, unparsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_container_ls_is_parsed() {
        let line = r#"["id","demo.run.1","exited","exited","Exited (3) 2 minutes ago","\"sh -c 'a,b=c'\"","2022-08-03 05:47:44 +0000 UTC","2 minutes ago","dokku/demo:latest","demo","run","60","","ada","demo.run.1"]"#;
        let listed: ContainerSummary = serde_json::from_str(line).unwrap();
        assert_eq!(
            (listed.status, listed.exit_code()),
            (Status::Exited, Some(3))
        );
        assert_eq!((listed.app.as_str(), listed.user.as_str()), ("demo", "ada"));
        assert_eq!(
            ContainerSummary {
                status_text: "Up 2 minutes".into(),
                ..listed
            }
            .exit_code(),
            None
        );
    }

    #[test]
    fn the_own_name_is_the_one_without_a_slash() {
        for (names, expected) in [
            ("demo.run.1", "demo.run.1"),
            ("other/database,demo.run.1", "demo.run.1"),
            ("demo.run.1,zzz/database", "demo.run.1"),
            ("other/a,other/b,demo.run.1,third/c", "demo.run.1"),
            ("other/a", "other/a"),
            ("", ""),
        ] {
            let line = format!(
                r#"["id","{names}","exited","exited","","","","","i","demo","run","","","",""]"#
            );
            let listed: ContainerSummary = serde_json::from_str(&line).unwrap();
            assert_eq!(listed.name, expected, "{names}");
        }
    }
}
