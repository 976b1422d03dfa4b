//! Text is UTF-8, checked as it arrives (RFC 6455 section 8.1).
//!
//! Each sample goes as one frame, cut in two at each place, and one byte to a frame. Those that are
//! wrong must fail wherever they are cut, and fail when the first wrong byte arrives.

use super::FrameCase;
use crate::wire::{Frame, Heard, binary, continuation, text};

const SECTION: &str = "RFC 6455 section 8.1";

/// Ends of the ranges of RFC 3629 section 4, and characters that only look forbidden.
const VALID: &[(&str, &[u8])] = &[
    ("nul", b"\x00"),
    ("ascii_last", b"\x7f"),
    ("2_bytes_first", b"\xc2\x80"),
    ("2_bytes_last", b"\xdf\xbf"),
    ("3_bytes_first", b"\xe0\xa0\x80"),
    ("e1", b"\xe1\x80\xbf"),
    ("ec_last", b"\xec\xbf\xbf"),
    ("before_surrogates", b"\xed\x9f\xbf"),
    ("after_surrogates", b"\xee\x80\x80"),
    ("bom", b"\xef\xbb\xbf"),
    ("fffe", b"\xef\xbf\xbe"),
    ("3_bytes_last", b"\xef\xbf\xbf"),
    ("4_bytes_first", b"\xf0\x90\x80\x80"),
    ("1ffff", b"\xf0\x9f\xbf\xbf"),
    ("f1", b"\xf1\x80\x80\x80"),
    ("f3_last", b"\xf3\xbf\xbf\xbf"),
    ("4_bytes_last", b"\xf4\x8f\xbf\xbf"),
    ("all_widths", "a\u{df}\u{20ac}\u{1f389}".as_bytes()),
    (
        "greek",
        "\u{1f79}\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}".as_bytes(),
    ),
    ("combining", "e\u{301}\u{200d}\u{fe0f}".as_bytes()),
];

/// What is wrong, and at which byte that is known: every later byte is one too late.
const INVALID: &[(&str, &[u8], usize)] = &[
    ("continuation_80", b"\x80", 0),
    ("continuation_bf", b"\xbf", 0),
    ("continuation_after_ascii", b"a\x80", 1),
    ("continuation_after_2_bytes", b"\xc3\x9f\x80", 2),
    ("continuation_after_3_bytes", b"\xe2\x82\xac\x80", 3),
    ("continuation_after_4_bytes", b"\xf0\x9f\x8e\x89\x80", 4),
    ("overlong_c0", b"\xc0\x80", 0),
    ("overlong_c0_af", b"\xc0\xaf", 0),
    ("overlong_c1", b"\xc1\xbf", 0),
    ("overlong_e0_80", b"\xe0\x80\x80", 1),
    ("overlong_e0_9f", b"\xe0\x9f\xbf", 1),
    ("overlong_f0_80", b"\xf0\x80\x80\x80", 1),
    ("overlong_f0_8f", b"\xf0\x8f\xbf\xbf", 1),
    ("surrogate_first", b"\xed\xa0\x80", 1),
    ("surrogate_last", b"\xed\xbf\xbf", 1),
    ("surrogate_pair", b"\xed\xa0\xbd\xed\xb8\x80", 1),
    ("above_10ffff", b"\xf4\x90\x80\x80", 1),
    ("above_10ffff_bf", b"\xf4\xbf\xbf\xbf", 1),
    ("f5", b"\xf5\x80\x80\x80", 0),
    ("f7", b"\xf7\xbf\xbf\xbf", 0),
    ("five_bytes_f8", b"\xf8\x88\x80\x80\x80", 0),
    ("six_bytes_fc", b"\xfc\x84\x80\x80\x80\x80", 0),
    ("fe", b"\xfe", 0),
    ("ff", b"\xff", 0),
    ("c2_then_ascii", b"\xc2a", 1),
    ("c2_then_lead", b"\xc2\xc2", 1),
    ("e2_then_ascii", b"\xe2a", 1),
    ("e2_82_then_ascii", b"\xe2\x82a", 2),
    ("e2_82_then_lead", b"\xe2\x82\xe2\x82\xac", 2),
    ("f0_then_ascii", b"\xf0a", 1),
    ("f0_9f_then_ascii", b"\xf0\x9fa", 2),
    ("f0_9f_8e_then_ascii", b"\xf0\x9f\x8ea", 3),
    ("f0_9f_8e_then_lead", b"\xf0\x9f\x8e\xf0", 3),
    ("latin_1", b"gr\xfc\xdfe", 2),
];

/// Right so far, and no message may end there.
const UNFINISHED: &[(&str, &[u8])] = &[
    ("c2", b"\xc2"),
    ("df", b"ab\xdf"),
    ("e0", b"\xe0"),
    ("e0_a0", b"\xe0\xa0"),
    ("ed_9f", b"\xed\x9f"),
    ("ef_bf", b"ok \xef\xbf"),
    ("f0", b"\xf0"),
    ("f0_90", b"\xf0\x90"),
    ("f0_90_80", b"\xf0\x90\x80"),
    ("f4_8f_bf", b"\xf4\x8f\xbf"),
];

