//! Connections: made when they are first needed, kept for the next request, dropped on lock.

use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Method, NoProxy, Proxy};

use super::endpoint::Endpoint;
use super::settings::{HttpSettings, ProxyChoice, Timeouts};
use super::verdict::Verdict;
use crate::clock::Millis;
use crate::error::{Code, Error, Result};
use crate::secret::ApiKey;

const USER_AGENT: &str = concat!("switchyard/", env!("CARGO_PKG_VERSION"));

/// The most of an answer that is read as a whole; a model list of a thousand entries fits.
const WHOLE_MAX: usize = 8 * 1024 * 1024;

/// How long an answer may take that is read as a whole, from its head on.
const WHOLE_TIME: Duration = Duration::from_secs(30);

/// The most of a refusal that is read; the API's are a few hundred bytes.
const ERROR_MAX: usize = 64 * 1024;

/// The HTTP client. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: HttpSettings,
    clients: Mutex<Clients>,
}

/// Two clients, because the one for https loads the system's root certificates (tens of
/// milliseconds), for which a request to a server on this machine must not wait.
#[derive(Debug, Default)]
struct Clients {
    plain: Option<Client>,
    encrypted: Option<Client>,
}

impl Http {
    /// Makes a client that connects to nothing yet.
    #[must_use]
    pub fn new(settings: &HttpSettings) -> Self {
        Self(Arc::new(Inner {
            settings: settings.clone(),
            clients: Mutex::default(),
        }))
    }

