//! What a client publishes, and what it gets: bytes with their kind, borrowed from the message wherever it holds them as they are.

use broker::Kind;
use std::borrow::Cow;

/// A publication's bytes as they came from a client, or arrive at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload<'a> {
    /// What the bytes are: `Json` ones have passed [`crate::dialect::json::check`], `Text` ones are UTF-8.
    pub kind: Kind,
    /// The bytes; owned when they stood in a message with escapes or as base64.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Payload<'a> {
    /// JSON text, byte for byte as it was written.
    pub fn json(text: &'a str) -> Payload<'a> {
        Payload {
            kind: Kind::Json,
            bytes: Cow::Borrowed(text.as_bytes()),
        }
    }

    /// Text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Payload<'a> {
        let bytes = match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Payload {
            kind: Kind::Text,
            bytes,
        }
    }

    /// Bytes.
    pub fn binary(bytes: impl Into<Cow<'a, [u8]>>) -> Payload<'a> {
        Payload {
            kind: Kind::Binary,
            bytes: bytes.into(),
        }
    }
}
