//! What the simulator says to one request: its content, and how the bytes leave.

use bytes::Bytes;

use crate::answer::Answer;

/// One scripted reply.
///
/// Methods that shape an answer's events (pace, faults between deltas, usage …) leave other
/// replies as they are; those that shape the bytes (`chunks`, `cut_at_byte`, `held`) work on all.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
    pub(crate) wire: Wire,
    /// Comes from something in front of the API, so it carries none of the API's own headers.
    pub(crate) from_proxy: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Answer(Box<Answer>),
    Error {
        kind: String,
        message: String,
        details: Option<serde_json::Value>,
    },
    Raw {
        content_type: String,
        bytes: Bytes,
    },
}

/// How the bytes of a body leave, whatever they say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    pub(crate) held: bool,
    pub(crate) chunk: Option<usize>,
    pub(crate) cut_at: Option<u64>,
}

impl Reply {
    pub(crate) fn new(status: u16, content: Content) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content,
            wire: Wire::default(),
            from_proxy: false,
        }
    }

    /// Returns an error in the API's own form. `kind` is `error.type`, such as `api_error`.
    #[must_use]
    pub fn error(status: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        let (kind, message) = (kind.into(), message.into());
        Self::new(
            status,
            Content::Error {
                kind,
                message,
                details: None,
            },
        )
    }

    /// Returns an HTML error page as a proxy in front of the API writes it.
    #[must_use]
    pub fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n\
             <center><h1>{status} {title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n\
             </body>\r\n</html>\r\n"
        );
        Self::raw(status, "text/html", page).without_api_headers()
    }

    /// Returns a reply with exactly these body bytes, such as a recorded stream.
    #[must_use]
    pub fn raw(status: u16, content_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let (content_type, bytes) = (content_type.into(), bytes.into());
        Self::new(
            status,
            Content::Raw {
                content_type,
                bytes,
            },
        )
    }

    /// Returns a redirect (301, 302, 303, 307 or 308) to another URL.
    #[must_use]
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::raw(status, "text/plain", Bytes::new()).header("location", location)
    }

    /// Sets a response header, in place of one that the simulator would send by itself.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets `error.details` to `{"error_code": …}` in an error reply.
    #[must_use]
    pub fn error_code(self, code: &str) -> Self {
        self.details(serde_json::json!({ "error_code": code }))
    }

    /// Sets `error.details` in an error reply.
    #[must_use]
    pub fn details(mut self, value: serde_json::Value) -> Self {
        if let Content::Error { details, .. } = &mut self.content {
            *details = Some(value);
        }
        self
    }

    /// Leaves out the headers that only the API itself sends (`request-id` and so on).
    #[must_use]
    pub fn without_api_headers(mut self) -> Self {
        self.from_proxy = true;
        self
    }

    /// Says nothing, not even a status, until [`Simulator::release`](crate::Simulator::release).
    #[must_use]
    pub fn held(mut self) -> Self {
        self.wire.held = true;
        self
    }

    /// Sends the body in chunks of `bytes` bytes (at least one), wherever that splits a character.
    #[must_use]
    pub fn chunks(mut self, bytes: usize) -> Self {
        self.wire.chunk = Some(bytes.max(1));
        self
    }

    /// Sends `bytes` bytes of the body, then cuts the connection.
    #[must_use]
    pub fn cut_at_byte(mut self, bytes: u64) -> Self {
        self.wire.cut_at = Some(bytes);
        self
    }
}
