//! Rows F: frames that no client may send, and more of the others than anybody needs.

use crate::peer::Pace;
use crate::row::Attack::{Behaviour, Cases, Flood as Flooding, Proven};
use crate::row::{Case, Expect, Flood, Opening, Place, Row};
use crate::run::GROWTH_BYTES_MAX;
use crate::wire::{
    BINARY, CLOSE, CONTINUATION, FIN, KEY, Length, PING, PONG, RSV1, TEXT, close, frame, header,
    masked, part,
};

mod behaviour;

const BROKEN: Expect = Expect::Closed(1002, "protocol_error");
const TOO_BIG: Expect = Expect::Closed(1009, "too_big");
const NOT_UTF8: Expect = Expect::Closed(1007, "invalid_payload");
const POLICY: Expect = Expect::Closed(1008, "policy");

/// The default of `websocket.message_bytes_max`.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "F1",
        name: "a client frame without a mask",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let unmasked = [header(FIN | TEXT, 2, Length::Minimal, None), b"hi".to_vec()].concat();
            vec![Case::frames("text", unmasked, BROKEN)]
        }),
    },
    Row {
        id: "F2",
        name: "RSV2 or RSV3",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let set = |bits| part(FIN | bits | TEXT, b"hi");
            vec![
                Case::frames("RSV2", set(0x20), BROKEN),
                Case::frames("RSV3", set(0x10), BROKEN),
                Case::frames("both", set(0x30), BROKEN),
            ]
        }),
    },
    Row {
        id: "F3",
        name: "RSV1 without permessage-deflate",
        advisories: &["PYSEC-2026-3547"],
        config: "",
        attack: Cases(|_| {
            vec![
                Case::frames("text", part(FIN | RSV1 | TEXT, b"hi"), BROKEN),
                Case::frames("first fragment", part(RSV1 | TEXT, b"hi"), BROKEN),
            ]
        }),
    },
    Row {
        id: "F4",
        name: "RSV1 on a continuation or a control frame",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let continued = [part(TEXT, b"a"), part(FIN | RSV1 | CONTINUATION, b"b")];
            vec![
                Case::frames("continuation", continued.concat(), BROKEN),
                Case::frames("ping", part(FIN | RSV1 | PING, b""), BROKEN),
            ]
        }),
    },
    Row {
        id: "F5",
        name: "reserved opcodes",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
                .map(|opcode| Case::frames(format!("opcode {opcode}"), frame(opcode, b""), BROKEN))
                .to_vec()
        }),
    },
    Row {
        id: "F6",
        name: "control frames that are too long or in pieces",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let long = [0; 126];
            vec![
                Case::frames("long ping", frame(PING, &long), BROKEN),
                Case::frames("long pong", frame(PONG, &long), BROKEN),
                Case::frames("long close", close(1000, &long), BROKEN),
                Case::frames("ping without FIN", part(PING, b""), BROKEN),
                Case::frames("close without FIN", part(CLOSE, b""), BROKEN),
            ]
        }),
    },
    Row {
        id: "F7",
        name: "fragments out of order",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let interrupted = [part(TEXT, b"a"), frame(TEXT, b"b")].concat();
            vec![
                Case::frames("nothing to continue", frame(CONTINUATION, b"a"), BROKEN),
                Case::frames("a message inside a message", interrupted, BROKEN),
            ]
        }),
    },
    Row {
        id: "F8",
        name: "a 64-bit length with its top bit set",
        advisories: &["CVE-2020-13935", "CVE-2026-27889", "CVE-2020-27813"],
        config: "",
        attack: Cases(|_| declared(&[1 << 63, (1 << 63) | 5, u64::MAX - 14, u64::MAX], BROKEN)),
    },
    Row {
        id: "F9",
        name: "lengths around 2^31, 2^32 and 2^63",
        advisories: &["CVE-2026-50161", "CVE-2026-1528"],
        config: "",
        attack: Cases(|_| {
            declared(
                &[
                    MESSAGE_BYTES_MAX as u64 + 1,
                    (1 << 31) - 1,
                    1 << 31,
                    (1 << 31) + 1,
                    u64::from(u32::MAX),
                    1 << 32,
                    (1 << 63) - 15,
                    (1 << 63) - 1,
                ],
                TOO_BIG,
            )
        }),
    },
    Row {
        id: "F10",
        name: "many frames of 64 KiB declared, and then silence",
        advisories: &["RUSTSEC-2022-0035", "CVE-2026-58210"],
        config: "[websocket]\nping_interval = \"200ms\"\npong_timeout = \"200ms\"\n",
        attack: Behaviour(
            behaviour::declared_and_silent,
            "nothing is allocated; 1008 `pong_timeout`",
        ),
    },
    Row {
        id: "F11",
        name: "lengths in more bytes than they need",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let sized = |bytes, form| masked(FIN | BINARY, &vec![0; bytes], form, KEY);
            vec![
                Case::frames("5 in 16 bits", sized(5, Length::In16), BROKEN),
                Case::frames("125 in 16 bits", sized(125, Length::In16), BROKEN),
                Case::frames("5 in 64 bits", sized(5, Length::In64), BROKEN),
                Case::frames("65,535 in 64 bits", sized(65_535, Length::In64), BROKEN),
            ]
        }),
    },
    Row {
        id: "F12",
        name: "the last fragment is one byte too much",
        advisories: &["CVE-2026-27571"],
        config: "",
        attack: Cases(|_| {
            let message = |last: usize| {
                let half = vec![7; MESSAGE_BYTES_MAX / 2];
                let parts = [
                    part(BINARY, &half),
                    part(FIN | CONTINUATION, &vec![7; MESSAGE_BYTES_MAX / 2 + last]),
                ];
                parts.concat()
            };
            let whole = vec![(FIN | BINARY, vec![7; MESSAGE_BYTES_MAX])];
            vec![
                Case::frames("exactly", message(0), Expect::Echoed(whole)),
                Case::frames("one more", message(1), TOO_BIG),
            ]
        }),
    },
    Row {
        id: "F13",
        name: "a message of one-byte fragments that never ends",
        advisories: &["CVE-2026-48779", "CVE-2026-12151"],
        config: "",
        attack: Flooding(|_| fragments(b"x")),
    },
    Row {
        id: "F14",
        name: "a message of empty fragments that never ends",
        advisories: &["CVE-2026-62389", "RUSTSEC-2026-0258"],
        config: "",
        attack: Flooding(|_| fragments(b"")),
    },
    Row {
        id: "F15",
        name: "a frame of 64 KiB, one byte in each segment",
        advisories: &["CVE-2026-123817"],
        config: "",
        attack: Cases(|_| {
            let payload = vec![0x5a; MESSAGE_BYTES_MAX];
            let bytes = frame(BINARY, &payload);
            let whole = Expect::Echoed(vec![(FIN | BINARY, payload)]);
            vec![Case::frames("dripped", bytes, whole).pace(Pace::Pieces(1))]
        }),
    },
    Row {
        id: "F16",
        name: "pings without end from a peer that reads no pong",
        advisories: &["CVE-2026-109932"],
        config: "",
        attack: Flooding(|_| control_flood(PING)),
    },
    Row {
        id: "F17",
        name: "pongs without end that nobody asked for",
        advisories: &["CVE-2021-3690"],
        config: "",
        attack: Flooding(|_| control_flood(PONG)),
    },
    Row {
        id: "F18",
        name: "control frames between fragments, which are allowed",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let bytes = [
                part(TEXT, b"one "),
                frame(PING, b"p1"),
                part(CONTINUATION, b"two "),
                frame(PONG, b"unasked"),
                frame(PING, b"p2"),
                part(FIN | CONTINUATION, b"three"),
            ];
            let back = vec![
                (FIN | PONG, b"p1".to_vec()),
                (FIN | PONG, b"p2".to_vec()),
                (FIN | TEXT, b"one two three".to_vec()),
            ];
            vec![Case::frames(
                "three parts",
                bytes.concat(),
                Expect::Echoed(back),
            )]
        }),
    },
    Row {
        id: "F19",
        name: "Close frames that no client may send",
        advisories: &[],
        config: "",
        attack: Cases(|_| bad_closes()),
    },
    Row {
        id: "F20",
        name: "messages after a Close",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let after = frame(TEXT, b"too late");
            let own = [close(1000, b""), after.clone()].concat();
            let broken = [frame(3, b""), after.clone(), after].concat();
            vec![
                Case::frames("of the client", own, Expect::Closed(1000, "normal")),
                Case::frames("of the server", broken, BROKEN),
            ]
        }),
    },
    Row {
        id: "F21",
        name: "a peer that neither answers a Close nor ends the connection",
        advisories: &["CVE-2024-23672"],
        config: "[websocket]\nclose_timeout = \"200ms\"\n",
        attack: Behaviour(
            behaviour::close_never_answered,
            "dropped at the close timeout",
        ),
    },
    Row {
        id: "F22",
        name: "text that is not UTF-8, and text that is, in pieces",
        advisories: &[],
        config: "",
        attack: Cases(|_| texts()),
    },
    Row {
        id: "F23",
        name: "64 KiB of four-byte characters in one-byte fragments",
        advisories: &[],
        config: "[websocket]\nfragments_max = 70000\n",
        attack: Cases(|_| {
            let text = "\u{10ffff}".repeat(MESSAGE_BYTES_MAX / 4).into_bytes();
            let (last, most) = text.split_last().unwrap_or((&0, &[]));
            let mut bytes = part(TEXT, &most[..1]);
            for byte in &most[1..] {
                bytes.extend(part(CONTINUATION, &[*byte]));
            }
            bytes.extend(part(FIN | CONTINUATION, &[*last]));
            let whole = Expect::Echoed(vec![(FIN | TEXT, text.clone())]);
            vec![Case::frames("cut everywhere", bytes, whole).ours()]
        }),
    },
    Row {
        id: "F24",
        name: "every length from 0 to 130 with unusual mask keys",
        advisories: &[],
        config: "",
        attack: Cases(|_| {
            let keys = [[0; 4], [0xff; 4], [0, 0, 0, 1], [0x80, 0, 0, 0]];
            let case = |key: [u8; 4]| {
                let payloads = (0..=130u8).map(|length| (0..length).collect::<Vec<u8>>());
                let frames = payloads.clone();
                let frames = frames.flat_map(|p| masked(FIN | BINARY, &p, Length::Minimal, key));
                let back = payloads.map(|payload| (FIN | BINARY, payload)).collect();
                Case::frames(
                    format!("{key:02x?}"),
                    frames.collect(),
                    Expect::Echoed(back),
                )
            };
            keys.map(case).to_vec()
        }),
    },
    Row {
        id: "F25",
        name: "a binary message where only text means something",
        advisories: &[],
        config: "",
        attack: Cases(|place| {
            let binary = frame(BINARY, b"\x00\x01");
            let refused = Expect::Closed(1003, "unsupported_data");
            vec![Case::after("JSON", place.handshake_for("/ws"), binary, refused).ours()]
        }),
    },
    Row {
        id: "F26",
        name: "the connection ends or breaks at every byte of a session",
        advisories: &["CVE-2017-2670"],
        config: "",
        attack: Behaviour(
            behaviour::cut_off_everywhere,
            "nothing but whole messages is published",
        ),
    },
    Row {
        id: "F27",
        name: "one session cut into pieces of every size",
        advisories: &[],
        config: "",
        attack: Cases(sessions_in_pieces),
    },
    Row {
        id: "F28",
        name: "mask keys of our own client that can be foreseen",
        advisories: &["GHSA-w67g-5rqw-f597"],
        config: "",
        attack: Proven(
            "crates/protocol/src/ws/mask_keys.rs",
            "keys_differ_between_frames_and_between_seeds",
        ),
    },
];

