//! The chunked transfer coding (RFC 9112 section 7.1), taken off as bytes arrive.
//!
//! Extensions and trailers are read, bounded and dropped. Sizes are counted with checked
//! arithmetic, and refused from the size line, before one byte of the chunk is read.

use super::lines::{Lines, Seen};
use super::{Error, Limits};
use crate::limits::{CHUNK_EXTENSION_BYTES_MAX, CHUNK_SIZE_DIGITS_MAX};

/// Where in the coding the next byte stands.
#[derive(Clone, Copy, Debug)]
enum At {
    Size { digits: u32, bytes: u64 },
    Extension { bytes: u64 },
    SizeLineFeed { bytes: u64 },
    Payload { left: usize },
    PayloadCarriageReturn,
    PayloadLineFeed,
    Trailers { lines: Lines, bytes: usize },
}

const SIZE: At = At::Size {
    digits: 0,
    bytes: 0,
};

/// The decoder of one body.
#[derive(Debug)]
pub(super) struct Chunked {
    at: At,
    extension_bytes: usize,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            at: SIZE,
            extension_bytes: 0,
        }
    }

    /// Moves payload from `input` to `body`: true when the coding has ended.
    pub(super) fn receive(
        &mut self,
        limits: &Limits,
        input: &mut &[u8],
        body: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        while let Some((&byte, rest)) = input.split_first() {
            if let At::Payload { left } = &mut self.at {
                let (taken, rest) = input.split_at(input.len().min(*left));
                body.extend_from_slice(taken);
                *input = rest;
                *left -= taken.len();
                if *left == 0 {
                    self.at = At::PayloadCarriageReturn;
                }
                continue;
            }
            *input = rest;
            let body_bytes_left = limits.body_bytes_max - body.len();
            if self.push(limits, body_bytes_left, byte)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One byte that is no payload: true when it was the last of the body.
    fn push(&mut self, limits: &Limits, body_bytes_left: usize, byte: u8) -> Result<bool, Error> {
        self.at = match (self.at, byte) {
            (At::Size { digits, bytes }, byte) if byte.is_ascii_hexdigit() => {
                add_digit(digits, bytes, byte)?
            }
            (At::Size { digits: 1.., bytes }, b'\r') => At::SizeLineFeed { bytes },
            (At::Size { digits: 1.., bytes }, b';') => At::Extension { bytes },
            (At::Extension { bytes }, b'\r') => At::SizeLineFeed { bytes },
            (At::Extension { bytes }, b'\t' | b' '..=b'~' | 0x80..) => {
                self.extension_bytes += 1;
                if self.extension_bytes > CHUNK_EXTENSION_BYTES_MAX {
                    return Err(Error::ChunkExtensions);
                }
                At::Extension { bytes }
            }
            (At::SizeLineFeed { bytes: 0 }, b'\n') => At::Trailers {
                lines: Lines::default(),
                bytes: 0,
            },
            (At::SizeLineFeed { bytes }, b'\n') => {
                let left = usize::try_from(bytes)
                    .ok()
                    .filter(|bytes| *bytes <= body_bytes_left);
                At::Payload {
                    left: left.ok_or(Error::BodyTooLarge)?,
                }
            }
            (At::PayloadCarriageReturn, b'\r') => At::PayloadLineFeed,
            (At::PayloadLineFeed, b'\n') => SIZE,
            (At::Trailers { mut lines, bytes }, byte) => {
                if lines.push(byte)? == Seen::EmptyLine {
                    return Ok(true);
                }
                check_trailers(limits, &lines, bytes + 1)?;
                At::Trailers {
                    lines,
                    bytes: bytes + 1,
                }
            }
            _ => return Err(Error::Chunk),
        };
        Ok(false)
    }
}

fn add_digit(digits: u32, bytes: u64, byte: u8) -> Result<At, Error> {
    let value = char::from(byte).to_digit(16).ok_or(Error::Chunk)?;
    if digits == CHUNK_SIZE_DIGITS_MAX {
        return Err(Error::Chunk);
    }
    // Sixteen digits are 64 bits: the bound above is what keeps this from overflowing.
    let bytes = bytes
        .checked_mul(16)
        .and_then(|bytes| bytes.checked_add(u64::from(value)))
        .ok_or(Error::Chunk)?;
    Ok(At::Size {
        digits: digits + 1,
        bytes,
    })
}

fn check_trailers(limits: &Limits, lines: &Lines, bytes: usize) -> Result<(), Error> {
    if bytes > limits.head_bytes_max {
        return Err(Error::HeadTooLarge);
    }
    if lines.count() > limits.headers_max {
        return Err(Error::TooManyHeaders);
    }
    Ok(())
}
