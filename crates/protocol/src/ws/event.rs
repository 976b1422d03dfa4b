//! What comes out of a WebSocket connection.

use frame::{CloseCode, Opcode};
use std::borrow::Cow;
use std::fmt;

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

impl Kind {
    /// The kind that a message's first opcode names.
    pub(super) fn of(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Text => Self::Text,
            _ => Self::Binary,
        }
    }
}

/// Something that the peer did. It borrows from the input, never from the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A whole message.
    Message {
        /// What it holds; the payload of a text was checked.
        kind: Kind,
        /// Borrowed where the message lay whole in the input, else the buffer in which it was
        /// assembled.
        payload: Cow<'i, [u8]>,
    },
    /// A pong, asked for or not.
    Pong(Cow<'i, [u8]>),
    /// The peer's Close. It was answered, unless it is itself the answer to ours.
    PeerClosed {
        /// `None` when the frame had no code.
        code: Option<CloseCode>,
        /// For people and logs.
        reason: Cow<'i, str>,
    },
    /// The peer broke a rule. A Close that says so is queued, unless one was sent before.
    Failed(Failure),
}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rule of frames and messages was broken.
    Frame(frame::Error),
    /// A client sent a frame without a mask (RFC 6455 section 5.1).
    Unmasked,
    /// A server sent a frame with a mask (RFC 6455 section 5.1).
    Masked,
    /// A reserved bit is set that no negotiated extension gives a meaning there (RFC 6455 section
    /// 5.2, RFC 7692 section 6).
    ReservedBits,
    /// What a compressed message carries is not DEFLATE, or not all of it (RFC 7692 section 7.2.2).
    CorruptDeflate,
    /// Pings and pongs came faster than the limit for too long.
    ControlFlood,
    /// Nothing came after a keepalive ping.
    PongTimeout,
    /// The closing handshake was not done in time.
    CloseTimeout,
}

impl Failure {
    /// The code of the Close frame that tells the peer; `None` when there is no more telling.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Frame(error) => Some(error.close_code()),
            Self::Unmasked | Self::Masked | Self::ReservedBits => Some(CloseCode::PROTOCOL_ERROR),
            Self::CorruptDeflate => Some(CloseCode::INVALID_PAYLOAD),
            Self::ControlFlood | Self::PongTimeout => Some(CloseCode::POLICY_VIOLATION),
            Self::CloseTimeout => None,
        }
    }
}

impl From<frame::Error> for Failure {
    fn from(error: frame::Error) -> Self {
        Self::Frame(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Frame(error) => return error.fmt(formatter),
            Self::Unmasked => "a client must mask its frames",
            Self::Masked => "a server must not mask its frames",
            Self::ReservedBits => "a reserved bit is set that no extension uses there",
            Self::CorruptDeflate => "corrupt compressed message",
            Self::ControlFlood => "too many pings or pongs",
            Self::PongTimeout => "no answer to a ping in time",
            Self::CloseTimeout => "no answer to a close in time",
        };
        formatter.write_str(text)
    }
}

impl std::error::Error for Failure {}
