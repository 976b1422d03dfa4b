//! Rows C: compressed messages that are larger, or worse, than they look.

mod behaviour;
mod trees;

use crate::deflate::{bomb, deflate, frame, in_one_context};
use crate::peer::Pace;
use crate::row::Attack::{Behaviour, Cases, Flood as Flooding, Ours};
use crate::row::{Case, Expect, Flood, Opening, Row};
use crate::run::GROWTH_BYTES_MAX;
use crate::wire::{BINARY, CONTINUATION, FIN, RSV1, TEXT, part};

const TOO_BIG: Expect = Expect::Closed(1009, "too_big");
const CORRUPT: Expect = Expect::Closed(1007, "invalid_payload");

/// Compression is off where nobody asks for it.
const ENABLED: &str = "[compression]\nenabled = true\n";

/// The default of `websocket.message_bytes_max`.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// A stored block of no bytes.
const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "C1",
        name: "66 KiB that inflate to 66 MiB",
        advisories: &["CVE-2026-27571", "CVE-2026-1526", "CVE-2018-1000518"],
        config: ENABLED,
        attack: Flooding(|_| Flood {
            opening: Opening::Deflate,
            first: frame(BINARY, bomb()),
            block: Vec::new(),
            pace: Pace::AtOnce,
            bytes_max: 0,
            connections: 50,
            expect: TOO_BIG,
            memory_bytes_max: GROWTH_BYTES_MAX,
            // Inflating as far as the limit takes longer than writing bytes that were made beforehand.
            cheaper: false,
        }),
    },
    Row {
        id: "C2",
        name: "a bomb in fragments, and behind messages that were good",
        advisories: &["CVE-2026-107227"],
        config: ENABLED,
        attack: Cases(|_| {
            let (first, rest) = bomb().split_at(64);
            let mut parts = part(RSV1 | BINARY, first);
            for piece in rest.chunks(rest.len().div_ceil(20)) {
                parts.extend(part(CONTINUATION, piece));
            }
            parts.extend(part(FIN | CONTINUATION, b""));
            let good = frame(BINARY, &deflate(&[7; MESSAGE_BYTES_MAX]));
            let over = frame(BINARY, &deflate(&[7; MESSAGE_BYTES_MAX + 1]));
            let whole = Expect::Echoed(vec![(FIN | BINARY, vec![7; MESSAGE_BYTES_MAX]); 2]);
            vec![
                Case::deflated("in 22 fragments", parts, TOO_BIG),
                Case::deflated("at the limit", good.repeat(2), whole),
                Case::deflated("one more than the limit", over, TOO_BIG).ours(),
            ]
        }),
    },
    Row {
        id: "C3",
        name: "malformed data right behind the limit, and right at it",
        advisories: &["CVE-2026-85024"],
        config: ENABLED,
        attack: Cases(|_| {
            let then_garbage = |plain: usize| {
                let mut compressed = deflate(&vec![0; plain]);
                // The flush's own block ends on a byte; then a block of the reserved type.
                compressed.extend([0, 0, 0xff, 0xff, 0x07, 0xff]);
                frame(BINARY, &compressed)
            };
            vec![
                Case::deflated("behind", then_garbage(MESSAGE_BYTES_MAX + 1), TOO_BIG).ours(),
                Case::deflated("a bomb before it", then_garbage(20 << 20), TOO_BIG).ours(),
                Case::deflated("at", then_garbage(MESSAGE_BYTES_MAX), CORRUPT),
                Case::deflated("before", then_garbage(MESSAGE_BYTES_MAX - 1), CORRUPT),
            ]
        }),
    },
    Row {
        id: "C4",
        name: "payloads that are no DEFLATE",
        advisories: &["CVE-2026-128131"],
        config: ENABLED,
        attack: Cases(|_| {
            let hello = deflate(b"Hello, hello, hello");
            let cut = hello[..hello.len() / 2].to_vec();
            let finals = [1, 0, 0, 0xff, 0xff].repeat(1000);
            let behind = [&[1u8, 0, 0, 0xff, 0xff][..], b"\xff\xff\xff\xff"].concat();
            let bad: [(&str, &[u8]); 8] = [
                ("the reserved block type", &[0x07, 0, 0]),
                (
                    "a stored length that is none",
                    &[0x00, 5, 0, 5, 0, 1, 2, 3, 4, 5],
                ),
                ("a truncated block", &cut),
                ("a reference before the start", &[0x4a, 0x04, 0x61, 0x00]),
                ("a dynamic block of nothing", &[0x04]),
                ("noise", &[0xff; 64]),
                ("data behind a final block", &behind),
                ("a thousand final blocks", &finals),
            ];
            bad.map(|(name, payload)| Case::deflated(name, frame(BINARY, payload), CORRUPT).ours())
                .to_vec()
        }),
    },
    Row {
        id: "C5",
        name: "empty blocks as far as the wire's limit, which make nothing",
        advisories: &["CVE-2026-128131"],
        config: ENABLED,
        attack: Cases(|_| {
            let blocks = |count| frame(TEXT, &[&EMPTY_BLOCK.repeat(count)[..], &[0]].concat());
            let (nothing, beyond) = (blocks(14_000), blocks(15_000));
            let empty = vec![(FIN | TEXT, Vec::new()); 20];
            vec![
                Case::deflated("20 times", nothing.repeat(20), Expect::Echoed(empty)),
                Case::deflated("beyond the wire's limit", beyond, TOO_BIG).ours(),
            ]
        }),
    },
    Row {
        id: "C6",
        name: "compressed messages that are empty, or nearly",
        advisories: &[],
        config: ENABLED,
        attack: Cases(|_| {
            let empty = Expect::Echoed(vec![(FIN | TEXT, Vec::new())]);
            let one = Expect::Echoed(vec![(FIN | TEXT, b"a".to_vec())]);
            vec![
                Case::deflated("00", frame(TEXT, &[0]), empty.clone()),
                Case::deflated("no byte at all", frame(TEXT, &[]), empty.clone()).ours(),
                Case::deflated("a fixed block", frame(TEXT, &[2, 0]), empty.clone()),
                Case::deflated(
                    "a flush",
                    frame(TEXT, &[&EMPTY_BLOCK[..], &[0]].concat()),
                    empty,
                ),
                Case::deflated("one byte", frame(TEXT, &deflate(b"a")), one),
            ]
        }),
    },
    Row {
        id: "C7",
        name: "the deepest trees, endless blocks, and trees that cannot be",
        advisories: &["RUSTSEC-2024-0401"],
        config: ENABLED,
        attack: Cases(|_| trees::cases()),
    },
    Row {
        id: "C8",
        name: "a thousand connections that compress, and then are idle",
        advisories: &[],
        config: ENABLED,
        attack: Behaviour(
            behaviour::idle_connections,
            "no state of a compressor stays with an idle connection",
        ),
    },
    Row {
        id: "C9",
        name: "a client that keeps the context it was denied, as Safari 15.0 to 15.3 do",
        advisories: &[],
        config: ENABLED,
        attack: Cases(|_| {
            let messages = in_one_context(&[b"Hello, hello", b"Hello, hello again"]);
            let sent = messages.iter().flat_map(|message| frame(TEXT, message));
            vec![Case::deflated("the second refers to the first", sent.collect(), CORRUPT).ours()]
        }),
    },
    Row {
        id: "C10",
        name: "guessing a secret from the length of what shares its context",
        advisories: &[],
        config: ENABLED,
        attack: Behaviour(
            behaviour::no_shared_context,
            "the answer has `server_no_context_takeover`, whatever is offered",
        ),
    },
    Row {
        id: "C11",
        name: "subscribers of one topic that agreed on different parameters",
        advisories: &[],
        config: ENABLED,
        attack: Ours(
            behaviour::different_parameters,
            "each subscriber can read what it gets",
        ),
    },
    Row {
        id: "C12",
        name: "a configuration without a limit on messages",
        advisories: &[],
        config: ENABLED,
        attack: Ours(behaviour::no_limit_configured, "no start"),
    },
    Row {
        id: "C13",
        name: "small messages that each inflate to the limit",
        advisories: &[],
        config: ENABLED,
        attack: Cases(|_| {
            // Some 100 bytes each: a read brings 150 of them, which are 10 MiB.
            let largest = frame(BINARY, &deflate(&[7; MESSAGE_BYTES_MAX]));
            let all = Expect::Echoed(vec![(FIN | BINARY, vec![7; MESSAGE_BYTES_MAX]); 300]);
            vec![Case::deflated("300 at once", largest.repeat(300), all)]
        }),
    },
];
