//! Messages in any number of frames and reads: what arrives is what was sent, and text is UTF-8 by
//! the standard library's word.
//!
//! The input is a plan, not a stream, so that nothing is lost on malformed frames: how the reads are
//! cut, then for each frame a length byte and so many bytes of the message. A frame may have control
//! frames before it.

use crate::cuts::reads;
use frame::{Header, Limits, Opcode};
use protocol::ws::{Config, Connection, Event, Failure, Inflater, Input, Kind, Role};

const LIMITS: Limits = Limits {
    message_bytes_max: 1000,
    fragments_max: 32,
};

const CONFIG: Config = Config {
    limits: LIMITS,
    control_frames_per_s_max: 0,
    ping_interval_ms: 25_000,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1_000,
};

pub(crate) fn judge(input: &[u8]) {
    let Some((&[how, key], plan)) = input.split_first_chunk() else {
        return;
    };
    let kind = if how % 4 == 0 {
        Kind::Binary
    } else {
        Kind::Text
    };
    let sent = Sent::new(kind, [key, how, !key, 0], plan);
    if sent.frames > LIMITS.fragments_max || sent.message.len() as u64 > LIMITS.message_bytes_max {
        return;
    }
    let mut connection = Connection::new(Role::Server, 0, 0);
    let mut inflater = Inflater::default();
    let mut messages = Vec::new();
    let mut failure = None;
    for read in reads(how, &sent.stream) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        while let Some(event) = connection.receive(&CONFIG, &mut inflater, 0, &mut input) {
            match event {
                Event::Message { kind, payload } => messages.push((kind, payload.into_owned())),
                Event::Pong(payload) => assert_eq!(*payload, *b"pong"),
                Event::Failed(broken) => failure = Some(broken),
                Event::PeerClosed { .. } => panic!("no Close was sent"),
            }
        }
    }
    if kind == Kind::Binary || std::str::from_utf8(&sent.message).is_ok() {
        assert_eq!((messages, failure), (vec![(kind, sent.message)], None));
    } else {
        let bad_text = Failure::Frame(frame::Error::InvalidUtf8);
        assert_eq!((messages, failure), (vec![], Some(bad_text)));
    }
}

/// One message as a client sends it.
struct Sent {
    message: Vec<u8>,
    frames: u32,
    stream: Vec<u8>,
}

impl Sent {
    /// The upper two bits of a length byte choose the control frame that goes before its frame.
    fn new(kind: Kind, key: [u8; 4], mut plan: &[u8]) -> Self {
        let mut sent = Self {
            message: Vec::new(),
            frames: 0,
            stream: Vec::new(),
        };
        loop {
            let (&how, rest) = plan.split_first().unwrap_or((&0, &[]));
            let (payload, rest) = rest.split_at(rest.len().min(usize::from(how % 64)));
            match how / 64 {
                1 => sent.frame(true, Opcode::Ping, key, b"ping"),
                2 => sent.frame(true, Opcode::Pong, key, b"pong"),
                _ => {}
            }
            let opcode = match (sent.frames, kind) {
                (0, Kind::Text) => Opcode::Text,
                (0, Kind::Binary) => Opcode::Binary,
                _ => Opcode::Continuation,
            };
            sent.frame(rest.is_empty(), opcode, key, payload);
            sent.frames += 1;
            sent.message.extend_from_slice(payload);
            if rest.is_empty() {
                return sent;
            }
            plan = rest;
        }
    }

    fn frame(&mut self, fin: bool, opcode: Opcode, key: [u8; 4], payload: &[u8]) {
        let header = Header {
            fin,
            rsv: 0,
            opcode,
            mask: Some(key),
            payload_len: payload.len() as u64,
        };
        let mut bytes = [0; Header::BYTES_MAX];
        let length = header.encode(&mut bytes);
        self.stream.extend_from_slice(&bytes[..length]);
        let masked = payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b);
        self.stream.extend(masked);
    }
}
