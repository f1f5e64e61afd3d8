//! The plugin's properties, and the grammars of their values and of options.

pub(crate) mod choices;
pub(crate) mod properties;
pub(crate) mod report;
pub(crate) mod times;
pub(crate) mod validate;
