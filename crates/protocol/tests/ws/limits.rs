//! Every bound at one below, exactly, and one above, and what a peer cannot make us hold.

use crate::frames::{Outcome, binary, closed_with, frame, part, raw, serve, serve_once};
use crate::pair::CONFIG;
use frame::{Error, Header, Limits, Opcode};
use ringwire_protocol::ws::{Config, Event, Failure};

fn limited(message_bytes_max: u64, fragments_max: u32) -> Config {
    Config {
        limits: Limits {
            message_bytes_max,
            fragments_max,
        },
        ..CONFIG
    }
}

fn assert_failed(outcome: &Outcome, error: Error, code: u16) {
    assert_eq!(
        outcome.events.last(),
        Some(&Event::Failed(Failure::Frame(error)))
    );
    assert_eq!(outcome.answers.last(), Some(&closed_with(code)));
    assert!(outcome.is_finished);
}

#[test]
fn a_message_may_be_as_large_as_the_bound() {
    for bound in [0, 1, 125, 126, 1_000, 65_536] {
        let config = limited(bound, 64);
        for size in [bound.saturating_sub(1), bound] {
            let payload = vec![7; size as usize];
            assert_eq!(
                serve(&config, [frame(Opcode::Binary, &payload).as_slice()]).events,
                [binary(&payload)]
            );
        }
        let over = frame(Opcode::Binary, &vec![7; bound as usize + 1]);
        assert_failed(
            &serve(&config, [over.as_slice()]),
            Error::MessageTooBig,
            1009,
        );
    }
}

#[test]
fn a_message_that_is_too_large_is_refused_from_its_header() {
    for payload_len in [
        65_537,
        (1 << 31) - 1,
        1 << 31,
        (1 << 31) + 1,
        1 << 32,
        (1 << 63) - 14,
        (1 << 63) - 1,
    ] {
        let header = Header {
            fin: true,
            rsv: 0,
            opcode: Opcode::Binary,
            mask: Some([1; 4]),
            payload_len,
        };
        assert_failed(
            &serve(&limited(65_536, 64), [raw(header, b"").as_slice()]),
            Error::MessageTooBig,
            1009,
        );
    }
}

#[test]
fn fragments_count_together() {
    let config = limited(10, 64);
    let parts = |last: &[u8]| {
        [
            part(Opcode::Binary, false, b"1234"),
            part(Opcode::Continuation, false, b"5678"),
            part(Opcode::Continuation, true, last),
        ]
        .concat()
    };
    assert_eq!(
        serve(&config, [parts(b"9").as_slice()]).events,
        [binary(b"123456789")]
    );
    assert_eq!(
        serve(&config, [parts(b"9a").as_slice()]).events,
        [binary(b"123456789a")]
    );
    assert_failed(
        &serve(&config, [parts(b"9ab").as_slice()]),
        Error::MessageTooBig,
        1009,
    );
}

#[test]
fn a_message_may_have_as_many_fragments_as_the_bound_empty_ones_included() {
    for payload in [b"".as_slice(), b"x"] {
        let parts = |frames: usize| {
            let middle = part(Opcode::Continuation, false, payload).repeat(frames - 2);
            [
                part(Opcode::Binary, false, payload),
                middle,
                part(Opcode::Continuation, true, payload),
            ]
            .concat()
        };
        let config = limited(1_000, 8);
        for frames in [7, 8] {
            assert_eq!(
                serve(&config, [parts(frames).as_slice()]).events,
                [binary(&payload.repeat(frames))]
            );
        }
        assert_failed(
            &serve(&config, [parts(9).as_slice()]),
            Error::TooManyFragments,
            1008,
        );
    }
}

#[test]
fn a_control_frame_may_hold_125_bytes() {
    for size in [124, 125] {
        assert_eq!(
            serve_once(&frame(Opcode::Ping, &vec![b'x'; size])).answers,
            [(Opcode::Pong, vec![b'x'; size])]
        );
    }
    let mut long = vec![0x89, 0x80 | 126, 0, 126, 0, 0, 0, 0];
    long.extend([0; 126]);
    assert_failed(&serve_once(&long), Error::ControlTooLong, 1002);
}

#[test]
fn a_declared_length_alone_takes_no_room() {
    let config = limited(1 << 40, 64);
    let header = Header {
        fin: true,
        rsv: 0,
        opcode: Opcode::Binary,
        mask: Some([0; 4]),
        payload_len: 1 << 40,
    };
    // A reservation of that size would abort the test.
    let outcome = serve(&config, [raw(header, b"").as_slice(), b"some bytes"]);
    assert_eq!(
        outcome,
        Outcome {
            events: vec![],
            answers: vec![],
            is_finished: false
        }
    );
}
