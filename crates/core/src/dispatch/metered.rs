//! The metered tier: the Messages API, streamed, with a key that pays.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::event::{RunEvent, Sink};
use super::request::Request;
use super::retry::RetryState;
use super::routing::Cause;
use super::sse;
use super::tier::{Running, Seen, Tier, cancelled, tell};
use super::wire;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::http::{Endpoint, Http, Kind, Reply, Verdict};
use crate::secret::{ApiKey, redact_known};
use crate::text::shown;

/// The most text of one event; a longer piece is handed on in several.
const PIECE_MAX: usize = 16 * 1024;

/// The Messages API with one key.
pub struct Metered {
    /// The client.
    pub http: Http,
    /// Where the key is sent.
    pub endpoint: Endpoint,
    /// The key, wiped when the run is over.
    pub key: ApiKey,
    /// The longest answer, in tokens.
    pub max_tokens: u64,
    /// What a `retry-after` date is compared with.
    pub clock: Clock,
}

impl Tier for Metered {
    fn run<'a>(
        &'a self,
        request: &'a Request,
        seen: &'a mut Seen,
        sink: &'a Sink,
        cancel: &'a CancellationToken,
    ) -> Running<'a> {
        Box::pin(async move {
            let body = request.body(self.max_tokens)?;
            let total = self.http.timeouts().total;
            // Dropping the attempt drops its connection: that is what cancelling means here.
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(cancelled()),
                ended = timeout(total, self.attempts(body, seen, sink)) => {
                    ended.unwrap_or_else(|_| Err(too_slow(&self.endpoint, total)))
                }
            }
        })
    }
}

/// Why an attempt ended early.
enum Stopped {
    /// The server, or the way to it.
    Verdict(Verdict),
    /// Something on this side that a second try does not change.
    Here(Error),
}

impl From<Verdict> for Stopped {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

impl Metered {
    async fn attempts(&self, body: Bytes, seen: &mut Seen, sink: &Sink) -> Result<()> {
        let start = Instant::now();
        let mut retries = RetryState::default();
        loop {
            let verdict = match self.attempt(body.clone(), start, seen, sink).await {
                Ok(()) => return Ok(()),
                Err(Stopped::Here(error)) => return Err(error),
                Err(Stopped::Verdict(verdict)) => verdict,
            };
            if verdict.request_id.is_some() {
                seen.request_id.clone_from(&verdict.request_id);
            }
            let left = self.http.timeouts().total.saturating_sub(start.elapsed());
            let Some(wait) = retries.should_retry(&verdict, left, chance()) else {
                seen.cause = cause(verdict.kind);
                return Err(verdict.error);
            };
            retries = retries.after_retry();
            let event = RunEvent::Waiting {
                why: wait.why.to_owned(),
                until: self.clock.now().plus(wait.duration),
                attempt: seen.attempts + 1,
            };
            tell(sink, event).await?;
            tokio::time::sleep(wait.duration).await;
        }
    }

    async fn attempt(
        &self,
        body: Bytes,
        start: Instant,
        seen: &mut Seen,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        seen.attempts += 1;
        seen.may_have_run = true;
        let sent = self
            .http
            .post(&self.endpoint, "/v1/messages", &self.key, body, &[]);
        let reply = match sent.await {
            Ok(reply) => reply,
            Err(verdict) => {
                seen.may_have_run = verdict.may_have_run;
                return Err(verdict.into());
            }
        };
        if reply.status() != 200 {
            let now = self.clock.now();
            let verdict = self.http.judge(reply, &self.endpoint, &self.key, now).await;
            // Refused before anything was made: that costs nothing.
            seen.may_have_run = verdict.may_have_run;
            return Err(verdict.into());
        }
        seen.request_id = self.request_id(&reply);
        let organization = reply.header("anthropic-organization-id");
        seen.proof = organization.map(|id| format!("organization {}", self.word(id)));
        if !is_of(&reply, "text/event-stream") {
            let verdict = self.not_a_stream(&reply);
            seen.may_have_run = verdict.may_have_run;
            return Err(verdict.into());
        }
        let mut answer = Answer {
            tier: self,
            start,
            seen,
            sink,
            text: Pending::default(),
        };
        let outcome = answer.read(reply).await;
        // What came before an error is shown before the error is.
        answer.flush().await?;
        outcome
    }

