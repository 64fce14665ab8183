//! A server of a few lines that notes when the first byte of a request came, and when the last of
//! its answer was written.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

use tokio::sync::mpsc;

/// When the two ends of an exchange were on the wire.
pub(crate) struct Marks {
    pub(crate) first_in: Instant,
    pub(crate) last_out: Instant,
}

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

const START: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_simulated","type":"message","role":"assistant","model":"claude-haiku-5-5","content":[],"stop_reason":null,"usage":{"input_tokens":10,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"To change tracks."}}

"#;

const END: &str = r#"event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}}

event: message_stop
data: {"type":"message_stop"}

"#;

/// Answers so many requests on a port of its own; returns its URL and the marks of each.
pub(crate) fn serve(requests: usize) -> io::Result<(String, mpsc::UnboundedReceiver<Marks>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    let (marks, noted) = mpsc::unbounded_channel();
    std::thread::Builder::new()
        .name("wire".into())
        .spawn(move || {
            for _ in 0..requests {
                let answered = listener.accept().and_then(|(stream, _)| answer(stream));
                if answered.is_ok_and(|mark| marks.send(mark).is_err()) {
                    break;
                }
            }
        })?;
    Ok((url, noted))
}

fn answer(mut stream: TcpStream) -> io::Result<Marks> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut piece = [0; 16 * 1024];
    let mut first_in = None;
    while !is_whole(&request) {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        first_in.get_or_insert_with(Instant::now);
        request.extend_from_slice(&piece[..length]);
    }
    stream.write_all(HEAD.as_bytes())?;
    stream.write_all(START.as_bytes())?;
    // Noted before the write: afterwards the reader may have been quicker than the note.
    let last_out = Instant::now();
    stream.write_all(END.as_bytes())?;
    Ok(Marks {
        first_in: first_in.unwrap_or(last_out),
        last_out,
    })
}

/// Tells whether the head and as much of a body as it announces are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let announced = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0);
    body.len() >= announced
}
