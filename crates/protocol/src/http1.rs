//! HTTP/1.1 (RFC 9112) for a server, and as much of it for a client as publishing one message takes.
//!
//! [`Requests`] is the server's side of one connection: bytes in, whole requests out. [`Response`]
//! writes the answers. [`client`] writes one request and reads its answer. Heads are parsed by
//! `httparse`, after a scan that is stricter about line ends than it is.
//!
//! Deliberately absent: HTTP/1.0 (refused with 505), obsolete line folding, transfer codings other
//! than chunked, trailers (read and dropped), and every leniency that makes two parsers disagree
//! about where a request ends.

mod body;
mod chunked;
pub mod client;
mod error;
mod field;
mod framing;
mod head;
mod lines;
mod request;
mod requests;
mod response;
mod target;

pub use error::Error;
pub use field::{FieldValue, InvalidFieldValue};
pub use request::Request;
pub use requests::Requests;
pub use response::Response;

pub(crate) use field::{is_token, list, write_field};
pub(crate) use head::{Head, HeadReader, StartLine};

/// The token of the IANA's registry of HTTP upgrade tokens that asks for a WebSocket (RFC 6455
/// section 11.2), in the spelling that RFC 8441 uses too. The registry has it as `WebSocket` as well:
/// it is compared without regard to case.
pub(crate) const UPGRADE_TOKEN: &str = "websocket";

/// What one HTTP connection may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request line and all header lines together, the empty line included.
    pub head_bytes_max: usize,
    /// Header lines of one request.
    pub headers_max: usize,
    /// Bytes of one body, after the chunked coding was taken off.
    pub body_bytes_max: usize,
    /// A head must be whole this long after it could have begun; dripping bytes do not prolong it.
    pub head_timeout_ms: u64,
    /// A body must be whole this long after its head was; dripping bytes do not prolong it.
    pub body_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes_max: 8 * 1024,
            headers_max: 64,
            body_bytes_max: 64 * 1024,
            head_timeout_ms: 5_000,
            body_timeout_ms: 10_000,
        }
    }
}
