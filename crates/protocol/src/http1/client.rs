//! The client's side of HTTP/1.1, for one request at a time on a connection: publish, and hear the answer.
//!
//! [`Request::write`] appends the bytes, [`ResponseReader`] reads the answer within its bounds. It
//! follows no redirect and keeps no cookie.

use super::body::BodyReader;
use super::field::{is_token, write_field};
use super::framing::Framing;
use super::head::{Head, HeadReader, StartLine};
use super::{Error as HttpError, FieldValue, Limits};
use crate::limits::INTERIM_RESPONSES_MAX;
use std::fmt;

/// A request with a body that is at hand.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `POST`, mostly.
    pub method: &'a str,
    /// Host and port, for `Host`.
    pub host: &'a str,
    /// Path and query, percent-encoded.
    pub target: &'a str,
    /// Further fields. `Content-Length` and `Connection` are the writer's.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// Whether the connection is to serve further requests. If not, the server is asked to close after its answer.
    pub keep_alive: bool,
}

impl Request<'_> {
    /// Appends the request.
    ///
    /// # Errors
    /// A part holds what it may not; nothing was written.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), InvalidRequest> {
        check_request(self.host, self.target, self.headers)?;
        if !is_token(self.method) {
            return Err(InvalidRequest);
        }
        write_head(self.method, self.host, self.target, self.headers, out);
        let length = self.body.len().to_string();
        let connection = match self.keep_alive {
            true => "",
            false => "connection: close\r\n",
        };
        for part in ["content-length: ", &length, "\r\n", connection, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(self.body);
        Ok(())
    }
}

/// Fields and query may hold tokens, which no log is to show.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// The request line, `Host` and further fields, all checked before.
pub(crate) fn write_head(
    method: &str,
    host: &str,
    target: &str,
    headers: &[(&str, &str)],
    out: &mut Vec<u8>,
) {
    for part in [method, " ", target, " HTTP/1.1\r\nhost: ", host, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        write_field(name, value, out);
    }
}

/// Whether the parts can be written without becoming something else on the wire.
pub(crate) fn check_request(
    host: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Result<(), InvalidRequest> {
    let graphic = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    // RFC 6455 section 3 and RFC 9112 section 3.2: a path, and no fragment.
    let is_path = target.starts_with('/') && !target.contains('#');
    let fields = headers
        .iter()
        .all(|(name, value)| is_token(name) && FieldValue::parse(*value).is_ok());
    if graphic(host) && graphic(target) && is_path && fields {
        Ok(())
    } else {
        Err(InvalidRequest)
    }
}

/// A host, target, method or header of ours holds a character that it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequest;

impl fmt::Display for InvalidRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a part of the request holds a character that it may not")
    }
}

impl std::error::Error for InvalidRequest {}

/// One whole response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    head: Head,
    body: Vec<u8>,
}

/// Fields and body may hold tokens and messages, which no log is to show.
impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Response")
            .field("status", &self.status())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The first field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.all(name).next()
    }

    /// Whether the connection serves another request.
    pub fn keep_alive(&self) -> bool {
        !self.head.lists("connection", "close")
    }

    /// The body, without any transfer coding.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The server broke a rule of HTTP, or a bound of ours.
    Http(HttpError),
    /// The connection ended before the response did.
    Truncated,
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
            Self::Truncated => formatter.write_str("the connection ended inside the answer"),
        }
    }
}

impl std::error::Error for Error {}

/// Reads the answer to one request that was not HEAD.
#[derive(Debug)]
pub struct ResponseReader {
    limits: Limits,
    state: State,
    interim: usize,
}

#[derive(Debug)]
enum State {
    Head(HeadReader),
    Body(Head, BodyReader),
    Ended,
}

impl ResponseReader {
    /// A reader that has seen nothing. The timeouts in `limits` are the caller's to keep.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Head(HeadReader::new(StartLine::Response)),
            interim: 0,
        }
    }

    /// Takes bytes from the front of `input` until the response is whole. Interim responses are
    /// passed over. After the response or an error all input is discarded.
    ///
    /// # Errors
    /// The server broke a rule, or a bound.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Response>, Error> {
        let received = self.advance(input);
        if !matches!(received, Ok(None)) {
            self.state = State::Ended;
        }
        if matches!(self.state, State::Ended) {
            *input = &[];
        }
        received
    }

    /// The connection has ended, which ends some bodies.
    ///
    /// # Errors
    /// [`Error::Truncated`] when it came too early.
    pub fn end(&mut self) -> Result<Response, Error> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Body(head, body) if body.may_end() => Ok(Response {
                head,
                body: body.into_bytes(),
            }),
            _ => Err(Error::Truncated),
        }
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Response>, Error> {
        while let State::Head(reader) = &mut self.state {
            let Some(head) = reader.receive(&self.limits, input)? else {
                return Ok(None);
            };
            // RFC 9110 section 15.2: a client reads past interim responses. 101 was not asked for.
            if matches!(head.status(), 100 | 102..=199) && self.interim < INTERIM_RESPONSES_MAX {
                self.interim += 1;
                self.state = State::Head(HeadReader::new(StartLine::Response));
                continue;
            }
            if head.status() < 200 {
                return Err(HttpError::StatusLine.into());
            }
            let body = BodyReader::new(Framing::of_response(&head)?, &self.limits)?;
            self.state = State::Body(head, body);
        }
        let State::Body(_, body) = &mut self.state else {
            return Ok(None);
        };
        if !body.receive(&self.limits, input)? {
            return Ok(None);
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Body(head, body) => Ok(Some(Response {
                head,
                body: body.into_bytes(),
            })),
            State::Head(_) | State::Ended => Ok(None),
        }
    }
}
