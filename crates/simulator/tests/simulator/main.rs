//! The simulator as its clients see it: over a socket.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own functions fail as its body does"
)]

mod faults;
mod gates;
mod logbook;
mod models;
mod program;
mod python_sdk;
mod streams;
mod support;
