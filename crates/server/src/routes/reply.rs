//! A reply before it is written: status, headers, body.

use protocol::http1::{FieldValue, Response};
use session::{Cause, Reason, dialect::json::answer};

/// One HTTP reply.
pub struct Reply {
    status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, FieldValue<'static>)>,
    body: Vec<u8>,
    reason: Reason,
    /// Refusals end the connection: whoever got one may disagree about what follows.
    pub(crate) last: bool,
}

/// What lets a page of an allowed origin read a reply.
pub struct Cors(FieldValue<'static>);

impl Cors {
    /// For the origin of a request that was let in.
    pub fn for_origin(origin: &str) -> Option<Self> {
        FieldValue::parse(origin.to_owned()).ok().map(Self)
    }
}

impl Reply {
    /// A JSON body.
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body,
            reason: Reason::Normal,
            last: false,
        }
    }

    /// A page.
    pub fn html(page: &'static str) -> Self {
        Self {
            content_type: "text/html; charset=utf-8",
            ..Self::json(200, page.into())
        }
    }

    /// An error, as JSON.
    pub fn error(cause: Cause) -> Self {
        let status = cause.reason.http_status().unwrap_or(500);
        let mut body = Vec::new();
        answer::error(&mut body, None, cause);
        body.push(b'\n');
        Self {
            reason: cause.reason,
            ..Self::json(status, body)
        }
    }

    /// Why the connection ends, if it ends with this.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The refusal of something that the HTTP machine or the handshake found wrong.
    pub fn refusal(status: u16, message: &'static str) -> Self {
        let cause = Cause::new(Reason::of_http_status(status), message);
        let mut reply = Self::error(cause);
        reply.status = status;
        reply.last = true;
        reply
    }

    /// The answer to a browser that asks before it sends a request from another origin.
    pub(super) fn preflight(methods: &'static str) -> Self {
        Self::json(204, Vec::new())
            .header("access-control-allow-methods", methods)
            .header("access-control-allow-headers", "content-type")
            .header("access-control-max-age", "600")
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<FieldValue<'static>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Writes the reply; `head` leaves the body out, as HEAD wants it.
    pub fn write(self, cors: Option<Cors>, head: bool, keep_alive: bool, out: &mut Vec<u8>) {
        let mut response = Response::new(self.status);
        if self.status != 204 {
            response = response.header("content-type", self.content_type);
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        if let Some(Cors(origin)) = cors {
            response = response
                .header("access-control-allow-origin", origin)
                .header("vary", "origin");
        }
        response.head_only(head).write(&self.body, keep_alive, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_phrase_on_its_status_line() {
        for &reason in Reason::ALL {
            let mut out = Vec::new();
            Reply::error(reason.into()).write(None, false, false, &mut out);
            let line = out.split(|&byte| byte == b'\r').next().unwrap();
            assert!(
                line.last().is_some_and(u8::is_ascii_alphabetic),
                "{reason:?}"
            );
        }
    }
}
