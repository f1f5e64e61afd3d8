//! Reads an app's records, and writes records for tests.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{App, Host};

/// The directory of the app's records and saved outputs.
pub fn store(host: &Host, app: &App<'_>) -> PathBuf {
    host.library().join("data/oneoff/records").join(&app.name)
}

/// The record of a task that ended with this exit code at 2026-11-23 12:00, at this second.
pub fn record(app: &App<'_>, number: u32, second: u8, code: u8) -> Value {
    json!({
        "version": 1,
        "id": format!("{number:064}"),
        "app": app.name,
        "name": format!("{}.run.{number}", app.name),
        "type": "run",
        "command": ["sh", "-c", "echo  'a b'"],
        "image": app.image(),
        "user": "ada",
        "detached": true,
        "created": "2026-11-23T11:59:00.5Z",
        "started": "2026-11-23T11:59:01Z",
        "finished": format!("2026-11-23T12:00:{second:02}Z"),
        "exit_code": code,
        "reason": "exited",
        "output": null,
    })
}

/// Writes the file of records with this text, owned by the user that the plugin runs as.
pub fn write_lines(host: &Host, app: &App<'_>, text: &str) {
    let directory = store(host, app);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .unwrap();
    fs::write(directory.join("tasks.jsonl"), text).unwrap();
    host.chown_to_plugin_user();
}

/// Writes these records, oldest first.
pub fn write_records(host: &Host, app: &App<'_>, records: &[Value]) {
    let lines: String = records
        .iter()
        .map(|record| record.to_string() + "\n")
        .collect();
    write_lines(host, app, &lines);
}

/// The app's records, oldest first.
pub fn records(host: &Host, app: &App<'_>) -> Vec<Value> {
    let text = fs::read_to_string(store(host, app).join("tasks.jsonl")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
