//! Cutting the input anywhere changes nothing that comes out.

use crate::{LIMITS, requests, requests_from_pieces};
use proptest::prelude::*;

/// Cuts `bytes` at these places, each taken modulo what is left.
fn cut<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

const WHOLE: &[&str] = &[
    "GET /a?b HTTP/1.1\r\nhost: h\r\naccept: x\r\n\r\n",
    "\r\n\r\nPOST /t HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world",
    "POST /t HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nt: u\r\n\r\n",
    "GET /ws HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: h\r\na : b\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 65\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n41\r\n",
    "GET / HTTP/1.1\r\nhost: h\n\n",
    "\u{16}\u{3}\u{1}",
];

#[test]
fn every_request_comes_out_alike_when_its_bytes_drip() {
    for text in WHOLE {
        let bytes = text.as_bytes();
        let dripped = requests_from_pieces(LIMITS, bytes.chunks(1));
        assert_eq!(dripped, requests(LIMITS, bytes), "{text:?}");
        for at in 0..=bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(
                requests_from_pieces(LIMITS, [first, second]),
                dripped,
                "{text:?} cut at {at}"
            );
        }
    }
}

proptest! {
    #[test]
    fn every_conversation_comes_out_alike_however_it_is_cut(
        texts in prop::collection::vec(prop::sample::select(WHOLE), 0..5),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let bytes = texts.concat().into_bytes();
        prop_assert_eq!(requests_from_pieces(LIMITS, cut(&bytes, &cuts)), requests(LIMITS, &bytes));
    }

    #[test]
    fn damaged_requests_come_out_alike_however_they_are_cut(
        text in prop::sample::select(WHOLE),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let mut bytes = text.as_bytes().to_vec();
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        prop_assert_eq!(requests_from_pieces(LIMITS, cut(&bytes, &cuts)), requests(LIMITS, &bytes));
    }
}
