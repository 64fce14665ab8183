//! Everything of Switchyard that is not a face: no Tauri, no terminal, no argument parser.

pub mod agent;
pub mod app;
pub mod child;
pub mod claude;
pub mod clock;
pub mod consent;
pub mod db;
pub mod demo;
pub mod dispatch;
pub mod error;
pub mod farm;
pub mod hardening;
pub mod hosts;
pub mod http;
pub mod id;
pub mod keys;
pub mod logging;
pub mod paths;
pub mod plan;
pub mod scope;
pub mod secret;
pub mod settings;
pub mod shell;
pub mod ssh;
pub mod text;
pub mod usage;
pub mod vault;
mod words;

pub use app::App;
pub use error::{Code, Error, Failure, Remedy, Result};
