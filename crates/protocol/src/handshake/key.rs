//! `Sec-WebSocket-Key` and the answer to it (RFC 6455 sections 4.1 and 4.2.2).
//!
//! This proves that both ends speak WebSocket and that no cache answered. It is no secret and no
//! authentication.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest as _, Sha1};

/// RFC 6455 section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The base64 text of a key's sixteen bytes.
pub(super) type KeyText = [u8; 24];

/// The base64 text of a SHA-1 hash.
pub(super) type AcceptText = [u8; 28];

pub(super) fn encode(key: [u8; 16]) -> KeyText {
    encode_into(&key)
}

/// Whether the text is the base64 of exactly sixteen bytes. The standard engine takes neither
/// missing padding nor stray bits.
pub(super) fn is_valid(text: &str) -> bool {
    let mut key = [0; 18];
    text.len() == size_of::<KeyText>() && BASE64_STANDARD.decode_slice(text, &mut key) == Ok(16)
}

/// What the server answers to a key, for the text as it came.
pub(super) fn accept(text: &[u8]) -> AcceptText {
    let hash = Sha1::new().chain_update(text).chain_update(GUID).finalize();
    encode_into(&hash)
}

fn encode_into<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    let written = BASE64_STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(N));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_the_key_of_rfc_6455_section_1_3() {
        assert_eq!(
            &accept(b"dGhlIHNhbXBsZSBub25jZQ=="),
            b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(&encode(*b"the sample nonce"), b"dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn a_key_is_the_base64_of_sixteen_bytes_and_nothing_else() {
        assert!(is_valid("dGhlIHNhbXBsZSBub25jZQ=="));
        for bad in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZSE=",
            "dGhlIHNhbXBsZSBub25jZSEh",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25j ZQ=",
            "dGhlIHNhbXBsZSBub25j-_==",
            "ääääääääääää",
        ] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }
}
