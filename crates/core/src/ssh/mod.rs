//! The system's own OpenSSH, so that a user's `~/.ssh/config`, agent, jump hosts and hardware keys work:
//! connections that are kept and shared, and nothing that the box at the other end could use against us.
//!
//! Our options stand before the user's own and win (of each option `ssh` takes the first value): no
//! forwarding of any kind, no question to anybody, one pinned host key. The password of a hidden prompt is
//! never asked for, because there is no terminal to ask on.
//!
//! - `destination`, `host_key`: what a person or a file says of a box, checked
//! - `options`: the command line, the one place that knows it
//! - [`fetch`](fetch()): a box's host key, without logging in
//! - `master`: one connection, over which several commands run
//! - `fault`: why it did not work, read from what `ssh` says

mod destination;
#[cfg(not(unix))]
mod elsewhere;
mod fault;
#[cfg(unix)]
mod fetch;
mod host_key;
#[cfg(unix)]
mod master;
#[cfg(unix)]
mod options;
#[cfg(unix)]
mod resolve;

pub use destination::{Destination, Target, check_identity};
#[cfg(not(unix))]
pub use elsewhere::{
    Channel, Master, Patience, Resolved, fetch, folder, folder_of, resolve, sweep,
};
pub use fault::{Fault, Kind};
#[cfg(unix)]
pub use fetch::fetch;
pub use host_key::HostKey;
#[cfg(unix)]
pub use master::{Channel, Master, Patience, folder, folder_of, sweep};
#[cfg(unix)]
pub use resolve::{Resolved, resolve};
