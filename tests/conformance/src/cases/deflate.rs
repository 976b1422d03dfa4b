//! Compressed messages (RFC 7692 section 7.2): what is inside, where they end, how large they get.

use super::{Deflate, FRAGMENTS_MAX, FrameCase, MESSAGE_BYTES_MAX, noise};
use crate::compress::deflated;
use crate::wire::{
    BINARY, CLOSE, Frame, Heard, PING, PONG, TEXT, binary, close, continuation, ping, text,
};

const SECTION: &str = "RFC 7692 section 7.2.2";

/// "Hello", as the examples of RFC 7692 section 7.2.3 compress it.
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// The same once more, in the window that [`HELLO`] left.
const HELLO_AGAIN: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];

const RSV1: u8 = 4;

pub(super) fn cases() -> Vec<FrameCase> {
    let without_context = [
        examples(),
        fragments(),
        reserved_bits(),
        corrupt(),
        texts(),
        sizes(),
        bombs(),
    ];
    let of = |deflate| {
        move |case: FrameCase| FrameCase {
            deflate: Some(deflate),
            ..case
        }
    };
    let mut cases: Vec<_> = without_context
        .into_iter()
        .flatten()
        .map(of(Deflate::WithoutContext))
        .collect();
    cases.extend(contexts().into_iter().map(of(Deflate::WithContext)));
    cases
}

/// A message of one frame, which is compressed already.
fn compressed(opcode: u8, payload: &[u8]) -> Frame {
    Frame::new(opcode, payload).reserved(RSV1)
}

fn lives(name: &str, sends: &[Frame], heard: &[Heard]) -> FrameCase {
    FrameCase::lives(format!("deflate/{name}"), SECTION, sends, heard.into())
}

/// It fails with that code, and what came before is still answered.
fn fails(name: impl AsRef<str>, wrong: &[Frame], code: u16) -> FrameCase {
    let sends = [&[compressed(TEXT, HELLO)], wrong].concat();
    let hears = vec![hello(), Heard::Close(Some(code))];
    FrameCase::ends(format!("deflate/{}", name.as_ref()), SECTION, &sends, hears)
}

fn hello() -> Heard {
    Heard::Text(b"Hello".into())
}

/// Those of the RFC, and the forms that other compressors choose.
fn examples() -> Vec<FrameCase> {
    let stored = [
        &[0x00, 0x05, 0x00, 0xfa, 0xff],
        b"Hello".as_slice(),
        &[0x00],
    ]
    .concat();
    let payloads: [(&str, &[u8]); 4] = [
        ("one_block", HELLO),
        ("stored_block", &stored),
        (
            "final_block",
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        ),
        (
            "two_blocks",
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ),
    ];
    let mut cases: Vec<_> = payloads
        .into_iter()
        .map(|(name, payload)| lives(name, &[compressed(TEXT, payload)], &[hello()]))
        .collect();
    for (name, payload) in [("00", &[0x00][..]), ("02_00", &[0x02, 0x00])] {
        let name = format!("empty_message_{name}");
        let sends = [compressed(TEXT, payload), compressed(BINARY, payload)];
        cases.push(lives(
            &name,
            &sends,
            &[Heard::Text(vec![]), Heard::Binary(vec![])],
        ));
    }
    let uncompressed = [
        compressed(TEXT, HELLO),
        text("plain"),
        binary("plain"),
        compressed(TEXT, HELLO),
    ];
    let heard = [
        hello(),
        Heard::Text(b"plain".into()),
        Heard::Binary(b"plain".into()),
        hello(),
    ];
    cases.push(lives("beside_uncompressed_messages", &uncompressed, &heard));
    for length in [1, 100, 1_000, 65_536, 300_000] {
        for (kind, message) in [("noise", noise(length)), ("zeros", vec![0; length])] {
            let name = format!("{length}_bytes_of_{kind}");
            let sends = [compressed(BINARY, &deflated(&message))];
            cases.push(lives(&name, &sends, &[Heard::Binary(message)]));
        }
    }
    cases
}

