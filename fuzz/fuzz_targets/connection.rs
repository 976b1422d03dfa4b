//! WebSocket connections on bytes cut anywhere.
//!
//! The first byte of the input says how long the reads are and which role reads, the second
//! whether this end has begun to close. The same bytes, read whole and read in pieces, must give
//! the same events and the same answers; what is sent must be well-formed frames, bounded in
//! number, with at most one Close, last.

#![no_main]

use frame::{CloseCode, ClosePayload, Header, Limits, Opcode};
use libfuzzer_sys::fuzz_target;
use protocol::limits::PONGS_MAX;
use protocol::ws::{Config, Connection, Event, Inflater, Input, Role};

const CONFIG: Config = Config {
    limits: Limits {
        message_bytes_max: 200,
        fragments_max: 5,
    },
    ping_interval_ms: 25_000,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1_000,
};

fuzz_target!(|input: &[u8]| {
    let [how, closing, stream @ ..] = input else {
        return;
    };
    let role = if how % 2 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let closing = closing % 4 == 0;
    let whole = outcome(role, closing, stream, stream.len().max(1));
    let pieces = outcome(role, closing, stream, usize::from(how / 2).max(1));
    assert_eq!(whole, pieces);
    check_answers(role, &whole.1);
});

type Outcome = (Vec<Event<'static>>, Vec<u8>, bool);

fn outcome(role: Role, closing: bool, stream: &[u8], read_bytes: usize) -> Outcome {
    let mut connection = Connection::new(role, 0, 7);
    if closing {
        connection.close(0, CloseCode::NORMAL, "");
    }
    let (mut inflater, mut events) = (Inflater::default(), Vec::new());
    for read in stream.chunks(read_bytes) {
        let mut read = read.to_vec();
        let mut input = Input::new(&mut read);
        while let Some(event) = connection.receive(&CONFIG, &mut inflater, 0, &mut input) {
            events.push(owned(event));
        }
        assert!(input.is_empty());
    }
    let mut sent = Vec::new();
    connection.transmit(&mut sent);
    assert!(!connection.wants_transmit());
    let ended = matches!(
        events.last(),
        Some(Event::Failed(_) | Event::PeerClosed { .. })
    );
    assert_eq!(ended, connection.is_finished());
    assert_eq!(connection.is_open(), !ended && !closing);
    (events, sent, ended)
}

fn owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Message { kind, payload } => {
            assert!(payload.len() as u64 <= CONFIG.limits.message_bytes_max);
            let payload = payload.into_owned().into();
            Event::Message { kind, payload }
        }
        Event::Pong(payload) => Event::Pong(payload.into_owned().into()),
        Event::PeerClosed { code, reason } => Event::PeerClosed {
            code,
            reason: reason.into_owned().into(),
        },
        Event::Failed(failure) => Event::Failed(failure),
    }
}

fn check_answers(role: Role, mut sent: &[u8]) {
    let mut frames = 0;
    while let Some((header, length)) = Header::decode(sent).expect("valid headers") {
        frames += 1;
        assert!(header.fin && header.rsv == 0 && header.opcode.is_control());
        assert_eq!(header.mask.is_some(), role == Role::Client);
        let (payload, rest) = sent[length..].split_at(header.payload_len as usize);
        let mut payload = payload.to_vec();
        frame::mask::apply(&mut payload, header.mask.unwrap_or_default(), 0);
        if header.opcode == Opcode::Close {
            ClosePayload::decode(&payload).expect("a valid close");
            assert!(rest.is_empty(), "nothing follows a close");
        }
        sent = rest;
    }
    assert!(sent.is_empty() && frames <= PONGS_MAX + 1);
}
