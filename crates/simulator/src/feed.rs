//! The bytes of one response body, made as fast as the client takes them.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::log::DisconnectGuard;
use crate::reply::Wire;

/// Small neighbours leave together up to this size when nothing paces them.
const COALESCE_BYTES: usize = 16 * 1024;

/// One step of a body.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    /// The same bytes over and over: a body of any size in the memory of one unit.
    Repeat {
        unit: Bytes,
        times: u64,
    },
    /// Waits for the next beat of the pace.
    Tick,
    /// Waits for the next release.
    Stall,
    /// Cuts the connection.
    Cut,
}

/// Returns a body that sends `pieces` as `wire` says.
pub(crate) fn body(
    pieces: Vec<Piece>,
    pace: Option<Duration>,
    wire: &Wire,
    releases: watch::Receiver<u64>,
    guard: DisconnectGuard,
) -> Body {
    let plain = wire.chunk.is_none() && wire.cut_at.is_none();
    if let ([Piece::Bytes(whole)], true) = (pieces.as_slice(), plain) {
        guard.disarm();
        return Body::from(whole.clone());
    }
    let feed = Feed {
        pieces: pieces.into(),
        ready: Bytes::new(),
        chunk: wire.chunk,
        left_until_cut: wire.cut_at,
        beat: pace.map(beat),
        releases,
        guard: Some(guard),
    };
    Body::from_stream(stream::unfold(feed, |mut feed| async {
        let next = feed.next().await?;
        Some((next, feed))
    }))
}

fn beat(every: Duration) -> Interval {
    let mut beat = tokio::time::interval_at(Instant::now() + every, every);
    // A late beat is made up for, so that N events take N intervals however slow the client.
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    beat
}

struct Feed {
    pieces: VecDeque<Piece>,
    ready: Bytes,
    chunk: Option<usize>,
    left_until_cut: Option<u64>,
    beat: Option<Interval>,
    releases: watch::Receiver<u64>,
    guard: Option<DisconnectGuard>,
}

impl Feed {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.left_until_cut == Some(0) {
            return self.cut().await;
        }
        while self.ready.is_empty() {
            match self.pieces.pop_front() {
                None => return self.end(),
                Some(Piece::Bytes(bytes)) => self.ready = self.with_neighbours(bytes),
                Some(Piece::Repeat { unit, times }) => self.repeat(unit, times),
                Some(Piece::Tick) => self.tick().await,
                Some(Piece::Stall) => self.stall().await,
                Some(Piece::Cut) => return self.cut().await,
            }
        }
        let mut size = self
            .chunk
            .map_or(self.ready.len(), |chunk| chunk.min(self.ready.len()));
        if let Some(left) = &mut self.left_until_cut {
            size = size.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= size as u64;
        }
        let bytes = self.ready.split_to(size);
        if let Some(guard) = &mut self.guard {
            guard.sent += bytes.len() as u64;
        }
        Some(Ok(bytes))
    }

    fn with_neighbours(&mut self, first: Bytes) -> Bytes {
        let mut joined = BytesMut::new();
        while let Some(Piece::Bytes(next)) = self.pieces.front() {
            if first.len() + joined.len() + next.len() > COALESCE_BYTES {
                break;
            }
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(next);
            self.pieces.pop_front();
        }
        if joined.is_empty() {
            first
        } else {
            joined.freeze()
        }
    }

    fn repeat(&mut self, unit: Bytes, times: u64) {
        if times > 1 {
            let rest = Piece::Repeat {
                unit: unit.clone(),
                times: times - 1,
            };
            self.pieces.push_front(rest);
        }
        if times > 0 {
            self.ready = unit;
        }
    }

    async fn tick(&mut self) {
        if let Some(beat) = &mut self.beat {
            beat.tick().await;
        }
    }

    async fn stall(&mut self) {
        if self.releases.changed().await.is_err() {
            // Nobody is left who could release it: the simulator is going down.
            std::future::pending::<()>().await;
        }
    }

    async fn cut(&mut self) -> Option<io::Result<Bytes>> {
        // The server flushes what it has only when the body has nothing more to give at once.
        tokio::task::yield_now().await;
        self.end();
        Some(Err(io::Error::new(
            io::ErrorKind::ConnectionReset,
            "cut by the script",
        )))
    }

    fn end(&mut self) -> Option<io::Result<Bytes>> {
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
        None
    }
}
