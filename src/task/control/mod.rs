//! TODO room task::control

pub(crate) mod find;
pub(crate) mod retire;
pub(crate) mod stop;
