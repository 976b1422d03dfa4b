//! Compressed messages as an attacker makes them: bombs, pieces of them, and what comes back inflated.

use std::sync::OnceLock;

use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

use crate::wire::{FIN, RSV1, part};

/// What a flush ends with, and what RFC 7692 leaves out on the wire.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Plain bytes of a bomb.
const BOMB_BYTES: usize = 66 << 20;

/// The payload of a compressed message, which refers to no other.
pub fn deflate(message: &[u8]) -> Vec<u8> {
    next(&mut Deflate::new(9, false, 15), message)
}

/// The payloads of compressed messages, each of which refers to those before.
pub fn in_one_context(messages: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut stream = Deflate::new(9, false, 15);
    let messages = messages.iter();
    messages.map(|message| next(&mut stream, message)).collect()
}

fn next(stream: &mut Deflate, message: &[u8]) -> Vec<u8> {
    let before = stream.total_out();
    let mut output = vec![0; message.len() / 512 + 1024 + message.len().min(1 << 17)];
    stream
        .compress(message, &mut output, DeflateFlush::SyncFlush)
        .expect("there is room for it");
    output.truncate(usize::try_from(stream.total_out() - before).unwrap_or(usize::MAX));
    output.truncate(output.len() - TAIL.len());
    output
}

/// Some 66 KiB that inflate to 66 MiB.
pub fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| deflate(&vec![0; BOMB_BYTES]))
}

/// A masked frame that is a whole compressed message.
pub fn frame(opcode: u8, compressed: &[u8]) -> Vec<u8> {
    part(FIN | RSV1 | opcode, compressed)
}

/// Inflates what one server sends on one connection, with whatever context it keeps.
pub struct Inflater {
    stream: Inflate,
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            stream: Inflate::new(false, 15),
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inflater").finish_non_exhaustive()
    }
}

impl Inflater {
    /// The plain message of at most `bytes_max` bytes; `None` if it is none.
    pub fn inflate(&mut self, compressed: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
        let before = self.stream.total_out();
        let mut plain = vec![0; bytes_max + 1];
        let mut written = 0;
        for mut input in [compressed, &TAIL] {
            while !input.is_empty() {
                let read = self.stream.total_in();
                self.stream
                    .decompress(input, &mut plain[written..], InflateFlush::SyncFlush)
                    .ok()?;
                let taken = usize::try_from(self.stream.total_in() - read).ok()?;
                written = usize::try_from(self.stream.total_out() - before).ok()?;
                if taken == 0 || written > bytes_max {
                    return None;
                }
                input = &input[taken..];
            }
        }
        plain.truncate(written);
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_a_thousand_times_larger_than_it_looks() {
        assert!(bomb().len() < 72 << 10, "{}", bomb().len());
        let mut inflater = Inflater::default();
        assert_eq!(
            inflater
                .inflate(bomb(), BOMB_BYTES)
                .map(|plain| plain.len()),
            Some(BOMB_BYTES)
        );
    }

    #[test]
    fn what_was_deflated_comes_back() {
        let mut inflater = Inflater::default();
        for message in [b"".as_slice(), b"Hello", &[7; 5000]] {
            let plain = inflater.inflate(&deflate(message), 8192);
            assert_eq!(plain.as_deref(), Some(message));
        }
        assert_eq!(inflater.inflate(&deflate(&[7; 5000]), 4999), None);
    }
}
