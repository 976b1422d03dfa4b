//! UTF-8 over any number of fragments and reads (RFC 6455 section 8.1).
//!
//! Text arrives cut anywhere, also inside a character. [`Utf8Stream`] validates what arrived at
//! the speed of `simdutf8`, carries at most the three bytes of an unfinished character, and fails
//! as soon as a byte cannot belong to any character, also when the character is still unfinished.
//! It keeps no text and does not say where the bad byte stands: the connection fails anyway.

use crate::Error;
use crate::limits::UTF8_CARRY_BYTES_MAX;

/// The unfinished character at the end of the text so far.
#[derive(Clone, Debug, Default)]
pub struct Utf8Stream {
    carry: [u8; UTF8_CARRY_BYTES_MAX],
    carry_bytes: u8,
}

impl Utf8Stream {
    /// At the start of a text.
    pub const fn new() -> Utf8Stream {
        Utf8Stream {
            carry: [0; UTF8_CARRY_BYTES_MAX],
            carry_bytes: 0,
        }
    }

    /// Takes the next bytes of the text. After an error the stream is of no further use.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUtf8`] if no continuation could make the bytes so far valid.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let rest = if self.carry_bytes == 0 {
            bytes
        } else {
            self.finish_character(bytes)?
        };
        // What precedes the last lead byte is whole characters, or it is wrong.
        let (body, tail) = rest.split_at(last_lead(rest));
        simdutf8::basic::from_utf8(body).map_err(|_| Error::InvalidUtf8)?;
        if is_unfinished(tail)? {
            self.carry[..tail.len()].copy_from_slice(tail);
            self.carry_bytes = tail.len() as u8;
        }
        Ok(())
    }

    /// Ends the text, and makes the stream ready for the next one.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUtf8`] if the text ends inside a character.
    #[inline]
    pub fn finish(&mut self) -> Result<(), Error> {
        match core::mem::take(&mut self.carry_bytes) {
            0 => Ok(()),
            _ => Err(Error::InvalidUtf8),
        }
    }

    /// Adds bytes to the carried character, one by one so that the first wrong one fails, until
    /// it is whole. Returns the bytes behind it.
    fn finish_character<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Error> {
        let mut character = [0; UTF8_CARRY_BYTES_MAX + 1];
        let carried = usize::from(self.carry_bytes);
        character[..carried].copy_from_slice(&self.carry[..carried]);
        for (taken, &byte) in bytes.iter().enumerate() {
            let known = carried + taken + 1;
            character[known - 1] = byte;
            if !is_unfinished(&character[..known])? {
                self.carry_bytes = 0;
                return Ok(&bytes[taken + 1..]);
            }
            self.carry
                .copy_from_slice(&character[..UTF8_CARRY_BYTES_MAX]);
            self.carry_bytes = known as u8;
        }
        Ok(&[])
    }
}

/// Where the last byte that leads a character of several bytes stands, if it is among the last
/// three, so that the character can be unfinished; else the length.
#[inline]
fn last_lead(bytes: &[u8]) -> usize {
    let window = bytes.len().saturating_sub(UTF8_CARRY_BYTES_MAX);
    let lead = bytes[window..].iter().rposition(|&byte| byte >= 0xc0);
    lead.map_or(bytes.len(), |at| window + at)
}

/// Whether `bytes` end inside a character that can still become valid. An error if they cannot:
/// the standard library's validator tells the two apart at the same byte as the Unicode table
/// does (`f4 90` and `ed a0` are wrong already, `f4 8f` is not).
#[inline]
fn is_unfinished(bytes: &[u8]) -> Result<bool, Error> {
    match core::str::from_utf8(bytes) {
        Ok(_) => Ok(false),
        Err(error) if error.error_len().is_none() => Ok(true),
        Err(_) => Err(Error::InvalidUtf8),
    }
}
