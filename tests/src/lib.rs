//! What the tests that cross rooms stand on: a machine of their own, planted keys, and the scan
//! that looks for them.

// Support for tests is test code: a broken set-up ends the test at once, with its reason.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test's support fails loudly"
)]

mod desk;
#[cfg(target_os = "linux")]
mod house;
mod machine;
pub mod namespace;
mod planted;
mod program;
pub mod real_cli;
mod running;
mod screen;
#[cfg(target_os = "linux")]
pub mod sshd;
mod store;
mod tray;
mod vault;
mod window;

pub use desk::Desk;
#[cfg(target_os = "linux")]
pub use house::House;
pub use machine::{Machine, Outcome, binary, finish};
pub use planted::{Planted, Watch};
pub use program::Program;
pub use real_cli::kept_login;
pub use running::Running;
pub use screen::{Place, Screen};
pub use store::expect_sound;
pub use tray::{Entry, Tray};
pub use window::Window;
