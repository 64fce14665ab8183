//! Everything of Switchyard that is not a face: no Tauri, no terminal, no argument parser.

pub mod child;
pub mod clock;
pub mod error;
pub mod paths;
pub mod secret;
pub mod shell;
pub mod text;

pub use error::{Code, Error, Result};
