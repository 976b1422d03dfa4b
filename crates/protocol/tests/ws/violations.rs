//! Every rule that a peer can break, and the code of the one Close that answers it.

use crate::frames::{KEY, close, closed_with, frame, part, raw, serve, serve_once, text};
use crate::pair::{CONFIG, receive};
use frame::{Error, Header, Opcode};
use ringwire_protocol::ws::{Connection, Event, Failure, Role};

/// The bytes fail a server with that failure and that code, in one read and byte by byte, and
/// nothing that follows is heard.
fn assert_fails(name: &str, bytes: &[u8], failure: Failure, code: u16) {
    let followed = [bytes, &frame(Opcode::Text, b"late"), &close(1000, "")].concat();
    let outcome = serve_once(&followed);
    assert_eq!(outcome.events, [Event::Failed(failure)], "{name}");
    assert_eq!(outcome.answers, [closed_with(code)], "{name}");
    assert!(outcome.is_finished, "{name}");
    assert_eq!(
        serve(&CONFIG, followed.chunks(1)),
        outcome,
        "{name}, byte by byte"
    );
}

fn header(opcode: Opcode) -> Header {
    Header {
        fin: true,
        rsv: 0,
        opcode,
        mask: Some(KEY),
        payload_len: 0,
    }
}

#[test]
fn a_client_frame_must_be_masked() {
    for opcode in [Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Close] {
        assert_fails(
            "unmasked",
            &raw(
                Header {
                    mask: None,
                    ..header(opcode)
                },
                b"",
            ),
            Failure::Unmasked,
            1002,
        );
    }
}

#[test]
fn a_server_frame_must_not_be_masked() {
    let mut connection = Connection::new(Role::Client, 0, 0);
    let mut events = Vec::new();
    receive(
        &mut connection,
        &CONFIG,
        0,
        &mut frame(Opcode::Text, b"x"),
        &mut events,
    );
    assert_eq!(events, [Event::Failed(Failure::Masked)]);
    let mut out = Vec::new();
    connection.transmit(&mut out);
    let mut server = Connection::new(Role::Server, 0, 0);
    let mut told = Vec::new();
    receive(&mut server, &CONFIG, 0, &mut out, &mut told);
    assert!(matches!(
        &told[..],
        [Event::PeerClosed {
            code: Some(frame::CloseCode::PROTOCOL_ERROR),
            ..
        }]
    ));
}

#[test]
fn reserved_bits_are_not_set_on_any_frame() {
    for opcode in [
        Opcode::Text,
        Opcode::Binary,
        Opcode::Ping,
        Opcode::Pong,
        Opcode::Close,
    ] {
        for rsv in 1..=7 {
            let bytes = raw(
                Header {
                    rsv,
                    ..header(opcode)
                },
                b"",
            );
            assert_fails(
                &format!("{opcode:?} with {rsv}"),
                &bytes,
                Failure::ReservedBits,
                1002,
            );
        }
    }
    let continuation = raw(
        Header {
            rsv: Header::RSV1,
            ..header(Opcode::Continuation)
        },
        b"",
    );
    assert_fails(
        "continuation",
        &[part(Opcode::Text, false, b""), continuation].concat(),
        Failure::ReservedBits,
        1002,
    );
}

#[test]
fn opcodes_are_the_registered_ones() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let bytes = [0x80 | opcode, 0x80, 0, 0, 0, 0];
        assert_fails(
            &format!("opcode {opcode}"),
            &bytes,
            Failure::Frame(Error::ReservedOpcode),
            1002,
        );
    }
}

