//! What is sent around a payload, and how its bytes become text where the protocol carries only text.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// How a payload's bytes stand in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    #[default]
    Raw,
    /// RFC 4648 section 4, with padding.
    Base64,
    /// RFC 4648 section 5, without padding: nothing in it is ever escaped, by JSON or in URLs.
    Base64Url,
    /// RFC 4648 section 8, small letters.
    Hex,
}

/// What is sent around each payload that is published to one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Before the payload.
    pub before: Vec<u8>,
    /// How the payload is written.
    pub encoding: Encoding,
    /// Behind it.
    pub after: Vec<u8>,
}

impl Envelope {
    /// Whether payloads are sent as they are.
    #[inline]
    pub fn is_bare(&self) -> bool {
        self.encoding == Encoding::Raw && self.before.is_empty() && self.after.is_empty()
    }

    /// Appends `payload` with everything around it.
    pub fn wrap(&self, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.before);
        self.encoding.encode(payload, out);
        out.extend_from_slice(&self.after);
    }

    /// How long a message with `payload_bytes` becomes.
    pub fn message_bytes(&self, payload_bytes: usize) -> usize {
        self.before.len() + self.encoding.encoded_bytes(payload_bytes) + self.after.len()
    }
}

impl Encoding {
    /// How long so many bytes become.
    pub fn encoded_bytes(self, bytes: usize) -> usize {
        match self {
            Encoding::Raw => bytes,
            Encoding::Base64 => bytes.div_ceil(3) * 4,
            Encoding::Base64Url => (bytes * 4).div_ceil(3),
            Encoding::Hex => bytes * 2,
        }
    }

    /// Appends `bytes` in this form.
    pub fn encode(self, bytes: &[u8], out: &mut Vec<u8>) {
        let from = out.len();
        match self {
            Encoding::Raw => out.extend_from_slice(bytes),
            Encoding::Base64 | Encoding::Base64Url => {
                out.resize(from + self.encoded_bytes(bytes.len()), 0);
                let written = match self {
                    Encoding::Base64 => STANDARD.encode_slice(bytes, &mut out[from..]),
                    _ => URL_SAFE_NO_PAD.encode_slice(bytes, &mut out[from..]),
                };
                debug_assert_eq!(written, Ok(out.len() - from));
            }
            Encoding::Hex => out.extend(bytes.iter().flat_map(|byte| {
                [byte >> 4, byte & 15].map(|digit| HEX_DIGITS[usize::from(digit)])
            })),
        }
    }

    /// The bytes behind `text`; `None` if it is nothing of this form.
    pub fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Encoding::Raw => Some(text.to_vec()),
            Encoding::Base64 => STANDARD.decode(text).ok(),
            Encoding::Base64Url => URL_SAFE_NO_PAD.decode(text).ok(),
            Encoding::Hex => {
                let (pairs, []) = text.as_chunks::<2>() else {
                    return None;
                };
                let digit = |byte: u8| char::from(byte).to_digit(16);
                pairs
                    .iter()
                    .map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Encoding; 4] = [
        Encoding::Raw,
        Encoding::Base64,
        Encoding::Base64Url,
        Encoding::Hex,
    ];

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_and_as_long_as_foretold(payload in prop::collection::vec(any::<u8>(), 0..100)) {
            for encoding in ALL {
                let mut text = b"before".to_vec();
                encoding.encode(&payload, &mut text);
                prop_assert_eq!(text.len(), 6 + encoding.encoded_bytes(payload.len()));
                prop_assert_eq!(encoding.decode(&text[6..]), Some(payload.clone()));
                prop_assert!(encoding == Encoding::Raw || text.is_ascii());
            }
        }
    }

    #[test]
    fn each_has_its_alphabet_and_nothing_else_is_taken() {
        for (encoding, text, wrong) in [
            (Encoding::Base64, "+/8=", "-_8="),
            (Encoding::Base64Url, "-_8", "+/8"),
            (Encoding::Hex, "fbff", "fbf"),
            (Encoding::Hex, "fbff", "fbfg"),
        ] {
            let mut out = Vec::new();
            encoding.encode(b"\xfb\xff", &mut out);
            assert_eq!(out, text.as_bytes());
            assert_eq!(encoding.decode(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
