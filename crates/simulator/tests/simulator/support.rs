//! A small HTTP client that keeps every chunk apart and notices a cut connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use switchyard_simulator::{KeyState, Reply, Script, Simulator};

/// A failure guard: far beyond what any wait here takes.
pub(crate) const GUARD: Duration = Duration::from_secs(30);

/// Returns a key of the right form that was never anybody's.
pub(crate) fn new_key() -> String {
    format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple())
}

/// Starts a simulator that knows one valid key and answers Messages with `reply`.
pub(crate) fn answering(reply: impl Into<Reply>) -> (Simulator, String) {
    let key = new_key();
    let script = Script::new().key(&key, KeyState::Valid).otherwise(reply);
    (Simulator::start_blocking(script), key)
}

/// Returns a small Messages body.
pub(crate) fn prompt(stream: bool) -> Value {
    json!({
        "model": "claude-sonnet-5-5", "max_tokens": 1024, "stream": stream,
        "messages": [{"role": "user", "content": "Hello"}],
    })
}

/// A request on its way, headers in the order given.
pub(crate) struct Call {
    head: String,
    body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            head: format!("{method} {target} HTTP/1.1\r\n"),
            body: Vec::new(),
        }
    }

    /// A Messages call as a good client makes it.
    pub(crate) fn messages(key: &str, stream: bool) -> Self {
        Self::new("POST", "/v1/messages")
            .good(key)
            .json(&prompt(stream))
    }

    /// Adds the headers of a good client.
    pub(crate) fn good(self, key: &str) -> Self {
        self.header("x-api-key", key)
            .header("anthropic-version", "2023-06-01")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request and leaves the reply to be read.
    pub(crate) fn open(self, simulator: &Simulator) -> BufReader<TcpStream> {
        let mut socket = TcpStream::connect(simulator.address()).unwrap();
        socket.set_read_timeout(Some(GUARD)).unwrap();
        let length = self.body.len();
        let head = format!(
            "{}host: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n",
            self.head
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(&self.body).unwrap();
        BufReader::new(socket)
    }

    /// Sends the request and reads the reply to its end.
    pub(crate) fn send(self, simulator: &Simulator) -> Received {
        Received::read(&mut self.open(simulator))
    }
}

/// A reply as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) chunks: Vec<Vec<u8>>,
    /// The body ended as its framing says, and was not cut.
    pub(crate) complete: bool,
}

impl Received {
    pub(crate) fn read(reader: &mut impl BufRead) -> Self {
        let status = line(reader).split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let header = line(reader);
            let Some((name, value)) = header.split_once(": ") else {
                break;
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut received = Self {
            status,
            headers,
            chunks: Vec::new(),
            complete: false,
        };
        match received
            .header("content-length")
            .map(|length| length.parse().unwrap())
        {
            Some(length) => {
                let mut body = vec![0; length];
                received.complete = reader.read_exact(&mut body).is_ok();
                received.chunks.push(body);
            }
            None => while received.read_chunk(reader) {},
        }
        received
    }

    fn read_chunk(&mut self, reader: &mut impl BufRead) -> bool {
        let Ok(length) = usize::from_str_radix(&line(reader), 16) else {
            return false;
        };
        let mut chunk = Vec::new();
        reader.take(length as u64).read_to_end(&mut chunk).unwrap();
        line(reader);
        self.complete = length == 0;
        if length > 0 {
            self.chunks.push(chunk);
        }
        length > 0
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes()).unwrap()
    }

    /// Returns the data of every event, checked against its name.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text().replace("\r\n", "\n");
        let (whole, _half) = text.rsplit_once("\n\n").unwrap_or_default();
        whole.split("\n\n").filter_map(event).collect()
    }

    /// Returns the types of all events, in order, each run of equal ones once.
    pub(crate) fn order(&self) -> Vec<String> {
        let types = self
            .events()
            .into_iter()
            .map(|event| event["type"].as_str().unwrap().to_owned());
        let mut order: Vec<String> = types.collect();
        order.dedup();
        order
    }

    /// Returns the text of all text deltas.
    pub(crate) fn spoken(&self) -> String {
        let events = self.events();
        events
            .iter()
            .filter_map(|event| event["delta"]["text"].as_str())
            .collect()
    }

    /// Returns the first event of this type.
    pub(crate) fn event(&self, kind: &str) -> Value {
        self.events()
            .into_iter()
            .find(|event| event["type"] == kind)
            .unwrap()
    }
}

fn event(block: &str) -> Option<Value> {
    let lines = || block.lines().filter_map(|line| line.split_once(": "));
    let field = |wanted: &str| -> Vec<&str> {
        lines()
            .filter(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
            .collect()
    };
    let data = field("data");
    if data.is_empty() {
        return None;
    }
    let data: Value = serde_json::from_str(&data.join("\n")).unwrap();
    assert_eq!(field("event"), [data["type"].as_str().unwrap()]);
    Some(data)
}

/// Reads one line without its end; empty at the end of the stream.
pub(crate) fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(_) => line.trim_end().to_owned(),
        Err(error) => panic!("nothing to read: {error}"),
    }
}