#[test]
fn lengths_are_written_in_their_shortest_form() {
    let cases: [(&[u8], Error); 6] = [
        (&[0x82, 0xfe, 0, 0], Error::LengthNotMinimal),
        (&[0x82, 0xfe, 0, 125], Error::LengthNotMinimal),
        (
            &[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 5],
            Error::LengthNotMinimal,
        ),
        (
            &[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            Error::LengthNotMinimal,
        ),
        (
            &[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
            Error::LengthTopBit,
        ),
        (
            &[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            Error::LengthTopBit,
        ),
    ];
    for (bytes, error) in cases {
        assert_fails(&format!("{bytes:?}"), bytes, Failure::Frame(error), 1002);
    }
}

#[test]
fn control_frames_are_whole_and_short() {
    for opcode in [8, 9, 10] {
        assert_fails(
            "fragmented",
            &[opcode, 0x80, 0, 0, 0, 0],
            Failure::Frame(Error::ControlFragmented),
            1002,
        );
        assert_fails(
            "long",
            &[0x80 | opcode, 0xfe, 0, 126, 0, 0, 0, 0],
            Failure::Frame(Error::ControlTooLong),
            1002,
        );
    }
}

#[test]
fn messages_do_not_mix() {
    let alone = part(Opcode::Continuation, true, b"x");
    assert_fails(
        "continuation of nothing",
        &alone,
        Failure::Frame(Error::ContinuationWithoutStart),
        1002,
    );
    let first = part(Opcode::Text, false, b"x");
    for opcode in [Opcode::Text, Opcode::Binary] {
        let second = part(opcode, true, b"y");
        let bytes = [first.as_slice(), &second].concat();
        assert_fails(
            "interrupted",
            &bytes,
            Failure::Frame(Error::MessageInterrupted),
            1002,
        );
    }
}

#[test]
fn the_payload_of_a_close_is_a_code_and_a_reason() {
    assert_fails(
        "one byte",
        &frame(Opcode::Close, &[3]),
        Failure::Frame(Error::CloseTruncated),
        1002,
    );
    for code in [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ] {
        assert_fails(
            &code.to_string(),
            &close(code, ""),
            Failure::Frame(Error::CloseCodeInvalid),
            1002,
        );
    }
    let reason = frame(Opcode::Close, b"\x03\xe8\xc3\x28");
    assert_fails("reason", &reason, Failure::Frame(Error::InvalidUtf8), 1007);
}

#[test]
fn text_is_utf8() {
    let bad: [&[u8]; 9] = [
        b"\xff",
        b"a\x80",
        b"\xc0\xaf",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xe2\x82",
        b"ok \xf0\x9f\x98",
    ];
    for payload in bad {
        let whole = frame(Opcode::Text, payload);
        assert_fails(
            &format!("{payload:?}"),
            &whole,
            Failure::Frame(Error::InvalidUtf8),
            1007,
        );
        for at in 0..=payload.len() {
            let (first, second) = payload.split_at(at);
            let parts = [
                part(Opcode::Text, false, first),
                part(Opcode::Continuation, true, second),
            ]
            .concat();
            assert_fails(
                &format!("{payload:?} in fragments at {at}"),
                &parts,
                Failure::Frame(Error::InvalidUtf8),
                1007,
            );
        }
    }
}

#[test]
fn bad_text_fails_when_its_bad_byte_arrives_not_when_the_frame_ends() {
    let payload = ["grüß ".as_bytes(), b"\xf4\x90\x80\x80", &[b'x'; 100]].concat();
    let bytes = frame(Opcode::Text, &payload);
    let header_bytes = 6;
    let bad_at = header_bytes + "grüß ".len() + 1;
    let before = serve(&CONFIG, [&bytes[..bad_at]]);
    assert_eq!(before.events, [], "f4 alone may still become a character");
    let with = serve(&CONFIG, [&bytes[..bad_at], &bytes[bad_at..=bad_at]]);
    assert_eq!(
        with.events,
        [Event::Failed(Failure::Frame(Error::InvalidUtf8))]
    );
    assert_eq!(with.answers, [closed_with(1007)]);
}

#[test]
fn binary_messages_hold_any_bytes() {
    let outcome = serve_once(
        &[
            frame(Opcode::Binary, b"\xff\xfe"),
            frame(Opcode::Text, b"still here"),
        ]
        .concat(),
    );
    assert_eq!(outcome.events[1], text("still here"));
}

#[test]
fn failures_say_why_in_the_reason_of_the_close() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    receive(
        &mut connection,
        &CONFIG,
        0,
        &mut raw(
            Header {
                mask: None,
                ..header(Opcode::Text)
            },
            b"",
        ),
        &mut Vec::new(),
    );
    let mut out = Vec::new();
    connection.transmit(&mut out);
    assert_eq!(&out[4..], Failure::Unmasked.to_string().as_bytes());
}