/// "the RSV1 bit [...] of the first frame": the fragments after it have none, wherever they are cut.
fn fragments() -> Vec<FrameCase> {
    let first = |bytes: &[u8]| compressed(TEXT, bytes).unfinished();
    let mut cases = Vec::new();
    for at in 0..=HELLO.len() {
        let sends = [first(&HELLO[..at]), continuation(&HELLO[at..])];
        cases.push(lives(&format!("cut_at_{at}"), &sends, &[hello()]));
    }
    let mut single = vec![first(b"")];
    single.extend(HELLO.iter().map(|byte| continuation([*byte]).unfinished()));
    single.push(continuation(""));
    cases.push(lives("in_single_bytes", &single, &[hello()]));
    let between = [first(&HELLO[..3]), ping("p"), continuation(&HELLO[3..])];
    cases.push(lives(
        "ping_between",
        &between,
        &[Heard::Pong(b"p".into()), hello()],
    ));
    let after = [
        first(&HELLO[..3]),
        continuation(&HELLO[3..]),
        text("plain").unfinished(),
        continuation(""),
    ];
    cases.push(lives(
        "uncompressed_after_fragments",
        &after,
        &[hello(), Heard::Text(b"plain".into())],
    ));
    for count in [FRAGMENTS_MAX, FRAGMENTS_MAX + 1] {
        let mut sends = vec![first(HELLO)];
        sends.extend(vec![continuation("").unfinished(); count - 2]);
        sends.push(continuation(""));
        let name = format!("{count}_fragments");
        cases.push(if count <= FRAGMENTS_MAX {
            lives(&name, &sends, &[hello()])
        } else {
            fails(name, &sends, 1008)
        });
    }
    let open = FrameCase::is_cut(
        "deflate/stream_ends_inside",
        SECTION,
        &[first(HELLO)],
        vec![],
    );
    cases.push(open);
    cases
}

/// RSV1 on anything but the first frame of a message, and the two bits that nobody negotiated.
fn reserved_bits() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    for (opcode, name) in [(CLOSE, "close"), (PING, "ping"), (PONG, "pong")] {
        for payload in [&[][..], HELLO] {
            let name = format!("rsv1_on_{name}_{}_bytes", payload.len());
            cases.push(fails(name, &[compressed(opcode, payload)], 1002));
        }
        let inside = [
            compressed(TEXT, HELLO).unfinished(),
            compressed(opcode, b""),
        ];
        cases.push(fails(
            format!("rsv1_on_{name}_inside_a_message"),
            &inside,
            1002,
        ));
    }
    for (name, start) in [
        ("a_compressed", compressed(TEXT, &HELLO[..3]).unfinished()),
        ("an_uncompressed", text("Hel").unfinished()),
    ] {
        let last = continuation(&HELLO[3..]).reserved(RSV1);
        cases.push(fails(
            format!("rsv1_on_the_last_frame_of_{name}_message"),
            &[start.clone(), last.clone()],
            1002,
        ));
        cases.push(fails(
            format!("rsv1_on_a_middle_frame_of_{name}_message"),
            &[start, last.unfinished()],
            1002,
        ));
    }
    for bits in [1, 2, 3, 5, 6, 7] {
        for (opcode, name) in [(TEXT, "text"), (BINARY, "binary")] {
            let frame = Frame::new(opcode, HELLO).reserved(bits);
            cases.push(fails(format!("bits_{bits:03b}_on_{name}"), &[frame], 1002));
        }
    }
    cases.push(fails(
        "rsv1_on_a_reserved_opcode",
        &[compressed(0x3, HELLO)],
        1002,
    ));
    cases.push(fails(
        "rsv1_without_a_mask",
        &[compressed(TEXT, HELLO).wrong_mask()],
        1002,
    ));
    cases
}

