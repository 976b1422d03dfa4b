//! Writes responses.
//!
//! The writer owns everything that frames a response: the status line, `Content-Length`,
//! `Connection`. The caller gives the other fields, as [`FieldValue`]s, which cannot end a line.

use super::FieldValue;
use super::field::write_field;

/// A response to be written.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    status: u16,
    fields: Vec<(&'static str, FieldValue<'a>)>,
    head_only: bool,
}

impl<'a> Response<'a> {
    /// A response without fields.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            head_only: false,
        }
    }

    /// Adds a field. Those that frame the response are the writer's: `Content-Length`,
    /// `Transfer-Encoding` and `Connection` must not be given.
    pub fn header(mut self, name: &'static str, value: impl Into<FieldValue<'a>>) -> Self {
        debug_assert!(
            super::is_token(name),
            "header names in the source are tokens"
        );
        self.fields.push((name, value.into()));
        self
    }

    /// Whether the body is only counted, not sent: true in the answer to HEAD.
    pub fn head_only(mut self, head_only: bool) -> Self {
        self.head_only = head_only;
        self
    }

    /// Appends the whole response. With `keep_alive` false it says that the connection ends.
    pub fn write(&self, body: &[u8], keep_alive: bool, out: &mut Vec<u8>) {
        // RFC 9110 section 6.4.1: these have no body, and 8.6: no Content-Length in 1xx and 204.
        let without_body = matches!(self.status, 100..=199 | 204 | 304);
        debug_assert!(
            body.is_empty() || !without_body,
            "a {} has no body",
            self.status
        );
        self.write_fields(out);
        if !without_body {
            write_field("content-length", body.len().to_string(), out);
        }
        if !keep_alive {
            write_field("connection", "close", out);
        }
        out.extend_from_slice(b"\r\n");
        if !without_body && !self.head_only {
            out.extend_from_slice(body);
        }
    }

    fn write_fields(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(self.status.to_string().as_bytes());
        out.push(b' ');
        out.extend_from_slice(reason_phrase(self.status).as_bytes());
        out.extend_from_slice(b"\r\n");
        for (name, value) in &self.fields {
            write_field(name, value.as_str(), out);
        }
    }
}

/// The phrase of RFC 9110 section 15, and of RFC 6585 for 429 and 431; empty for a status that nobody
/// here sends, which RFC 9112 section 4 allows.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
