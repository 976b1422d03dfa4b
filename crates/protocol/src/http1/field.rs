//! Header fields: tokens, comma lists, and values that cannot break a line.
//!
//! [`FieldValue`] is why no response can be split: the writer takes nothing else, and there is no
//! way to make one that holds a control character.

use std::borrow::Cow;
use std::fmt;

/// RFC 9110 section 5.6.2: the characters of a token.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `text` is a token: at least one byte, and only token characters.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether `byte` may stand in a method.
pub(super) fn is_method_byte(byte: u8) -> bool {
    is_token_byte(byte)
}

/// The elements of a comma list, without the empty ones that RFC 9110 section 5.6.1.2 tells
/// recipients to ignore. Elements with quoted commas are not for this function.
pub(crate) fn list(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
}

/// Appends one header line. Name and value were checked, or are our own.
pub(crate) fn write_field(name: &str, value: impl AsRef<[u8]>, out: &mut Vec<u8>) {
    for part in [name.as_bytes(), b": ", value.as_ref(), b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// The value of a header field: visible text, spaces and tabs, nothing that could end its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldValue<'a>(Cow<'a, str>);

/// The text holds a control character, which no header value may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidFieldValue;

impl<'a> FieldValue<'a> {
    /// Checks text that came from anywhere.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, InvalidFieldValue> {
        let text = text.into();
        let clean = text
            .bytes()
            .all(|byte| byte == b'\t' || !byte.is_ascii_control());
        if clean {
            Ok(Self(text))
        } else {
            Err(InvalidFieldValue)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For text that stands in our own source, which alone lives that long.
///
/// # Panics
/// If that text holds a control character.
impl From<&'static str> for FieldValue<'_> {
    fn from(text: &'static str) -> Self {
        Self::parse(text).expect("header values in the source are clean")
    }
}

impl From<u64> for FieldValue<'_> {
    fn from(number: u64) -> Self {
        Self(Cow::Owned(number.to_string()))
    }
}

impl fmt::Display for InvalidFieldValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a header value holds a control character")
    }
}

impl std::error::Error for InvalidFieldValue {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_value_cannot_hold_what_ends_a_line() {
        for bad in [
            "a\r\nset-cookie: x",
            "a\nb",
            "a\rb",
            "\0",
            "\u{7f}",
            "\u{1b}",
        ] {
            assert_eq!(FieldValue::parse(bad), Err(InvalidFieldValue), "{bad:?}");
        }
        for good in ["", "a b\tc", "text/html; charset=\"utf-8\"", "grüß"] {
            assert_eq!(FieldValue::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_list_ignores_empty_elements_and_the_space_around_them() {
        let elements: Vec<_> = list(" ,a,, b\t,\tc d ,").collect();
        assert_eq!(elements, ["a", "b", "c d"]);
        assert_eq!(list("").count(), 0);
    }

    #[test]
    fn a_token_is_not_empty_and_has_no_separator() {
        for good in [
            "websocket",
            "ringwire.v1.json",
            "bearer.aGk_-",
            "!#$%&'*+-.^_`|~",
        ] {
            assert!(is_token(good), "{good}");
        }
        for bad in ["", "a b", "a,b", "a/b", "a\"", "a=b", "ä", "a\r"] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }
}
