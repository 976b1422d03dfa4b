//! The five header fields of the opening handshake, as the IANA has them (RFC 6455 section 11.3),
//! and how often each may appear in a request and in a response.
//!
//! Both sides take their values through this table, so that a field that comes twice where it may
//! come once is refused at one place. What a value must be is for [`server`](super::server) and
//! [`client`](super::client) to say.

use crate::http1::{Head, Request};

/// A header field of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, in lower case; names are compared without regard to case.
    pub name: &'static str,
    /// How often it may appear in the client's request.
    pub in_request: Occurs,
    /// How often it may appear in the server's response.
    pub in_response: Occurs,
}

/// How often a field may appear in one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs {
    /// Exactly once.
    Once,
    /// Once, or not at all.
    AtMostOnce,
    /// On any number of lines, which mean what one line with all their values means.
    AnyNumber,
    /// The field is only ever sent the other way. Here it has no meaning, and is passed over as any
    /// unknown field is (RFC 6455 section 4.2.1, item 10).
    Meaningless,
}

/// Section 11.3.1: sixteen random bytes, which the server's answer proves to have read.
pub const KEY: Field = Field {
    name: "sec-websocket-key",
    in_request: Occurs::Once,
    in_response: Occurs::Meaningless,
};

/// Section 11.3.2, with erratum 3433: several lines are allowed in a response as well.
pub const EXTENSIONS: Field = Field {
    name: "sec-websocket-extensions",
    in_request: Occurs::AnyNumber,
    in_response: Occurs::AnyNumber,
};

/// Section 11.3.3: the proof.
pub const ACCEPT: Field = Field {
    name: "sec-websocket-accept",
    in_request: Occurs::Meaningless,
    in_response: Occurs::Once,
};

/// Section 11.3.4: the subprotocols that the client would speak, and the one that the server chose.
pub const PROTOCOL: Field = Field {
    name: "sec-websocket-protocol",
    in_request: Occurs::AnyNumber,
    in_response: Occurs::AtMostOnce,
};

/// Section 11.3.5: the version that the client speaks, and, in a refusal, those that the server does.
pub const VERSION: Field = Field {
    name: "sec-websocket-version",
    in_request: Occurs::Once,
    in_response: Occurs::AnyNumber,
};

/// The version of RFC 6455, the only one in the registry of section 11.6 that is a standard. Versions
/// 0 to 8 were drafts, and 9 to 12 were never used; nobody speaks them.
pub const VERSION_13: &str = "13";

/// A field appears more often, or less often, than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Miscounted;

impl Field {
    /// The values of this field in a request.
    pub(super) fn of_request<'r>(
        &'r self,
        request: &'r Request,
    ) -> Result<impl Iterator<Item = &'r str>, Miscounted> {
        self.in_request.check(request.headers(self.name))
    }

    /// The values of this field in the head of a response.
    pub(super) fn of_response<'h>(
        &'h self,
        head: &'h Head,
    ) -> Result<impl Iterator<Item = &'h str>, Miscounted> {
        self.in_response.check(head.all(self.name))
    }
}

impl Occurs {
    /// The values, if there are as many as there may be.
    fn check<V: Iterator + Clone>(self, values: V) -> Result<V, Miscounted> {
        let lines = values.clone().take(2).count();
        let fits = match self {
            Self::Once => lines == 1,
            Self::AtMostOnce => lines <= 1,
            Self::AnyNumber | Self::Meaningless => true,
        };
        if fits { Ok(values) } else { Err(Miscounted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_comes_more_or_less_often_than_it_may_is_miscounted() {
        let allowed = [
            (Occurs::Once, [false, true, false, false]),
            (Occurs::AtMostOnce, [true, true, false, false]),
            (Occurs::AnyNumber, [true; 4]),
            (Occurs::Meaningless, [true; 4]),
        ];
        for (occurs, verdicts) in allowed {
            for (lines, fits) in verdicts.into_iter().enumerate() {
                let values = std::iter::repeat_n("x", lines);
                match occurs.check(values) {
                    Ok(values) => assert!(fits && values.count() == lines, "{occurs:?} {lines}"),
                    Err(Miscounted) => assert!(!fits, "{occurs:?} {lines}"),
                }
            }
        }
    }
}
