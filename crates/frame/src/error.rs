//! The rules of the frame layer that a peer can break, and the close code that each one earns.
//!
//! One variant is one rule. The mapping to close codes stands here and nowhere else, so that a
//! failing connection says the same thing wherever the rule was noticed.

use core::fmt;

use crate::CloseCode;

/// The rule that the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// Opcodes 3 to 7 and 0xb to 0xf are reserved (RFC 6455 section 5.2).
    ReservedOpcode,
    /// A length must be written in the fewest bytes that can hold it (section 5.2).
    LengthNotMinimal,
    /// The top bit of a 64-bit length must be 0 (section 5.2).
    LengthTopBit,
    /// A control frame must not be fragmented (section 5.5).
    ControlFragmented,
    /// A control frame carries at most 125 bytes (section 5.5).
    ControlTooLong,
    /// A continuation needs a message that it continues (section 5.4).
    ContinuationWithoutStart,
    /// A message must end before the next one begins (section 5.4).
    MessageInterrupted,
    /// The message is larger than [`Limits::message_bytes_max`](crate::Limits).
    MessageTooBig,
    /// The message has more frames than [`Limits::fragments_max`](crate::Limits).
    TooManyFragments,
    /// Text and close reasons are UTF-8 (section 8.1).
    InvalidUtf8,
    /// A close payload that is not empty begins with a code of two bytes (section 5.5.1).
    CloseTruncated,
    /// The code is reserved, not registered, or must never appear in a frame (section 7.4).
    CloseCodeInvalid,
}

impl Error {
    /// The code of the Close frame that answers this error.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Error::ReservedOpcode
            | Error::LengthNotMinimal
            | Error::LengthTopBit
            | Error::ControlFragmented
            | Error::ControlTooLong
            | Error::ContinuationWithoutStart
            | Error::MessageInterrupted
            | Error::CloseTruncated
            | Error::CloseCodeInvalid => CloseCode::PROTOCOL_ERROR,
            Error::InvalidUtf8 => CloseCode::INVALID_PAYLOAD,
            Error::TooManyFragments => CloseCode::POLICY_VIOLATION,
            Error::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
        }
    }

    /// A few words for a log line or a close reason.
    pub const fn message(&self) -> &'static str {
        match self {
            Error::ReservedOpcode => "reserved opcode",
            Error::LengthNotMinimal => "length not minimal",
            Error::LengthTopBit => "top bit of the length set",
            Error::ControlFragmented => "fragmented control frame",
            Error::ControlTooLong => "control frame longer than 125 bytes",
            Error::ContinuationWithoutStart => "continuation without a message",
            Error::MessageInterrupted => "new message inside a message",
            Error::MessageTooBig => "message too big",
            Error::TooManyFragments => "too many fragments",
            Error::InvalidUtf8 => "invalid UTF-8",
            Error::CloseTruncated => "close payload of one byte",
            Error::CloseCodeInvalid => "invalid close code",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn each_broken_rule_has_its_close_code() {
        let codes = [
            (Error::ReservedOpcode, 1002),
            (Error::LengthNotMinimal, 1002),
            (Error::LengthTopBit, 1002),
            (Error::ControlFragmented, 1002),
            (Error::ControlTooLong, 1002),
            (Error::ContinuationWithoutStart, 1002),
            (Error::MessageInterrupted, 1002),
            (Error::MessageTooBig, 1009),
            (Error::TooManyFragments, 1008),
            (Error::InvalidUtf8, 1007),
            (Error::CloseTruncated, 1002),
            (Error::CloseCodeInvalid, 1002),
        ];
        for (error, code) in codes {
            assert_eq!(error.close_code(), CloseCode(code), "{error:?}");
            assert!(error.close_code().is_valid_on_wire());
        }
    }

    /// The message is what a Close tells the peer and a log the operator.
    #[test]
    fn a_message_says_which_rule_was_broken() {
        assert_eq!(Error::MessageTooBig.message(), "message too big");
        assert_eq!(Error::LengthTopBit.to_string(), "top bit of the length set");
    }
}
