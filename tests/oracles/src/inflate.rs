//! Compressed messages, any bytes for DEFLATE: what comes out is what a model of RFC 1951 decodes, one bit
//! at a time, and no more than the limit.
//!
//! The first byte of the input says how the reads are cut, the second what was agreed. Then each
//! message: a length byte, 255 for all the rest, and the compressed payload.

use crate::connection::window_bytes;
use crate::cuts::reads;
use crate::model::inflate::Refused;
use crate::model::websocket::History;
use frame::{Error, Header, Limits, Opcode};
use protocol::handshake::deflate::{Agreed, Compressing};
use protocol::limits::compressed_bytes_max;
use protocol::ws::{Config, Connection, Event, Failure, Inflater, Input, Role};
use std::cell::RefCell;

const BYTES_MAX: usize = 3000;

/// A longer one is refused by its header, whatever is in it.
const WIRE_BYTES_MAX: u64 = compressed_bytes_max(BYTES_MAX as u64);

const CONFIG: Config = Config {
    limits: Limits {
        message_bytes_max: BYTES_MAX as u64,
        fragments_max: 4,
    },
    control_frames_per_s_max: 0,
    ping_interval_ms: 25_000,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1_000,
};

thread_local! {
    /// Of one core: what one input leaves behind must not show in the next.
    static INFLATER: RefCell<Inflater> = RefCell::default();
}

pub(crate) fn judge(input: &[u8]) {
    let Some((&[how, agreed], plan)) = input.split_first_chunk() else {
        return;
    };
    let peer = Compressing {
        context_takeover: agreed % 2 == 1,
        window_bits: 8 + agreed / 2 % 8,
    };
    let messages = messages(plan);
    let mut history = History::new(window_bytes(peer));
    let mut expected = Vec::new();
    for message in &messages {
        let inflated = match message.len() as u64 <= WIRE_BYTES_MAX {
            true => history.inflate(message, BYTES_MAX),
            false => Err(Refused::TooBig),
        };
        let ended = inflated.is_err();
        expected.push(inflated);
        if ended {
            break;
        }
    }
    assert_eq!(received(peer, how, &messages), expected);
}

/// The messages of a plan.
pub(crate) fn messages(mut plan: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let [length, rest @ ..] = plan {
        let length = match *length {
            255 => rest.len(),
            length => rest.len().min(length.into()),
        };
        let (message, rest) = rest.split_at(length);
        messages.push(message);
        plan = rest;
    }
    messages
}

/// What a server makes of the messages.
pub(crate) fn received(
    peer: Compressing,
    how: u8,
    messages: &[&[u8]],
) -> Vec<Result<Vec<u8>, Refused>> {
    let mut stream = Vec::new();
    messages
        .iter()
        .for_each(|message| write(message, &mut stream));
    let agreed = Agreed {
        server: peer,
        client: peer,
    };
    let mut connection = Connection::new(Role::Server, 0, 0).with_deflate(agreed);
    let mut heard = Vec::new();
    for read in reads(how, &stream) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        while let Some(event) = INFLATER
            .with_borrow_mut(|inflater| connection.receive(&CONFIG, inflater, 0, &mut input))
        {
            heard.push(match event {
                Event::Message { payload, .. } => Ok(payload.into_owned()),
                Event::Failed(Failure::CorruptDeflate) => Err(Refused::Corrupt),
                Event::Failed(Failure::Frame(Error::MessageTooBig)) => Err(Refused::TooBig),
                other => panic!("{other:?}"),
            });
        }
    }
    heard
}

/// A compressed message in one frame, with a mask of zeros.
fn write(payload: &[u8], out: &mut Vec<u8>) {
    let header = Header {
        fin: true,
        rsv: Header::RSV1,
        opcode: Opcode::Binary,
        mask: Some([0; 4]),
        payload_len: payload.len() as u64,
    };
    let mut bytes = [0; Header::BYTES_MAX];
    let length = header.encode(&mut bytes);
    out.extend_from_slice(&bytes[..length]);
    out.extend_from_slice(payload);
}
