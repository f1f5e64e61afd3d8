//! What a task's container is known by, in Dokku and to us.

use super::request::{Policy, Request};

/// A container of ours; its value is who asked for it.
pub(crate) const USER: &str = "dokku-oneoff.user";
/// Seconds from the start to the deadline.
pub(crate) const TIME_TO_LIVE: &str = "com.dokku.active-deadline-seconds";
pub(crate) const APP: &str = "com.dokku.app-name";
/// `run` or `cron`.
pub(crate) const CONTAINER_TYPE: &str = "com.dokku.container-type";
pub(crate) const CRON_ID: &str = "com.dokku.cron-id";
const LOCK: &str = "dokku-oneoff.lock";

/// A label that only one container of the app may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exclusion {
    /// The label's name: a cron id's or a lock's.
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) policy: Policy,
}

/// The labels as docker options. Docker keeps the last one of a name: those of
/// Dokku's own come last and cannot be replaced.
pub(crate) fn options(
    request: &Request,
    app: &str,
    user: &str,
    entry: Option<&str>,
) -> Vec<String> {
    let time_to_live = request.time_to_live.map(|seconds| seconds.to_string());
    let cron = request.cron.as_ref();
    let own = [
        ("com.dokku.process-type", entry),
        (TIME_TO_LIVE, time_to_live.as_deref()),
        (CRON_ID, cron.map(|cron| cron.id.as_str())),
        (
            "com.dokku.concurrency-policy",
            cron.map(|cron| cron.policy.name()),
        ),
        (LOCK, request.lock.as_ref().map(|lock| lock.name.as_str())),
        (USER, Some(user)),
        (CONTAINER_TYPE, Some(request.process_type())),
        (APP, Some(app)),
    ];
    let given = request
        .global_labels
        .iter()
        .chain(&request.labels)
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    given
        .chain(own)
        .map(|(name, value)| format!("--label={name}={value}"))
        .collect()
}

/// The labels that only one container of the app may have.
pub(crate) fn exclusions(request: &Request) -> Vec<Exclusion> {
    let cron = request
        .cron
        .iter()
        .map(|cron| (CRON_ID, &cron.id, cron.policy));
    let lock = request
        .lock
        .iter()
        .map(|lock| (LOCK, &lock.name, lock.policy));
    cron.chain(lock)
        .filter(|(_, _, policy)| *policy != Policy::Allow)
        .map(|(label, value, policy)| Exclusion {
            label,
            value: value.clone(),
            policy,
        })
        .collect()
}
