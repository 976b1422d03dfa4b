//! WebSocket connections on bytes cut anywhere, beside a model that reads them whole.
//!
//! The first byte of the input says which role reads and how the reads are cut, the second whether this
//! end has begun to close, and what was agreed about compression. Events and answers must be the model's, whatever the cuts; what is
//! sent must be well-formed frames, with at most one Close, last.

use crate::cuts::reads;
use crate::model::websocket::{History, Model};
use frame::{CloseCode, ClosePayload, Header, Limits, Opcode};
use protocol::handshake::deflate::{Agreed, Compressing};
use protocol::ws::{Config, Connection, Event, Inflater, Input, Role};

pub(crate) const CONFIG: Config = Config {
    limits: Limits {
        message_bytes_max: 200,
        fragments_max: 5,
    },
    control_frames_per_s_max: 0,
    ping_interval_ms: 25_000,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1_000,
};

pub(crate) fn judge(input: &[u8]) {
    let [how, closing, stream @ ..] = input else {
        return;
    };
    let role = if how % 2 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let end = End {
        role,
        closing: closing % 4 == 0,
        deflate: DEFLATE[usize::from(closing / 4 % 4)],
    };
    let whole = outcome(end, [stream].into_iter());
    let pieces = outcome(end, reads(how.rotate_right(1), stream));
    assert_eq!(whole, pieces);

    let (events, sent) = whole;
    let history = end
        .deflate
        .map(|agreed| History::new(window_bytes(agreed.client)));
    let heard = Model::new(role, CONFIG.limits, end.closing, history).hear(stream);
    assert_eq!(events, heard.events);
    let (pongs, close) = answers(role, &sent);
    assert_eq!(pongs, heard.pongs);
    assert_eq!(close, heard.close);
}

/// What the handshake may have agreed on.
const DEFLATE: [Option<Agreed>; 4] = [None, agreed(false, 15), agreed(true, 8), agreed(true, 15)];

const fn agreed(context_takeover: bool, window_bits: u8) -> Option<Agreed> {
    let both = Compressing {
        context_takeover,
        window_bits,
    };
    Some(Agreed {
        server: both,
        client: both,
    })
}

/// How far back a message may refer to those before it.
pub(crate) fn window_bytes(peer: Compressing) -> usize {
    if peer.context_takeover {
        1 << peer.window_bits
    } else {
        0
    }
}

/// The end that reads.
#[derive(Clone, Copy)]
struct End {
    role: Role,
    closing: bool,
    deflate: Option<Agreed>,
}

type Outcome = (Vec<Event<'static>>, Vec<u8>);

fn outcome<'s>(end: End, reads: impl Iterator<Item = &'s [u8]>) -> Outcome {
    let mut connection = Connection::new(end.role, 0, 7);
    if let Some(agreed) = end.deflate {
        connection = connection.with_deflate(agreed);
    }
    let mut inflater = Inflater::default();
    if end.closing {
        connection.close(0, CloseCode::NORMAL, "");
    }
    let mut events = Vec::new();
    for read in reads {
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
    assert_eq!(connection.is_open(), !ended && !end.closing);
    (events, sent)
}

pub(crate) fn owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Message { kind, payload } => {
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

/// The payloads of the pongs, and the code of the Close. No other frame may be there.
fn answers(role: Role, mut sent: &[u8]) -> (Vec<Vec<u8>>, Option<Option<CloseCode>>) {
    let mut pongs = Vec::new();
    while let Some((header, length)) = Header::decode(sent).expect("valid headers") {
        assert!(header.fin && header.rsv == 0);
        assert_eq!(header.mask.is_some(), role == Role::Client);
        let (payload, rest) = sent[length..].split_at(header.payload_len as usize);
        let key = header.mask.unwrap_or_default();
        let unmasked = payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b);
        let payload: Vec<u8> = unmasked.collect();
        sent = rest;
        match header.opcode {
            Opcode::Pong => pongs.push(payload),
            Opcode::Close => {
                let close = ClosePayload::decode(&payload).expect("a valid close");
                assert!(sent.is_empty(), "nothing follows a close");
                return (pongs, Some(close.code));
            }
            other => panic!("nobody asked for a frame {other:?}"),
        }
    }
    assert!(sent.is_empty());
    (pongs, None)
}
