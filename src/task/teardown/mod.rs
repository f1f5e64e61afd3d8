//! TODO room task::teardown

pub(crate) mod finalize;
pub(crate) mod recover;
