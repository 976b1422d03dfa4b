//! The lowest layer: headers, masks, UTF-8, and the WebSocket machine that strings them together.

use std::hint::black_box;

use frame::{Header, Limits, Opcode, Utf8Stream, mask};
use protocol::ws::{Config, Connection, Event, Inflater, Input, Role};

use crate::publication;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// Frames in one read.
const FRAMES: usize = 16;
const CONFIG: Config = Config {
    limits: Limits {
        message_bytes_max: 1 << 20,
        fragments_max: 64,
    },
    control_frames_per_s_max: 100,
    ping_interval_ms: 0,
    pong_timeout_ms: 0,
    close_timeout_ms: 0,
};

pub(super) fn header(rounds: usize) {
    let frame = publication(Opcode::Binary, &[b'x'; 64], 1);
    for _ in 0..rounds {
        let (header, _) = Header::decode(black_box(&frame))
            .expect("a valid header")
            .expect("a whole header");
        assert_eq!(black_box(header).payload_len, 64);
    }
}

/// A read full of frames through the machine of a connection, unmasked where they lie.
pub(super) fn next(rounds: usize) {
    let read = publication(Opcode::Binary, &[b'x'; 64], FRAMES);
    let mut buffer = read.to_vec();
    let mut machine = Connection::new(Role::Server, 0, 1);
    let mut inflater = Inflater::default();
    for _ in 0..rounds {
        buffer.copy_from_slice(&read);
        let mut input = Input::new(&mut buffer);
        let mut messages = 0;
        while let Some(event) = machine.receive(&CONFIG, &mut inflater, 0, &mut input) {
            assert!(matches!(event, Event::Message { payload, .. } if payload[63] == b'x'));
            messages += 1;
        }
        assert_eq!(messages, FRAMES);
    }
}

pub(super) fn unmask(payload_bytes: usize, rounds: usize) {
    let mut payload = vec![b'x'; payload_bytes];
    for _ in 0..rounds {
        mask::apply(black_box(&mut payload), black_box(KEY), black_box(0));
    }
    let expected = [b'x', b'x' ^ KEY[0]][rounds % 2];
    assert_eq!(payload[0], expected);
}

pub(super) fn utf8(letter: &str, text_bytes: usize, rounds: usize) {
    let text = letter.repeat(text_bytes / letter.len());
    assert_eq!(text.len(), text_bytes);
    for _ in 0..rounds {
        let mut stream = Utf8Stream::new();
        let valid = stream.push(black_box(text.as_bytes())).is_ok() && stream.finish().is_ok();
        assert!(valid);
    }
}
