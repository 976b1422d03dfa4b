//! A server that does what a script says: a relay with known delays and known faults, on plain threads and blocking sockets.
//!
//! It shares nothing with the generator or the broker, so that an error in those does not cancel itself out here.

#![allow(dead_code, reason = "each test program uses its part of it")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};

/// What the server does with one message of a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Passes it on to every subscriber of its topic.
    Relay,
    /// Passes it on to every subscriber of its topic but the connection that it came from.
    RelayToOthers,
    /// Does nothing at all for that long, then passes it on.
    StallMs(u64),
    Drop,
    Twice,
    /// Keeps it back and sends it after the next one.
    AfterNext,
    /// Passes it on with one bit changed.
    Corrupt,
    /// Passes it on to the subscribers of all other topics.
    Misroute,
    /// Closes every subscriber with this code and reason.
    CloseAll(u16, &'static str),
    /// Ends every subscriber's connection without a Close.
    CutAll,
    /// Over HTTP: answers with this status and does nothing else.
    Answer(u16),
    /// Over HTTP: passes it on, and closes the connection behind the answer.
    RelayAndClose,
    /// Over HTTP: closes the connection instead of answering.
    HangUp,
}

/// Decides by the message's number on its publishing connection, from 0.
pub(crate) type Script = fn(u64) -> Act;

pub(crate) type Subscribers = Arc<Mutex<HashMap<String, Vec<TcpStream>>>>;

/// Starts a relay and returns its address. It ends with the test's process.
pub(crate) fn relay(script: Script) -> SocketAddr {
    let subscribers = Subscribers::default();
    serve(move |stream| relay_connection(stream, &subscribers, script))
}

/// Starts a server that sends everybody back what they have sent, as `script` says, and knows no topics.
pub(crate) fn echo(script: Script) -> SocketAddr {
    serve(move |stream| relay_connection(stream, &Subscribers::default(), script))
}

/// Starts a server that answers every connection with `answer` and hangs up.
pub(crate) fn answering(answer: &'static str) -> SocketAddr {
    serve(move |stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        reader
            .into_inner()
            .write_all(answer.as_bytes())
            .expect("the client listens");
    })
}

/// Starts a server that answers every opening handshake with these further fields and then `first_bytes`, and hangs up.
pub(crate) fn welcoming(fields: &'static str, first_bytes: &'static [u8]) -> SocketAddr {
    serve(move |mut stream| {
        let head = read_head(&mut BufReader::new(&stream));
        let (_, key) = head.expect("an opening handshake");
        let answer = [&welcome(&key, fields), first_bytes].concat();
        stream.write_all(&answer).expect("the client listens");
        finish(stream);
    })
}

/// Ends a connection without a reset, whatever the client still says.
fn finish(mut stream: TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

/// Starts a server that takes everything and sends every client `bytes` again and again, without end.
pub(crate) fn flooding(bytes: Vec<u8>) -> SocketAddr {
    let bytes = bytes.repeat(100);
    serve(move |mut stream| {
        let head = read_head(&mut BufReader::new(&stream));
        let (_, key) = head.expect("an opening handshake");
        stream
            .write_all(&welcome(&key, ""))
            .expect("the client listens");
        let mut hearing = stream.try_clone().expect("a descriptor");
        std::thread::spawn(move || std::io::copy(&mut hearing, &mut std::io::sink()));
        // The client ends it.
        while stream.write_all(&bytes).is_ok() {}
    })
}

/// Starts a relay for the first `connections`; those after that are refused as by a server at its limit.
pub(crate) fn accepting(connections: u32) -> SocketAddr {
    let subscribers = Subscribers::default();
    let taken = Arc::new(AtomicU32::new(0));
    serve(move |mut stream| {
        if taken.fetch_add(1, Ordering::Relaxed) < connections {
            return relay_connection(stream, &subscribers, |_| Act::Relay);
        }
        read_head(&mut BufReader::new(&stream));
        let refusal = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        stream
            .write_all(refusal.as_bytes())
            .expect("the client listens");
    })
}

pub(crate) fn serve(connection: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = connection.clone();
            std::thread::spawn(move || connection(stream));
        }
    });
    address
}

pub(crate) fn relay_connection(stream: TcpStream, subscribers: &Subscribers, script: Script) {
    stream.set_nodelay(true).expect("a TCP stream");
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
    let Some((target, fields)) = read_fields(&mut reader) else {
        return;
    };
    let Some(key) = fields.get("sec-websocket-key") else {
        return answer_posts(&target, fields, reader, stream, subscribers, script);
    };
    let (topic, mode) = target.split_once("?mode=").unwrap_or((&target, "both"));
    let mut write_half = stream.try_clone().expect("a descriptor");
    if mode != "pub" {
        subscribers
            .lock()
            .unwrap()
            .entry(topic.to_owned())
            .or_default()
            .push(stream);
    }
    write_half
        .write_all(&welcome(key, ""))
        .expect("the client listens");
    let mut kept_back = None;
    let mut number = 0;
    while let Some((opcode, payload)) = read_frame(&mut reader) {
        match opcode {
            8 => {
                // The client may not wait for it.
                let _ = write_half.write_all(&frame(8, &payload));
                return;
            }
            2 => {
                let from = &write_half;
                act(
                    script(number),
                    topic,
                    from,
                    payload,
                    &mut kept_back,
                    subscribers,
                );
                number += 1;
            }
            _ => panic!("the generator sends binary messages, whole"),
        }
    }
}

