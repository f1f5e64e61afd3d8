//! The labels of a task's container: those of Dokku and those of this plugin.

use crate::dokku::timeouts::MAX_SECONDS;
use crate::settings::choices::Policy;
use crate::task::model::request::Request;

/// The container's own name, on containers of this plugin: a label of an image cannot have the
/// same value.
pub(crate) const NAME: &str = "dokku-oneoff.name";
/// The user that requested the task, on containers of this plugin.
pub(crate) const USER: &str = "dokku-oneoff.user";
/// Seconds from the start to the deadline.
pub(crate) const TIME_TO_LIVE: &str = "com.dokku.active-deadline-seconds";
pub(crate) const APP: &str = "com.dokku.app-name";
/// `run` or `cron`.
pub(crate) const CONTAINER_TYPE: &str = "com.dokku.container-type";
/// The process that supervises a task without a journal on disk: see
/// [`crate::task::journal::attendant`].
pub(crate) const ATTENDANT: &str = "dokku-oneoff.attendant";
pub(crate) const CRON_ID: &str = "com.dokku.cron-id";
const LOCK: &str = "dokku-oneoff.lock";
const PROCESS_TYPE: &str = "com.dokku.process-type";
const CONCURRENCY_POLICY: &str = "com.dokku.concurrency-policy";

/// Labels that only other programs read. A container has such a label only if there is a value
/// for it, as with core, or if the image has the label.
pub(crate) const READ_BY_OTHERS: [&str; 2] = [PROCESS_TYPE, CONCURRENCY_POLICY];

/// A label that only one container of the app may have with this value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConcurrencyRule {
    /// The label's name: that of a cron id or that of a lock.
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) policy: Policy,
}

/// The labels as docker options. Docker keeps the last value of a name; Dokku's and the
/// plugin's labels come last, so that the user's labels cannot replace them.
///
/// Every label that the plugin reads is always set, to the empty string if there is no value:
/// otherwise the label of the image would count. Core treats an empty label as unset (its hook
/// `scheduler-run-retire`, its plugin `logs`; a cron lock needs an id). Labels that only
/// other programs read are set only if there is a value, or if the image has the label
/// (`image_labels`).
pub(crate) fn options(
    request: &Request,
    app: &str,
    user: &str,
    entry: Option<&str>,
    image_labels: &[&str],
) -> Vec<String> {
    let time_to_live = request.time_to_live.map(|seconds| seconds.to_string());
    let cron = request.cron.as_ref();
    let override_image = |name| image_labels.contains(&name).then_some("");
    let policy = cron.map(|cron| cron.policy.as_str());
    let own = [
        (PROCESS_TYPE, entry.or(override_image(PROCESS_TYPE))),
        (
            CONCURRENCY_POLICY,
            policy.or(override_image(CONCURRENCY_POLICY)),
        ),
        (TIME_TO_LIVE, Some(time_to_live.as_deref().unwrap_or(""))),
        (CRON_ID, Some(cron.map_or("", |cron| cron.id.as_str()))),
        (
            LOCK,
            Some(request.lock.as_ref().map_or("", |lock| lock.name.as_str())),
        ),
        (USER, Some(user)),
        (CONTAINER_TYPE, Some(request.process_type())),
        (APP, Some(app)),
    ];
    let requested = request
        .global_labels
        .iter()
        .chain(&request.labels)
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    requested
        .chain(own)
        .map(|(name, value)| format!("--label={name}={value}"))
        .collect()
}

/// The concurrency rules of the task: each label that only one container of the app may have.
pub(crate) fn concurrency_rules(request: &Request) -> Vec<ConcurrencyRule> {
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
        .map(|(label, value, policy)| ConcurrencyRule {
            label,
            value: value.clone(),
            policy,
        })
        .collect()
}

/// The seconds in a label; `None` if the text is not a number, or exceeds the maximum of an
/// option: a deadline must be a time that can be written.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_number);
    seconds.filter(|seconds| *seconds <= MAX_SECONDS)
}

/// The label that identifies a container of this plugin, as a docker option.
pub(crate) fn name_option(name: &str) -> String {
    format!("--label={NAME}={name}")
}
