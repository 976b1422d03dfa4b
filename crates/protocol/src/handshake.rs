//! The opening handshake (RFC 6455 section 4): from HTTP/1.1 to a WebSocket.
//!
//! [`server`] judges a request and writes the 101; [`client`] writes a request and judges the 101.
//! [`extensions`] is the grammar that both need, [`deflate`] the one extension. Who may connect (origins, tokens) is decided above.

pub mod client;
pub mod deflate;
pub mod extensions;
mod key;
pub mod server;
