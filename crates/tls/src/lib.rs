//! TLS as a machine that does no I/O: bytes in, bytes out, and between them what rustls makes of them.
//!
//! [`Connection`] is one end of one connection, a client's or a server's. [`Client`] is what all connections of one client
//! share, and [`Trust`] is how it judges certificates; [`Server`] is what all connections of one server share, and
//! [`Certificates`] is what it shows. No socket is opened here; certificates are read before they are used. Unlike the other machines this one takes the time and its randomness from the system: rustls wants them so,
//! and neither a key nor an expiry date is worth a seam.

#![forbid(unsafe_code)]

mod certificates;
mod client;
mod connection;
mod error;
pub mod limits;
mod server;
mod trust;

pub use certificates::Certificates;
pub use client::{Client, ClientConnection, Resumption};
pub use connection::{Agreement, Connection, Side};
pub use error::{CertificatesError, Error, TrustError};
pub use rustls::pki_types::ServerName;
pub use server::{Server, ServerConnection};
pub use trust::Trust;
