//! What a server is asked for in an opening handshake (RFC 6455 section 4.2), and the HTTP around it.
//!
//! Each case is a good request with something changed.

mod http;
mod lists;
mod offers;
mod opening;

use super::{Answer, RequestCase};
use crate::wire::{Frame, Heard};

/// The key of RFC 6455 section 1.3, and the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The subprotocol that `/ws` speaks.
const SUBPROTOCOL: &str = "ringwire.v1.json";

pub(super) fn cases() -> Vec<RequestCase> {
    [
        opening::cases(),
        lists::cases(),
        offers::cases(),
        http::cases(),
    ]
    .concat()
}

/// A request, built up line by line.
#[derive(Clone)]
struct Asking {
    line: String,
    fields: Vec<(String, String)>,
    line_end: &'static str,
    body: Vec<u8>,
    early: Vec<Frame>,
}

/// A request that every server grants.
fn asking() -> Asking {
    let fields = [
        ("Host", "127.0.0.1"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ];
    Asking {
        line: "GET /ws HTTP/1.1".into(),
        fields: fields
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        line_end: "\r\n",
        body: Vec::new(),
        early: Vec::new(),
    }
}

impl Asking {
    /// Another request line.
    fn line(mut self, line: &str) -> Self {
        self.line = line.into();
        self
    }

    /// Those values, each in a line of its own, instead of the one that is there.
    fn with(self, name: &str, values: &[&str]) -> Self {
        let kept = self.without(name);
        values
            .iter()
            .fold(kept, |asking, value| asking.and(name, value))
    }

    fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        self
    }

    /// One line more, at the end.
    fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Changes each name.
    fn names(mut self, change: fn(&str) -> String) -> Self {
        for (name, _) in &mut self.fields {
            *name = change(name);
        }
        self
    }

    fn reversed(mut self) -> Self {
        self.fields.reverse();
        self
    }

    fn line_end(mut self, line_end: &'static str) -> Self {
        self.line_end = line_end;
        self
    }

    /// Bytes behind the head.
    fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Frames behind the head, at an endpoint that echoes.
    fn early(self, frames: &[Frame]) -> Self {
        Self {
            early: frames.to_vec(),
            ..self.line("GET /echo HTTP/1.1")
        }
    }

    fn head(&self) -> String {
        let fields = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}{}", self.line_end));
        format!(
            "{}{}{}{}",
            self.line,
            self.line_end,
            fields.collect::<String>(),
            self.line_end
        )
    }

    /// Pads the head with one long field, up to that many bytes.
    fn padded_to(self, bytes: usize) -> Self {
        let empty = self.clone().and("X-Padding", "").head().len();
        self.and("X-Padding", &"p".repeat(bytes - empty))
    }

    fn answered(
        self,
        name: impl Into<String>,
        section: &'static str,
        answer: Answer,
    ) -> RequestCase {
        let request = [self.head().as_bytes(), &self.body].concat();
        RequestCase {
            name: name.into(),
            section,
            request,
            early: self.early,
            answer,
            is_of_the_server_alone: false,
        }
    }
}

fn switched() -> Answer {
    switched_and_heard(&[])
}

fn switched_and_heard(hears: &[Heard]) -> Answer {
    Answer::Switched {
        accept: ACCEPT,
        subprotocol: None,
        extension: None,
        hears: hears.to_vec(),
    }
}

fn switched_to(chosen: Option<&'static str>) -> Answer {
    Answer::Switched {
        accept: ACCEPT,
        subprotocol: chosen,
        extension: None,
        hears: Vec::new(),
    }
}

fn switched_with_extension(extension: &str) -> Answer {
    Answer::Switched {
        accept: ACCEPT,
        subprotocol: None,
        extension: Some(extension.to_owned()),
        hears: Vec::new(),
    }
}

fn switched_with(accept: &'static str) -> Answer {
    Answer::Switched {
        accept,
        subprotocol: None,
        extension: None,
        hears: Vec::new(),
    }
}

fn refused(status: u16) -> Answer {
    Answer::Refused {
        status,
        field: None,
    }
}

fn refused_with(status: u16, name: &'static str, value: &'static str) -> Answer {
    Answer::Refused {
        status,
        field: Some((name, value)),
    }
}
