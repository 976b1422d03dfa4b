//! Compressed messages: the examples of RFC 7692, every cut, every bound, and what is no DEFLATE.

use crate::frames::{KEY, Outcome, binary, closed_with, frame, part, raw, serve_on, text};
use crate::pair::CONFIG;
use frame::{Error, Header, Limits, Opcode};
use proptest::prelude::*;
use ringwire_protocol::handshake::deflate::{Agreed, Compressing};
use ringwire_protocol::ws::{Config, Connection, Deflater, Event, Failure, Role};
use zlib_rs::{Deflate, DeflateFlush};

const fn agreed(context_takeover: bool, window_bits: u8) -> Agreed {
    Agreed {
        server: Compressing {
            context_takeover: false,
            window_bits: 15,
        },
        client: Compressing {
            context_takeover,
            window_bits,
        },
    }
}

const ALONE: Agreed = agreed(false, 15);

/// What a server with this agreement makes of some reads.
fn serve<'r>(
    agreed: Agreed,
    config: &Config,
    reads: impl IntoIterator<Item = &'r [u8]>,
) -> Outcome {
    let connection = Connection::new(Role::Server, 0, 0).with_deflate(agreed);
    serve_on(connection, config, reads)
}

fn first(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        fin,
        rsv: Header::RSV1,
        opcode,
        mask: Some(KEY),
        payload_len: payload.len() as u64,
    };
    raw(header, payload)
}

fn compressed(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    first(opcode, true, payload)
}

fn events(bytes: &[u8]) -> Vec<Event<'static>> {
    serve(ALONE, &CONFIG, [bytes]).events
}

fn assert_fails(name: &str, outcome: &Outcome, failure: Failure, code: u16) {
    assert_eq!(
        outcome.events.last(),
        Some(&Event::Failed(failure)),
        "{name}"
    );
    assert_eq!(outcome.answers.last(), Some(&closed_with(code)), "{name}");
    assert!(outcome.is_finished, "{name}");
}

fn assert_corrupt(name: &str, payload: &[u8]) {
    let outcome = serve(
        ALONE,
        &CONFIG,
        [compressed(Opcode::Binary, payload).as_slice()],
    );
    assert_fails(name, &outcome, Failure::CorruptDeflate, 1007);
}

/// A client's compressor with any parameters, which may keep its context.
struct Client(Deflate);

impl Client {
    fn new(level: i32, window_bits: u8) -> Self {
        Self(Deflate::new(level, false, window_bits))
    }

    /// The payload of the next message, as RFC 7692 section 7.2.1 makes it.
    fn next(&mut self, message: &[u8], reset: bool) -> Vec<u8> {
        if reset {
            self.0.reset();
        }
        let before = self.0.total_out();
        let mut out = vec![0; message.len() * 2 + 64];
        self.0
            .compress(message, &mut out, DeflateFlush::SyncFlush)
            .unwrap();
        out.truncate((self.0.total_out() - before) as usize);
        if out.is_empty() {
            // zlib does not flush twice what is empty; section 7.2.3.6 says what is sent then.
            return vec![0];
        }
        assert_eq!(out.split_off(out.len() - 4), [0, 0, 0xff, 0xff]);
        out
    }
}

/// Text that compresses as messages do.
fn lines(bytes: usize) -> Vec<u8> {
    let numbers = (0_u32..).map(|line| format!("{{\"line\":{line},\"square\":{}}}\n", line * line));
    numbers.flat_map(String::into_bytes).take(bytes).collect()
}

#[test]
fn a_connection_knows_what_was_agreed_on() {
    let connection = Connection::new(Role::Server, 0, 0);
    assert_eq!(connection.deflate(), None);
    assert_eq!(connection.with_deflate(ALONE).deflate(), Some(ALONE));
}

