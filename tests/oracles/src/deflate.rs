//! What one side compresses the other reads again: our compressor with another reader, another
//! compressor with ours.
//!
//! The first byte of the input says how well, the second for which window. Then each message: a length
//! byte, 255 for all the rest, and so many bytes of it, repeated to make it worth compressing.

use crate::inflate::{messages, received};
use crate::model::inflate::message as inflated;
use flate2::{Compress, Compression, FlushCompress};
use protocol::handshake::deflate::Compressing;
use protocol::ws::Deflater;
use std::cell::RefCell;
use std::collections::HashMap;

const BYTES_MAX: usize = 2500;

pub(crate) fn judge(input: &[u8]) {
    let Some((&[how, window], plan)) = input.split_first_chunk() else {
        return;
    };
    let mut plain = messages(plan)
        .into_iter()
        .map(|message| message.repeat(1 + usize::from(how / 16)))
        .filter(|message| message.len() <= BYTES_MAX);
    let plain: Vec<Vec<u8>> = plain.by_ref().take(8).collect();
    ours(1 + how % 9, 8 + window % 8, &plain);
    let peer = Compressing {
        context_takeover: window & 0x40 != 0,
        window_bits: 15,
    };
    theirs(peer, how, &plain);
}

thread_local! {
    /// Those of one core, by level and window: what one input leaves behind must not show in the next.
    static DEFLATERS: RefCell<HashMap<(u8, u8), Deflater>> = RefCell::default();
}

/// Each message by itself, never larger than it was, and never referring beyond the window.
fn ours(level: u8, window_bits: u8, plain: &[Vec<u8>]) {
    DEFLATERS.with_borrow_mut(|deflaters| {
        let deflater = deflaters
            .entry((level, window_bits))
            .or_insert_with(|| Deflater::new(level, window_bits));
        for message in plain {
            if let Some(compressed) = deflater.deflate(message) {
                assert!(compressed.len() < message.len());
                let read = inflated(compressed, b"", 1 << window_bits, message.len());
                assert_eq!(read.as_ref(), Ok(message));
            }
        }
        let fresh = &mut Deflater::new(level, window_bits);
        let first = plain.first().map_or(&[][..], Vec::as_slice);
        assert_eq!(deflater.deflate(first), fresh.deflate(first));
    });
}

fn theirs(peer: Compressing, how: u8, plain: &[Vec<u8>]) {
    let mut compressor = Compress::new(Compression::new(u32::from(how % 10)), false);
    let mut sent = Vec::new();
    for message in plain {
        if !peer.context_takeover {
            compressor.reset();
        }
        let mut compressed = Vec::with_capacity(2 * message.len() + 100);
        compressor
            .compress_vec(message, &mut compressed, FlushCompress::Sync)
            .expect("there is room");
        let end = compressed.len().saturating_sub(4);
        if compressed.ends_with(&[0, 0, 0xff, 0xff]) {
            compressed.truncate(end);
        }
        sent.push(compressed);
    }
    let sent: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
    let expected: Vec<_> = plain.iter().cloned().map(Ok).collect();
    assert_eq!(received(peer, how, &sent), expected);
}
