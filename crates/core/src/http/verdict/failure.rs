//! Verdicts where there is no answer to judge.

use std::error::Error as _;
use std::time::Duration;

use super::advice::spoken;
use super::{Kind, Retry, Verdict};
use crate::error::{Code, Error};
use crate::http::Endpoint;

/// Why a request is not sent again that may have been carried out.
pub(super) const MAY_BE_BILLED: &str =
    "It may have been billed all the same, so it wasn't sent again by itself.";

impl Verdict {
    /// Judges something on this side that kept the request from being sent.
    #[must_use]
    pub fn local(error: Error) -> Self {
        Self::without_answer(Kind::Local, error)
    }

    /// Judges an error of the transport before the head of an answer.
    #[must_use]
    pub fn unsent(error: &reqwest::Error, endpoint: &Endpoint, connect_limit: Duration) -> Self {
        let host = endpoint.host();
        if let Some(why) = certificate_problem(error) {
            return Self::without_answer(
                Kind::Untrusted,
                Error::new(
                    Code::Network,
                    format!("{host} could not prove who it is: {why}. The key was not sent."),
                )
                .hint(
                    "If your network inspects traffic, or the server has its own authority, set \
                     `http.ca_file` to that authority's PEM file.",
                ),
            );
        }
        if !error.is_connect() {
            return Self::broken(endpoint);
        }
        let error = if error.is_timeout() {
            let limit = spoken(connect_limit);
            Error::new(
                Code::Timeout,
                format!("{host} could not be reached within {limit}."),
            )
        } else {
            let why = root_cause(error);
            Error::new(
                Code::Network,
                format!("{host} could not be reached: {why}."),
            )
        };
        let error = error.hint("Check the network, the proxy setting and the key's base URL.");
        Self {
            retry: Some(Retry { after: None }),
            ..Self::without_answer(Kind::Unreachable, error)
        }
    }

    /// Judges a connection that broke after the request had begun to leave.
    #[must_use]
    pub fn broken(endpoint: &Endpoint) -> Self {
        let host = endpoint.host();
        Self::without_answer(
            Kind::Broken,
            Error::new(Code::Network, format!("The connection to {host} broke."))
                .hint(MAY_BE_BILLED),
        )
    }

    /// Judges a server that said nothing within `limit` of the request.
    #[must_use]
    pub fn silent(endpoint: &Endpoint, limit: Duration) -> Self {
        let (host, limit) = (endpoint.host(), spoken(limit));
        Self::without_answer(
            Kind::Silent,
            Error::new(
                Code::Timeout,
                format!("{host} did not begin to answer within {limit}."),
            )
            .hint("It may have been billed all the same. The limit is `http.timeouts`."),
        )
    }

    /// Judges a short answer that was not complete within `limit`.
    #[must_use]
    pub fn endless(endpoint: &Endpoint, limit: Duration) -> Self {
        let (host, limit) = (endpoint.host(), spoken(limit));
        Self::without_answer(
            Kind::Silent,
            Error::new(
                Code::Timeout,
                format!("The answer of {host} was not complete within {limit}."),
            )
            .hint("Try again later; check the network and the base URL."),
        )
    }

    fn without_answer(kind: Kind, error: Error) -> Self {
        Self {
            kind,
            status: None,
            error,
            retry: None,
            request_id: None,
            may_have_run: matches!(kind, Kind::Broken | Kind::Silent),
        }
    }
}

/// Finds in the chain of causes what is wrong with the server's certificate.
fn certificate_problem(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(tls) = as_tls(inner) {
            return match tls {
                rustls::Error::InvalidCertificate(problem) => {
                    Some(format!("its certificate does not hold ({problem})"))
                }
                _ if error.is_connect() => {
                    Some("the encrypted connection could not be set up".to_owned())
                }
                // The connection stood, and the key may have gone over it.
                _ => None,
            };
        }
        cause = inner.source();
    }
    None
}

/// The TLS error may sit inside I/O errors, whose `source` skips what they hold.
fn as_tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>().or_else(|| {
        let held = error.downcast_ref::<std::io::Error>()?.get_ref()?;
        as_tls(held)
    })
}

/// Returns the innermost cause: the system's own words, which name neither URL nor proxy.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
