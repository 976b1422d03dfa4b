//! The load generator's parts: what a run is to do, the engine that does it, and what is said about it afterwards.
//!
//! `ringwire-load` is the independent observer of a WebSocket pub/sub server. It shares the frame codec, the client side of
//! the protocol and the reactor with the broker, and none of its ideas: what arrived is judged by sequence numbers and
//! checksums in the payload, never by what a server says about itself.

#![forbid(unsafe_code)]

pub mod arguments;
pub mod dialect;
pub mod engine;
pub mod evidence;
pub mod failure;
pub mod figure;
pub mod hgrm;
pub mod hlog;
pub mod http_answers;
pub mod interrupt;
pub mod ledger;
pub mod observer;
pub mod payload;
pub mod plan;
pub mod process;
pub mod program;
pub mod quantity;
pub mod report;
pub mod returns;
pub mod scenario;
pub mod schedule;
pub mod security;
pub mod slow_readers;
pub mod source;
pub mod stages;
pub mod sweep;
pub mod tally;
pub mod threshold;
pub mod timeline;
pub mod turnover;
pub mod url;
pub mod verdict;
pub mod view;
