//! One unlocked vault for each user: a private socket that the window and the command line share.
//!
//! The window, or `switchyard agent`, serves its vault ([`Server`]); everyone else is its
//! [`Client`]. [`Access`] is the order in which a face that may ask looks for an open vault.

mod access;
mod ask;
mod background;
#[cfg(unix)]
mod client;
#[cfg(not(unix))]
#[path = "client_elsewhere.rs"]
mod client;
mod holder;
#[cfg(unix)]
mod protocol;
mod refusals;
#[cfg(unix)]
mod server;

pub use access::Access;
pub use ask::{Answered, Ask, Asked, Question};
pub use background::{Background, READY, start_in_background};
pub use client::Client;
#[cfg(unix)]
pub use server::Server;

#[cfg(test)]
#[cfg(unix)]
mod tests;
