//! The WebSocket connection (RFC 6455 sections 5 to 7) as a machine, for both roles.
//!
//! [`Connection`] is fed [`Input`], answers with [`Event`]s, and keeps the frames that it has to
//! send by itself (pongs, pings, the one Close) until they are asked for. It answers pings, joins
//! fragments, checks text as it arrives, keeps the connection alive and closes it in order.
//!
//! A server's data frames need not pass through here: as long as [`Connection::is_open`], frames
//! that were encoded once for everybody may be written between what the machine transmits.
//!
//! A connection that agreed on permessage-deflate ([`Connection::with_deflate`]) takes compressed
//! messages too, inflated by an [`Inflater`] that all connections of a core share. Without that
//! agreement a reserved bit is a violation; there is no other extension.

mod connection;
mod control_rate;
mod deflater;
mod event;
mod history;
mod inflater;
mod input;
mod mask_keys;
mod outbound;
mod reader;

pub use connection::Connection;
pub use deflater::Deflater;
pub use event::{Event, Failure, Kind};
pub use inflater::Inflater;
pub use input::Input;

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends unmasked frames and wants masked ones.
    Server,
    /// Sends masked frames and wants unmasked ones.
    Client,
}

/// What many connections share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The bounds of one message.
    pub limits: frame::Limits,
    /// Pings and pongs that the peer may send in a second, on average: it may fall behind this by
    /// a minute's worth, and send them in one go, before the connection fails. 0 for no bound.
    pub control_frames_per_s_max: u16,
    /// A ping is sent when nothing was received for that long; 0 for never.
    pub ping_interval_ms: u64,
    /// The connection fails when nothing was received for that long after such a ping.
    pub pong_timeout_ms: u64,
    /// The connection is finished that long after closing began, whatever the peer does.
    pub close_timeout_ms: u64,
}
