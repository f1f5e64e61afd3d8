//! TODO room task::model

pub(crate) mod labels;
pub(crate) mod request;
pub(crate) mod task_exit;
