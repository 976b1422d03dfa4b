//! What ringwire asks of a JSON payload beyond the grammar: bounded nesting, no lone surrogates, no number outside binary64.
//!
//! RFC 8259 allows all three and warns of each (sections 6, 8.2 and 9): parsers differ in what they do with them. A payload is embedded as published into
//! every subscriber's messages, so one that some subscribers' parsers refuse must be refused here, once, at publish. serde_json judges the grammar; the
//! walk here is one loop over valid text, without recursion and without allocation. Duplicate keys inside a payload are the publisher's business.

use crate::limits::JSON_DEPTH_MAX;
use crate::{Cause, Reason};
use serde_json::value::RawValue;

/// What is wrong with a payload that claims to be JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonFault {
    /// Not UTF-8, or not exactly one JSON value.
    Grammar,
    /// Nested deeper than [`JSON_DEPTH_MAX`].
    TooDeep,
    /// A `\uD800`-`\uDFFF` escape without its other half: no Unicode text.
    LoneSurrogate,
    /// A number too great for IEEE 754 binary64.
    NumberRange,
}

impl JsonFault {
    /// A fixed text for the client.
    pub const fn message(self) -> &'static str {
        match self {
            JsonFault::Grammar => "the payload is not valid JSON",
            JsonFault::TooDeep => "the payload nests deeper than 64",
            JsonFault::LoneSurrogate => "the payload has a lone surrogate escape",
            JsonFault::NumberRange => "the payload has a number too great for a double",
        }
    }
}

impl From<JsonFault> for Cause {
    fn from(fault: JsonFault) -> Cause {
        Cause::new(Reason::InvalidPayload, fault.message())
    }
}

/// Checks a payload that is marked JSON (an HTTP body of type `application/json`). The same rules hold for `data` in the JSON dialect.
pub fn check(payload: &[u8]) -> Result<(), JsonFault> {
    let text = std::str::from_utf8(payload).map_err(|_| JsonFault::Grammar)?;
    let value: &RawValue = serde_json::from_str(text).map_err(|_| JsonFault::Grammar)?;
    check_shape(value.get())
}

