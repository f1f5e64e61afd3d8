//! What users read: messages, output, exit codes.

pub(crate) mod exit;
pub(crate) mod json;
pub(crate) mod message;
pub(crate) mod output;
