//! TODO room settings

pub(crate) mod properties;
pub(crate) mod validate;
