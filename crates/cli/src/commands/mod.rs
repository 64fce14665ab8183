//! One file for each command: read the arguments, ask the core, write the answer.

pub(crate) mod agent;
pub(crate) mod consent;
pub(crate) mod demo;
pub(crate) mod each_line;
pub(crate) mod history;
pub(crate) mod hosts;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod packaging;
pub(crate) mod payer;
pub(crate) mod plan;
pub(crate) mod route;
pub(crate) mod routing;
pub(crate) mod scope;
pub(crate) mod send;
pub(crate) mod settings;
pub(crate) mod store;
pub(crate) mod unlock;
pub(crate) mod usage;
pub(crate) mod vault;
pub(crate) mod who;
