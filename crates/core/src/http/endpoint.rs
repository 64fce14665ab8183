//! Where a key may be sent.

use std::fmt;

use url::{Host, Url};

use crate::error::{Error, Result};

/// The base URL of a server that speaks the Messages API: https, or plain http on loopback.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    url: Url,
}

impl Endpoint {
    /// The base URL of Anthropic's own API.
    pub const ANTHROPIC: &'static str = "https://api.anthropic.com";

    /// Reads a base URL, or takes Anthropic's own for `None`.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when a key must not be sent there: plain
    /// http outside loopback, or a URL with credentials, query or fragment.
    pub fn parse(base_url: Option<&str>) -> Result<Self> {
        let text = base_url.unwrap_or(Self::ANTHROPIC).trim();
        let mut url = Url::parse(text).map_err(|e| {
            Error::bad_input("The base URL is not a URL.")
                .hint("Write it like https://gateway.example or http://127.0.0.1:8080.")
                .because(e)
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::bad_input("The base URL holds a name or password.")
                .hint("Leave it out: the key is sent in a header of its own."));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::bad_input("The base URL holds a query or fragment.")
                .hint("End it with the path, such as https://gateway.example/anthropic."));
        }
        match (url.scheme(), is_loopback(&url)) {
            ("https", _) | ("http", true) => {}
            ("http", false) => {
                return Err(Error::bad_input(
                    "Over plain http anyone on the way could read the key.",
                )
                .hint("Use https; plain http is for servers on this machine only."));
            }
            _ => {
                return Err(
                    Error::bad_input("The base URL starts with neither https nor http.")
                        .hint("Write it like https://gateway.example."),
                );
            }
        }
        let path = without_api_path(url.path()).to_owned();
        url.set_path(&path);
        Ok(Self { url })
    }

    /// Returns the form for the store: no trailing slash; `None` for Anthropic's own.
    #[must_use]
    pub fn to_store(&self) -> Option<String> {
        (!self.is_anthropic()).then(|| self.to_string())
    }

    /// Tells whether this is Anthropic's own API and not a gateway.
    #[must_use]
    pub fn is_anthropic(&self) -> bool {
        self.to_string() == Self::ANTHROPIC
    }

    /// Tells whether the server is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Tells whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns host and port, to name the server to people.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Returns the URL of an API path such as `/v1/messages`.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// Takes off what people paste along with a base URL.
fn without_api_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/messages").unwrap_or(path);
    path.strip_suffix("/v1").unwrap_or(path)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
