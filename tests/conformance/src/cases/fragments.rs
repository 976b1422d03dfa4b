//! Messages in several frames (RFC 6455 section 5.4).

use super::{FRAGMENTS_MAX, FrameCase, noise};
use crate::wire::{BINARY, Frame, Heard, TEXT, binary, continuation, text};

const SECTION: &str = "RFC 6455 section 5.4";

pub(super) fn cases() -> Vec<FrameCase> {
    [whole(), counted(), broken()].concat()
}

/// A message in as many frames as there are parts.
fn message(opcode: u8, parts: &[&[u8]]) -> Vec<Frame> {
    let last = parts.len() - 1;
    let frame = |(index, part): (usize, &&[u8])| {
        let opcode = if index == 0 { opcode } else { 0 };
        let frame = Frame::new(opcode, part);
        if index == last {
            frame
        } else {
            frame.unfinished()
        }
    };
    parts.iter().enumerate().map(frame).collect()
}

fn whole() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    let texts: [(&str, &[&[u8]]); 8] = [
        ("two", &[b"one ", b"two"]),
        ("first_empty", &[b"", b"rest"]),
        ("last_empty", &[b"start", b""]),
        ("middle_empty", &[b"a", b"", b"b"]),
        ("all_empty", &[b"", b"", b"", b""]),
        ("single_bytes", &[b"h", b"e", b"l", b"l", b"o"]),
        ("inside_a_character", &[b"gr\xc3", b"\xbc\xc3", b"\x9f"]),
        (
            "inside_a_long_character",
            &[b"\xf0", b"\x9f", b"\x8e", b"\x89"],
        ),
    ];
    for (name, parts) in texts {
        let name = format!("fragments/text_{name}");
        let hears = vec![Heard::Text(parts.concat())];
        cases.push(FrameCase::lives(
            name,
            SECTION,
            &message(TEXT, parts),
            hears,
        ));
    }
    for sizes in [[125, 126, 127], [65_535, 65_536, 1], [1, 300_000, 300_000]] {
        let parts = sizes.map(noise);
        let parts = parts.each_ref().map(Vec::as_slice);
        let [a, b, c] = sizes;
        let name = format!("fragments/binary_{a}_{b}_{c}");
        let hears = vec![Heard::Binary(parts.concat())];
        cases.push(FrameCase::lives(
            name,
            SECTION,
            &message(BINARY, &parts),
            hears,
        ));
    }
    let talk = [
        message(TEXT, &[b"one", b"one"]),
        vec![binary("two")],
        message(BINARY, &[b"thr", b"ee"]),
        vec![text("four")],
    ];
    let hears = vec![
        Heard::Text(b"oneone".into()),
        Heard::Binary(b"two".into()),
        Heard::Binary(b"three".into()),
        Heard::Text(b"four".into()),
    ];
    cases.push(FrameCase::lives(
        "fragments/messages_one_after_another",
        SECTION,
        &talk.concat(),
        hears,
    ));
    cases
}

/// The number of frames is bounded, empty ones counted.
fn counted() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 10.4";
    let mut cases = Vec::new();
    for (name, part) in [("short", b"x".as_slice()), ("empty", b"")] {
        for count in [FRAGMENTS_MAX - 1, FRAGMENTS_MAX] {
            let parts = vec![part; count];
            let hears = vec![Heard::Binary(parts.concat())];
            let name = format!("fragments/{count}_{name}_ones");
            cases.push(FrameCase::lives(
                name,
                SECTION,
                &message(BINARY, &parts),
                hears,
            ));
        }
        let over = message(BINARY, &vec![part; FRAGMENTS_MAX + 1]);
        let name = format!("fragments/{}_{name}_ones", FRAGMENTS_MAX + 1);
        cases.push(FrameCase::fails(name, SECTION, &over, 1008));
    }
    let twice = [
        vec![b"a".as_slice(); FRAGMENTS_MAX],
        vec![b"b"; FRAGMENTS_MAX],
    ];
    let sends = twice.each_ref().map(|parts| message(TEXT, parts));
    let hears = twice.iter().map(|parts| Heard::Text(parts.concat()));
    cases.push(FrameCase::lives(
        "fragments/each_message_has_its_own_count",
        SECTION,
        &sends.concat(),
        hears.collect(),
    ));
    cases
}

fn broken() -> Vec<FrameCase> {
    let fails = |name: &str, sends: &[Frame]| {
        let sends = [&[text("first")], sends].concat();
        let hears = vec![Heard::Text(b"first".into()), Heard::Close(Some(1002))];
        FrameCase::ends(format!("fragments/{name}"), SECTION, &sends, hears)
    };
    let opened = || text("a").unfinished();
    vec![
        fails("continuation_of_nothing", &[continuation("b")]),
        fails("continuation_of_nothing_empty", &[continuation("")]),
        fails(
            "continuation_of_nothing_unfinished",
            &[continuation("b").unfinished()],
        ),
        fails(
            "continuation_of_a_whole_message",
            &[opened(), continuation("b"), continuation("c")],
        )
        .hearing(1, Heard::Text(b"ab".into())),
        fails("text_inside_a_text", &[opened(), text("b")]),
        fails(
            "text_inside_a_binary",
            &[binary("a").unfinished(), text("b")],
        ),
        fails("binary_inside_a_text", &[opened(), binary("b")]),
        fails(
            "binary_inside_a_binary",
            &[binary("a").unfinished(), binary("b")],
        ),
        fails(
            "unfinished_text_inside_a_text",
            &[opened(), text("b").unfinished()],
        ),
        fails(
            "empty_text_inside_an_empty_text",
            &[text("").unfinished(), text("")],
        ),
        fails(
            "text_after_a_continuation",
            &[opened(), continuation("b").unfinished(), text("c")],
        ),
    ]
}

impl FrameCase {
    /// With one more answer at that place.
    fn hearing(mut self, at: usize, heard: Heard) -> Self {
        self.hears.insert(at, heard);
        self
    }
}