    fn not_a_stream(&self, reply: &Reply) -> Verdict {
        let kind = reply.header("content-type").unwrap_or("nothing known");
        let kind = self.word(kind);
        let host = self.endpoint.host();
        Verdict {
            kind: Kind::NotTheApi,
            status: Some(reply.status()),
            error: Error::new(
                Code::Refused,
                format!("{host} answered with {kind} instead of a stream of events."),
            )
            .hint("Check the key's base URL, and whether the network wants a sign-in first."),
            retry: None,
            request_id: self.request_id(reply),
            // A page for people is a sign-in or a proxy's: no model has run.
            may_have_run: !is_of(reply, "text/html"),
        }
    }

    fn request_id(&self, reply: &Reply) -> Option<String> {
        reply.header("request-id").map(|id| self.word(id))
    }

    /// Makes a word of the server's fit to be kept and shown, whatever it is.
    fn word(&self, text: &str) -> String {
        self.line(text, 100)
    }

    fn line(&self, text: &str, columns: usize) -> String {
        shown(&redact_known(text, &self.key), columns)
    }
}

/// Text of one kind that has been read and not yet handed on. What one read brings goes out
/// together: no piece waits, and a fast stream costs few events.
#[derive(Default)]
struct Pending {
    text: String,
    is_thinking: bool,
}

/// One answer while it is read.
struct Answer<'a> {
    tier: &'a Metered,
    start: Instant,
    seen: &'a mut Seen,
    sink: &'a Sink,
    text: Pending,
}

impl Answer<'_> {
    async fn read(&mut self, mut reply: Reply) -> Result<(), Stopped> {
        let endpoint = &self.tier.endpoint;
        let idle = self.tier.http.timeouts().idle;
        let mut parser = sse::Parser::default();
        loop {
            let piece = match timeout(idle, reply.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => return self.end(),
                Ok(Err(_)) => return Err(broken_off(endpoint).into()),
                Err(_) => return Err(fell_silent(endpoint, idle).into()),
            };
            let mut bytes: &[u8] = &piece;
            loop {
                match parser.next(&mut bytes) {
                    Ok(Some(event)) => {
                        if self.take(event).await? {
                            return Ok(());
                        }
                    }
                    Ok(None) => break,
                    Err(sse::TooLong) => return Err(unreadable(endpoint).into()),
                }
            }
            self.flush().await?;
        }
    }

    /// Takes one event; true when it was the last.
    async fn take(&mut self, event: sse::Event<'_>) -> Result<bool, Stopped> {
        let endpoint = &self.tier.endpoint;
        match wire::read(event.name, event.data).map_err(|_| unreadable(endpoint))? {
            wire::Event::Text(text) => self.piece(&text, false).await?,
            wire::Event::Thinking(text) => self.piece(&text, true).await?,
            wire::Event::Start(start) => {
                self.seen.model = start.message.model.map(|model| self.tier.word(&model));
                if let Some(usage) = start.message.usage {
                    self.seen.used.take(usage);
                    self.tell_used().await?;
                }
            }
            wire::Event::Delta(delta) => {
                if let Some(reason) = delta.delta.stop_reason {
                    self.seen.stop_reason = Some(self.tier.word(&reason));
                }
                let details = delta.delta.stop_details;
                let detail = details.and_then(|details| details.explanation.or(details.category));
                self.seen.stop_detail = detail.map(|text| self.tier.line(&text, 300));
                if let Some(usage) = delta.usage {
                    self.seen.used.take_last(usage);
                    self.tell_used().await?;
                }
            }
            wire::Event::Stop => return Ok(true),
            wire::Event::Error(failure) => return Err(self.failed(failure).into()),
            wire::Event::Other => {}
        }
        Ok(false)
    }

    async fn piece(&mut self, text: &str, is_thinking: bool) -> Result<()> {
        if self.seen.first_token.is_none() {
            self.seen.first_token = Some(self.start.elapsed());
        }
        self.seen.output_bytes += text.len() as u64;
        if !is_thinking {
            self.seen.keep(text);
        }
        if self.text.is_thinking != is_thinking {
            self.flush().await?;
            self.text.is_thinking = is_thinking;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let room = PIECE_MAX.saturating_sub(self.text.text.len());
            // A character may need up to four bytes; with less room than that, begin a new piece.
            let end = rest.floor_char_boundary(room.min(rest.len()));
            self.text.text.push_str(&rest[..end]);
            rest = &rest[end..];
            if !rest.is_empty() {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.text.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text.text);
        let event = if self.text.is_thinking {
            RunEvent::Thinking { text }
        } else {
            RunEvent::Text { text }
        };
        tell(self.sink, event).await
    }

    async fn tell_used(&mut self) -> Result<()> {
        self.flush().await?;
        let tokens = self.seen.used.tokens;
        tell(self.sink, RunEvent::Usage { tokens }).await
    }

    /// Judges the end of the bytes where no `message_stop` came first.
    fn end(&self) -> Result<(), Stopped> {
        if self.seen.stop_reason.is_some() {
            // The final report is here; only the closing word is missing.
            return Ok(());
        }
        Err(broken_off(&self.tier.endpoint).into())
    }

    fn failed(&self, failure: wire::Failure) -> Verdict {
        let id = failure.request_id.map(|id| self.tier.word(&id));
        let id = id.or_else(|| self.seen.request_id.clone());
        Verdict::in_stream(
            failure.error.r#type.as_deref().unwrap_or_default(),
            failure.error.message.as_deref().unwrap_or_default(),
            id,
            &self.tier.endpoint,
            &self.tier.key,
        )
    }
}

