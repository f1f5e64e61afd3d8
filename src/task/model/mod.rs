//! Plain data of a task, without docker and files.

pub(crate) mod deadline;
pub(crate) mod labels;
pub(crate) mod request;
pub(crate) mod task_exit;
