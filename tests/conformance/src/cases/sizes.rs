//! The bound of one message, at -1, 0 and +1, by one frame and by the sum of many (RFC 6455 section
//! 10.4).
//!
//! What is over it is refused with 1009 when its header is there: no byte of its payload is awaited.

use super::{FrameCase, MESSAGE_BYTES_MAX, noise};
use crate::wire::{Frame, Heard, binary, continuation, ping, text};

const SECTION: &str = "RFC 6455 section 10.4";

pub(super) fn cases() -> Vec<FrameCase> {
    [at_the_bound(), by_header_alone(), by_sum()].concat()
}

fn at_the_bound() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    for length in [MESSAGE_BYTES_MAX - 1, MESSAGE_BYTES_MAX] {
        let bytes = noise(length);
        let hears = vec![Heard::Binary(bytes.clone())];
        let name = format!("sizes/binary_of_{length}");
        cases.push(FrameCase::lives(
            name,
            SECTION,
            &[binary(&bytes)],
            hears.clone(),
        ));
        for at in [0, 1, 65_536, length - 1, length] {
            let sends = [
                binary(&bytes[..at]).unfinished(),
                continuation(&bytes[at..]),
            ];
            let name = format!("sizes/binary_of_{length}_cut_at_{at}");
            cases.push(FrameCase::lives(name, SECTION, &sends, hears.clone()));
        }
        let characters = "\u{20ac}".repeat(length / 3) + &"a".repeat(length % 3);
        let hears = vec![Heard::Text(characters.clone().into_bytes())];
        let name = format!("sizes/text_of_{length}");
        cases.push(FrameCase::lives(name, SECTION, &[text(characters)], hears));
    }
    let over = binary(noise(MESSAGE_BYTES_MAX + 1));
    cases.push(FrameCase::fails(
        "sizes/one_byte_over",
        SECTION,
        &[over],
        1009,
    ));
    cases
}

/// Not one byte of payload is sent, only the header.
fn by_header_alone() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    let bound = MESSAGE_BYTES_MAX as u64;
    for length in [
        bound + 1,
        2 * bound,
        (1 << 31) - 1,
        1 << 31,
        (1 << 31) + 1,
        u64::from(u32::MAX),
        1 << 32,
        (1 << 53) + 1,
        (1 << 63) - 14,
        (1 << 63) - 1,
    ] {
        let shapes = [
            ("binary", vec![binary("")]),
            ("unfinished_text", vec![text("").unfinished()]),
            (
                "continuation",
                vec![binary("").unfinished(), continuation("")],
            ),
        ];
        for (shape, mut sends) in shapes {
            let last = sends.pop().expect("each shape has a frame");
            sends.push(last.length_in_64_bits().declaring(length));
            let name = format!("sizes/{shape}_declaring_{length}");
            cases.push(FrameCase::fails(name, SECTION, &sends, 1009));
        }
    }
    let waiting = [
        text("first"),
        binary("").length_in_64_bits().declaring(bound),
    ];
    let hears = vec![Heard::Text(b"first".into())];
    cases.push(FrameCase::is_cut(
        "sizes/declaring_the_bound",
        SECTION,
        &waiting,
        hears,
    ));
    cases
}

/// A sum over the bound is refused by the header that makes it so; sums of 64 bits do not wrap.
fn by_sum() -> Vec<FrameCase> {
    let first = || binary(noise(MESSAGE_BYTES_MAX - 1)).unfinished();
    let declaring = |bytes: u64| continuation("").length_in_64_bits().declaring(bytes);
    let fails = |name: &str, sends: &[Frame]| {
        FrameCase::fails(format!("sizes/{name}"), SECTION, sends, 1009)
    };
    let halves = [
        first(),
        continuation("x").unfinished(),
        ping("p"),
        continuation(""),
    ];
    let hears = vec![
        Heard::Pong(b"p".into()),
        Heard::Binary([noise(MESSAGE_BYTES_MAX - 1), b"x".into()].concat()),
    ];
    vec![
        fails(
            "sum_one_byte_over",
            &[first(), continuation("xy").cut_in_payload(0)],
        ),
        fails(
            "sum_one_byte_over_by_the_last_of_three",
            &[
                first(),
                continuation("x").unfinished(),
                continuation("y").cut_in_payload(0),
            ],
        ),
        fails(
            "sum_that_would_wrap",
            &[binary("0123456789").unfinished(), declaring((1 << 63) - 1)],
        ),
        fails(
            "sum_that_would_wrap_31_bits",
            &[binary("0123456789").unfinished(), declaring((1 << 31) - 1)],
        ),
        fails(
            "sum_that_would_wrap_32_bits",
            &[
                binary("0123456789").unfinished(),
                declaring(u64::from(u32::MAX)),
            ],
        ),
        FrameCase::lives("sizes/sum_at_the_bound", SECTION, &halves, hears),
        FrameCase::lives(
            "sizes/the_next_message_starts_at_zero",
            SECTION,
            &[
                binary(noise(MESSAGE_BYTES_MAX)),
                binary(noise(MESSAGE_BYTES_MAX)),
            ],
            vec![Heard::Binary(noise(MESSAGE_BYTES_MAX)); 2],
        ),
    ]
}