#[test]
fn the_examples_of_the_rfc_say_hello() {
    let hello = [text("Hello")];
    let examples: [(&str, &[u8]); 5] = [
        ("7.2.3.1", &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
        ("7.2.3.3", b"\x00\x05\x00\xfa\xffHello\x00"),
        ("7.2.3.4", &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
        (
            "7.2.3.5",
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ),
        (
            "with a dynamic table",
            &Client::new(9, 15).next(b"Hello", true),
        ),
    ];
    for (name, payload) in examples {
        assert_eq!(events(&compressed(Opcode::Text, payload)), hello, "{name}");
    }
    let fragments = [
        first(Opcode::Text, false, &[0xf2, 0x48, 0xcd]),
        part(Opcode::Continuation, true, &[0xc9, 0xc9, 0x07, 0x00]),
    ];
    assert_eq!(events(&fragments.concat()), hello);
}

/// Section 7.2.3.2: the second message refers to the first.
#[test]
fn a_context_is_remembered_only_where_that_was_agreed() {
    let twice = [
        compressed(Opcode::Text, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
        compressed(Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
    ]
    .concat();
    let kept = serve(agreed(true, 15), &CONFIG, [twice.as_slice()]);
    assert_eq!(kept.events, [text("Hello"), text("Hello")]);
    let outcome = serve(ALONE, &CONFIG, [twice.as_slice()]);
    assert_fails("no context", &outcome, Failure::CorruptDeflate, 1007);
}

#[test]
fn plain_messages_pass_between_compressed_ones_and_leave_the_context_alone() {
    let hello = compressed(Opcode::Text, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    let again = compressed(Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let stream = [hello, frame(Opcode::Text, b"plain text"), again].concat();
    let outcome = serve(agreed(true, 15), &CONFIG, [stream.as_slice()]);
    assert_eq!(
        outcome.events,
        [text("Hello"), text("plain text"), text("Hello")]
    );
}

#[test]
fn an_empty_message_has_one_byte_or_none_or_is_nothing_but_flushes() {
    let flushes = [0, 0, 0, 0xff, 0xff].repeat(3);
    for payload in [&[0][..], &[], &[2, 0], &[&flushes[..], &[0]].concat()] {
        assert_eq!(
            events(&compressed(Opcode::Binary, payload)),
            [binary(b"")],
            "{payload:?}"
        );
    }
}

#[test]
fn control_frames_pass_inside_a_compressed_message() {
    let payload = Client::new(6, 15).next(b"around a ping", true);
    let stream = [
        first(Opcode::Binary, false, &payload[..3]),
        frame(Opcode::Ping, b"x"),
        part(Opcode::Continuation, false, &payload[3..5]),
        part(Opcode::Continuation, true, &payload[5..]),
        frame(Opcode::Text, b"next"),
    ];
    let outcome = serve(ALONE, &CONFIG, [stream.concat().as_slice()]);
    assert_eq!(outcome.events, [binary(b"around a ping"), text("next")]);
    assert_eq!(outcome.answers, [(Opcode::Pong, b"x".to_vec())]);
}

#[test]
fn only_the_first_frame_of_a_message_may_say_that_it_is_compressed() {
    let with = |rsv, opcode, fin| {
        let header = Header {
            fin,
            rsv,
            opcode,
            mask: Some(KEY),
            payload_len: 0,
        };
        raw(header, b"")
    };
    let begun = first(Opcode::Text, false, &[0xf2, 0x48]);
    let plain = part(Opcode::Text, false, b"plain");
    let wrong = [
        with(Header::RSV1, Opcode::Ping, true),
        with(Header::RSV1, Opcode::Pong, true),
        with(Header::RSV1, Opcode::Close, true),
        [begun, with(Header::RSV1, Opcode::Continuation, true)].concat(),
        [plain, with(Header::RSV1, Opcode::Continuation, true)].concat(),
        with(Header::RSV2, Opcode::Text, true),
        with(Header::RSV3, Opcode::Text, true),
        with(Header::RSV1 | Header::RSV2, Opcode::Binary, true),
    ];
    for bytes in wrong {
        let outcome = serve(ALONE, &CONFIG, [bytes.as_slice()]);
        assert_fails(&format!("{bytes:?}"), &outcome, Failure::ReservedBits, 1002);
    }
}

#[test]
fn a_message_of_which_a_piece_is_missing_is_corrupt_wherever_it_was_cut() {
    for level in [1, 6] {
        let whole = Client::new(level, 15).next(&lines(500), true);
        for length in 1..whole.len() {
            assert_corrupt(&format!("{length} bytes"), &whole[..length]);
        }
    }
}

#[test]
fn what_is_no_deflate_is_corrupt() {
    let end = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_corrupt("a block of the reserved type", &[0x07]);
    assert_corrupt(
        "a stored block whose lengths differ",
        b"\x00\x05\x00\xfa\xfeHello\x00",
    );
    assert_corrupt(
        "a reference to before the beginning",
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
    );
    assert_corrupt(
        "the end left in",
        &[
            0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff,
        ],
    );
    assert_corrupt("a final block and no byte behind it", &end);
    assert_corrupt("text behind a final block", &[&end[..], b"more"].concat());
    assert_corrupt("a zlib header", b"\x78\x9c\xf2\x48\xcd\xc9\xc9\x07\x00");
    assert_corrupt("a gzip header", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03");
}

/// RFC 7692 section 7.2.1 lets blocks follow a final one, in the same window.
#[test]
fn blocks_may_follow_a_final_block_but_not_without_end() {
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let end = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let message = compressed(Opcode::Text, &[&end[..], &again].concat());
    assert_eq!(events(&message), [text("HelloHello")]);
    let many = |blocks: usize| [&[0x03, 0x00].repeat(blocks)[..], &[0]].concat();
    assert_eq!(
        events(&compressed(Opcode::Binary, &many(16))),
        [binary(b"")]
    );
    assert_corrupt("one more", &many(17));
}

/// RFC 1951 section 3.2.4.
fn stored(bytes: u16) -> Vec<u8> {
    let [low, high] = bytes.to_le_bytes();
    let header = [0, low, high, !low, !high];
    [&header[..], &vec![b'a'; bytes.into()]].concat()
}

#[test]
fn the_bound_holds_for_what_comes_out() {
    let limits = Limits {
        message_bytes_max: 70_000,
        fragments_max: 8,
    };
    let config = Config { limits, ..CONFIG };
    for bytes in [69_999, 70_000] {
        let message = vec![b'a'; bytes];
        let sent = compressed(Opcode::Binary, &Client::new(9, 15).next(&message, true));
        assert_eq!(
            serve(ALONE, &config, [sent.as_slice()]).events,
            [binary(&message)]
        );
    }
    let bomb = Client::new(9, 15).next(&vec![b'a'; 70_001], true);
    let large = Client::new(9, 15).next(&vec![b'a'; 40_000_000], true);
    assert!(large.len() < 70_000, "a bomb is small on the wire");
    // The decoder goes on to the next header with the last byte that there is room for.
    let stored = [stored(65_535), stored(4_466), vec![0; 5]].concat();
    let bombs = [
        ("one byte more", bomb.clone()),
        ("a bomb", large.clone()),
        ("then garbage", [&large[..30_000], &[0xff; 100]].concat()),
        (
            "garbage right there",
            [&bomb[..bomb.len() - 1], &[0x07; 9]].concat(),
        ),
        ("a block without a length right there", stored),
    ];
    let too_big = Failure::Frame(Error::MessageTooBig);
    for (name, payload) in bombs {
        let outcome = serve(
            ALONE,
            &config,
            [compressed(Opcode::Text, &payload).as_slice()],
        );
        assert_fails(name, &outcome, too_big, 1009);
        let (begin, rest) = payload.split_at(payload.len() / 2);
        let fragments = [
            first(Opcode::Binary, false, begin),
            part(Opcode::Continuation, true, rest),
        ];
        assert_fails(
            name,
            &serve(agreed(true, 15), &config, [fragments.concat().as_slice()]),
            too_big,
            1009,
        );
    }
}

/// What does not compress grows a little, and that must not cost it its bound.
#[test]
fn the_wire_may_carry_what_deflate_adds_and_no_more() {
    for message_bytes_max in [0, 1, 100, 65_536] {
        let limits = Limits {
            message_bytes_max,
            fragments_max: 8,
        };
        let config = Config { limits, ..CONFIG };
        let noise = noise(message_bytes_max as usize);
        for (level, window_bits) in [(0, 15), (1, 15), (9, 9)] {
            let sent = compressed(
                Opcode::Binary,
                &Client::new(level, window_bits).next(&noise, true),
            );
            assert_eq!(
                serve(ALONE, &config, [sent.as_slice()]).events,
                [binary(&noise)]
            );
        }
        let wire_bytes_max = message_bytes_max + message_bytes_max / 8 + 64;
        let header = Header {
            fin: true,
            rsv: Header::RSV1,
            opcode: Opcode::Binary,
            mask: Some(KEY),
            payload_len: wire_bytes_max + 1,
        };
        let outcome = serve(ALONE, &config, [raw(header, b"").as_slice()]);
        assert_fails(
            "from the header",
            &outcome,
            Failure::Frame(Error::MessageTooBig),
            1009,
        );
    }
}

#[test]
fn text_is_checked_when_it_is_inflated() {
    let payload = Client::new(6, 15).next(b"bad \xff text", true);
    let outcome = serve(
        ALONE,
        &CONFIG,
        [compressed(Opcode::Text, &payload).as_slice()],
    );
    assert_fails("text", &outcome, Failure::Frame(Error::InvalidUtf8), 1007);
    assert_eq!(
        events(&compressed(Opcode::Binary, &payload)),
        [binary(b"bad \xff text")]
    );
    let cut = Client::new(6, 15).next("ends inside ä".as_bytes().split_last().unwrap().1, true);
    let outcome = serve(ALONE, &CONFIG, [compressed(Opcode::Text, &cut).as_slice()]);
    assert_fails("text", &outcome, Failure::Frame(Error::InvalidUtf8), 1007);
}

/// A window of 2^8 bytes reaches 256 bytes back, and not one more.
#[test]
fn a_context_reaches_as_far_back_as_its_window() {
    let message = lines(1000);
    let mut client = Client::new(9, 15);
    let mut stream = compressed(Opcode::Binary, &client.next(&message, false));
    // What begins where the message ended refers to the whole of it.
    stream.extend(compressed(Opcode::Binary, &client.next(&message, false)));
    let near = serve(agreed(true, 10), &CONFIG, [stream.as_slice()]);
    assert_eq!(near.events, [binary(&message), binary(&message)]);
    let far = serve(agreed(true, 9), &CONFIG, [stream.as_slice()]);
    assert_fails("beyond the window", &far, Failure::CorruptDeflate, 1007);
}

#[test]
fn what_we_compress_is_read_at_every_level_and_window() {
    let message = lines(20_000);
    for level in 1..=9 {
        for window_bits in 8..=15 {
            let mut deflater = Deflater::new(level, window_bits);
            let payload = deflater.deflate(&message).expect("lines compress");
            assert_eq!(
                events(&compressed(Opcode::Binary, payload)),
                [binary(&message)],
                "{level} {window_bits}"
            );
        }
    }
}

/// Bytes that repeat nothing.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

/// Noise and then its beginning again: nothing but a reference that far back makes it shorter.
fn repeating(distance: usize) -> Vec<u8> {
    let mut message = noise(distance);
    message.extend_from_within(..distance.min(200));
    message
}

#[test]
fn nothing_further_back_than_the_window_is_referred_to() {
    for level in 1..=9 {
        for window_bits in 8..=15 {
            let mut deflater = Deflater::new(level, window_bits);
            let beyond = repeating((1 << window_bits) + 1);
            assert_eq!(deflater.deflate(&beyond), None, "{level} {window_bits}");
        }
    }
    // And what is within reach is: zlib stays 262 bytes away from the edge of a window.
    for window_bits in 9..=15 {
        let within = repeating((1 << window_bits) - 262);
        assert!(Deflater::new(9, window_bits).deflate(&within).is_some());
    }
}

/// Sections 7.1.2.1 and 7.1.2.2: who says nothing may refer 32,768 bytes back, within a message and
/// to those before it.
#[test]
fn without_an_agreement_the_window_is_the_largest() {
    let config = Config {
        limits: Limits {
            message_bytes_max: 40_000,
            fragments_max: 8,
        },
        ..CONFIG
    };
    let far = repeating(32_500);
    let payload = Client::new(9, 15).next(&far, true);
    assert!(payload.len() < far.len(), "it refers to its beginning");
    let alone = compressed(Opcode::Binary, &payload);
    assert_eq!(
        serve(ALONE, &config, [alone.as_slice()]).events,
        [binary(&far)]
    );
    let (before, again) = far.split_at(32_500);
    let mut client = Client::new(9, 15);
    let mut stream = compressed(Opcode::Binary, &client.next(before, false));
    let payload = client.next(again, false);
    assert!(
        payload.len() < again.len(),
        "it refers to the message before"
    );
    stream.extend(compressed(Opcode::Binary, &payload));
    assert_eq!(
        serve(agreed(true, 15), &config, [stream.as_slice()]).events,
        [binary(before), binary(again)]
    );
    // The same in one message, with an empty final block between: the window goes on behind it.
    let mut client = Client::new(9, 15);
    let parted = [
        client.next(before, false),
        vec![0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff],
        client.next(again, false),
    ];
    let parted = compressed(Opcode::Binary, &parted.concat());
    assert_eq!(
        serve(ALONE, &config, [parted.as_slice()]).events,
        [binary(&far)]
    );
}

#[test]
fn what_does_not_become_smaller_is_not_compressed() {
    let mut deflater = Deflater::new(6, 15);
    for incompressible in [&b""[..], b"a", b"abc", b"abcdefgh", b"aaaaaa"] {
        assert_eq!(deflater.deflate(incompressible), None);
    }
    let once = deflater.deflate(&lines(1000)).map(<[u8]>::to_vec);
    assert!(once.as_ref().is_some_and(|once| once.len() < 500));
    assert_eq!(
        deflater.deflate(&lines(1000)).map(<[u8]>::to_vec),
        once,
        "no context"
    );
    let dense = once.unwrap();
    assert_eq!(deflater.deflate(&dense), None);
}

/// A compressor that ran out of room keeps something of that message even over a reset.
#[test]
fn a_message_that_does_not_become_smaller_leaves_nothing_to_the_next() {
    let message = lines(1000);
    for level in 1..=9 {
        for window_bits in [8, 12, 15] {
            let fresh = Deflater::new(level, window_bits)
                .deflate(&message)
                .map(<[u8]>::to_vec);
            let mut deflater = Deflater::new(level, window_bits);
            for (bytes, times) in [(100, 1000), (300, 1000), (20_000, 8), (200_000, 3)] {
                let noise = noise(bytes);
                for _ in 0..times {
                    assert_eq!(deflater.deflate(&noise), None, "{level} {window_bits}");
                }
                let next = deflater.deflate(&message).map(<[u8]>::to_vec);
                assert_eq!(next, fresh, "{level} {window_bits}: {bytes} B");
            }
        }
    }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..300);
    let text = "[a-f]{0,40}".prop_map(|text| text.repeat(20).into_bytes());
    prop_oneof![noise, text, (0..3000_usize).prop_map(lines)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any parameters, any messages, any fragments and cuts: what was said is what is heard.
    #[test]
    fn every_conversation_comes_out_as_it_was_said(
        messages in prop::collection::vec((message(), any::<bool>()), 1..8),
        context_takeover in any::<bool>(),
        window_bits in 9..=15_u8,
        level in 0..=9,
        cuts in prop::collection::vec(1_usize..400, 1..40),
    ) {
        let mut client = Client::new(level, window_bits);
        let mut stream = Vec::new();
        for (message, fragmented) in &messages {
            let payload = client.next(message, !context_takeover);
            let middle = if *fragmented { payload.len() / 2 } else { payload.len() };
            stream.extend(first(Opcode::Binary, !fragmented, &payload[..middle]));
            if *fragmented {
                stream.extend(part(Opcode::Continuation, true, &payload[middle..]));
            }
        }
        let mut rest = stream.as_slice();
        let mut reads = Vec::new();
        for length in cuts.iter().cycle() {
            let (read, after) = rest.split_at(rest.len().min(*length));
            reads.push(read);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let outcome = serve(agreed(context_takeover, window_bits), &CONFIG, reads);
        let said: Vec<_> = messages.iter().map(|(message, _)| binary(message)).collect();
        prop_assert_eq!(outcome.events, said);
    }

    /// Any bytes: no panic, no message beyond the bound, the same however they are cut.
    #[test]
    fn any_payload_is_a_message_within_the_bound_or_fails(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        cut in 1_usize..60,
    ) {
        let limits = Limits { message_bytes_max: 300, fragments_max: 8 };
        let config = Config { limits, ..CONFIG };
        let sent = compressed(Opcode::Binary, &payload);
        let whole = serve(ALONE, &config, [sent.as_slice()]);
        prop_assert_eq!(whole.events.len(), 1);
        if let Event::Message { payload, .. } = &whole.events[0] {
            prop_assert!(payload.len() <= 300);
        }
        prop_assert_eq!(serve(ALONE, &config, sent.chunks(cut)), whole);
    }
}
