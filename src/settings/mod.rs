//! TODO room settings

pub(crate) mod choices;
pub(crate) mod properties;
pub(crate) mod times;
pub(crate) mod validate;
