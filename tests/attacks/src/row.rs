//! What a row of the catalogue is: who got it wrong, what is sent, what must come of it.
//!
//! Most rows are bytes with an expectation, some are a flood of one block, a few need a behaviour that bytes alone cannot
//! say. A row that is not run says why, or which test proves it.

use std::borrow::Cow;

use crate::peer::Pace;
use crate::run::Attempt;
use crate::wire::Request;

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Its name in the catalogue: `H1` to `H33`, `F1` to `F28`, `C1` to `C13`, `P1` to `P30`.
    pub id: &'static str,
    /// What the attacker does.
    pub name: &'static str,
    /// Public advisories of this mistake.
    pub advisories: &'static [&'static str],
    /// What ringwire is configured with beside its defaults.
    pub config: &'static str,
    /// What is done.
    pub attack: Attack,
}

/// What is done.
#[derive(Debug)]
pub enum Attack {
    /// Bytes, each list on a connection of its own.
    Cases(fn(&Place) -> Vec<Case>),
    /// One block again and again.
    Flood(fn(&Place) -> Flood),
    /// What bytes alone cannot say: what was seen, or what was wrong with it; and in words what must come of it.
    Behaviour(fn(&Attempt<'_>) -> Result<String, String>, &'static str),
    /// The same, about something that only ringwire has.
    Ours(fn(&Attempt<'_>) -> Result<String, String>, &'static str),
    /// Nothing, because this test proves it: file and function.
    Proven(&'static str, &'static str),
    /// Nothing, and why.
    Absent(&'static str),
}

/// Where a handshake goes.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// A path where messages come back.
    pub path: String,
    /// The host as the target names itself.
    pub host: String,
}

impl Place {
    /// A good handshake.
    pub fn handshake(&self) -> Request {
        Request::handshake(&self.path, &self.host)
    }

    /// A good handshake for another path.
    pub fn handshake_for(&self, path: &str) -> Request {
        Request::handshake(path, &self.host)
    }
}

/// Bytes on one connection, and what must come of them.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is special about it.
    pub name: Cow<'static, str>,
    /// What comes before the bytes.
    pub opening: Opening,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How they are cut.
    pub pace: Pace,
    /// What must come of them.
    pub expect: Expect,
    /// Only ringwire has what this is about.
    pub ours_alone: bool,
}

/// What comes before a case's bytes.
#[derive(Clone, Debug)]
pub enum Opening {
    /// Nothing: they are the first.
    Nothing,
    /// Nothing, and they go to where TLS is spoken.
    Tls,
    /// A handshake where messages come back.
    Echo,
    /// The same, and permessage-deflate is agreed on.
    Deflate,
    /// This handshake.
    Handshake(Request),
}

/// What must come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// An HTTP refusal with this status and reason, and the connection's end.
    Refused(u16, &'static str),
    /// A refusal that has this field as well.
    RefusedWith(u16, &'static str, &'static str),
    /// A 101 without extension and subprotocol, and a connection that works.
    Upgraded,
    /// A Close with this code and reason, and the connection's end.
    Closed(u16, &'static str),
    /// The connection's end, for this reason, whatever is said on it.
    Ended(&'static str),
    /// These messages come back (first byte and payload), and the connection lives.
    Echoed(Vec<(u8, Vec<u8>)>),
    /// Any HTTP answer that is not an error, and a server that goes on.
    Served(u16),
}

impl Case {
    fn new(
        name: impl Into<Cow<'static, str>>,
        opening: Opening,
        bytes: Vec<u8>,
        expect: Expect,
    ) -> Self {
        Self {
            name: name.into(),
            opening,
            bytes,
            pace: Pace::AtOnce,
            expect,
            ours_alone: false,
        }
    }

    /// The first bytes of a connection.
    pub fn first(name: impl Into<Cow<'static, str>>, bytes: Vec<u8>, expect: Expect) -> Self {
        Self::new(name, Opening::Nothing, bytes, expect)
    }

    /// The first bytes of a connection to where TLS is spoken.
    pub fn tls(name: impl Into<Cow<'static, str>>, bytes: Vec<u8>, expect: Expect) -> Self {
        Self::new(name, Opening::Tls, bytes, expect).ours()
    }

    /// A request.
    pub fn request(name: impl Into<Cow<'static, str>>, request: &Request, expect: Expect) -> Self {
        Self::first(name, request.bytes(), expect)
    }

    /// Bytes behind a good handshake.
    pub fn frames(name: impl Into<Cow<'static, str>>, bytes: Vec<u8>, expect: Expect) -> Self {
        Self::new(name, Opening::Echo, bytes, expect)
    }

    /// Bytes behind a good handshake that agrees on permessage-deflate.
    pub fn deflated(name: impl Into<Cow<'static, str>>, bytes: Vec<u8>, expect: Expect) -> Self {
        Self::new(name, Opening::Deflate, bytes, expect)
    }

    /// Bytes behind this handshake.
    pub fn after(
        name: impl Into<Cow<'static, str>>,
        handshake: Request,
        bytes: Vec<u8>,
        expect: Expect,
    ) -> Self {
        Self::new(name, Opening::Handshake(handshake), bytes, expect)
    }

    /// Cut like this.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// For ringwire alone.
    pub fn ours(mut self) -> Self {
        self.ours_alone = true;
        self
    }
}

/// One block again and again, on one connection after the other.
#[derive(Clone, Debug)]
pub struct Flood {
    /// What comes first; the block follows at once.
    pub opening: Opening,
    /// What is sent once behind it.
    pub first: Vec<u8>,
    /// What is sent until the server ends the connection.
    pub block: Vec<u8>,
    /// How it is cut.
    pub pace: Pace,
    /// Most bytes of it on one connection.
    pub bytes_max: usize,
    /// How many connections, one after the other.
    pub connections: u32,
    /// What must come of each.
    pub expect: Expect,
    /// By how much the server may grow meanwhile.
    pub memory_bytes_max: u64,
    /// Whether it must cost the server less CPU time than the attacker.
    pub cheaper: bool,
}
