//! The properties in the form of `run:report` and `dokku report`.

use std::collections::BTreeMap;

use crate::dokku::apps::App;
use crate::dokku::host::Host;
use crate::dokku::properties::GLOBAL;
use crate::settings::properties::{PLUGIN, PROPERTIES};
use crate::ui::message::on_stdout;

/// The width to which Dokku pads the names in a report.
const NAME_COLUMN_WIDTH: usize = 31;

/// All values by their names in the report: the app's own, the global and the effective ones.
pub(crate) fn values(host: &Host, app: Option<&App>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for key in PROPERTIES {
        let global = host
            .properties(PLUGIN)
            .get(GLOBAL, key.name)
            .unwrap_or_default();
        let mut computed = Some(&global)
            .filter(|value| !value.is_empty())
            .map_or(key.default, String::as_str)
            .to_owned();
        if let (Some(app), false) = (app, key.global) {
            values.insert(
                key.name.to_owned(),
                host.properties(PLUGIN)
                    .get(app.name(), key.name)
                    .unwrap_or_default(),
            );
            computed = key.effective(host, app);
        }
        values.insert(format!("computed-{}", key.name), computed);
        values.insert(format!("global-{}", key.name), global);
    }
    values
}

/// A heading, which `--quiet` omits, and one line per value.
pub(crate) fn table(host: &Host, app: Option<&App>, values: &BTreeMap<String, String>) -> String {
    let heading = format!("=====> {} run information\n", app.map_or(GLOBAL, App::name));
    let lines = values.iter().map(|(name, value)| {
        line(
            &format!("Run {}:", name.replace('-', " ")),
            on_stdout(value),
        )
    });
    std::iter::once(heading)
        .filter(|_| !host.quiet)
        .chain(lines)
        .collect()
}

/// One line of a report.
pub(crate) fn line(name: &str, value: impl std::fmt::Display) -> String {
    format!("       {name:NAME_COLUMN_WIDTH$}{value}\n")
}
