//! One whole request, as routes see it.
//!
//! It owns its text: the head as it came, and the places of the parts in it.

use super::head::{Head, Span};
use super::target::{self, Target};
use super::{Error, UPGRADE_TOKEN};
use std::fmt;

/// One request, head and body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    head: Head,
    target: Target,
    host: String,
    body: Vec<u8>,
}

impl Request {
    /// Checks what concerns neither the body nor the connection.
    pub(super) fn new(head: Head) -> Result<Self, Error> {
        let (target, host) = target::parse(&head)?;
        Ok(Self {
            head,
            target,
            host,
            body: Vec::new(),
        })
    }

    pub(super) fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The method, as it came: methods are case-sensitive.
    pub fn method(&self) -> &str {
        self.head.method()
    }

    /// The request target, as it came.
    pub fn target(&self) -> &str {
        self.head.target().0
    }

    /// The path, still percent-encoded, without the query. `*` in `OPTIONS *`.
    pub fn path(&self) -> &str {
        match self.part(self.target.path) {
            "" => "/",
            path => path,
        }
    }

    /// What follows the question mark, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.target.query.map(|query| self.part(query))
    }

    /// The host (and port) that the request is for: from an absolute target, else from `Host`. It
    /// may be empty.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The first field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.all(name).next()
    }

    /// All fields of that name, in their order.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> + Clone {
        self.head.all(name)
    }

    /// Whether the comma lists in the fields of that name hold `token`, in any case.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.head.lists(name, token)
    }

    /// The body, without any transfer coding.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, for whoever keeps it.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Whether another request may follow on this connection. None follows a request for a
    /// WebSocket, granted or not: whoever sent it may have sent frames behind it already.
    pub fn keep_alive(&self) -> bool {
        !self.head.lists("connection", "close") && !self.asks_for_websocket()
    }

    /// Whether the client asks for a WebSocket. Whether it asks correctly is for the handshake.
    pub fn asks_for_websocket(&self) -> bool {
        self.head.lists("upgrade", UPGRADE_TOKEN)
    }

    fn part(&self, span: Span) -> &str {
        self.head.text(span)
    }
}

/// Fields, query and body may hold tokens and messages, which no log is to show.
impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
