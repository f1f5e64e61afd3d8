//! TODO room ui

pub(crate) mod exit;
pub(crate) mod message;
pub(crate) mod output;
