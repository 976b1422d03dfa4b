//! The opening handshake (RFC 6455 section 4): from HTTP/1.1 to a WebSocket.
//!
//! [`server`] judges a request and writes the 101; [`client`] writes a request and judges the 101.
//! [`fields`] and [`extensions`] are what both need: how often each header field may appear, and the
//! grammar of the one that has one of its own. [`deflate`] is the one extension. Who may connect
//! (origins, tokens) is decided above.

pub mod client;
pub mod deflate;
pub mod extensions;
pub mod fields;
mod key;
pub mod server;