/// The walk over text whose grammar is already known to be right. On other text it says something, and never panics.
pub(super) fn check_shape(value: &str) -> Result<(), JsonFault> {
    let bytes = value.as_bytes();
    let mut depth = 0u32;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = skip_string(bytes, at + 1)?,
            b'-' | b'0'..=b'9' => at = skip_number(value, at)?,
            b'[' | b'{' => {
                depth += 1;
                if depth > JSON_DEPTH_MAX {
                    return Err(JsonFault::TooDeep);
                }
                at += 1;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// From the byte after the opening quote to the byte after the closing one.
fn skip_string(bytes: &[u8], mut at: usize) -> Result<usize, JsonFault> {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' if bytes.get(at + 1) == Some(&b'u') => at = skip_unicode_escape(bytes, at)?,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Ok(at)
}

/// From the backslash of a `\uXXXX` to the byte after it, or after the pair that it begins (RFC 8259 section 7).
fn skip_unicode_escape(bytes: &[u8], at: usize) -> Result<usize, JsonFault> {
    match unicode_escape(bytes, at) {
        Some(0xd800..=0xdbff) => match unicode_escape(bytes, at + 6) {
            Some(0xdc00..=0xdfff) => Ok(at + 12),
            _ => Err(JsonFault::LoneSurrogate),
        },
        Some(0xdc00..=0xdfff) => Err(JsonFault::LoneSurrogate),
        _ => Ok(at + 6),
    }
}

fn unicode_escape(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    if !escape.starts_with(b"\\u") {
        return None;
    }
    escape[2..].iter().try_fold(0, |unit, &digit| {
        Some(unit * 16 + char::from(digit).to_digit(16)?)
    })
}

/// From the first byte of a number to the byte after its last.
fn skip_number(value: &str, start: usize) -> Result<usize, JsonFault> {
    // The greatest double has 309 digits: a shorter number without an exponent is always in range.
    const DIGITS_SAFE: usize = 308;
    let digits = &value.as_bytes()[start..];
    let len = digits
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        .unwrap_or(digits.len());
    let number = &value[start..start + len];
    let may_overflow = len > DIGITS_SAFE || number.bytes().any(|byte| byte | 0x20 == b'e');
    if may_overflow && !number.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(JsonFault::NumberRange);
    }
    Ok(start + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        for depth in [0, 1, 63, 64] {
            let text = if depth == 0 {
                "0".to_owned()
            } else {
                nested(depth)
            };
            assert_eq!(check(text.as_bytes()), Ok(()), "{depth}");
        }
        assert_eq!(check(nested(65).as_bytes()), Err(JsonFault::TooDeep));
        // Deep enough to overflow the stack of anything that recurses.
        assert_eq!(check(nested(1_000_000).as_bytes()), Err(JsonFault::TooDeep));
        assert_eq!(
            check("[".repeat(1_000_000).as_bytes()),
            Err(JsonFault::Grammar)
        );
        let mixed = format!("{}1{}", r#"{"a":["#.repeat(32), "]}".repeat(32));
        assert_eq!(check(mixed.as_bytes()), Ok(()));
        assert_eq!(
            check(format!("[{mixed}]").as_bytes()),
            Err(JsonFault::TooDeep)
        );
    }

    #[test]
    fn width_is_no_depth() {
        let wide = format!("[{}{{}}]", "[],{},".repeat(10_000));
        assert_eq!(check(wide.as_bytes()), Ok(()));
    }

    #[test]
    fn brackets_and_digits_inside_strings_are_text() {
        let text = format!(
            r#"["{}", "1e999", "\"{}\\", {{"[[":"1"}}]"#,
            "[{".repeat(500),
            "[".repeat(100)
        );
        assert_eq!(check(text.as_bytes()), Ok(()));
    }

    #[test]
    fn surrogates_come_in_pairs() {
        for good in [
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00\u0041""#,
            r#""\\ud800""#,
            r#""\u0000""#,
            r#""\uffff\ue000\ud7ff""#,
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for lone in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud83dA""#,
            r#""\ud83d\n""#,
            r#"{"\udfff":1}"#,
            r#""\\\ud800""#,
            r#""\ude00\ud83d""#,
        ] {
            assert_eq!(
                check(lone.as_bytes()),
                Err(JsonFault::LoneSurrogate),
                "{lone}"
            );
        }
    }

    #[test]
    fn numbers_stay_within_binary64() {
        let digits = |count: usize| "9".repeat(count);
        for good in [
            "0",
            "-0.0",
            "1.7976931348623157e308",
            "-1e308",
            "1e-999",
            "123456789012345678901234567890",
            &digits(308),
            &format!("0.{}", digits(5000)),
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for great in [
            "1e309",
            "-1E400",
            "1e+999999999999",
            "[1,2,1e999]",
            &digits(310),
        ] {
            assert_eq!(
                check(great.as_bytes()),
                Err(JsonFault::NumberRange),
                "{great}"
            );
        }
    }

    #[test]
    fn a_fault_is_an_invalid_payload_and_says_which() {
        let faults = [
            JsonFault::Grammar,
            JsonFault::TooDeep,
            JsonFault::LoneSurrogate,
            JsonFault::NumberRange,
        ];
        for fault in faults {
            let expected = Cause::new(Reason::InvalidPayload, fault.message());
            assert_eq!(Cause::from(fault), expected);
        }
        assert!(
            JsonFault::TooDeep
                .message()
                .ends_with(&JSON_DEPTH_MAX.to_string())
        );
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in [
            "",
            " ",
            "NaN",
            "Infinity",
            "-",
            "+1",
            "01",
            "1.",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "'a'",
            "\"\u{1}\"",
            "\"\\x\"",
            "1 2",
            "\u{feff}1",
            "nul",
            "\"\\u12\"",
            "// 1",
        ] {
            assert_eq!(check(bad.as_bytes()), Err(JsonFault::Grammar), "{bad:?}");
        }
        assert_eq!(check(b"\"\xff\""), Err(JsonFault::Grammar));
        assert_eq!(check(b" {\"a\" : [ 1 , true , null ] } \r\n\t"), Ok(()));
    }
}
