//! The header: reserved bits, opcodes, and the three ways to write a length (RFC 6455 section 5.2).

use super::{FrameCase, noise};
use crate::wire::{
    BINARY, CLOSE, CONTINUATION, Frame, Heard, PING, PONG, TEXT, binary, continuation, ping, text,
};

const OPCODES: [(u8, &str); 6] = [
    (CONTINUATION, "continuation"),
    (TEXT, "text"),
    (BINARY, "binary"),
    (CLOSE, "close"),
    (PING, "ping"),
    (PONG, "pong"),
];

pub(super) fn cases() -> Vec<FrameCase> {
    [
        reserved_bits(),
        reserved_opcodes(),
        lengths(),
        lengths_written_wrongly(),
        cut_headers(),
    ]
    .concat()
}

/// A good message before what is wrong: its echo must not get lost.
fn after_a_message(name: String, section: &'static str, wrong: &[Frame]) -> FrameCase {
    let sends = [&[text("first")], wrong].concat();
    let hears = [Heard::Text(b"first".into()), Heard::Close(Some(1002))];
    FrameCase::ends(name, section, &sends, hears.into())
}

fn reserved_bits() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.2";
    let mut cases = Vec::new();
    for (opcode, name) in OPCODES {
        for bits in 1..=7 {
            for payload in ["", "x"] {
                let wrong = Frame::new(opcode, payload).reserved(bits);
                let length = payload.len();
                let name = format!("reserved_bits/{name}_{bits:03b}_{length}_bytes");
                // A continuation is wrong on its own, so it gets a message that it continues.
                let before = (opcode == CONTINUATION).then(|| binary("x").unfinished());
                let wrong: Vec<_> = before.into_iter().chain([wrong]).collect();
                cases.push(after_a_message(name, SECTION, &wrong));
            }
            if opcode != CONTINUATION {
                let wrong = [
                    text("a").unfinished(),
                    Frame::new(opcode, "").reserved(bits),
                ];
                let name = format!("reserved_bits/{name}_{bits:03b}_inside_a_message");
                cases.push(after_a_message(name, SECTION, &wrong));
            }
        }
    }
    for bits in 1..=7 {
        let first = binary("x").unfinished().reserved(bits);
        let name = format!("reserved_bits/first_fragment_{bits:03b}");
        cases.push(after_a_message(name, SECTION, &[first, continuation("")]));
        let middle = [
            binary("x").unfinished(),
            continuation("").unfinished().reserved(bits),
        ];
        let name = format!("reserved_bits/middle_fragment_{bits:03b}");
        cases.push(after_a_message(name, SECTION, &middle));
    }
    cases
}

fn reserved_opcodes() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.2";
    let mut cases = Vec::new();
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        let wrong = Frame::new(opcode, "");
        let shapes = [
            ("empty", vec![wrong.clone()]),
            ("with_payload", vec![Frame::new(opcode, "payload")]),
            ("unfinished", vec![wrong.clone().unfinished()]),
            ("inside_a_message", vec![text("a").unfinished(), wrong]),
        ];
        for (shape, sends) in shapes {
            let name = format!("reserved_opcodes/{opcode:x}_{shape}");
            cases.push(after_a_message(name, SECTION, &sends));
        }
    }
    cases
}

/// Every encoding at its ends, and the content compared byte for byte.
fn lengths() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.2";
    let mut cases = Vec::new();
    for length in [
        0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 4_096, 65_534, 65_535, 65_536, 65_537, 100_000,
        1_000_000,
    ] {
        let bytes = noise(length);
        let name = format!("lengths/binary_{length}");
        let hears = vec![Heard::Binary(bytes.clone())];
        cases.push(FrameCase::lives(name, SECTION, &[binary(&bytes)], hears));
        // Characters of one to four bytes, so that a cut or a copy at any place would show.
        let all = "aé€🎉".bytes().cycle();
        let characters: Vec<u8> = all.take(length - length % 10).collect();
        let name = format!("lengths/text_{length}");
        let hears = vec![Heard::Text(characters.clone())];
        cases.push(FrameCase::lives(name, SECTION, &[text(characters)], hears));
    }
    let many: Vec<_> = (0..=260).map(noise).collect();
    let hears = many.iter().cloned().map(Heard::Binary).collect();
    let sends: Vec<_> = many.iter().map(binary).collect();
    cases.push(FrameCase::lives(
        "lengths/each_up_to_260",
        SECTION,
        &sends,
        hears,
    ));
    cases
}

/// "the minimal number of bytes MUST be used to encode the length", and "the most significant bit
/// MUST be 0".
fn lengths_written_wrongly() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.2";
    let mut cases = Vec::new();
    let mut wrong = |name: String, frame: Frame| {
        let opened = frame.clone();
        cases.push(after_a_message(
            format!("lengths/{name}"),
            SECTION,
            &[frame],
        ));
        let name = format!("lengths/{name}_unfinished");
        cases.push(after_a_message(name, SECTION, &[opened.unfinished()]));
    };
    for length in [0, 1, 5, 124, 125] {
        let frame = binary(noise(length));
        wrong(
            format!("{length}_in_16_bits"),
            frame.clone().length_in_16_bits(),
        );
        wrong(format!("{length}_in_64_bits"), frame.length_in_64_bits());
    }
    for length in [126, 127, 65_534, 65_535] {
        let frame = binary(noise(length)).length_in_64_bits();
        wrong(format!("{length}_in_64_bits"), frame);
    }
    for length in [1 << 63, (1 << 63) + 5, u64::MAX - 14, u64::MAX] {
        let frame = binary("hello").length_in_64_bits().declaring(length);
        wrong(format!("top_bit_{length:x}"), frame);
    }
    // A continuation is held to the same rules, and the message before it is dropped.
    let shapes = [
        ("16_bits", continuation("x").length_in_16_bits()),
        ("64_bits", continuation("x").length_in_64_bits()),
        (
            "top_bit",
            continuation("x").length_in_64_bits().declaring(1 << 63),
        ),
    ];
    for (name, frame) in shapes {
        let sends = [text("a").unfinished(), frame];
        let name = format!("lengths/continuation_{name}");
        cases.push(after_a_message(name, SECTION, &sends));
    }
    cases
}

/// A stream that ends inside a frame: what was whole before it is answered, the rest is not.
fn cut_headers() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 7.1.7";
    let sends = |frame: Frame| [text("first"), ping("p"), frame];
    let hears = || vec![Heard::Text(b"first".into()), Heard::Pong(b"p".into())];
    let mut cases = Vec::new();
    let frames = [
        ("short", text("hello"), 2 + 5),
        ("16_bits", binary(noise(300)), 4 + 300),
        ("64_bits", binary(noise(70_000)), 10 + 70_000),
    ];
    for (name, frame, bytes) in frames {
        // Both lengths that a header can have here: cut inside either, and inside the payload.
        for at in (1..bytes).filter(|at| *at < 16 || *at == bytes - 1) {
            let name = format!("cut/{name}_at_{at}");
            let sends = sends(frame.clone().cut_at(at));
            cases.push(FrameCase::is_cut(name, SECTION, &sends, hears()));
        }
    }
    let inside = sends(text("part of it").unfinished());
    cases.push(FrameCase::is_cut(
        "cut/inside_a_message",
        SECTION,
        &inside,
        hears(),
    ));
    cases
}
