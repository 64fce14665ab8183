//! The one HTTP client: where it may go, what it sends with a key, and what an answer means.
//!
//! Redirects are off, because a redirect would carry the key to a server that nobody chose.

mod admin;
mod client;
mod endpoint;
mod models;
mod probe;
mod settings;
mod verdict;

pub use admin::check_admin_key;
pub use client::{Http, Reply};
pub use endpoint::Endpoint;
pub use models::{ModelInfo, list_models};
pub use probe::{
    Check, REAL_CALL_PROMPT, REAL_CALL_TOKENS, RealCall, check_key, count_tokens,
    test_with_real_call,
};
pub use settings::{CA_FILE, HttpSettings, PROXY, ProxyChoice, TIMEOUTS, Timeouts};
pub use verdict::{Kind, Retry, Verdict};

/// The version of the API that every request names. It is the one that every proxy knows; no
/// request sends the sampling parameters in which the newer `2026-10-21` differs.
pub const API_VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests;
