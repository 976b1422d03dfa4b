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
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let rest = if self.carry_bytes == 0 {
            bytes
        } else {
            self.finish_character(bytes)?
        };
        // What precedes the last lead byte is whole characters, or it is wrong.
        let lead_at = last_lead(rest);
        simdutf8::basic::from_utf8(&rest[..lead_at]).map_err(|_| Error::InvalidUtf8)?;
        if lead_at < rest.len() {
            self.take_last_character(&rest[lead_at..])?;
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

    /// Takes up to three bytes that begin with a lead, and keeps them if they are unfinished.
    fn take_last_character(&mut self, tail: &[u8]) -> Result<(), Error> {
        if is_unfinished(tail)? {
            self.carry[..tail.len()].copy_from_slice(tail);
            self.carry_bytes = tail.len() as u8;
        }
        Ok(())
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
    let end = bytes.len();
    match bytes {
        [.., 0xc0..=0xff] => end - 1,
        [.., 0x00..=0x7f] => end,
        [.., 0xc0..=0xff, _] => end - 2,
        [.., 0xc0..=0xff, _, _] => end - 3,
        _ => end,
    }
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

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Whether the standard library sees how `text` could still become valid.
    fn can_go_on(text: &[u8]) -> bool {
        match core::str::from_utf8(text) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        }
    }

    /// Pushes the pieces, and compares after each one with the standard library's word on all
    /// bytes so far.
    fn check<'t>(pieces: impl IntoIterator<Item = &'t [u8]>) {
        let mut stream = Utf8Stream::new();
        let mut text = Vec::new();
        for piece in pieces {
            text.extend_from_slice(piece);
            let result = stream.push(piece);
            assert_eq!(
                result.is_ok(),
                can_go_on(&text),
                "{text:02x?} after {piece:02x?}"
            );
            if result.is_err() {
                return;
            }
        }
        assert_eq!(
            stream.finish().is_ok(),
            core::str::from_utf8(&text).is_ok(),
            "{text:02x?}"
        );
    }

    /// Whole, byte by byte, and cut once at every place.
    fn check_cut_anywhere(text: &[u8]) {
        check([text]);
        check(text.chunks(1));
        for cut in 0..=text.len() {
            check([&text[..cut], &text[cut..]]);
        }
    }

    #[test]
    fn a_character_may_be_cut_at_every_byte() {
        for text in [
            "",
            "a",
            "\u{e9}",
            "\u{20ac}",
            "\u{1f600}",
            "κόσμε",
            "a\u{20ac}b\u{1f600}c",
        ] {
            let mut stream = Utf8Stream::new();
            for byte in text.as_bytes() {
                assert_eq!(stream.push(&[*byte]), Ok(()));
            }
            assert_eq!(stream.finish(), Ok(()));
            check_cut_anywhere(text.as_bytes());
        }
    }

    /// The first byte that no character can have fails, although its character is unfinished.
    #[test]
    fn an_unfinished_sequence_fails_at_its_first_wrong_byte() {
        let wrong: [&[u8]; 16] = [
            &[0x80],             // a continuation without a lead
            &[0xc0],             // overlong
            &[0xc1],             // overlong
            &[0xe0, 0x80],       // overlong
            &[0xe0, 0x9f],       // overlong
            &[0xf0, 0x80],       // overlong
            &[0xf0, 0x8f],       // overlong
            &[0xed, 0xa0],       // a surrogate
            &[0xed, 0xbf],       // a surrogate
            &[0xf4, 0x90],       // above U+10FFFF
            &[0xf5],             // above U+10FFFF
            &[0xff],             // never
            &[0xc3, 0x41],       // a continuation is missing
            &[0xe2, 0x82, 0x41], // a continuation is missing
            &[0xf0, 0x9f, 0x98, 0xc0],
            &[0xe2, 0xc3],
        ];
        for bytes in wrong {
            let (last, before) = bytes.split_last().unwrap();
            let mut stream = Utf8Stream::new();
            assert_eq!(stream.push(before), Ok(()), "{bytes:02x?}");
            assert_eq!(
                stream.push(&[*last]),
                Err(Error::InvalidUtf8),
                "{bytes:02x?}"
            );
            let after_text: Vec<u8> = [&b"a\xc3\xa9"[..], bytes].concat();
            assert_eq!(Utf8Stream::new().push(&after_text), Err(Error::InvalidUtf8));
            check_cut_anywhere(&after_text);
        }
    }

    #[test]
    fn the_edges_of_each_range_are_valid() {
        for edge in [
            0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff,
        ] {
            let character = char::from_u32(edge).unwrap();
            check_cut_anywhere(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    #[test]
    fn a_text_that_ends_inside_a_character_is_wrong_and_the_next_starts_afresh() {
        let mut stream = Utf8Stream::new();
        assert_eq!(stream.push(&[b'a', 0xf0, 0x9f, 0x98]), Ok(()));
        assert_eq!(stream.finish(), Err(Error::InvalidUtf8));
        assert_eq!(stream.push(b"a"), Ok(()));
        assert_eq!(stream.finish(), Ok(()));
    }

    /// All sequences of three bytes that begin with a lead, and every fourth byte that matters.
    #[test]
    fn every_short_sequence_is_judged_as_the_standard_library_does() {
        let ends = [
            0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xe2, 0xf4, 0xff,
        ];
        for first in 0x7f..=0xff {
            for second in 0..=0xff {
                check([&[first, second][..]]);
                check([&[first][..], &[second][..]]);
                for third in ends {
                    check([&[first, second][..], &[third][..]]);
                    for fourth in ends {
                        check([&[first][..], &[second, third, fourth][..]]);
                        check([&[first, second, third][..], &[fourth][..]]);
                    }
                }
            }
        }
    }

    /// Text that is long enough for the vectors, and sometimes has one byte wrong.
    fn text_with_a_flaw() -> impl Strategy<Value = Vec<u8>> {
        let text = prop::collection::vec(any::<char>(), 0..200);
        let flaw = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
        (text, flaw).prop_map(|(text, flaw)| {
            let mut bytes = String::from_iter(text).into_bytes();
            if let Some((at, byte)) = flaw.filter(|_| !bytes.is_empty()) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn a_cut_never_changes_the_verdict(
            text in text_with_a_flaw(),
            mut cuts in prop::collection::vec(0..800_usize, 0..6),
        ) {
            check_cut_anywhere(&text);
            cuts.extend([0, text.len()]);
            cuts.retain(|&cut| cut <= text.len());
            cuts.sort_unstable();
            check(cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]));
        }
    }
}
