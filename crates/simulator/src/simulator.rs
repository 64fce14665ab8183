//! The running server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::log::{Disconnect, Log, LoggedRequest};
use crate::reply::Reply;
use crate::script::{KeyState, Match, Script};
use crate::server;

/// What the server and its owner share.
pub(crate) struct Shared {
    pub(crate) log: Arc<Log>,
    pub(crate) releases: watch::Sender<u64>,
    script: Mutex<Script>,
}

impl Shared {
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A simulated server on a loopback port of its own, up until it is dropped.
///
/// It runs on a thread and runtime of its own: a test may block, pause its clock, or use no async
/// runtime at all.
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts a simulator on a free loopback port.
    ///
    /// # Panics
    ///
    /// If the machine has no loopback port or thread to give; [`Simulator::bind`] returns that.
    pub async fn start(script: Script) -> Self {
        Self::start_blocking(script)
    }

    /// Starts a simulator on a free loopback port, from code that is not async.
    ///
    /// # Panics
    ///
    /// If the machine has no loopback port or thread to give; [`Simulator::bind`] returns that.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that gets no port cannot go on")]
    pub fn start_blocking(script: Script) -> Self {
        Self::bind(0, script).expect("a loopback port and a thread")
    }

    /// Starts a simulator on this loopback port; 0 takes a free one.
    ///
    /// # Errors
    ///
    /// If the port is taken, or the system gives no socket or thread.
    pub fn bind(port: u16, script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let shared = Arc::new(Shared {
            log: Arc::new(Log::new()),
            releases: watch::Sender::new(0),
            script: Mutex::new(script),
        });
        let stop = CancellationToken::new();
        let (state, stopped) = (Arc::clone(&shared), stop.clone());
        let thread = std::thread::Builder::new()
            .name("simulator".into())
            .spawn(move || serve(&runtime, listener, state, &stopped))?;
        Ok(Self {
            address,
            shared,
            stop,
            handle,
            thread: Some(thread),
        })
    }

    /// Returns the base URL, without a trailing slash: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server and closes every connection; dropping does the same.
    pub fn stop(self) {
        drop(self);
    }

    /// Adds a reply to the queue; each Messages request takes one.
    pub fn push(&self, reply: impl Into<Reply>) {
        self.shared.script().push(reply.into());
    }

    /// Adds a rule, after those that are there.
    pub fn when(&self, requests: Match, reply: impl Into<Reply>) {
        self.shared.script().add_rule(requests, reply.into());
    }

    /// Knows a key from now on, or changes the state of a known one.
    pub fn set_key(&self, key: impl Into<String>, state: KeyState) {
        self.shared.script().set_key(key.into(), state);
    }

    /// Lets everything that is held or stalled at this moment go on.
    pub fn release(&self) {
        self.shared.releases.send_modify(|count| *count += 1);
    }

    /// Returns every request so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.log.requests()
    }

    /// Waits until at least `count` requests have arrived, and returns them all.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<LoggedRequest> {
        self.shared.log.wait_for(count, Log::requests).await
    }

    /// Waits as [`Simulator::wait_for_requests`] does, from code that is not async, and returns
    /// what there is when `limit` has passed.
    #[must_use]
    pub fn wait_for_requests_blocking(&self, count: usize, limit: Duration) -> Vec<LoggedRequest> {
        let wait = async { tokio::time::timeout(limit, self.wait_for_requests(count)).await };
        self.handle
            .block_on(wait)
            .unwrap_or_else(|_| self.requests())
    }

    /// Returns the clients that went away before their reply was complete, oldest first.
    #[must_use]
    pub fn disconnects(&self) -> Vec<Disconnect> {
        self.shared.log.disconnects()
    }

    /// Waits until at least `count` clients have gone away, and returns them all.
    pub async fn wait_for_disconnects(&self, count: usize) -> Vec<Disconnect> {
        self.shared.log.wait_for(count, Log::disconnects).await
    }

    /// Waits as [`Simulator::wait_for_disconnects`] does, from code that is not async, and returns
    /// what there is when `limit` has passed.
    #[must_use]
    pub fn wait_for_disconnects_blocking(&self, count: usize, limit: Duration) -> Vec<Disconnect> {
        let wait = async { tokio::time::timeout(limit, self.wait_for_disconnects(count)).await };
        self.handle
            .block_on(wait)
            .unwrap_or_else(|_| self.disconnects())
    }

    /// Empties the log of requests and disconnects.
    pub fn clear(&self) {
        self.shared.log.clear();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

/// Serves until told to stop. The runtime ends with this thread, and every connection with it.
fn serve(runtime: &Runtime, listener: TcpListener, shared: Arc<Shared>, stop: &CancellationToken) {
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
            return;
        };
        // Without this, small paced events would wait for the client's acknowledgements.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        tokio::select! {
            _ = axum::serve(listener, server::router(shared)) => {}
            () = stop.cancelled() => {}
        }
    });
}
