//! Compressed messages back to plain ones (RFC 7692 section 7.2.2), bounded by what comes out.
//!
//! A message is inflated when all of it is there. So one inflater serves every connection of a core:
//! between two messages of one connection nothing has to be kept but the plain text that its next
//! message may refer to (`History`), and not even that where the peer agreed to keep no context.
//!
//! What is written stops one byte behind the bound, however much more the wire bytes would make.

use super::event::Failure;
use super::history::Contexts;
use crate::limits::{
    FINAL_BLOCKS_MAX, HISTORY_BYTES_PER_WORK, INFLATED_BYTES_KEPT_MAX, INFLATED_BYTES_MIN,
    WORK_PER_COMPRESSED_BYTE,
};
use std::fmt;
use zlib_rs::{Inflate, InflateFlush, Status};

/// "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message" (RFC 7692
/// section 7.2.2), and behind them a final, empty block of our own: a decoder that comes to the end
/// of exactly this has seen whole blocks, and one that does not was given a piece of one.
const TAIL: [u8; 9] = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];

/// The largest window that DEFLATE knows. A peer with a smaller one refers less far back.
const WINDOW_BITS_MAX: u8 = 15;
const WINDOW_BYTES_MAX: usize = 1 << WINDOW_BITS_MAX;

/// Inflates messages, one after another, for any number of connections. Allocates at the first one.
#[derive(Default)]
pub struct Inflater {
    working: Option<Box<Working>>,
    contexts: Contexts,
    work: u64,
}

struct Working {
    stream: Inflate,
    /// Initialised bytes, at the front of which the plain message is made.
    output: Vec<u8>,
    /// How many bytes of it are made.
    written: usize,
    /// How many bytes of text it was begun behind.
    history_bytes: u64,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output_bytes = self.working.as_ref().map(|working| working.output.len());
        formatter
            .debug_struct("Inflater")
            .field("output_bytes", &output_bytes)
            .field("context_bytes", &self.context_bytes())
            .finish_non_exhaustive()
    }
}

impl Inflater {
    /// Bytes that the contexts of its connections may come to hold: of those that are
    /// [counted](super::Connection::counted_by).
    pub fn context_bytes(&self) -> usize {
        self.contexts.bytes()
    }

    /// How much it has worked since the beginning, for messages that were refused too, in plain bytes
    /// made: a compressed byte that was taken counts as [`WORK_PER_COMPRESSED_BYTE`] of them, and of the
    /// text that a stream was begun behind [`HISTORY_BYTES_PER_WORK`] as one.
    pub fn work(&self) -> u64 {
        self.work
    }

    pub(super) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// The plain message of at most `bytes_max` bytes; `history` is what it may refer to.
    pub(super) fn inflate(
        &mut self,
        compressed: &[u8],
        history: &[u8],
        bytes_max: usize,
    ) -> Result<Vec<u8>, Failure> {
        if compressed.is_empty() {
            // RFC 7692 section 7.2.3.6 wants a byte 0x00 here. zlib flushes nothing at all after an
            // empty message, and who sends that as it is means the same.
            return Ok(Vec::new());
        }
        let working = self.working.get_or_insert_with(Working::new);
        let inflated = working.message(compressed, history, bytes_max);
        let message = inflated.map(|()| working.output[..working.written].to_vec());
        self.work += compressed.len() as u64 * WORK_PER_COMPRESSED_BYTE
            + working.history_bytes / HISTORY_BYTES_PER_WORK
            + working.written as u64;
        if working.output.len() > INFLATED_BYTES_KEPT_MAX {
            working.output = vec![0; INFLATED_BYTES_MIN];
        }
        message
    }
}

impl Working {
    fn new() -> Box<Self> {
        Box::new(Self {
            stream: Inflate::new(false, WINDOW_BITS_MAX),
            output: vec![0; INFLATED_BYTES_MIN],
            written: 0,
            history_bytes: 0,
        })
    }

    /// Inflates one message into `output`.
    fn message(
        &mut self,
        compressed: &[u8],
        history: &[u8],
        bytes_max: usize,
    ) -> Result<(), Failure> {
        self.written = 0;
        self.history_bytes = 0;
        self.begin(history);
        let mut final_blocks = 0;
        for (part, is_tail) in [(compressed, false), (&TAIL[..], true)] {
            let mut input = part;
            while !input.is_empty() {
                if self.step(&mut input, bytes_max)? != Status::StreamEnd {
                    continue;
                }
                if is_tail && input.is_empty() {
                    return Ok(());
                }
                // Section 7.2.1: blocks may have BFINAL set, and "the next DEFLATE block follows the
                // padded data if any", in the same window.
                final_blocks += 1;
                if final_blocks > FINAL_BLOCKS_MAX {
                    return Err(Failure::CorruptDeflate);
                }
                self.begin(history);
            }
        }
        Err(Failure::CorruptDeflate)
    }

    /// Decodes as far as input and room allow. There is always room for one byte at least.
    fn step(&mut self, input: &mut &[u8], bytes_max: usize) -> Result<Status, Failure> {
        let (read_before, written_before) = (self.stream.total_in(), self.stream.total_out());
        // One byte more than is allowed, to see whether it would be written.
        let room = self.output.len().min(bytes_max.saturating_add(1));
        let decoded = self.stream.decompress(
            input,
            &mut self.output[self.written..room],
            InflateFlush::SyncFlush,
        );
        *input = &input[(self.stream.total_in() - read_before) as usize..];
        self.written += (self.stream.total_out() - written_before) as usize;
        // Before the verdict: the decoder writes what there is room for, and may then find that what
        // follows is corrupt. The message was too big already.
        if self.written > bytes_max {
            return Err(Failure::Frame(frame::Error::MessageTooBig));
        }
        let status = decoded.map_err(|_| Failure::CorruptDeflate)?;
        if self.written == self.output.len() {
            self.output.resize(2 * self.written, 0);
        }
        Ok(status)
    }

    /// A stream begins behind `history` and what of the message was written.
    fn begin(&mut self, history: &[u8]) {
        self.stream.reset(false);
        let written = &self.output[..self.written];
        let written = &written[written.len().saturating_sub(WINDOW_BYTES_MAX)..];
        for text in [history, written] {
            if !text.is_empty() {
                self.history_bytes += text.len() as u64;
                self.stream
                    .set_dictionary(text)
                    .expect("a raw stream takes any dictionary");
            }
        }
    }
}