/// Takes requests whose bodies are messages, on a connection that is kept.
fn answer_posts(
    topic: &str,
    mut fields: HashMap<String, String>,
    mut reader: BufReader<TcpStream>,
    mut stream: TcpStream,
    subscribers: &Subscribers,
    script: Script,
) {
    for number in 0.. {
        assert_eq!(
            fields["content-type"], "application/octet-stream",
            "nothing else is said of a body"
        );
        let mut payload = vec![0; fields["content-length"].parse().expect("a number")];
        reader.read_exact(&mut payload).expect("a whole request");
        let (status, connection) = match script(number) {
            Act::HangUp => return,
            Act::Answer(status) => (status, ""),
            Act::RelayAndClose => (200, "connection: close\r\n"),
            Act::StallMs(stall_ms) => {
                std::thread::sleep(Duration::from_millis(stall_ms));
                (200, "")
            }
            _ => (200, ""),
        };
        if status == 200 {
            send(subscribers, |name| name == topic, &frame(2, &payload));
        }
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n{connection}\r\nok");
        let next = stream
            .write_all(answer.as_bytes())
            .ok()
            .filter(|()| connection.is_empty())
            .and_then(|()| read_fields(&mut reader));
        let Some((_, next)) = next else { return };
        fields = next;
    }
}

fn act(
    act: Act,
    topic: &str,
    from: &TcpStream,
    mut payload: Vec<u8>,
    kept_back: &mut Option<Vec<u8>>,
    subscribers: &Subscribers,
) {
    let here = |name: &str| name == topic;
    let all = |_: &str| true;
    match act {
        Act::Relay => send(subscribers, here, &frame(2, &payload)),
        Act::RelayToOthers => {
            let from = from.peer_addr().ok();
            for stream in subscribers
                .lock()
                .unwrap()
                .get_mut(topic)
                .into_iter()
                .flatten()
                .filter(|stream| stream.peer_addr().ok() != from)
            {
                let _ = stream.write_all(&frame(2, &payload));
            }
        }
        Act::StallMs(stall_ms) => {
            std::thread::sleep(Duration::from_millis(stall_ms));
            send(subscribers, here, &frame(2, &payload));
        }
        Act::Drop => {}
        Act::Twice => {
            send(subscribers, here, &frame(2, &payload));
            send(subscribers, here, &frame(2, &payload));
        }
        Act::AfterNext => {
            *kept_back = Some(payload);
            return;
        }
        Act::Corrupt => {
            payload[20] ^= 1;
            send(subscribers, here, &frame(2, &payload));
        }
        Act::Misroute => send(subscribers, |name| name != topic, &frame(2, &payload)),
        Act::CloseAll(code, reason) => send(
            subscribers,
            all,
            &frame(8, &[&code.to_be_bytes(), reason.as_bytes()].concat()),
        ),
        Act::CutAll => {
            for stream in subscribers.lock().unwrap().values().flatten() {
                stream
                    .shutdown(std::net::Shutdown::Both)
                    .expect("an open stream");
            }
        }
        Act::Answer(_) | Act::RelayAndClose | Act::HangUp => {
            panic!("only a request is answered")
        }
    }
    if let Some(late) = kept_back.take() {
        send(subscribers, here, &frame(2, &late));
    }
}

fn send(subscribers: &Subscribers, to: impl Fn(&str) -> bool, bytes: &[u8]) {
    let mut subscribers = subscribers.lock().unwrap();
    for stream in subscribers
        .iter_mut()
        .filter(|(topic, _)| to(topic))
        .flat_map(|(_, streams)| streams)
    {
        // A subscriber that has gone away misses it.
        let _ = stream.write_all(bytes);
    }
}

/// The answer to an opening handshake, with further fields.
pub(crate) fn welcome(key: &str, fields: &str) -> Vec<u8> {
    let accept = BASE64_STANDARD.encode(Sha1::digest(format!(
        "{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    )));
    format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{fields}\r\n")
        .into_bytes()
}

/// The target and the key of an opening handshake.
pub(crate) fn read_head(reader: &mut impl BufRead) -> Option<(String, String)> {
    let (target, mut fields) = read_fields(reader)?;
    let key = fields.remove("sec-websocket-key").unwrap_or_default();
    Some((target, key))
}

/// The target and the fields of a request, their names in small letters.
pub(crate) fn read_fields(reader: &mut impl BufRead) -> Option<(String, HashMap<String, String>)> {
    let mut lines = reader.lines().map_while(Result::ok);
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let fields = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    Some((target, fields))
}

/// An unmasked frame of a server.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length => {
            bytes.push(126);
            bytes.extend_from_slice(&u16::try_from(length).expect("small payloads").to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// A masked frame of a client, unmasked; `None` at the end of the stream.
pub(crate) fn read_frame(reader: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    reader.read_exact(&mut head).ok()?;
    let mut length = usize::from(head[1] & 0x7f);
    if length == 126 {
        let mut long = [0; 2];
        reader.read_exact(&mut long).ok()?;
        length = usize::from(u16::from_be_bytes(long));
    }
    let mut mask = [0; 4];
    reader.read_exact(&mut mask).ok()?;
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload).ok()?;
    payload
        .iter_mut()
        .zip(mask.iter().cycle())
        .for_each(|(byte, key)| *byte ^= key);
    Some((head[0] & 15, payload))
}
