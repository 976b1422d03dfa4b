//! The JSON dialect, `ringwire.v1.json`: one command or one answer a text message.
//!
//! `command` is what clients say, `answer` and `message` what the server says, `client` how a client reads that. `fields`, `shape` and `text` are the
//! pieces below: taking an object apart, the rules for payloads, and the writing of strings. Everything writes whole message payloads into a `Vec<u8>`;
//! frames are the server's.

pub mod answer;
mod client;
mod command;
mod fields;
mod message;
mod shape;
mod text;

pub use client::{Answer, Kept, NotUnderstood, ServerMessage};
pub(crate) use command::since_each;
pub use command::{BadCommand, Command, Id, Token, Verb};
pub use message::{history, message, published};
pub use shape::{JsonFault, check};

/// The WebSocket subprotocol that names this dialect.
pub const PROTOCOL: &str = "ringwire.v1.json";
