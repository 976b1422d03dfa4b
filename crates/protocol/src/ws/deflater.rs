//! Plain messages to compressed ones (RFC 7692 section 7.2.1), each by itself.
//!
//! No message refers to another one (`server_no_context_takeover`): so what was compressed once may
//! be sent to everybody whose window is large enough, and what one message holds never shows in the
//! length of the next.

use crate::limits::DEFLATED_BYTES_KEPT_MAX;
use std::fmt;
use zlib_rs::{Deflate, DeflateFlush};

/// What a flush ends with, and what is left out on the wire.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// zlib has no window of 2^8 bytes. In one of 2^9 it refers at most 2^9 - 262 = 250 bytes back,
/// which fits into 2^8.
const WINDOW_BITS_MIN: u8 = 9;

/// Compresses messages, one after another.
pub struct Deflater {
    stream: Deflate,
    /// The compressed message, at the front of initialised bytes.
    output: Vec<u8>,
}

impl fmt::Debug for Deflater {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Deflater")
            .field("output_bytes", &self.output.len())
            .finish_non_exhaustive()
    }
}

impl Deflater {
    /// A compressor of level 1 (least work) to 9 for peers with a window of 2^`window_bits` bytes.
    ///
    /// # Panics
    /// If either is out of its range, 1 to 9 and 8 to 15.
    pub fn new(level: u8, window_bits: u8) -> Self {
        assert!((1..=9).contains(&level) && (8..=15).contains(&window_bits));
        let window_bits = window_bits.max(WINDOW_BITS_MIN);
        Self {
            stream: Deflate::new(level.into(), false, window_bits),
            output: Vec::new(),
        }
    }

    /// The payload of a compressed message, or `None` if that is no smaller.
    pub fn deflate(&mut self, message: &[u8]) -> Option<&[u8]> {
        self.stream.reset();
        let room = deflate_bound(message.len());
        if self.output.len() > DEFLATED_BYTES_KEPT_MAX.max(room) {
            self.output = Vec::new();
        }
        self.output.resize(room.max(self.output.len()), 0);
        self.stream
            .compress(message, &mut self.output, DeflateFlush::SyncFlush)
            .expect("there is room");
        let written = self.stream.total_out() as usize;
        debug_assert!(written < self.output.len(), "the bound holds");
        let compressed = self.output[..written].strip_suffix(&TAIL)?;
        (compressed.len() < message.len()).then_some(compressed)
    }
}

/// Room for a message that does not become smaller at all: zlib's `deflateBound` for any parameters, and the flush. A
/// stream that runs out of room keeps a place in its buffer of what is pending even over a reset
/// (zlib-rs 0.6.8), and panics after enough of them.
fn deflate_bound(bytes: usize) -> usize {
    [bytes, bytes.div_ceil(8), bytes.div_ceil(64), 16]
        .iter()
        .sum()
}
