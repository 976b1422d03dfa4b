//! The client's side: the request, and everything that RFC 6455 section 4.1 lets a client check in
//! the answer.
//!
//! No redirect is followed, no authentication is retried, and no extension but permessage-deflate is
//! offered.

use super::deflate::{self, Agreed};
use super::fields::{ACCEPT, EXTENSIONS, Field, KEY, Miscounted, PROTOCOL, VERSION, VERSION_13};
use super::key;
use crate::http1::client::{check_request, write_head};
use crate::http1::{
    Error as HttpError, Head, HeadReader, Limits, StartLine, UPGRADE_TOKEN, is_token, write_field,
};
use std::fmt;

pub use crate::http1::client::InvalidRequest;

/// A request for a WebSocket.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    /// Host and port, for `Host`.
    pub host: &'a str,
    /// Path and query, percent-encoded.
    pub target: &'a str,
    /// The subprotocols, the preferred one first.
    pub subprotocols: &'a [&'a str],
    /// Further fields, such as `Authorization` or `Origin`.
    pub headers: &'a [(&'a str, &'a str)],
    /// Sixteen random bytes, new for each connection.
    pub key: [u8; 16],
    /// What compression is offered, if any is.
    pub deflate: Option<deflate::Parameters>,
}

impl Offer<'_> {
    /// Appends the request.
    ///
    /// # Errors
    /// A part holds a character that it may not, or a subprotocol stands there twice; nothing was
    /// written.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), InvalidRequest> {
        check_request(self.host, self.target, self.headers)?;
        // RFC 6455 section 4.1, item 10: tokens that are "all unique strings".
        let offered = self.subprotocols;
        let is_offered_before = |at: usize| offered[..at].contains(&offered[at]);
        if (0..offered.len()).any(|at| !is_token(offered[at]) || is_offered_before(at)) {
            return Err(InvalidRequest);
        }
        write_head("GET", self.host, self.target, self.headers, out);
        write_field("upgrade", UPGRADE_TOKEN, out);
        write_field("connection", "Upgrade", out);
        write_field(VERSION.name, VERSION_13, out);
        write_field(KEY.name, key::encode(self.key), out);
        if !offered.is_empty() {
            write_field(PROTOCOL.name, offered.join(", "), out);
        }
        if let Some(deflate) = &self.deflate {
            write_field(EXTENSIONS.name, deflate.to_string(), out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// Fields, query and subprotocols may hold tokens, which no log is to show.
impl fmt::Debug for Offer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Offer")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// The server has agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Established {
    /// The subprotocol that it chose among the offered ones.
    pub subprotocol: Option<String>,
    /// How messages are compressed, if they are.
    pub deflate: Option<Agreed>,
}

/// Reads the answer to one offer. The timeout is the caller's.
#[derive(Debug)]
pub struct Response {
    /// `None` when the answer was judged: what follows is frames, or nothing.
    head: Option<HeadReader>,
    accept: [u8; 28],
    subprotocols: Box<[Box<str>]>,
    deflate: Option<deflate::Parameters>,
    failed: bool,
}

impl Response {
    /// The reader of the answer to `offer`.
    pub fn new(offer: &Offer<'_>) -> Self {
        Self {
            head: Some(HeadReader::new(StartLine::Response)),
            accept: key::accept(&key::encode(offer.key)),
            subprotocols: offer
                .subprotocols
                .iter()
                .map(|subprotocol| Box::from(*subprotocol))
                .collect(),
            deflate: offer.deflate,
            failed: false,
        }
    }

    /// Takes bytes from the front of `input` until the answer is whole. What follows a 101 stays in
    /// `input`: it is frames. After an error all input is discarded.
    ///
    /// # Errors
    /// Why there is no WebSocket.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Established>, Error> {
        let received = self.advance(input);
        self.failed |= received.is_err();
        if self.failed {
            *input = &[];
        }
        received
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Established>, Error> {
        let Some(reader) = &mut self.head else {
            return Ok(None);
        };
        let received = reader.receive(&Limits::default(), input);
        if !matches!(received, Ok(None)) {
            self.head = None;
        }
        received?.map(|head| self.judge(&head)).transpose()
    }

    /// The numbered list at the end of RFC 6455 section 4.1.
    fn judge(&self, head: &Head) -> Result<Established, Error> {
        if head.status() != 101 {
            return Err(Error::Refused {
                status: head.status(),
            });
        }
        // "contains a value that is not an ASCII case-insensitive match for the value "websocket"".
        let mut upgrades = head.all("upgrade");
        let upgrade = upgrades.next().unwrap_or_default();
        if !upgrade.eq_ignore_ascii_case(UPGRADE_TOKEN) || upgrades.next().is_some() {
            return Err(Error::Upgrade);
        }
        if !head.lists("connection", "upgrade") {
            return Err(Error::Connection);
        }
        let accept = only(&ACCEPT, head).map_err(|_| Error::Accept)?;
        if accept.is_none_or(|accept| accept.as_bytes() != self.accept) {
            return Err(Error::Accept);
        }
        let chosen = EXTENSIONS.of_response(head).map_err(|_| Error::Extension)?;
        let deflate =
            deflate::judge(chosen, self.deflate.as_ref()).map_err(|_| Error::Extension)?;
        let subprotocol = only(&PROTOCOL, head).map_err(|_| Error::Subprotocol)?;
        if subprotocol
            .is_some_and(|chosen| !self.subprotocols.iter().any(|offered| **offered == *chosen))
        {
            return Err(Error::Subprotocol);
        }
        Ok(Established {
            subprotocol: subprotocol.map(str::to_owned),
            deflate,
        })
    }
}

/// The value of a field that may appear once.
fn only<'h>(field: &'h Field, head: &'h Head) -> Result<Option<&'h str>, Miscounted> {
    Ok(field.of_response(head)?.next())
}

/// Why there is no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The answer is no valid HTTP, or larger than a head may be.
    Http(HttpError),
    /// The server answered with another status than 101.
    Refused {
        /// That status.
        status: u16,
    },
    /// `Upgrade` is not `websocket`.
    Upgrade,
    /// `Connection` does not list `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is not the answer to our key.
    Accept,
    /// The server chose an extension that was not offered, or not with such parameters.
    Extension,
    /// The server chose a subprotocol that was not offered.
    Subprotocol,
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => write!(formatter, "the answer is no valid HTTP: {error}"),
            Self::Refused { status } => {
                write!(formatter, "the server answered {status} instead of 101")
            }
            Self::Upgrade => formatter.write_str("the answer's Upgrade is not websocket"),
            Self::Connection => {
                formatter.write_str("the answer's Connection does not list upgrade")
            }
            Self::Accept => {
                formatter.write_str("the answer's Sec-WebSocket-Accept does not fit our key")
            }
            Self::Extension => formatter
                .write_str("the server chose an extension or a parameter that was not offered"),
            Self::Subprotocol => {
                formatter.write_str("the server chose a subprotocol that was not offered")
            }
        }
    }
}

impl std::error::Error for Error {}
