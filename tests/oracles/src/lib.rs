//! What must hold for any bytes from outside, one oracle for each fuzz target.
//!
//! An oracle takes bytes and panics if the code under test did anything that it must not: an answer
//! that an obviously right model does not give, another outcome for the same bytes cut elsewhere, a
//! limit passed. libFuzzer makes up the bytes in `fuzz/`; the tests here replay the committed corpora
//! with nothing but `cargo test`. Both call the same functions.

#![forbid(unsafe_code)]

mod connection;
mod cuts;
mod deflate;
mod extensions;
mod frames;
mod handshake;
mod head;
mod inflate;
mod json_command;
mod mask;
mod message;
mod model;
mod negotiation;
mod peer;
mod publish_request;
mod tls;
mod topic;
mod utf8;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also its corpus's and its program's.
    pub name: &'static str,
    /// Panics if what must hold does not.
    pub judge: fn(&[u8]),
}

/// Every target, one line each.
pub const TARGETS: &[Target] = &[
    target("connection", connection::judge),
    target("deflate", deflate::judge),
    target("extensions", extensions::judge),
    target("frame", frames::judge),
    target("frame_utf8", utf8::judge),
    target("handshake", handshake::judge),
    target("head", head::judge),
    target("inflate", inflate::judge),
    target("json_command", json_command::judge),
    target("mask", mask::judge),
    target("message", message::judge),
    target("negotiation", negotiation::judge),
    target("peer_connection", peer::connection::judge),
    target("peer_handshake", peer::handshake::judge),
    target("publish_request", publish_request::judge),
    target("tls", tls::judge),
    target("topic", topic::judge),
];

const fn target(name: &'static str, judge: fn(&[u8])) -> Target {
    Target { name, judge }
}

/// Runs the oracle of that name.
///
/// # Panics
/// If there is none of that name, and if the oracle finds something.
pub fn judge(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of that name").judge)(input);
}
