//! The functions that the targets of `fuzz/` call: each one passes input of foreign origin to a
//! parser and asserts properties of the result. They are compiled for the fuzz targets and the
//! tests only.

use std::ffi::OsString;

use crate::docker::{container_inspect, container_ls, image_inspect, option};
use crate::dokku::argv::ancestors::Ancestor;
use crate::dokku::argv::{ssh, xargs_split};
use crate::record::Record;
use crate::settings::times;
use crate::task::journal::JournalState;
use crate::task::model::labels;
use crate::task::model::task_exit::{event_time, nonzero_time};

/// A string of docker options is split and parsed; the result is never longer than the input.
///
/// # Panics
/// An assertion fails.
pub fn option_words(text: &str) {
    let Ok(split) = xargs_split::split(text) else {
        return;
    };
    assert!(split.concat().len() <= text.len());

    // If every character is escaped, the words stay the same. (Quotes are not used, because xargs
    // allows no line break within them. An empty word is a pair of quotes with a space after it,
    // because xargs ignores an empty word at the end.)
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
    // Combined short options are separate words now, a value is part of its option's word, and
    // nothing is lost.
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

/// An SSH command is split as Dokku and as a shell splits it, and the typed words are found by
/// means of Dokku's words.
///
/// # Panics
/// An assertion fails.
pub fn ssh_command(text: &str) {
    let echo = |option: &str| Some(format!("echo's text for {option}\n\nends here\n"));
    let Some(given) = ssh::given(text, echo) else {
        return;
    };
    if let Ok(typed) = ssh::typed(text) {
        assert!(typed.concat().len() <= text.len());
        let quoted: Vec<String> = typed
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
            .collect();
        assert_eq!(ssh::typed(&quoted.join(" ")), Ok(typed));
    }
    let dokku = |words: &[String], ssh_command| Ancestor {
        words: Some(words.iter().map(|word| word.clone().into_bytes()).collect()),
        ssh_command,
    };
    let ancestors = [dokku(&given, None), dokku(&[], Some(text.to_owned()))];
    // Whatever flags precede the command, one of the beginnings is what Dokku has dropped.
    let found = (0..=given.len()).find_map(|dropped| {
        let argv: Vec<OsString> = given[dropped..].iter().map(OsString::from).collect();
        ssh::find(&argv, &ancestors, echo).map(|command| (dropped, command))
    });
    assert!(found.is_some(), "what Dokku gave is not recognised");
    if let Some((dropped, command)) = found {
        assert_eq!(command.as_dokku_split.flags, given[..dropped]);
        if let Ok(Some(typed)) = command.as_typed {
            assert_eq!(typed.argv.first(), command.as_dokku_split.argv.first());
        }
    }
}

/// docker's output about containers and images: arbitrary input is parsed or rejected.
///
/// # Panics
/// A parser panics, or an assertion fails.
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

/// Lines of a journal or of records, which may have been altered: arbitrary input is parsed or
/// rejected, and what is parsed can be displayed.
///
/// # Panics
/// A parser panics.
pub fn task_lines(bytes: &[u8]) {
    let state = JournalState::read("demo.run.1", bytes);
    let _ = state.damage_reason();
    let _ = state.started.as_deref().map(nonzero_time);
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

    /// All corpus files of a target; asserts that there are more than five.
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
