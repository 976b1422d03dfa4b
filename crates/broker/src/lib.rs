//! One core's pub/sub, pure: topic names and patterns, logs, feeds, cursors, policies. Commands in, answers and bytes out.
//!
//! A topic is a short log on its home core; a subscriber is a cursor into a feed of wire-ready chunks on its own core.
//! There is no clock here, no randomness but a seed, no I/O, and no wire format: an [`Encode`] brings the formats,
//! the caller carries lane messages between cores and sends what it gathers.

#![forbid(unsafe_code)]

mod broker;
mod chunk;
mod client;
mod feed;
mod home;
mod interest;
mod lane;
pub mod limits;
mod local;
mod log;
pub mod naive;
mod name;
mod notice;
mod open;
mod pattern;
mod payloads;
mod position;
mod publication;
mod recency;
mod replay;
mod rules;
mod slab;
mod trie;

pub use broker::{Broker, Client, Counters, Output, Publisher, Settings};
pub use lane::{Delivery, Request};
pub use limits::Limits;
pub use name::{NameError, TopicName, TopicRef};
pub use notice::{
    Echo, History, Loss, Notice, Outcome, Recovery, Refusal, Retained, Standing, Start,
};
pub use pattern::Pattern;
pub use position::{Epoch, Position, PositionError};
pub use publication::{Encode, Format, Formats, Kind, Publication};
pub use rules::{OnLag, Rule, Rules};
