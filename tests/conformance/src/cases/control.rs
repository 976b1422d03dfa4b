//! Control frames: whole, short, and at any place (RFC 6455 sections 5.4 and 5.5).

use super::{FrameCase, noise};
use crate::wire::{CLOSE, Frame, Heard, PING, PONG, binary, close, continuation, ping, pong, text};

const CONTROL: [(u8, &str); 3] = [(CLOSE, "close"), (PING, "ping"), (PONG, "pong")];

pub(super) fn cases() -> Vec<FrameCase> {
    [malformed(), pings(), pongs(), between_fragments()].concat()
}

/// "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
fn malformed() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.5";
    let mut cases = Vec::new();
    for (opcode, control) in CONTROL {
        let long =
            |length: usize| Frame::new(opcode, [&[3, 232][..], &vec![b'x'; length - 2]].concat());
        let shapes = [
            ("fragmented", Frame::new(opcode, "").unfinished()),
            (
                "fragmented_with_payload",
                Frame::new(opcode, "xx").unfinished(),
            ),
            ("126_bytes", long(126)),
            ("127_bytes", long(127)),
            ("65535_bytes", long(65_535)),
            ("65536_bytes", long(65_536)),
            ("2_bytes_in_16_bits", long(2).length_in_16_bits()),
            ("2_bytes_in_64_bits", long(2).length_in_64_bits()),
            ("126_bytes_in_64_bits", long(126).length_in_64_bits()),
            (
                "declaring_2_to_the_63",
                long(2).length_in_64_bits().declaring(1 << 63),
            ),
            ("126_bytes_of_which_none_came", long(126).cut_at(2)),
        ];
        for (name, frame) in shapes {
            let name = format!("control/{control}_{name}");
            let sends = [text("a").unfinished(), frame.clone()];
            let inside = format!("{name}_inside_a_message");
            cases.push(FrameCase::fails(inside, SECTION, &sends, 1002));
            cases.push(FrameCase::fails(name, SECTION, &[frame], 1002));
        }
        let continued = [Frame::new(opcode, "").unfinished(), continuation("")];
        let name = format!("control/{control}_in_two_fragments");
        cases.push(FrameCase::fails(name, SECTION, &continued, 1002));
    }
    cases
}

fn pings() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 sections 5.5.2 and 5.5.3";
    let mut cases = Vec::new();
    for length in [0, 1, 2, 64, 124, 125] {
        let bytes = noise(length);
        let hears = vec![Heard::Pong(bytes.clone())];
        let name = format!("ping/{length}_bytes");
        cases.push(FrameCase::lives(name, SECTION, &[ping(bytes)], hears));
    }
    // No more than any endpoint answers when it takes them in one read.
    let payloads: Vec<_> = (0..10).map(|number| format!("ping {number}")).collect();
    let sends: Vec<_> = payloads.iter().map(ping).collect();
    let hears = |payloads: &[String]| -> Vec<Heard> {
        let pongs = payloads.iter().map(|payload| payload.clone().into_bytes());
        pongs.map(Heard::Pong).collect()
    };
    cases.push(FrameCase::lives(
        "ping/ten_are_answered_in_order",
        SECTION,
        &sends,
        hears(&payloads),
    ));
    let sends: Vec<_> = payloads
        .iter()
        .flat_map(|payload| [ping(payload), text(payload)])
        .collect();
    let answers = payloads.iter().map(|payload| payload.clone().into_bytes());
    let hears = answers.flat_map(|payload| [Heard::Pong(payload.clone()), Heard::Text(payload)]);
    cases.push(FrameCase::lives(
        "ping/answers_keep_the_order_of_what_they_answer",
        SECTION,
        &sends,
        hears.collect(),
    ));
    let before_close = [ping("last"), close(1000, "")];
    let hears = vec![Heard::Pong(b"last".into()), Heard::Close(Some(1000))];
    cases.push(FrameCase::ends(
        "ping/before_a_close",
        SECTION,
        &before_close,
        hears,
    ));
    let any = [ping(b"\xff\xfe\xc0\x80")];
    let hears = vec![Heard::Pong(b"\xff\xfe\xc0\x80".into())];
    cases.push(FrameCase::lives("ping/any_bytes", SECTION, &any, hears));
    let cut = [ping("whole"), ping("cut").cut_in_payload(2)];
    let hears = vec![Heard::Pong(b"whole".into())];
    cases.push(FrameCase::is_cut("ping/cut", SECTION, &cut, hears));
    cases
}

/// "A Pong frame MAY be sent unsolicited. [...] A response to an unsolicited Pong frame is not
/// expected."
fn pongs() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.5.3";
    let lives = |name: &str, sends: &[Frame], hears: Vec<Heard>| {
        FrameCase::lives(format!("pong/{name}"), SECTION, sends, hears)
    };
    vec![
        lives("unasked", &[pong("")], vec![]),
        lives("unasked_125_bytes", &[pong(noise(125))], vec![]),
        lives(
            "unasked_then_ping",
            &[pong("a"), ping("b"), pong("c")],
            vec![Heard::Pong(b"b".into())],
        ),
        lives("unasked_ten_times", &vec![pong("again"); 10], vec![]),
        lives(
            "unasked_then_text",
            &[pong("a"), text("b")],
            vec![Heard::Text(b"b".into())],
        ),
    ]
}

fn between_fragments() -> Vec<FrameCase> {
    const SECTION: &str = "RFC 6455 section 5.4";
    let euro = "\u{20ac}".as_bytes();
    let short: [(&str, [Frame; 3], &[&str], &str); 4] = [
        (
            "ping",
            [text("a").unfinished(), ping("p"), continuation("b")],
            &["p"],
            "ab",
        ),
        (
            "empty_ping",
            [text("a").unfinished(), ping(""), continuation("b")],
            &[""],
            "ab",
        ),
        (
            "pong",
            [text("a").unfinished(), pong("p"), continuation("b")],
            &[],
            "ab",
        ),
        (
            "ping_inside_a_character",
            [
                text(&euro[..1]).unfinished(),
                ping(euro),
                continuation(&euro[1..]),
            ],
            &["\u{20ac}"],
            "\u{20ac}",
        ),
    ];
    let heard = |pongs: &[&str], text: &str| -> Vec<Heard> {
        let pongs = pongs
            .iter()
            .map(|payload| Heard::Pong(payload.as_bytes().into()));
        pongs.chain([Heard::Text(text.into())]).collect()
    };
    let lives = |name: &str, sends: &[Frame], hears: Vec<Heard>| {
        FrameCase::lives(format!("between_fragments/{name}"), SECTION, sends, hears)
    };
    let mut cases: Vec<_> = short
        .iter()
        .map(|(name, sends, pongs, text)| lives(name, sends, heard(pongs, text)))
        .collect();
    let mut between_all = vec![text("").unfinished()];
    for number in 0..8 {
        between_all.extend([continuation("ab").unfinished(), ping(format!("{number}"))]);
    }
    between_all.push(continuation(""));
    let hears = heard(&["0", "1", "2", "3", "4", "5", "6", "7"], &"ab".repeat(8));
    cases.push(lives("pings_between_all", &between_all, hears));
    let keys = [
        binary(noise(333)).unfinished().key([1, 2, 3, 4]),
        ping("p").key([9, 8, 7, 6]),
        continuation(noise(100)).key([5, 6, 7, 8]),
    ];
    let hears = vec![
        Heard::Pong(b"p".into()),
        Heard::Binary([noise(333), noise(100)].concat()),
    ];
    cases.push(lives("ping_of_another_key", &keys, hears));
    cases
}
