//! One client above messages: what its messages ask for, and what it is told.
//!
//! A connection speaks a *dialect*: raw (each message is a publication) or JSON (commands and answers). This crate reads the messages that a client sent
//! into [`Request`]s to the broker, and turns the broker's answers and notices into the payloads of messages for the client, or into the [`Cause`] for which
//! its connection ends. It has no sockets, frames or clock: whoever drives it frames what it writes, and tells it the time.

#![forbid(unsafe_code)]

mod cause;
pub mod dialect;
mod from_broker;
pub mod limits;
mod payload;
mod query;
mod reason;
mod session;
mod since;
mod strikes;
mod topic;

pub use cause::Cause;
pub use payload::Payload;
pub use query::{Mode, Query, path_pattern, path_topic};
pub use reason::{Level, Reason};
pub use session::{Ask, Message, Opening, Received, Reply, Request, Session};
pub use since::Since;
pub use topic::Topic;
