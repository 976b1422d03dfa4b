//! Our own conformance suite: one list of cases, two judges.
//!
//! A case is data: bytes that a peer sends, and what has to come back. [`judge::machine`] feeds it to
//! the machines of `protocol`, whole and cut in every way, in both roles; [`judge::server`] sends it
//! to a running broker over a socket. What is written and read here is encoded and decoded by this
//! crate's own few lines in [`wire`], never by the crates that are judged.
//!
//! The suite looks mostly where other suites do not: handshakes, masks, lengths, reserved bits,
//! limits, what happens at each cut, and the content of what comes back.

#![forbid(unsafe_code)]

pub mod cases;
pub mod compress;
pub mod export;
pub mod judge;
pub mod wire;

pub use cases::{AnswerCase, FrameCase, RequestCase};
