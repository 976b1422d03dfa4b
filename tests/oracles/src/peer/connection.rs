//! One stream of frames, heard by both: the same messages, and the same end.
//!
//! The first byte of the input says which role reads, and how the reads are cut.

use crate::connection::{CONFIG, owned};
use crate::cuts::reads;
use frame::{CloseCode, Error};
use protocol::ws::{Connection, Event, Failure, Inflater, Input, Kind, Role};
use std::io;
use tungstenite::protocol::{Message, WebSocket, WebSocketConfig};

/// What we refuse and tungstenite takes, and the section of RFC 6455 that says so.
const STRICTER: &[(Failure, &str)] = &[
    (
        Failure::Frame(Error::LengthNotMinimal),
        "5.2: the minimal number of bytes MUST be used to encode the length",
    ),
    (
        Failure::Frame(Error::ControlTooLong),
        "5.5 and 5.2: a longer form of the length already says more than 125 bytes",
    ),
    (
        Failure::Frame(Error::TooManyFragments),
        "10.4: implementations that have limits MUST protect themselves; this one is ours",
    ),
];

/// The one code that we take and tungstenite answers with 1002: section 7.4.2 lets IANA assign codes up to 2999,
/// and it has assigned this one.
const LAXER: CloseCode = CloseCode::BAD_GATEWAY;

pub(crate) fn judge(input: &[u8]) {
    let Some((&how, stream)) = input.split_first() else {
        return;
    };
    let role = if how % 2 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let ours = ours(role, how, stream);
    let refused = match &ours.end {
        End::Refused(failure) => Some(*failure),
        _ => None,
    };
    // We judge a frame by its first bytes, tungstenite when it is whole: let it become so.
    let mut stream = stream.to_vec();
    if refused.is_some() {
        stream.resize(
            stream.len() + CONFIG.limits.message_bytes_max as usize + 16,
            0,
        );
    }
    let theirs = theirs(role, &stream);
    let stricter = STRICTER
        .iter()
        .any(|(failure, _)| refused == Some(*failure));
    if stricter {
        assert!(theirs.heard.starts_with(&ours.heard));
    } else {
        assert_eq!(ours.heard, theirs.heard, "{:?} {:?}", ours.end, theirs.end);
        assert!(ours.end.is(&theirs.end), "{:?} {:?}", ours.end, theirs.end);
    }
}

/// What came of a stream.
struct Outcome {
    heard: Vec<Heard>,
    end: End,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Message(Kind, Vec<u8>),
    Pong(Vec<u8>),
}

#[derive(Debug)]
enum End {
    /// More could follow.
    Open,
    Closed(Option<CloseCode>, String),
    Refused(Failure),
    /// By tungstenite, whose reasons are its own.
    RefusedThere,
}

impl End {
    fn is(&self, theirs: &Self) -> bool {
        match (self, theirs) {
            (End::Open, End::Open) | (End::Refused(_), End::RefusedThere) => true,
            (End::Closed(Some(LAXER), _), End::Closed(code, _)) => {
                *code == Some(CloseCode::PROTOCOL_ERROR)
            }
            (End::Closed(code, reason), End::Closed(their_code, their_reason)) => {
                code == their_code && reason == their_reason
            }
            // It answers a Close that has a bad code with 1002, as we do, and calls that closed.
            (End::Refused(failure), End::Closed(code, _)) => {
                *failure == Failure::Frame(Error::CloseCodeInvalid)
                    && *code == Some(CloseCode::PROTOCOL_ERROR)
            }
            _ => false,
        }
    }
}

fn ours(role: Role, how: u8, stream: &[u8]) -> Outcome {
    let mut connection = Connection::new(role, 0, 7);
    let mut inflater = Inflater::default();
    let mut outcome = Outcome {
        heard: Vec::new(),
        end: End::Open,
    };
    for read in reads(how.rotate_right(1), stream) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        while let Some(event) = connection.receive(&CONFIG, &mut inflater, 0, &mut input) {
            match owned(event) {
                Event::Message { kind, payload } => {
                    let message = Heard::Message(kind, payload.into_owned());
                    outcome.heard.push(message);
                }
                Event::Pong(payload) => outcome.heard.push(Heard::Pong(payload.into_owned())),
                Event::PeerClosed { code, reason } => {
                    outcome.end = End::Closed(code, reason.into_owned());
                }
                Event::Failed(failure) => outcome.end = End::Refused(failure),
            }
        }
    }
    outcome
}

fn theirs(role: Role, stream: &[u8]) -> Outcome {
    let role = match role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    let bytes_max = CONFIG.limits.message_bytes_max as usize;
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_frame_size(Some(bytes_max))
        .max_message_size(Some(bytes_max));
    let mut socket = WebSocket::from_raw_socket(Wire { stream }, role, Some(config));
    let mut heard = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(Message::Text(text)) => {
                heard.push(Heard::Message(Kind::Text, text.as_bytes().to_vec()));
            }
            Ok(Message::Binary(bytes)) => {
                heard.push(Heard::Message(Kind::Binary, bytes.to_vec()));
            }
            Ok(Message::Pong(payload)) => heard.push(Heard::Pong(payload.to_vec())),
            Ok(Message::Close(None)) => break End::Closed(None, String::new()),
            Ok(Message::Close(Some(close))) => {
                let code = CloseCode(close.code.into());
                break End::Closed(Some(code), close.reason.as_str().to_owned());
            }
            Ok(Message::Ping(_) | Message::Frame(_)) => {}
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                break End::Open;
            }
            Err(_) => break End::RefusedThere,
        }
    };
    Outcome { heard, end }
}

/// A socket with all of the stream to read, and room for whatever is answered.
struct Wire<'s> {
    stream: &'s [u8],
}

impl io::Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            read => read,
        }
    }
}

impl io::Write for Wire<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