    /// Returns how long each phase of a request may take.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.0.settings.timeouts
    }

    /// Closes idle connections and forgets what they hold, keys in header tables included. A
    /// request under way keeps its own connection.
    pub fn drop_pool(&self) {
        *self.lock() = Clients::default();
    }

    /// Sends a `GET` for `path`, which may hold a query, and returns the answer's head.
    ///
    /// # Errors
    /// A verdict when there is no answer at all.
    pub async fn get(
        &self,
        endpoint: &Endpoint,
        path: &str,
        key: &ApiKey,
    ) -> Result<Reply, Verdict> {
        self.send(Method::GET, endpoint, path, key, None, &[]).await
    }

    /// Sends `body` as JSON to `path` and returns the answer's head.
    ///
    /// # Errors
    /// A verdict when there is no answer at all.
    pub async fn post(
        &self,
        endpoint: &Endpoint,
        path: &str,
        key: &ApiKey,
        body: Bytes,
        headers: &[(&'static str, String)],
    ) -> Result<Reply, Verdict> {
        self.send(Method::POST, endpoint, path, key, Some(body), headers)
            .await
    }

    async fn send(
        &self,
        method: Method,
        endpoint: &Endpoint,
        path: &str,
        key: &ApiKey,
        body: Option<Bytes>,
        headers: &[(&'static str, String)],
    ) -> Result<Reply, Verdict> {
        let client = self.client(endpoint).map_err(Verdict::local)?;
        let mut request = client
            .request(method, endpoint.join(path))
            .header("x-api-key", key_header(key).map_err(Verdict::local)?)
            .header("anthropic-version", super::API_VERSION);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let limit = self.timeouts().first_byte;
        match tokio::time::timeout(limit, request.send()).await {
            Ok(Ok(response)) => Ok(Reply { response }),
            Ok(Err(error)) => Err(Verdict::unsent(&error, endpoint, self.timeouts().connect)),
            Err(_) => Err(Verdict::silent(endpoint, limit)),
        }
    }

    /// Reads a short answer to its end, or judges it if it isn't a success.
    ///
    /// # Errors
    /// The verdict on anything but a 2xx, and on a connection that breaks.
    pub(super) async fn whole_or_verdict(
        &self,
        reply: Reply,
        endpoint: &Endpoint,
        key: &ApiKey,
        now: Millis,
    ) -> Result<Bytes, Verdict> {
        if !(200..=299).contains(&reply.status()) {
            return Err(self.judge(reply, endpoint, key, now).await);
        }
        let limit = self.whole_time();
        let read = reply.whole(self.timeouts().idle, endpoint);
        tokio::time::timeout(limit, read)
            .await
            .unwrap_or_else(|_| Err(Verdict::endless(endpoint, limit)))
    }

    fn whole_time(&self) -> Duration {
        WHOLE_TIME.min(self.timeouts().total)
    }

    /// Judges an answer that is not a success.
    pub async fn judge(
        &self,
        mut reply: Reply,
        endpoint: &Endpoint,
        key: &ApiKey,
        now: Millis,
    ) -> Verdict {
        let mut body = BytesMut::new();
        let read = reply.prefix(&mut body, ERROR_MAX, self.timeouts().idle);
        // What came is judged, whether or not it was all.
        let _ = tokio::time::timeout(self.whole_time(), read).await;
        Verdict::of(reply.status(), reply.headers(), &body, endpoint, key, now)
    }

    fn client(&self, endpoint: &Endpoint) -> Result<Client> {
        let mut clients = self.lock();
        let slot = if endpoint.is_encrypted() {
            &mut clients.encrypted
        } else {
            &mut clients.plain
        };
        if let Some(client) = slot {
            return Ok(client.clone());
        }
        let client = if endpoint.is_encrypted() {
            encrypted(&self.0.settings)?
        } else {
            plain(&self.0.settings)?
        };
        Ok(slot.insert(client).clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Clients> {
        self.0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer whose head has arrived.
#[derive(Debug)]
pub struct Reply {
    response: reqwest::Response,
}

impl Reply {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Returns a header's text, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Returns the next piece of the body, or `None` at its end. Dropping the reply closes the
    /// connection.
    ///
    /// # Errors
    /// When the connection breaks before the end that was announced.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, reqwest::Error> {
        self.response.chunk().await
    }

    /// Reads what there is of the body up to `max` bytes into `body`, within `idle` for each piece.
    /// A body that breaks off gives what came.
    async fn prefix(&mut self, body: &mut BytesMut, max: usize, idle: Duration) {
        while body.len() < max {
            match tokio::time::timeout(idle, self.chunk()).await {
                Ok(Ok(Some(piece))) => body.extend_from_slice(&piece),
                _ => break,
            }
        }
        body.truncate(max);
    }

    /// Reads the whole of a short body.
    async fn whole(mut self, idle: Duration, endpoint: &Endpoint) -> Result<Bytes, Verdict> {
        let mut body = BytesMut::new();
        loop {
            match tokio::time::timeout(idle, self.chunk()).await {
                Ok(Ok(Some(piece))) if body.len() + piece.len() <= WHOLE_MAX => {
                    body.extend_from_slice(&piece);
                }
                Ok(Ok(None)) => return Ok(body.freeze()),
                Err(_) => return Err(Verdict::silent(endpoint, idle)),
                Ok(Err(_)) => return Err(Verdict::broken(endpoint)),
                Ok(Ok(Some(_))) => {
                    let host = endpoint.host();
                    return Err(Verdict::local(
                        Error::new(Code::Refused, format!("The answer of {host} has no end."))
                            .hint("Check the base URL: this may not be a server for models."),
                    ));
                }
            }
        }
    }
}

/// Makes the header value that carries a key; it is marked so that no log shows it.
///
/// # Errors
/// [`Code::BadInput`] when the key has characters that a header can't hold. It isn't repeated.
pub(super) fn key_header(key: &ApiKey) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(key.expose()).map_err(|_| {
        Error::bad_input("The key holds a character that can't be sent.")
            .hint("Copy it again: a key is one line of letters, digits and dashes.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn common(settings: &HttpSettings) -> ClientBuilder {
    // The provider is process-wide and installed once; another one that came first does as well.
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Retries are ours: each one is counted and shown.
        .retry(reqwest::retry::never())
        .connect_timeout(settings.timeouts.connect)
        .tcp_nodelay(true)
}

/// Speaks to this machine only, so no proxy and no root certificates.
fn plain(settings: &HttpSettings) -> Result<Client> {
    let builder = common(settings).no_proxy();
    let tls = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    build(builder.tls_backend_preconfigured(tls))
}

/// Trusts what the platform trusts, so that a company's own authority works without a setting, and
/// the user's file on top.
fn encrypted(settings: &HttpSettings) -> Result<Client> {
    let mut builder = common(settings).https_only(true);
    if let Some(file) = &settings.ca_file {
        let unusable = |why: &str| {
            Error::bad_input(format!("The CA file {} {why}.", file.display()))
                .hint("Set `http.ca_file` to a PEM file with certificates, or clear it.")
        };
        let pem = std::fs::read(file).map_err(|e| unusable("can't be read").because(e))?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|e| unusable("holds no usable certificate").because(e))?;
        if certificates.is_empty() {
            return Err(unusable("holds no certificate"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder = match &settings.proxy {
        ProxyChoice::Off => builder.no_proxy(),
        ProxyChoice::System => builder,
        ProxyChoice::Url(url) => {
            let direct = NoProxy::from_string("localhost,127.0.0.0/8,::1");
            let proxy = Proxy::all(url.clone())
                .map_err(|_| Error::bad_input("The proxy setting is not one that can be used."))?;
            builder.proxy(proxy.no_proxy(direct))
        }
    };
    build(builder)
}

fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|e| {
        Error::failed("The HTTP client could not be set up.")
            .hint("Check that the system has root certificates (package ca-certificates).")
            .because(e.without_url())
    })
}
