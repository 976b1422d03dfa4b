//! Frames written by hand, as right or wrong as a test wants them, and what a server makes of them.

use crate::pair::{CONFIG, receive};
use frame::{CloseCode, ClosePayload, Header, Opcode};
use ringwire_protocol::ws::{Config, Connection, Event, Kind, Role};

pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A masked frame that is its own message, or a control frame.
pub(crate) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    part(opcode, true, payload)
}

/// A masked frame that may be a fragment.
pub(crate) fn part(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    raw(
        Header {
            fin,
            rsv: 0,
            opcode,
            mask: Some(KEY),
            payload_len: payload.len() as u64,
        },
        payload,
    )
}

/// Any header that can be encoded, before a payload that is masked if the header says so.
pub(crate) fn raw(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [0; Header::BYTES_MAX];
    let length = header.encode(&mut bytes);
    let mut bytes = bytes[..length].to_vec();
    let key = header.mask.unwrap_or_default();
    bytes.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// A masked Close frame.
pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(
        Opcode::Close,
        &[&code.to_be_bytes(), reason.as_bytes()].concat(),
    )
}

pub(crate) fn text(payload: &str) -> Event<'static> {
    Event::Message {
        kind: Kind::Text,
        payload: payload.as_bytes().to_vec().into(),
    }
}

pub(crate) fn binary(payload: &[u8]) -> Event<'static> {
    Event::Message {
        kind: Kind::Binary,
        payload: payload.to_vec().into(),
    }
}

pub(crate) fn peer_closed(code: u16, reason: &str) -> Event<'static> {
    Event::PeerClosed {
        code: Some(CloseCode(code)),
        reason: reason.to_owned().into(),
    }
}

/// What came of some reads.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Event<'static>>,
    /// What was transmitted, without the payload of a Close after its code.
    pub(crate) answers: Vec<(Opcode, Vec<u8>)>,
    pub(crate) is_finished: bool,
}

/// Feeds a server one read after another, without letting it transmit in between.
pub(crate) fn serve<'r>(config: &Config, reads: impl IntoIterator<Item = &'r [u8]>) -> Outcome {
    serve_on(Connection::new(Role::Server, 0, 0), config, reads)
}

/// The same on this connection.
pub(crate) fn serve_on<'r>(
    mut connection: Connection,
    config: &Config,
    reads: impl IntoIterator<Item = &'r [u8]>,
) -> Outcome {
    let mut events = Vec::new();
    for read in reads {
        receive(&mut connection, config, 0, &mut read.to_vec(), &mut events);
    }
    let mut wire = Vec::new();
    connection.transmit(&mut wire);
    Outcome {
        events,
        answers: unmasked_frames(&wire),
        is_finished: connection.is_finished(),
    }
}

/// The same with the usual bounds, and one read.
pub(crate) fn serve_once(bytes: &[u8]) -> Outcome {
    serve(&CONFIG, [bytes])
}

/// The frames that a server wrote.
pub(crate) fn unmasked_frames(mut wire: &[u8]) -> Vec<(Opcode, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((header, length)) = Header::decode(wire).expect("a server writes valid headers")
    {
        let (payload, rest) = wire[length..].split_at(header.payload_len as usize);
        assert_eq!((header.fin, header.rsv, header.mask), (true, 0, None));
        if header.opcode == Opcode::Close {
            ClosePayload::decode(payload).expect("a server writes valid closes");
        }
        let kept = if header.opcode == Opcode::Close {
            payload.len().min(2)
        } else {
            payload.len()
        };
        frames.push((header.opcode, payload[..kept].to_vec()));
        wire = rest;
    }
    assert!(wire.is_empty());
    frames
}

/// A Close with this code and any reason, among answers.
pub(crate) fn closed_with(code: u16) -> (Opcode, Vec<u8>) {
    (Opcode::Close, code.to_be_bytes().to_vec())
}
