//! The one-off task: one command in one container made for it.

pub(crate) mod answers;
pub(crate) mod attached;
mod begin;
pub(crate) mod container;
pub(crate) mod detached;
pub(crate) mod elsewhere;
pub(crate) mod end;
pub(crate) mod environment;
pub(crate) mod finish;
pub(crate) mod finisher;
pub(crate) mod identity;
pub(crate) mod journal;
pub(crate) mod keeper;
pub(crate) mod labels;
pub(crate) mod lease;
pub(crate) mod listing;
pub(crate) mod lock;
pub(crate) mod logs;
pub(crate) mod made;
pub(crate) mod request;
pub(crate) mod resume;
pub(crate) mod retire;
pub(crate) mod settings;
pub(crate) mod signals;
pub(crate) mod stop;
pub(crate) mod supervisor;
pub(crate) mod terminal;