/// What no compressor writes.
fn corrupt() -> Vec<FrameCase> {
    let payloads: [(&str, &[u8]); 13] = [
        ("block_of_type_3", &[0x06]),
        ("block_of_type_3_and_more", &[0x07, 0x00, 0x00]),
        ("ff_ff_ff", &[0xff, 0xff, 0xff]),
        (
            "stored_length_unlike_its_complement",
            &[0x00, 0x05, 0x00, 0x00, 0x00, b'H', b'e', b'l', b'l', b'o'],
        ),
        ("distance_before_the_start", &[0xf2, 0x00, 0x11, 0x00, 0x00]),
        ("cut_after_1", &HELLO[..1]),
        ("cut_after_3", &HELLO[..3]),
        ("cut_after_5", &HELLO[..5]),
        (
            "cut_stored_block",
            &[0x00, 0x05, 0x00, 0xfa, 0xff, b'H', b'e'],
        ),
        ("cut_stored_length", &[0x00, 0x05]),
        ("cut_dynamic_tables", &[0x04, 0xc0]),
        ("bad_dynamic_tables", &[0xfc, 0xff, 0xff, 0xff]),
        (
            "garbage_behind_a_final_block",
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xff, 0xff, 0xff],
        ),
    ];
    let mut cases = Vec::new();
    for (name, payload) in payloads {
        for (opcode, kind) in [(TEXT, "text"), (BINARY, "binary")] {
            cases.push(fails(
                format!("{name}_{kind}"),
                &[compressed(opcode, payload)],
                1007,
            ));
        }
        let (start, rest) = payload.split_at(payload.len() / 2);
        let parts = [compressed(BINARY, start).unfinished(), continuation(rest)];
        cases.push(fails(format!("{name}_in_fragments"), &parts, 1007));
    }
    let after = [
        compressed(BINARY, &[0xff]),
        compressed(TEXT, HELLO),
        close(1000, ""),
    ];
    cases.push(fails("nothing_counts_after_it", &after, 1007));
    let mut half = deflated(&noise(50_000));
    half.truncate(half.len() / 2);
    cases.push(fails(
        "half_of_a_long_one",
        &[compressed(BINARY, &half)],
        1007,
    ));
    cases
}

/// Text is what comes out, not what comes in.
fn texts() -> Vec<FrameCase> {
    let mut cases = Vec::new();
    let valid: [&[u8]; 3] = [
        b"plain",
        "a\u{df}\u{20ac}\u{1f389}".as_bytes(),
        b"\xef\xbf\xbf\0",
    ];
    for (index, message) in valid.into_iter().enumerate() {
        let sends = [compressed(TEXT, &deflated(message))];
        cases.push(lives(
            &format!("text_{index}"),
            &sends,
            &[Heard::Text(message.into())],
        ));
    }
    let invalid: [(&str, &[u8]); 8] = [
        ("ff", b"\xff"),
        ("continuation", b"ok \x80"),
        ("overlong", b"\xc0\xaf"),
        ("surrogate", b"\xed\xa0\x80"),
        ("above_10ffff", b"\xf4\x90\x80\x80"),
        ("unfinished_2", b"ok \xc3"),
        ("unfinished_4", b"\xf0\x9f\x8e"),
        ("deep", &[b'a'; 70_000]),
    ];
    for (name, message) in invalid {
        let message = if name == "deep" {
            [message, b"\xc3\x28"].concat()
        } else {
            message.to_vec()
        };
        let payload = deflated(&message);
        cases.push(fails(
            format!("bad_text_{name}"),
            &[compressed(TEXT, &payload)],
            1007,
        ));
        let (start, rest) = payload.split_at(payload.len() / 2);
        let parts = [compressed(TEXT, start).unfinished(), continuation(rest)];
        cases.push(fails(format!("bad_text_{name}_in_fragments"), &parts, 1007));
        let sends = [compressed(BINARY, &payload)];
        cases.push(lives(
            &format!("bad_text_{name}_is_binary"),
            &sends,
            &[Heard::Binary(message)],
        ));
    }
    cases
}

