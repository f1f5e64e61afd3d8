//! Dokku's global flags, separated from words of the user's own command.
//!
//! Dokku scans *every* word of the command line for its flags, so its variables alone do not
//! show whether `--trace` was meant for Dokku or for the user's program. `DOKKU_GLOBAL_FLAGS`
//! contains every `--word` of the line. Those that are not in our argv were before the command
//! word, and only those are Dokku's (`parse_args` in its plugin `common`, and `dokku` itself).

pub(crate) mod echo;

use std::collections::HashMap;

use anyhow::{Result, bail};

/// The flags before the command word.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GlobalFlags {
    /// The value of `--app`.
    pub(crate) app: Option<String>,
    /// The value of each `--label=…`.
    pub(crate) labels: Vec<String>,
    /// Variables that Dokku has set because of a word of the user's own command. They must reach
    /// neither the plugin nor a hook.
    pub(crate) misattributed: Vec<&'static str>,
    /// `DOKKU_GLOBAL_FLAGS` without the words of the user's own command, which may contain
    /// secret values: `--env=NAME=value`. `None` if the flags have not been evaluated.
    pub(crate) scanned: Option<String>,
}

impl GlobalFlags {
    /// Whether this word is among the flags before the command word.
    pub(crate) fn has(&self, flag: &str) -> bool {
        let mut words = self.scanned.iter().flat_map(|words| words.split(' '));
        words.any(|word| word == flag)
    }
}

/// What Dokku exported, and the command lines of its processes.
pub(crate) struct FlagSources<'a> {
    pub(crate) global_flags: &'a str,
    pub(crate) app_name: Option<&'a str>,
    /// Our arguments, the command word first.
    pub(crate) argv: &'a [Vec<u8>],
    /// The words after `dokku` of the ancestor processes that are `dokku`, nearest first.
    pub(crate) ancestors: &'a [Vec<Vec<u8>>],
    /// The words before the command word, if they are known: for a command through SSH, where
    /// Dokku has scanned other words than those of the final split.
    pub(crate) leading: Option<&'a [String]>,
}

const VARIABLES: [(&str, &str); 3] = [
    ("--trace", "DOKKU_TRACE"),
    ("--quiet", "DOKKU_QUIET_OUTPUT"),
    ("--force", "DOKKU_APPS_FORCE_DELETE"),
];

/// Finds the flags that were meant for Dokku.
///
/// # Errors
/// The user's command contains an `--app`, too, and no ancestor process shows which app was
/// meant for Dokku.
pub(crate) fn find(evidence: &FlagSources<'_>) -> Result<GlobalFlags> {
    let mut ours = dokku_flag_scan(evidence.argv);
    let (leading, exact) = if let Some(words) = evidence.leading {
        ours.extend(evidence.global_flags.split_whitespace().map(str::to_owned));
        let bytes: Vec<_> = words.iter().map(|word| word.clone().into_bytes()).collect();
        (dokku_flag_scan(&bytes), Some(words.to_vec()))
    } else {
        let leading = leading_flags(evidence.global_flags, &ours);
        let exact = recover_leading_words(evidence, &leading);
        (leading, exact)
    };
    let leading_has = |flag: &str| leading.iter().any(|word| word == flag);
    let ours_has = |flag: &str| ours.iter().any(|word| word == flag);

    let app = match (leading_has("--app"), ours_has("--app"), &exact) {
        (true, _, Some(words)) => app_of(words),
        (true, true, None) => bail!(
            "'--app' is given before and after the command, and it is unclear which app was meant for Dokku: name the app after 'run'"
        ),
        (false, true, _) => None,
        // Meant for Dokku, or set by the caller for the whole session.
        (true, false, None) | (false, false, _) => evidence.app_name.map(str::to_owned),
    };
    if exact.is_none() && leading.iter().any(|word| !word.starts_with("--")) {
        bail!(
            "a global flag contains a space and cannot be told from the words after it: use 'run --label' in its place"
        );
    }
    let scanned = Some(leading.join(" "));
    let labels = exact
        .unwrap_or(leading.clone())
        .iter()
        .filter_map(|word| word.strip_prefix("--label=").map(str::to_owned))
        .collect();
    let not_meant = VARIABLES
        .into_iter()
        .filter(|(flag, _)| ours_has(flag) && !leading_has(flag))
        .map(|(_, variable)| variable)
        .collect();
    Ok(GlobalFlags {
        app: app.filter(|app| !app.is_empty()),
        labels,
        misattributed: not_meant,
        scanned,
    })
}

/// The words that Dokku's scan of `argv` adds to `DOKKU_GLOBAL_FLAGS`. The scan skips the word
/// after an `--app`. The line goes through `echo -e`, and a word with spaces becomes several.
fn dokku_flag_scan(argv: &[Vec<u8>]) -> Vec<String> {
    let mut line = Vec::new();
    let mut argv = argv.iter();
    while let Some(word) = argv.next() {
        if word == b"--app" {
            argv.next();
        }
        if word.starts_with(b"--") {
            line.push(b' ');
            line.extend(word);
        }
    }
    let line = echo::expanded(&line);
    String::from_utf8_lossy(&line)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// The words of `flags` that are not among `ours`, each counted as often as it occurs.
fn leading_flags(flags: &str, ours: &[String]) -> Vec<String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for word in ours {
        *count.entry(word).or_default() += 1;
    }
    // The leading words come first in the flags, so the last ones are ours.
    let mut leading: Vec<String> = flags
        .split_whitespace()
        .rev()
        .filter(|word| match count.get_mut(word) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        })
        .map(str::to_owned)
        .collect();
    leading.reverse();
    leading
}

/// The leading words as they were typed, from the farthest ancestor `dokku` whose command line
/// ends with our argv (`sudo` starts a second one without them). They are used only if their
/// scan results in exactly `leading`.
fn recover_leading_words(evidence: &FlagSources<'_>, leading: &[String]) -> Option<Vec<String>> {
    evidence
        .ancestors
        .iter()
        .map_while(|words| words.strip_suffix(evidence.argv))
        .filter(|words| dokku_flag_scan(words) == leading)
        .filter_map(|words| {
            words
                .iter()
                .map(|word| String::from_utf8(word.clone()).ok())
                .collect()
        })
        .last()
}

/// The app of the last `--app` among the leading words.
fn app_of(words: &[String]) -> Option<String> {
    let at = words.iter().rposition(|word| word == "--app")?;
    words.get(at + 1).cloned()
}

#[cfg(test)]
mod tests;
