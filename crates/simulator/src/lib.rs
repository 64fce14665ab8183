//! A stand-in for Anthropic's servers, for tests and for the demo.
//!
//! It speaks the wire of the Messages, Models and token-counting endpoints, keeps a log of what
//! arrived, and follows a [`Script`] into every error and fault that a client has to survive.
//! Every response carries [`SIMULATED_HEADER`], and the built-in answer says that it is simulated.
//!
//! ```
//! use std::time::Duration;
//! use switchyard_simulator::{KeyState, Reply, Script, Simulator};
//!
//! let key = format!("sk-ant-api03-{}", "from-your-test");
//! let script = Script::new()
//!     .key(&key, KeyState::Valid)
//!     .reply(Reply::text("Hello").paced(Duration::from_millis(5)));
//! let simulator = Simulator::start_blocking(script);
//! simulator.push(Reply::error(529, "overloaded_error", "Overloaded").header("retry-after", "1"));
//! assert!(simulator.base_url().starts_with("http://127.0.0.1:"));
//! assert!(simulator.requests().is_empty());
//! ```
//!
//! A request passes these gates, and the first that objects answers: size, credential, path, body,
//! [rules](Script::when), [queue](Script::reply) (Messages only), and at last
//! [the standing answer](Script::otherwise).

mod answer;
mod catalogue;
mod feed;
mod known_error;
mod listing;
mod log;
mod render;
mod reply;
mod script;
mod server;
mod simulator;
mod usage;
mod validate;

pub use answer::UsageShape;
pub use catalogue::Model;
pub use known_error::KnownError;
pub use log::{Disconnect, LoggedRequest};
pub use reply::Reply;
pub use script::{KeyState, Match, Script};
pub use simulator::Simulator;
pub use usage::Usage;

/// Names the header, always `true`, that marks a response as simulated.
pub const SIMULATED_HEADER: &str = "x-switchyard-simulated";

/// Names the longest request body that is accepted: 32 MB, as the Messages API documents.
pub const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;
