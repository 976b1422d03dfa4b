//! Cutting the input anywhere changes nothing that comes out.

use crate::frames::{KEY, close, frame, part, raw, serve};
use crate::pair::CONFIG;
use frame::{Header, Limits, Opcode};
use proptest::prelude::*;
use ringwire_protocol::ws::Config;

/// One to a few frames: mostly right, now and then wrong.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let payload = || prop::collection::vec(any::<u8>(), 0..200);
    let control = || prop::collection::vec(any::<u8>(), 0..=125);
    prop_oneof![
        8 => "\\PC{0,80}".prop_map(|text| frame(Opcode::Text, text.as_bytes())),
        4 => payload().prop_map(|payload| frame(Opcode::Binary, &payload)),
        2 => control().prop_map(|payload| frame(Opcode::Ping, &payload)),
        1 => control().prop_map(|payload| frame(Opcode::Pong, &payload)),
        4 => ("\\PC{0,40}", prop::collection::vec(any::<prop::sample::Index>(), 0..4), control()).prop_map(fragmented),
        1 => payload().prop_map(|payload| frame(Opcode::Text, &payload)),
        1 => (any::<u16>(), "\\PC{0,20}").prop_map(|(code, reason)| close(code, &reason)),
        1 => (1_u8..=7, payload()).prop_map(|(rsv, payload)| {
            let header = Header { fin: true, rsv, opcode: Opcode::Binary, mask: Some(KEY), payload_len: payload.len() as u64 };
            raw(header, &payload)
        }),
        1 => prop::collection::vec(any::<u8>(), 1..20),
    ]
}

/// A text in fragments, cut anywhere, with a ping after the first.
fn fragmented((text, cuts, ping): (String, Vec<prop::sample::Index>, Vec<u8>)) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let mut frames = Vec::new();
    for (at, (start, end)) in starts.zip(ends).enumerate() {
        let opcode = if at == 0 {
            Opcode::Text
        } else {
            Opcode::Continuation
        };
        frames.extend(part(opcode, at == cuts.len(), &bytes[start..end]));
        if at == 0 && !cuts.is_empty() {
            frames.extend(frame(Opcode::Ping, &ping));
        }
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_conversation_comes_out_alike_however_it_is_cut(
        steps in prop::collection::vec(step(), 0..12),
        cuts in prop::collection::vec(1_usize..60, 1..40),
        message_bytes_max in prop::sample::select(&[64, 200, 1 << 20][..]),
    ) {
        let config = Config { limits: Limits { message_bytes_max, fragments_max: 3 }, ..CONFIG };
        let bytes = steps.concat();
        let whole = serve(&config, [bytes.as_slice()]);
        prop_assert_eq!(&serve(&config, bytes.chunks(1)), &whole);
        let mut rest = bytes.as_slice();
        let mut reads = Vec::new();
        for length in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (read, after) = rest.split_at(rest.len().min(*length));
            reads.push(read);
            rest = after;
        }
        prop_assert_eq!(&serve(&config, reads), &whole);
    }
}
