//! What the targets of `fuzz/` call: readers of what others wrote, each with what
//! must hold of its answer. Only they and the tests have it.

use std::ffi::OsString;

use crate::docker::{container_inspect, container_ls, image_inspect, option};
use crate::dokku::argv::ancestors::Ancestor;
use crate::dokku::argv::{ssh, xargs_split};
use crate::record::Record;
use crate::settings::times;
use crate::task::journal::JournalState;
use crate::task::model::labels;
use crate::task::model::task_exit::{event_time, nonzero_time};

/// A string of docker options: split, read, and never more than it was.
///
/// # Panics
/// It is not so.
pub fn option_words(text: &str) {
    let Ok(split) = xargs_split::split(text) else {
        return;
    };
    assert!(split.concat().len() <= text.len());

    // Words with every letter escaped are the same words. (A line's end would do
    // inside a quote only, and an empty word is none at the end.)
    let quoted: String = split
        .iter()
        .map(|word| match word.as_str() {
            "" => "'' ".to_owned(),
            word => word
                .chars()
                .flat_map(|letter| ['\\', letter])
                .chain([' '])
                .collect(),
        })
        .collect();
    assert_eq!(xargs_split::split(&quoted).ok().as_ref(), Some(&split));

    let Ok(options) = option::parse(split.clone()) else {
        return;
    };
    // Letters that were run together are words of their own now, a value is part of its
    // option's word, and nothing is lost.
    let letters = |words: Vec<String>| -> String {
        words
            .concat()
            .chars()
            .filter(|letter| !"-=".contains(*letter))
            .collect()
    };
    let read = options.into_iter().map(|option| option.as_single_word);
    assert_eq!(letters(read.collect()), letters(split));
}

/// A command that came through SSH: what Dokku makes of it, what was typed, and that
/// the one is found by the other.
///
/// # Panics
/// It is not so.
pub fn ssh_command(text: &str) {
    let echo = |option: &str| Some(format!("echo's text for {option}\n\nends here\n"));
    let Some(given) = ssh::given(text, echo) else {
        return;
    };
    if let Some(typed) = ssh::typed(text) {
        assert!(typed.concat().len() <= text.len());
        let quoted: Vec<String> = typed
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
            .collect();
        assert_eq!(ssh::typed(&quoted.join(" ")), Some(typed));
    }
    let dokku = |words: &[String], ssh_command| Ancestor {
        words: Some(words.iter().map(|word| word.clone().into_bytes()).collect()),
        ssh_command,
    };
    let ancestors = [dokku(&given, None), dokku(&[], Some(text.to_owned()))];
    // Whatever flags stand in front, one of the beginnings is what Dokku dropped.
    let found = (0..=given.len()).find_map(|dropped| {
        let argv: Vec<OsString> = given[dropped..].iter().map(OsString::from).collect();
        ssh::find(&argv, &ancestors, echo).map(|command| (dropped, command))
    });
    assert!(found.is_some(), "what Dokku gave is not recognised");
    if let Some((dropped, command)) = found {
        assert_eq!(command.as_dokku_split.flags, given[..dropped]);
        if let Some(typed) = command.as_typed {
            assert_eq!(typed.argv.first(), command.as_dokku_split.argv.first());
        }
    }
}

/// What docker prints about containers and images: whatever it is, it is read or not.
///
/// # Panics
/// A reader does.
pub fn docker_json(bytes: &[u8]) {
    for task in container_ls::parse_summaries(bytes).0 {
        let _ = (task.exit_code(), task.created(), task.deadline(None));
        let _ = (task.is_cron(), task.has_ended(), task.is_task());
    }
    for container in container_inspect::parse_infos(bytes) {
        assert!(!container.name().starts_with('/'));
        let _ = (container.is_task(), container.has_own_name_label());
        let _ = container.has_trustworthy_events();
    }
    let _ = container_inspect::parse_state(bytes);
    if let Ok(images) = image_inspect::parse_images(bytes) {
        for image in images {
            let _ = (
                image.label("io.buildpacks.stack.id"),
                image.has_env("USER=x"),
            );
        }
    }
}

/// What stands in a journal or among records, as somebody may have changed it: read or not,
/// and shown.
///
/// # Panics
/// A reader does.
pub fn task_lines(bytes: &[u8]) {
    let story = JournalState::read(bytes);
    let _ = story.damage_reason("demo.run.1");
    let _ = story.started.as_deref().map(nonzero_time);
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(record) = serde_json::from_slice::<Record>(line) {
            let _ = (record.duration(), record.has_failed());
        }
        if let Ok(text) = std::str::from_utf8(line) {
            let _ = (times::point_in_time(text), times::time_to_live(text));
            let _ = (nonzero_time(text), labels::seconds(text));
            let _ = text.parse().ok().and_then(event_time);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Everything that is kept for a target, and at least something.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(target);
        let files = fs::read_dir(directory).unwrap();
        let read: Vec<_> = files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .collect();
        assert!(read.len() > 5, "{target}");
        read
    }

    #[test]
    fn every_fuzz_target_accepts_its_corpus() {
        for bytes in corpus("option-words") {
            super::option_words(std::str::from_utf8(&bytes).unwrap());
        }
        for bytes in corpus("ssh-command") {
            super::ssh_command(std::str::from_utf8(&bytes).unwrap());
        }
        for bytes in corpus("docker-json") {
            super::docker_json(&bytes);
        }
        for bytes in corpus("task-lines") {
            super::task_lines(&bytes);
        }
    }
}