/// A header that declares so much, and no payload.
fn declared(lengths: &[u64], expect: Expect) -> Vec<Case> {
    let case = |&length: &u64| {
        let bytes = header(FIN | BINARY, length, Length::Minimal, Some(KEY));
        Case::frames(format!("{length:#x}"), bytes, expect.clone())
    };
    lengths.iter().map(case).collect()
}

/// Each connection is ended at the 65th frame, and not read from for long after it: what is sent beyond that is the attacker's
/// loss.
fn fragments(payload: &[u8]) -> Flood {
    Flood {
        opening: Opening::Echo,
        first: part(BINARY, payload),
        block: part(CONTINUATION, payload).repeat(256),
        pace: Pace::AtOnce,
        bytes_max: 64 << 20,
        connections: 3,
        expect: POLICY,
        memory_bytes_max: GROWTH_BYTES_MAX,
        cheaper: false,
    }
}

/// Each connection is ended when it has used up its rate.
fn control_flood(opcode: u8) -> Flood {
    Flood {
        opening: Opening::Echo,
        first: Vec::new(),
        block: frame(opcode, b"").repeat(256),
        pace: Pace::AtOnce,
        bytes_max: 64 << 20,
        connections: 3,
        expect: Expect::Closed(1008, "control_flood"),
        memory_bytes_max: GROWTH_BYTES_MAX,
        cheaper: false,
    }
}