pub(super) fn cases() -> Vec<FrameCase> {
    [valid(), invalid(), unfinished(), every_byte(), deep()].concat()
}

/// A text message of two frames, cut there.
fn cut(payload: &[u8], at: usize) -> [Frame; 2] {
    let (first, second) = payload.split_at(at);
    [text(first).unfinished(), continuation(second)]
}

fn single_bytes(payload: &[u8]) -> Vec<Frame> {
    let rest = payload
        .iter()
        .map(|byte| continuation([*byte]).unfinished());
    [text("").unfinished()]
        .into_iter()
        .chain(rest)
        .chain([continuation("")])
        .collect()
}

fn valid() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    for (name, payload) in VALID {
        let mut lives = |how: String, sends: &[Frame]| {
            let hears = vec![Heard::Text(payload.to_vec())];
            let name = format!("valid_text/{name}_{how}");
            cases.push(FrameCase::lives(name, SECTION, sends, hears));
        };
        lives("whole".into(), &[text(payload)]);
        lives("in_single_bytes".into(), &single_bytes(payload));
        for at in 0..=payload.len() {
            lives(format!("cut_at_{at}"), &cut(payload, at));
        }
    }
    cases
}

fn invalid() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    for (name, payload, wrong_at) in INVALID {
        let mut fails = |how: String, sends: &[Frame]| {
            let name = format!("invalid_text/{name}_{how}");
            cases.push(FrameCase::fails(name, SECTION, sends, 1007));
        };
        fails("whole".into(), &[text(payload)]);
        fails("in_single_bytes".into(), &single_bytes(payload));
        for at in 0..=payload.len() {
            fails(format!("cut_at_{at}"), &cut(payload, at));
        }
        // "fail as soon as possible": not one byte of what would follow has come.
        let so_far = &payload[..=*wrong_at];
        let inside = text([so_far, &[b'x'; 100]].concat()).cut_in_payload(so_far.len());
        fails("at_once".into(), &[text(so_far).unfinished()]);
        fails("at_once_inside_a_frame".into(), &[inside]);
        fails(
            "after_a_good_start".into(),
            &[
                text("\u{20ac}").unfinished(),
                continuation(payload).unfinished(),
            ],
        );
        let hears = vec![Heard::Binary(payload.to_vec())];
        let name = format!("invalid_text/{name}_is_binary");
        cases.push(FrameCase::lives(name, SECTION, &[binary(payload)], hears));
    }
    cases
}

fn unfinished() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    for (name, payload) in UNFINISHED {
        let fails = |how: &str, sends: &[Frame]| {
            let name = format!("unfinished_text/{name}_{how}");
            FrameCase::fails(name, SECTION, sends, 1007)
        };
        cases.push(fails("whole", &[text(payload)]));
        cases.push(fails("in_single_bytes", &single_bytes(payload)));
        cases.push(fails("before_an_empty_frame", &cut(payload, payload.len())));
        // Nobody knows yet whether it is wrong.
        let name = format!("unfinished_text/{name}_may_go_on");
        let sends = [text("first"), text(payload).unfinished()];
        let hears = vec![Heard::Text(b"first".into())];
        cases.push(FrameCase::is_cut(name, SECTION, &sends, hears));
    }
    // What one message leaves unfinished is not finished by the next.
    let sends = [text(b"\xe2"), text(b"\x82\xac")];
    cases.push(FrameCase::fails(
        "unfinished_text/not_finished_by_the_next_message",
        SECTION,
        &sends,
        1007,
    ));
    cases
}

/// Each byte on its own.
fn every_byte() -> Vec<FrameCase> {
    let case = |byte: u8| {
        let name = format!("single_byte_text/{byte:02x}");
        let hears = vec![Heard::Text(vec![byte])];
        if byte.is_ascii() {
            FrameCase::lives(name, SECTION, &[text([byte])], hears)
        } else {
            FrameCase::fails(name, SECTION, &[text([byte])], 1007)
        }
    };
    (0..=255).map(case).collect()
}

/// Around the borders of the blocks that fast validators read.
fn deep() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    for before in [
        14, 15, 16, 30, 31, 32, 61, 62, 63, 64, 65, 127, 4_095, 65_535,
    ] {
        let start = vec![b'a'; before];
        let good = [&start, "\u{1f389} and more".as_bytes()].concat();
        let hears = vec![Heard::Text(good.clone())];
        let name = format!("deep_text/valid_after_{before}");
        cases.push(FrameCase::lives(name, SECTION, &[text(good)], hears));
        for (name, wrong) in [
            ("f4_90", b"\xf4\x90\x80\x80".as_slice()),
            ("80", b"\x80"),
            ("e2", b"\xe2a"),
        ] {
            let sends = [text([&start, wrong, b" and more"].concat())];
            let name = format!("deep_text/{name}_after_{before}");
            cases.push(FrameCase::fails(name, SECTION, &sends, 1007));
        }
        let name = format!("deep_text/unfinished_after_{before}");
        let sends = [text([&start, b"\xf0\x9f\x8e".as_slice()].concat())];
        cases.push(FrameCase::fails(name, SECTION, &sends, 1007));
    }
    cases
}
