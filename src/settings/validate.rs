//! The grammars of values from users, in options and properties. Values are validated before any
//! hook or process is started.

use std::ffi::OsStr;

use crate::docker::events;

/// The prefix of Dokku's labels.
const DOKKU: &str = "com.dokku.";

/// The labels of this prefix that core (its hooks, its log shipper, its image labeler) or this plugin
/// reads.
const READ_BY_DOKKU: [&str; 10] = [
    "active-deadline-seconds",
    "app-name",
    "builder-type",
    "concurrency-policy",
    "container-type",
    "cron-id",
    "docker-image-labeler/alternate-tags",
    "dyno",
    "image-stage",
    "process-type",
];

/// Whether a label has Dokku's prefix, which is against the advice of Dokku's documentation.
pub(crate) fn has_prefix_of_dokku(label: &str) -> bool {
    label.starts_with(DOKKU)
}

/// `KEY=VALUE` of a label. Labels that Dokku or this plugin reads cannot be set.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    const OWN: [&str; 2] = ["org.label-schema.", "dokku-oneoff."];
    let (name, value) = key_value(text)?;
    let is_read = name
        .strip_prefix(DOKKU)
        .is_some_and(|rest| READ_BY_DOKKU.contains(&rest));
    if is_read || OWN.iter().any(|own| name.starts_with(own)) {
        return Err("labels that Dokku or this plugin reads cannot be set".to_owned());
    }
    if events::overrides_event_attribute(&name) {
        return Err(format!(
            "docker would put it in place of what its events say as '{name}'"
        ));
    }
    if name
        .chars()
        .any(|character| character.is_whitespace() || character.is_control())
    {
        return Err("a label's name has no spaces".to_owned());
    }
    Ok((name, value))
}

/// The value of a switch that cannot be turned off.
pub(crate) fn always(text: &str) -> Result<String, String> {
    if text == "true" {
        return Ok(text.to_owned());
    }
    Err("the container of a task is always removed at its end".to_owned())
}

/// `KEY=VALUE` with a non-empty key.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// A size in docker's format; a number without a unit is megabytes.
pub(crate) fn memory(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(['b', 'i', 'k', 'm', 'g']);
    let factor = match &lower[number.len()..] {
        "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "" | "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        _ => None,
    };
    // Docker would take a number of bytes that overflows as no limit at all.
    let fits = |factor: u64| {
        let whole: Option<u64> = number
            .split('.')
            .next()
            .and_then(|whole| whole.parse().ok());
        whole.is_some_and(|whole| whole < (i64::MAX as u64) / factor)
    };
    if positive_decimal(number) && factor.is_some_and(fits) {
        return Ok(lower);
    }
    Err("expected a size such as 512m or 1g (a bare number is megabytes)".to_owned())
}

/// A number of processors.
pub(crate) fn cpus(text: &str) -> Result<String, String> {
    if positive_decimal(text) {
        Ok(text.to_owned())
    } else {
        Err("expected a number such as 0.5 or 2".to_owned())
    }
}

/// Whether the text is digits with at most one point between them, and not zero.
fn positive_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

/// A user's name or id, optionally with a group after a colon.
pub(crate) fn user(text: &str) -> Result<String, String> {
    let word = |word: &str| {
        !word.is_empty()
            && !word.starts_with('-')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-$".contains(&byte))
    };
    let (name, group) = text
        .split_once(':')
        .map_or((text, None), |(name, group)| (name, Some(group)));
    if word(name) && group.is_none_or(word) {
        return Ok(text.to_owned());
    }
    Err("expected a user's name or id, and a group's after a colon".to_owned())
}

/// An absolute path inside the container.
pub(crate) fn workdir(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("expected an absolute path".to_owned())
    }
}

/// An identifier. The grammar includes the cron ids that Dokku generates.
pub(crate) fn identifier(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._=-".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.len() <= 128 && text.bytes().all(good) {
        return Ok(text.to_owned());
    }
    Err("expected letters, digits and . _ = -".to_owned())
}

/// A number of lines, or `all`.
pub(crate) fn lines(text: &str) -> Result<String, String> {
    if text == "all"
        || text
            .parse::<u32>()
            .is_ok_and(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Ok(text.to_owned());
    }
    Err("expected a number of lines or 'all'".to_owned())
}

/// A number of records or outputs to store.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    number(text, 100_000).ok_or_else(|| "expected a number from 0 to 100000".to_owned())
}

/// A size of a file in bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    number(text, 1024 * 1024 * 1024)
        .ok_or_else(|| "expected a number of bytes, at most 1073741824 (1 GiB)".to_owned())
}

/// Parses a number of digits only, up to `most`.
fn number(text: &str, most: u64) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= most)
}

/// A container's name or id, in docker's grammar.
pub(crate) fn container(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(good) {
        return Ok(text.to_owned());
    }
    Err("expected a container's name".to_owned())
}

/// Docker's API is JSON, so a word that is not valid UTF-8 would be altered.
pub(crate) fn utf8(word: &OsStr) -> anyhow::Result<String> {
    let shown = word.display();
    word.to_str().map(str::to_owned).ok_or_else(|| {
        anyhow::anyhow!("the word '{shown}' is not valid UTF-8, so docker would alter it")
    })
}

#[cfg(test)]
mod tests;