fn bad_closes() -> Vec<Case> {
    let mut cases = vec![
        Case::frames("one byte", frame(CLOSE, &[3]), BROKEN),
        Case::frames("not UTF-8", close(1000, b"\xff"), NOT_UTF8),
        Case::frames("124 bytes of reason", close(1000, &[b'x'; 124]), BROKEN),
    ];
    let codes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];
    for code in codes {
        cases.push(Case::frames(
            format!("code {code}"),
            close(code, b""),
            BROKEN,
        ));
    }
    for code in [
        1000, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ] {
        let answered = Expect::Closed(code, "normal");
        cases.push(Case::frames(
            format!("code {code}"),
            close(code, b"bye"),
            answered,
        ));
    }
    let empty = Expect::Ended("normal");
    cases.push(Case::frames("no code", frame(CLOSE, b""), empty));
    cases
}

fn texts() -> Vec<Case> {
    let bad: [(&str, &[u8]); 8] = [
        ("a surrogate", b"\xed\xa0\x80"),
        ("overlong in two bytes", b"\xc0\xaf"),
        ("overlong in three", b"\xe0\x80\xaf"),
        ("overlong in four", b"\xf0\x80\x80\xaf"),
        ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
        ("five bytes", b"\xf8\x88\x80\x80\x80"),
        ("a lone continuation", b"\x80"),
        ("cut at the message's end", b"ab\xe2\x82"),
    ];
    let mut cases: Vec<Case> = bad
        .iter()
        .map(|(name, text)| Case::frames(*name, frame(TEXT, text), NOT_UTF8))
        .collect();
    // Fail-fast: the message never ends, and the bad byte is known already.
    let unfinished = [part(TEXT, b"ab\xe2"), part(CONTINUATION, b"\x28")].concat();
    cases.push(Case::frames(
        "broken across fragments",
        unfinished,
        NOT_UTF8,
    ));
    let mut early = header(FIN | TEXT, 1000, Length::Minimal, Some(KEY));
    early.extend([0xff ^ KEY[0]]);
    cases.push(Case::frames("the first byte of a thousand", early, NOT_UTF8).ours());
    for cut in 1..4 {
        let text = "\u{1f980}".as_bytes();
        let bytes = [
            part(TEXT, &text[..cut]),
            part(FIN | CONTINUATION, &text[cut..]),
        ];
        let whole = Expect::Echoed(vec![(FIN | TEXT, text.to_vec())]);
        cases.push(Case::frames(
            format!("good, cut at {cut}"),
            bytes.concat(),
            whole,
        ));
    }
    cases
}

/// The same bytes, handshake included, in pieces of 1 to 16 bytes.
fn sessions_in_pieces(place: &Place) -> Vec<Case> {
    let frames = [
        part(TEXT, "gr\u{fc}".as_bytes()),
        frame(PING, b"inside"),
        part(FIN | CONTINUATION, b"n"),
        frame(BINARY, &[1; 200]),
        frame(TEXT, b""),
    ];
    let back = vec![
        (FIN | PONG, b"inside".to_vec()),
        (FIN | TEXT, "gr\u{fc}n".as_bytes().to_vec()),
        (FIN | BINARY, vec![1; 200]),
        (FIN | TEXT, Vec::new()),
    ];
    let case = |size| {
        let handshake = place.handshake_for(&format!("{}-{size}", place.path));
        let bytes = frames.concat();
        let case = if size == 0 {
            Case::after("at once", handshake, bytes, Expect::Echoed(back.clone()))
        } else {
            Case::after(
                format!("{size}"),
                handshake,
                bytes,
                Expect::Echoed(back.clone()),
            )
            .pace(Pace::Pieces(size))
        };
        case.ours()
    };
    (0..=16).map(case).collect()
}