/// The bound of a message holds for what comes out.
fn sizes() -> Vec<FrameCase> {
    let zeros = |length: usize| compressed(BINARY, &deflated(&vec![0; length]));
    let mut cases = Vec::new();
    for length in [MESSAGE_BYTES_MAX - 1, MESSAGE_BYTES_MAX] {
        let heard = [Heard::Binary(vec![0; length])];
        cases.push(lives(
            &format!("inflating_to_{length}"),
            &[zeros(length)],
            &heard,
        ));
        let bytes = noise(length);
        let sends = [compressed(BINARY, &deflated(&bytes))];
        cases.push(lives(
            &format!("noise_of_{length}"),
            &sends,
            &[Heard::Binary(bytes)],
        ));
    }
    for length in [MESSAGE_BYTES_MAX + 1, 2 * MESSAGE_BYTES_MAX] {
        cases.push(fails(
            format!("inflating_to_{length}"),
            &[zeros(length)],
            1009,
        ));
    }
    // The wire is bounded as well: nobody compresses to twice as much.
    for length in [2 * MESSAGE_BYTES_MAX as u64, 1 << 32, (1 << 63) - 1] {
        let header = compressed(BINARY, b"")
            .length_in_64_bits()
            .declaring(length);
        cases.push(fails(format!("declaring_{length}"), &[header], 1009));
    }
    let plain = binary("")
        .length_in_64_bits()
        .declaring(MESSAGE_BYTES_MAX as u64 + 1);
    cases.push(fails("uncompressed_one_byte_over", &[plain], 1009));
    let sends = [zeros(MESSAGE_BYTES_MAX), zeros(MESSAGE_BYTES_MAX)];
    let heard = vec![Heard::Binary(vec![0; MESSAGE_BYTES_MAX]); 2];
    cases.push(lives("the_next_message_starts_at_zero", &sends, &heard));
    cases
}

/// A few bytes in, very many out.
fn bombs() -> Vec<FrameCase> {
    let bomb = deflated(&vec![0; 64 * MESSAGE_BYTES_MAX]);
    let (start, rest) = bomb.split_at(bomb.len() / 2);
    let corrupt = [&deflated(&vec![0; MESSAGE_BYTES_MAX + 1]), &[0xff; 8][..]].concat();
    let again = [compressed(BINARY, &bomb), compressed(BINARY, &bomb)];
    // Empty stored blocks: no byte comes out of any number of them.
    let silent = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(50_000);
    let silent = [&silent[..], &[0x00]].concat();
    vec![
        fails("bomb", &[compressed(BINARY, &bomb)], 1009),
        fails("bomb_of_text", &[compressed(TEXT, &bomb)], 1009),
        fails(
            "bomb_in_fragments",
            &[compressed(BINARY, start).unfinished(), continuation(rest)],
            1009,
        ),
        fails("bomb_twice", &again, 1009),
        fails(
            "bomb_with_garbage_behind_the_bound",
            &[compressed(BINARY, &corrupt)],
            1009,
        ),
        lives(
            "blocks_that_hold_nothing",
            &[compressed(BINARY, &silent)],
            &[Heard::Binary(vec![])],
        ),
    ]
}

/// A peer that keeps its context refers to its earlier messages.
fn contexts() -> Vec<FrameCase> {
    let hello_twice = || [compressed(TEXT, HELLO), compressed(TEXT, HELLO_AGAIN)];
    let plain_between = [
        compressed(TEXT, HELLO),
        text("Howdy"),
        compressed(TEXT, HELLO_AGAIN),
    ];
    let in_fragments = [
        compressed(TEXT, HELLO),
        compressed(TEXT, &HELLO_AGAIN[..2]).unfinished(),
        ping("p"),
        continuation(&HELLO_AGAIN[2..]),
    ];
    let fresh = [
        compressed(TEXT, HELLO),
        compressed(TEXT, HELLO),
        compressed(TEXT, HELLO_AGAIN),
    ];
    let too_early = FrameCase::fails(
        "deflate/context_of_nothing",
        SECTION,
        &[compressed(TEXT, HELLO_AGAIN)],
        1007,
    );
    vec![
        lives(
            "context_of_one_message",
            &hello_twice(),
            &[hello(), hello()],
        ),
        lives(
            "context_without_uncompressed_messages",
            &plain_between,
            &[hello(), Heard::Text(b"Howdy".into()), hello()],
        ),
        lives(
            "context_in_fragments",
            &in_fragments,
            &[hello(), Heard::Pong(b"p".into()), hello()],
        ),
        lives(
            "context_of_the_newest_message",
            &fresh,
            &[hello(), hello(), hello()],
        ),
        too_early,
    ]
}
