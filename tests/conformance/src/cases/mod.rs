//! The list of cases, by what they are about; one file for each subject.
//!
//! Three kinds: requests that ask a server for a WebSocket, answers that a client judges, and
//! frames on an established connection, which both ends must take in the same way.

mod answers;
mod backpressure;
mod closing;
mod control;
mod deflate;
mod fragments;
mod framing;
mod masking;
mod requests;
mod sizes;
mod texts;

use crate::wire::{Frame, Heard, Sender, close, ping};
use protocol::handshake::client::{self, Established};
use protocol::handshake::deflate::Parameters;

/// The bytes of one message that an endpoint under test takes at most.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The frames of one message that it takes at most.
pub const FRAGMENTS_MAX: usize = 64;

/// What a peer sends on an established connection, and what an echoing endpoint answers.
#[derive(Clone, Debug)]
pub struct FrameCase {
    /// Unique, with the subject before the slash.
    pub name: String,
    /// Where the rule stands.
    pub section: &'static str,
    /// Sent in this order.
    pub sends: Vec<Frame>,
    /// What comes back, in this order; a Close is the last.
    pub hears: Vec<Heard>,
    /// Whether the connection is closed then.
    pub end: End,
    /// The compression that the handshake agreed on.
    pub deflate: Option<Deflate>,
}

/// How a peer of these cases compresses. The endpoint keeps no context in either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deflate {
    /// Each message on its own.
    WithoutContext,
    /// With references to earlier messages.
    WithContext,
}

impl Deflate {
    /// What a client offers.
    pub fn offer(self) -> &'static str {
        match self {
            Self::WithoutContext => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            }
            Self::WithContext => "permessage-deflate; server_no_context_takeover",
        }
    }
}

/// How a frame case ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the Close that the endpoint sent, after which it says and reads nothing.
    Closed,
    /// The peer's stream ends in the middle of something, of which nothing is told.
    Cut,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = Vec::new();
        self.write(Sender::Server, &mut bytes);
        bytes.truncate(32);
        write!(formatter, "{bytes:02x?}")
    }
}

impl FrameCase {
    /// The endpoint fails the connection with that code.
    fn fails(name: impl Into<String>, section: &'static str, sends: &[Frame], code: u16) -> Self {
        Self::ends(name, section, sends, [Heard::Close(Some(code))].into())
    }

    /// The endpoint answers, and the last answer is a Close.
    fn ends(
        name: impl Into<String>,
        section: &'static str,
        sends: &[Frame],
        hears: Vec<Heard>,
    ) -> Self {
        Self {
            name: name.into(),
            section,
            sends: sends.to_vec(),
            hears,
            end: End::Closed,
            deflate: None,
        }
    }

    /// The endpoint answers and goes on: it is asked for a sign of life, and to close.
    fn lives(
        name: impl Into<String>,
        section: &'static str,
        sends: &[Frame],
        mut hears: Vec<Heard>,
    ) -> Self {
        let last = [ping("still there?"), close(1000, "")];
        hears.extend([
            Heard::Pong(b"still there?".to_vec()),
            Heard::Close(Some(1000)),
        ]);
        Self::ends(name, section, &[sends, &last].concat(), hears)
    }

    /// The endpoint waits for more when the stream ends.
    fn is_cut(
        name: impl Into<String>,
        section: &'static str,
        sends: &[Frame],
        hears: Vec<Heard>,
    ) -> Self {
        Self {
            end: End::Cut,
            ..Self::ends(name, section, sends, hears)
        }
    }

    /// What that end would send.
    pub fn bytes(&self, sender: Sender) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in &self.sends {
            frame.write(sender, &mut bytes);
        }
        bytes
    }
}

/// A request for a WebSocket, and what a server answers.
#[derive(Clone, Debug)]
pub struct RequestCase {
    /// Unique, with the subject before the slash.
    pub name: String,
    /// Where the rule stands.
    pub section: &'static str,
    /// The request.
    pub request: Vec<u8>,
    /// Frames that are sent right behind it.
    pub early: Vec<Frame>,
    /// What comes back.
    pub answer: Answer,
    /// The rule stands above the machines, which know nothing of it.
    pub is_of_the_server_alone: bool,
}

impl RequestCase {
    /// What a client sends.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.request.clone();
        for frame in &self.early {
            frame.write(Sender::Client, &mut bytes);
        }
        bytes
    }
}

/// A server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A 101 with these values, and with no field that was not asked for. Then what the early frames
    /// lead to, if there are any, with a Close at its end.
    Switched {
        /// `Sec-WebSocket-Accept`.
        accept: &'static str,
        /// `Sec-WebSocket-Protocol`.
        subprotocol: Option<&'static str>,
        /// `Sec-WebSocket-Extensions`.
        extension: Option<String>,
        /// See above.
        hears: Vec<Heard>,
    },
    /// That status with that field, and the end of the connection.
    Refused {
        /// The status.
        status: u16,
        /// A field that such an answer must have.
        field: Option<(&'static str, &'static str)>,
    },
}

/// A server's answer to a client that offered [`OFFERED`], and what the client makes of it.
#[derive(Clone, Debug)]
pub struct AnswerCase {
    /// Unique, with the subject before the slash.
    pub name: String,
    /// Where the rule stands.
    pub section: &'static str,
    /// The compression that it offered.
    pub deflate: Option<Parameters>,
    /// The answer, and frames behind it.
    pub answer: Vec<u8>,
    /// What was agreed on, or why there is no WebSocket.
    pub judged: Result<Established, client::Error>,
}

/// The subprotocols that a client offers in the answer cases; its key is the one of RFC 6455
/// section 1.3.
pub const OFFERED: &[&str] = &["chat", "superchat"];

/// Every request.
pub fn requests() -> Vec<RequestCase> {
    requests::cases()
}

/// Every answer.
pub fn answers() -> Vec<AnswerCase> {
    answers::cases()
}

/// Everything on an established connection.
pub fn frames() -> Vec<FrameCase> {
    [
        framing::cases(),
        masking::cases(),
        control::cases(),
        fragments::cases(),
        texts::cases(),
        closing::cases(),
        sizes::cases(),
        deflate::cases(),
    ]
    .concat()
}

/// Peers that do not read what they are answered, for a running server.
pub fn backpressure() -> Vec<FrameCase> {
    backpressure::cases()
}

/// Bytes without a pattern that a mask or a copy could hide behind, the same on each call.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Names are what a report and a seed file are found by.
    #[test]
    fn names_are_unique() {
        let mut seen = HashSet::new();
        let names = requests().into_iter().map(|case| case.name);
        let names = names.chain(answers().into_iter().map(|case| case.name));
        let of_frames = [frames(), backpressure()].concat();
        for name in names.chain(of_frames.into_iter().map(|case| case.name)) {
            assert!(name.contains('/'), "{name} has no subject");
            assert!(seen.insert(name.clone()), "{name} stands there twice");
        }
    }

    /// A case that is closed says with which Close, and none says anything behind it.
    #[test]
    fn a_close_is_the_last_thing_that_is_heard() {
        for case in frames() {
            let at = case
                .hears
                .iter()
                .position(|heard| matches!(heard, Heard::Close(_)));
            let last = case.hears.len().checked_sub(1);
            match case.end {
                End::Closed => assert_eq!(at, last, "{}", case.name),
                End::Cut => assert_eq!(at, None, "{}", case.name),
            }
        }
    }
}
