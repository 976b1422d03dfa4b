//! Masks: who masks, and that every key at every place gives the same bytes (RFC 6455 sections 5.1
//! and 5.3).

use super::{FrameCase, noise};
use crate::wire::{
    BINARY, CLOSE, CONTINUATION, Frame, Heard, PING, PONG, TEXT, binary, close, continuation, text,
};

pub(super) fn cases() -> Vec<FrameCase> {
    [wrong_masks(), keys()].concat()
}

/// A client's frame without a mask, and a server's with one.
fn wrong_masks() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.1";
    let fails = |name: String, sends: &[Frame]| FrameCase::fails(name, SECTION, sends, 1002);
    let mut cases = Vec::new();
    for (opcode, name) in [
        (TEXT, "text"),
        (BINARY, "binary"),
        (CLOSE, "close"),
        (PING, "ping"),
        (PONG, "pong"),
    ] {
        for payload in ["", "\u{3}\u{e8}", "fits"] {
            let name = format!("wrong_mask/{name}_{}_bytes", payload.len());
            let frame = Frame::new(opcode, payload).wrong_mask();
            cases.push(fails(name, &[frame]));
        }
        let inside = [text("a").unfinished(), Frame::new(opcode, "").wrong_mask()];
        cases.push(fails(
            format!("wrong_mask/{name}_inside_a_message"),
            &inside,
        ));
    }
    let opened = binary("a").unfinished().wrong_mask();
    cases.push(fails("wrong_mask/first_fragment".into(), &[opened]));
    let continued = [
        binary("a").unfinished(),
        Frame::new(CONTINUATION, "b").wrong_mask(),
    ];
    cases.push(fails("wrong_mask/continuation".into(), &continued));
    for length in [126, 65_536] {
        let name = format!("wrong_mask/binary_{length}_bytes");
        cases.push(fails(name, &[binary(noise(length)).wrong_mask()]));
    }
    let late = [text("first"), text("second").wrong_mask(), close(1000, "")];
    let hears = vec![Heard::Text(b"first".into()), Heard::Close(Some(1002))];
    cases.push(FrameCase::ends(
        "wrong_mask/after_a_message",
        SECTION,
        &late,
        hears,
    ));
    cases
}

fn keys() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.3";
    const KEYS: [[u8; 4]; 7] = [
        [0, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xff],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        [0x80, 0x40, 0x20, 0x10],
        [0, 0xff, 0, 0xff],
        [0x12, 0x34, 0x56, 0x78],
    ];
    let mut cases = Vec::new();
    for key in KEYS {
        let [a, b, c, d] = key;
        let name = format!("keys/{a:02x}{b:02x}{c:02x}{d:02x}");
        // Each length by itself, so that each one begins at another place of the reads.
        let lengths = (0..=130).chain([255, 256, 257, 1_023, 1_025, 4_095, 70_001]);
        let payloads: Vec<_> = lengths.map(noise).collect();
        let sends: Vec<_> = payloads
            .iter()
            .map(|bytes| binary(bytes).key(key))
            .collect();
        let hears = payloads.into_iter().map(Heard::Binary).collect();
        cases.push(FrameCase::lives(name.clone(), SECTION, &sends, hears));
        // The key begins anew in each frame of a message.
        let parts = [1, 2, 3, 5, 7, 64, 129].map(noise);
        let mut sends = vec![binary("").unfinished()];
        sends.extend(
            parts
                .iter()
                .map(|part| continuation(part).unfinished().key(key)),
        );
        sends.push(continuation("").key(key));
        let hears = vec![Heard::Binary(parts.concat())];
        cases.push(FrameCase::lives(
            format!("{name}_in_fragments"),
            SECTION,
            &sends,
            hears,
        ));
    }
    let mixed: Vec<_> = KEYS
        .iter()
        .map(|key| text("one two three").key(*key))
        .collect();
    let hears = vec![Heard::Text(b"one two three".into()); KEYS.len()];
    cases.push(FrameCase::lives(
        "keys/each_frame_its_own",
        SECTION,
        &mixed,
        hears,
    ));
    cases
}
