//! The user's own `claude` CLI as a program: found, let through a gate, started, asked who pays,
//! driven turn by turn, ended.
//!
//! It is the unmodified program on the user's own login or token; nothing of its requests is imitated
//! and none of its files is read. What it does was seen by running CLI 2.1.330 against a recording
//! server; `transcripts/` holds such runs, which the tests play again.
//!
//! - `find`, `gate`, `identity`: where it is, whether it can be relied on, and whether it is still the same
//! - `status`, [`variables`]: its login as it says itself, and the variables that change it
//! - `login`, `account`: the one credential that it gets, held against the one that it says it will use
//! - `start`, `settings`, `running`, `lines`: the hardened command line, what may still speak against it, the
//!   process, its pipes
//! - `proof`, `process`, `prompt`: who pays, as it says itself, and the conversation with it; `turn`, `wire`, `limits`, `failure`, `clean`: what it says

mod account;
mod clean;
mod failure;
mod find;
mod gate;
mod identity;
mod limits;
mod lines;
mod login;
mod process;
mod prompt;
mod proof;
mod running;
mod settings;
mod start;
mod status;
mod turn;
pub mod variables;
mod wire;

pub use account::Account;
pub use failure::{Failed, Kind};
pub use find::{Cli, find, places, version};
pub use gate::{LEAST_VERSION, Missing, Program, is_at_least};
pub use limits::{Limits, Standing, Window};
pub use lines::{Lines, Read};
pub use login::{Expected, Login};
pub use process::{Process, Spawned};
pub use prompt::{Image, Prompt};
pub use running::{Input, Output, There};
pub use start::{ARGUMENTS, Loopback, Patience, Start};
pub use status::{Status, status};
pub use turn::{Event, Turn};

#[cfg(test)]
#[cfg(unix)]
mod tests;