fn is_of(reply: &Reply, media_type: &str) -> bool {
    reply.header("content-type").is_some_and(|sent| {
        let sent = sent.trim_start().as_bytes();
        sent.get(..media_type.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(media_type.as_bytes()))
    })
}

/// Says for which reason another way may be taken, if for any: not where the prompt is the trouble, or a
/// limit that an owner has set.
fn cause(kind: Kind) -> Option<Cause> {
    match kind {
        Kind::RateLimited => Some(Cause::RateLimited),
        Kind::Overloaded | Kind::ServerFault => Some(Cause::Overloaded),
        Kind::Unreachable => Some(Cause::HostDown),
        Kind::BadKey | Kind::NoCredit | Kind::Billing => Some(Cause::Unavailable),
        _ => None,
    }
}

fn chance() -> f64 {
    let mut bytes = [0_u8; 4];
    // Without a random source the wait is simply not shortened.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}

fn broken_off(endpoint: &Endpoint) -> Error {
    let host = endpoint.host();
    Error::new(
        Code::Network,
        format!("The connection to {host} broke before the answer was complete."),
    )
    .hint("What came is kept. Reply to let the model go on, or send the prompt again.")
}

fn fell_silent(endpoint: &Endpoint, idle: Duration) -> Error {
    let (host, idle) = (endpoint.host(), idle.as_secs_f32());
    Error::new(
        Code::Timeout,
        format!("{host} sent nothing for {idle} s in the middle of the answer."),
    )
    .hint("What came is kept. The limit is `idle` of the setting `http.timeouts`.")
}

fn too_slow(endpoint: &Endpoint, total: Duration) -> Error {
    let (host, total) = (endpoint.host(), total.as_secs_f32());
    Error::new(
        Code::Timeout,
        format!("The answer of {host} was not complete after {total} s."),
    )
    .hint("What came is kept. The limit is `total` of the setting `http.timeouts`.")
}

fn unreadable(endpoint: &Endpoint) -> Error {
    let host = endpoint.host();
    Error::new(
        Code::Refused,
        format!("{host} sent an event that can't be read or is too long."),
    )
    .hint("What came is kept. If a gateway or proxy is on the way, it may damage the stream.")
}
