//! What arrived, for assertions.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

/// A request as it arrived, secrets included. Its `Debug` form masks credentials.
#[derive(Clone)]
pub struct LoggedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// Every header in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty if it was over the size limit.
    pub body: Bytes,
    /// When the whole request had arrived.
    pub at: Instant,
}

impl LoggedRequest {
    /// Returns the first header of this name (any case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the key or token: from `x-api-key`, else from `Authorization: Bearer`.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        let bearer = || {
            self.header("authorization")
                .and_then(|value| value.strip_prefix("Bearer "))
        };
        self.header("x-api-key")
            .or_else(bearer)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// Returns the body as JSON, or `null` if it is not JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl fmt::Debug for LoggedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |(name, value): &(String, String)| match name.as_str() {
            "x-api-key" | "authorization" => (name.clone(), last_four(value)),
            _ => (name.clone(), value.clone()),
        };
        f.debug_struct("LoggedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field(
                "headers",
                &self.headers.iter().map(masked).collect::<Vec<_>>(),
            )
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish_non_exhaustive()
    }
}

/// Returns an ellipsis and the last four characters: all of a credential that is ever shown.
pub(crate) fn last_four(secret: &str) -> String {
    let start = secret
        .char_indices()
        .rev()
        .nth(3)
        .map_or(0, |(index, _)| index);
    format!("…{}", &secret[start..])
}

/// A client that went away before its reply was complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// The request's place in the log, counted from zero since the last `clear`.
    pub request: usize,
    /// How many body bytes had been handed to the connection.
    pub sent_bytes: u64,
}

#[derive(Default)]
struct Entries {
    requests: Vec<LoggedRequest>,
    disconnects: Vec<Disconnect>,
    generation: u64,
}

/// The log itself, shared by the server and the test.
pub(crate) struct Log {
    entries: Mutex<Entries>,
    changes: watch::Sender<()>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            entries: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// Adds a request and returns the guard that notices when its client goes away.
    pub(crate) fn add(self: &Arc<Self>, request: LoggedRequest) -> DisconnectGuard {
        let mut entries = self.entries();
        entries.requests.push(request);
        let guard = DisconnectGuard {
            log: Some(Arc::clone(self)),
            request: entries.requests.len() - 1,
            generation: entries.generation,
            sent: 0,
        };
        drop(entries);
        self.changes.send_replace(());
        guard
    }

    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        self.entries().requests.clone()
    }

    pub(crate) fn disconnects(&self) -> Vec<Disconnect> {
        self.entries().disconnects.clone()
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.entries();
        entries.requests.clear();
        entries.disconnects.clear();
        entries.generation += 1;
    }

    /// Waits until `list` has at least `count` items, and returns them all.
    pub(crate) async fn wait_for<T>(&self, count: usize, list: impl Fn(&Self) -> Vec<T>) -> Vec<T> {
        let mut changes = self.changes.subscribe();
        loop {
            let items = list(self);
            if items.len() >= count {
                return items;
            }
            if changes.changed().await.is_err() {
                return items;
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records a disconnect when it is dropped before it is disarmed.
pub(crate) struct DisconnectGuard {
    log: Option<Arc<Log>>,
    request: usize,
    generation: u64,
    pub(crate) sent: u64,
}

impl DisconnectGuard {
    /// The reply was complete, or the script itself cut it.
    pub(crate) fn disarm(mut self) {
        self.log = None;
    }
}

impl Drop for DisconnectGuard {
    fn drop(&mut self) {
        let Some(log) = self.log.take() else { return };
        let mut entries = log.entries();
        if entries.generation == self.generation {
            let (request, sent_bytes) = (self.request, self.sent);
            entries.disconnects.push(Disconnect {
                request,
                sent_bytes,
            });
        }
        drop(entries);
        log.changes.send_replace(());
    }
}
