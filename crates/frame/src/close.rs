//! Close codes and the payload of a Close frame (RFC 6455 sections 5.5.1 and 7.4).
//!
//! [`CloseCode`] names the whole IANA registry, including the codes that only ever describe an
//! end locally (1005, 1006, 1015) and must not appear in a frame. Who may send what when, and
//! how many Close frames there are, is for the protocol machine.

use core::fmt;

use crate::Error;
use crate::limits::{CLOSE_REASON_BYTES_MAX, CONTROL_BYTES_MAX};

/// Why a connection ended: a number of the IANA "WebSocket Close Code Number Registry".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

macro_rules! registry {
    ($($(#[doc = $doc:literal])* $constant:ident = $code:literal, $name:literal;)*) => {
        impl CloseCode {
            $($(#[doc = $doc])* pub const $constant: CloseCode = CloseCode($code);)*

            /// The name that the registry gives this code; `None` if it is not registered.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const REGISTRY: &[(u16, CloseCode, &str)] = &[$(($code, CloseCode::$constant, $name)),*];
    };
}

registry! {
    /// The purpose of the connection is fulfilled.
    NORMAL = 1000, "normal closure";
    /// The server goes down, or the page was left.
    GOING_AWAY = 1001, "going away";
    /// The peer broke a rule of the protocol.
    PROTOCOL_ERROR = 1002, "protocol error";
    /// A kind of data that this endpoint does not take.
    UNSUPPORTED_DATA = 1003, "unsupported data";
    /// Reserved, without a meaning. Never in a frame.
    RESERVED = 1004, "reserved";
    /// The Close frame had no code. Never in a frame.
    NO_STATUS = 1005, "no status received";
    /// The connection ended without a Close frame. Never in a frame.
    ABNORMAL = 1006, "abnormal closure";
    /// Data that does not fit its kind, such as text that is not UTF-8.
    INVALID_PAYLOAD = 1007, "invalid frame payload data";
    /// A policy of this endpoint was violated, where no other code fits.
    POLICY_VIOLATION = 1008, "policy violation";
    /// A message larger than this endpoint takes.
    MESSAGE_TOO_BIG = 1009, "message too big";
    /// The client expected an extension that the server did not accept.
    MANDATORY_EXTENSION = 1010, "mandatory extension";
    /// The endpoint met a condition that it cannot handle.
    INTERNAL_ERROR = 1011, "internal error";
    /// The service restarts: reconnect after a random delay of some seconds.
    SERVICE_RESTART = 1012, "service restart";
    /// The service is overloaded: reconnect later, or elsewhere.
    TRY_AGAIN_LATER = 1013, "try again later";
    /// A gateway had an invalid answer from the server behind it.
    BAD_GATEWAY = 1014, "bad gateway";
    /// The TLS handshake failed. Never in a frame.
    TLS_HANDSHAKE = 1015, "tls handshake";
    /// The endpoint must authenticate itself first.
    UNAUTHORIZED = 3000, "unauthorized";
    /// The endpoint is authenticated, and may not do this.
    FORBIDDEN = 3003, "forbidden";
    /// The endpoint took too long to respond.
    TIMEOUT = 3008, "timeout";
}

impl CloseCode {
    /// Whether the code may stand in a Close frame, whichever side sends it.
    ///
    /// 1000 to 1014 without 1004 to 1006; 3000 to 3999 are registered first come first served,
    /// and 4000 to 4999 are private, so all of both are valid (RFC 6455 section 7.4.2).
    #[inline]
    pub const fn is_valid_on_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ({})",
            self.0,
            self.name().unwrap_or("unregistered")
        )
    }
}

/// What a Close frame says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClosePayload<'p> {
    /// `None`: the payload is empty.
    pub code: Option<CloseCode>,
    /// For people and logs; empty when there is no code.
    pub reason: &'p str,
}

impl<'p> ClosePayload<'p> {
    /// Reads the whole, unmasked payload of a Close frame.
    ///
    /// # Errors
    ///
    /// [`Error::CloseTruncated`], [`Error::CloseCodeInvalid`], [`Error::InvalidUtf8`], and
    /// [`Error::ControlTooLong`] for a payload that no control frame can carry.
    pub fn decode(payload: &'p [u8]) -> Result<ClosePayload<'p>, Error> {
        if payload.len() > CONTROL_BYTES_MAX {
            return Err(Error::ControlTooLong);
        }
        let (code, reason) = match payload {
            [] => return Ok(ClosePayload::default()),
            [_] => return Err(Error::CloseTruncated),
            [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
        };
        if !code.is_valid_on_wire() {
            return Err(Error::CloseCodeInvalid);
        }
        let reason = core::str::from_utf8(reason).map_err(|_| Error::InvalidUtf8)?;
        Ok(ClosePayload {
            code: Some(code),
            reason,
        })
    }

    /// Writes the payload, and returns its length. A reason over 123 bytes is cut between two
    /// characters; without a code there is no place for a reason.
    ///
    /// # Panics
    ///
    /// If the code must not appear in a frame: only this endpoint's own code can ask for that.
    pub fn encode(&self, out: &mut [u8; CONTROL_BYTES_MAX]) -> usize {
        let Some(code) = self.code else { return 0 };
        assert!(code.is_valid_on_wire(), "close code {code:?} in a frame");
        let mut reason_bytes = self.reason.len().min(CLOSE_REASON_BYTES_MAX);
        while !self.reason.is_char_boundary(reason_bytes) {
            reason_bytes -= 1;
        }
        out[..2].copy_from_slice(&code.0.to_be_bytes());
        out[2..2 + reason_bytes].copy_from_slice(&self.reason.as_bytes()[..reason_bytes]);
        2 + reason_bytes
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::string::ToString as _;
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn encoded(code: u16, reason: &str) -> Vec<u8> {
        let mut out = [0; CONTROL_BYTES_MAX];
        let code = Some(CloseCode(code));
        let length = ClosePayload { code, reason }.encode(&mut out);
        out[..length].to_vec()
    }

    #[test]
    fn every_registered_code_has_its_number_and_name() {
        let numbers: Vec<u16> = (1000..=1015).chain([3000, 3003, 3008]).collect();
        assert_eq!(
            REGISTRY.iter().map(|entry| entry.0).collect::<Vec<_>>(),
            numbers
        );
        for &(number, code, name) in REGISTRY {
            assert_eq!(code, CloseCode(number));
            assert_eq!(code.name(), Some(name));
        }
        for number in (0..=u16::MAX).filter(|number| !numbers.contains(number)) {
            assert_eq!(CloseCode(number).name(), None);
        }
    }

    /// The edges of every range of RFC 6455 section 7.4.2, from both sides.
    #[test]
    fn a_code_is_shown_as_its_number_and_to_developers_with_its_name() {
        assert_eq!(CloseCode::GOING_AWAY.to_string(), "1001");
        assert_eq!(format!("{:?}", CloseCode::GOING_AWAY), "1001 (going away)");
        assert_eq!(format!("{:?}", CloseCode(4000)), "4000 (unregistered)");
    }

    #[test]
    fn a_close_frame_carries_registered_and_private_codes_only() {
        let accepted = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
        ]
        .into_iter()
        .chain([3000, 3001, 3003, 3008, 3999, 4000, 4408, 4999]);
        for number in accepted {
            let payload = u16::to_be_bytes(number);
            let close = ClosePayload::decode(&payload).unwrap();
            assert_eq!(
                close,
                ClosePayload {
                    code: Some(CloseCode(number)),
                    reason: ""
                }
            );
            assert_eq!(encoded(number, ""), payload);
        }
        for number in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 65535,
        ] {
            let payload = u16::to_be_bytes(number);
            assert_eq!(
                ClosePayload::decode(&payload),
                Err(Error::CloseCodeInvalid),
                "{number}"
            );
        }
    }

    #[test]
    fn an_empty_payload_has_no_code_and_one_byte_is_no_payload() {
        assert_eq!(ClosePayload::decode(&[]), Ok(ClosePayload::default()));
        assert_eq!(
            ClosePayload::default().encode(&mut [0; CONTROL_BYTES_MAX]),
            0
        );
        assert_eq!(ClosePayload::decode(&[0x03]), Err(Error::CloseTruncated));
    }

    #[test]
    fn a_reason_is_utf8_of_at_most_123_bytes() {
        let mut payload = vec![0x03, 0xe8];
        payload.extend([b'a'; CLOSE_REASON_BYTES_MAX]);
        assert_eq!(ClosePayload::decode(&payload).unwrap().reason.len(), 123);
        payload.push(b'a');
        assert_eq!(ClosePayload::decode(&payload), Err(Error::ControlTooLong));
        let cut_character = [0x03, 0xe8, 0xe2, 0x82];
        assert_eq!(
            ClosePayload::decode(&cut_character),
            Err(Error::InvalidUtf8)
        );
        assert_eq!(Error::InvalidUtf8.close_code(), CloseCode::INVALID_PAYLOAD);
    }

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        for (reason_bytes, kept) in [(122, 122), (123, 123), (124, 123)] {
            let reason: String = core::iter::repeat_n('a', reason_bytes).collect();
            assert_eq!(encoded(1000, &reason).len(), 2 + kept);
        }
        // 123 = 30 characters of four bytes and three bytes of the next one.
        let reason: String = core::iter::repeat_n('\u{1f600}', 31).collect();
        let payload = encoded(1000, &reason);
        assert_eq!(payload.len(), 2 + 120);
        assert_eq!(
            ClosePayload::decode(&payload)
                .unwrap()
                .reason
                .chars()
                .count(),
            30
        );
    }

    #[test]
    #[should_panic(expected = "in a frame")]
    fn this_endpoint_never_sends_a_code_that_only_describes_a_local_end() {
        encoded(1006, "");
    }

    proptest! {
        #[test]
        fn what_encodes_decodes_to_the_same_code(code in 3000..5000_u16, reason in ".{0,140}") {
            let payload = encoded(code, &reason);
            let close = ClosePayload::decode(&payload).unwrap();
            prop_assert_eq!(close.code, Some(CloseCode(code)));
            prop_assert!(reason.starts_with(close.reason));
            let next = reason[close.reason.len()..].chars().next();
            prop_assert!(next.is_none_or(|next| payload.len() + next.len_utf8() > CONTROL_BYTES_MAX));
        }
    }
}
