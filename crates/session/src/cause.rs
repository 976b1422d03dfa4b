//! A reason together with the words that say it: what an error answer, a Close frame or an HTTP error body is written from.
//!
//! The words are always fixed text. A cause may be more exact than its reason's own text ("two commands in one message" for `bad_command`), but it never
//! carries what a peer sent, nor anything of the server's inside.

use crate::Reason;

/// Why something failed, and the fixed text that tells the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The reason: close code, HTTP status, error code, level.
    pub reason: Reason,
    /// The text, at most 123 bytes so that it fits a Close frame.
    pub message: &'static str,
}

impl Cause {
    /// A cause that says more than its reason's own text.
    pub const fn new(reason: Reason, message: &'static str) -> Cause {
        assert!(message.len() <= 123, "a cause must fit a Close frame");
        Cause { reason, message }
    }

    pub(crate) const fn bad_command(message: &'static str) -> Cause {
        Cause::new(Reason::BadCommand, message)
    }

    pub(crate) const fn bad_topic(message: &'static str) -> Cause {
        Cause::new(Reason::BadTopic, message)
    }
}

impl From<Reason> for Cause {
    fn from(reason: Reason) -> Cause {
        Cause {
            reason,
            message: reason.message(),
        }
    }
}
