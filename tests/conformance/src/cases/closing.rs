//! The closing handshake: what a Close may hold, and that nothing counts after it (RFC 6455 sections
//! 5.5.1, 7.1 and 7.4).

use super::FrameCase;
use crate::wire::{CLOSE, Frame, Heard, close, continuation, ping, text};

/// Defined by RFC 6455 or registered with IANA since, and the two ranges that are free to use.
const VALID_CODES: &[u16] = &[
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3003, 3008,
    3999, 4000, 4408, 4999,
];

/// Below the ranges, reserved, never in a frame (1005, 1006, 1015), not registered, above the ranges.
const INVALID_CODES: &[u16] = &[
    0, 1, 13, 100, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 9999,
    0x7fff, 0x8000, 0xe803, 0xffff,
];

pub(super) fn cases() -> Vec<FrameCase> {
    [codes(), payloads(), endings()].concat()
}

fn codes() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 7.4";
    let echoed = VALID_CODES.iter().map(|code| (*code, *code));
    let refused = INVALID_CODES.iter().map(|code| (*code, 1002));
    let answered = |(code, answer)| {
        [("alone", ""), ("with_reason", "because")].map(|(what, reason)| {
            let name = format!("close_code/{code}_{what}");
            FrameCase::fails(name, SECTION, &[close(code, reason)], answer)
        })
    };
    echoed.chain(refused).flat_map(answered).collect()
}

fn payloads() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.5.1";
    let ends = |name: &str, frame: Frame, code: Option<u16>| {
        FrameCase::ends(
            format!("close/{name}"),
            SECTION,
            &[frame],
            vec![Heard::Close(code)],
        )
    };
    let long = |bytes| "r".repeat(bytes);
    let mut cases = vec![
        ends("empty", Frame::new(CLOSE, ""), None),
        ends("one_byte", Frame::new(CLOSE, [3]), Some(1002)),
        ends("one_zero_byte", Frame::new(CLOSE, [0]), Some(1002)),
        ends("reason_of_122_bytes", close(1000, long(122)), Some(1000)),
        ends("reason_of_123_bytes", close(1000, long(123)), Some(1000)),
        ends("reason_of_124_bytes", close(1000, long(124)), Some(1002)),
        ends("reason_of_1000_bytes", close(1000, long(1_000)), Some(1002)),
        ends("reason_with_nul", close(1000, "a\0b"), Some(1000)),
        ends(
            "reason_of_all_widths",
            close(3000, "a\u{df}\u{20ac}\u{1f389}"),
            Some(3000),
        ),
        ends(
            "reason_of_123_bytes_ending_in_a_character",
            close(4000, long(119) + "\u{1f389}"),
            Some(4000),
        ),
        ends("bad_code_and_bad_reason", close(1005, b"\xff"), Some(1002)),
        ends(
            "one_byte_and_reserved_bit",
            Frame::new(CLOSE, [3]).reserved(4),
            Some(1002),
        ),
    ];
    let bad: [(&str, &[u8]); 7] = [
        ("ff", b"\xff"),
        ("continuation", b"ok \x80"),
        ("overlong", b"\xc0\x80"),
        ("surrogate", b"\xed\xa0\x80"),
        ("above_10ffff", b"\xf4\x90\x80\x80"),
        ("unfinished", b"ok \xe2\x82"),
        ("latin_1", b"f\xfcr"),
    ];
    for (name, reason) in bad {
        let name = format!("reason_{name}");
        cases.push(ends(&name, close(1000, reason), Some(1007)));
    }
    let unfinished = [long(122).as_bytes(), b"\xc3"].concat();
    cases.push(ends(
        "reason_of_123_bytes_unfinished",
        close(1000, unfinished),
        Some(1007),
    ));
    cases
}

/// "the endpoint MUST NOT send any more data frames", and it discards what still comes.
fn endings() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.5.1";
    let after_close = [
        ("text", text("late")),
        ("bad_text", text(b"\xff")),
        ("ping", ping("late")),
        ("second_close", close(4000, "again")),
        ("bad_close", Frame::new(CLOSE, [1])),
        ("reserved_opcode", Frame::new(0xf, "")),
        ("wrong_mask", text("x").wrong_mask()),
        ("half_a_frame", text("late").cut_at(3)),
        ("many_bytes", text("x".repeat(100_000))),
    ];
    let mut cases = Vec::new();
    for (name, late) in after_close {
        let name = format!("closing/{name}_after_a_close");
        cases.push(FrameCase::fails(
            name,
            SECTION,
            &[close(1000, ""), late.clone()],
            1000,
        ));
    }
    for (name, late) in [
        ("text", text("late")),
        ("ping", ping("late")),
        ("close", close(4000, "mine")),
    ] {
        for (error, wrong, code) in [
            ("reserved_opcode", Frame::new(0x3, ""), 1002),
            ("bad_text", text(b"\xff"), 1007),
            ("fragments_of_nothing", continuation(""), 1002),
        ] {
            let name = format!("closing/{name}_after_a_failure_by_{error}");
            let sends = [wrong, late.clone()];
            cases.push(FrameCase::fails(
                name,
                "RFC 6455 section 7.1.7",
                &sends,
                code,
            ));
        }
    }
    for (name, opened) in [("message", text("a")), ("character", text(b"\xe2\x82"))] {
        let sends = [opened.unfinished(), close(1000, ""), continuation("b")];
        let name = format!("closing/inside_a_{name}");
        cases.push(FrameCase::fails(name, SECTION, &sends, 1000));
    }
    let messages = [text("a"), text("b"), close(1000, "")];
    let hears = vec![
        Heard::Text(b"a".into()),
        Heard::Text(b"b".into()),
        Heard::Close(Some(1000)),
    ];
    cases.push(FrameCase::ends(
        "closing/after_messages",
        SECTION,
        &messages,
        hears,
    ));
    cases
}
