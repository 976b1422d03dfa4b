//! What a client accepts as the answer to its handshake (the numbered list at the end of RFC 6455
//! section 4.1).

use super::AnswerCase;
use crate::wire::{Sender, text};
use protocol::handshake::client::Error;
use protocol::http1::Error as HttpError;

const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const SECTION: &str = "RFC 6455 section 4.1";

pub(super) fn cases() -> Vec<AnswerCase> {
    [good(), statuses(), fields(), accepts(), choices(), http()].concat()
}

/// An answer, built up line by line.
#[derive(Clone)]
struct Answering {
    line: String,
    fields: Vec<(String, String)>,
}

/// An answer that every client takes.
fn answering() -> Answering {
    let fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", ACCEPT),
    ];
    Answering {
        line: "HTTP/1.1 101 Switching Protocols".into(),
        fields: fields
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
    }
}

impl Answering {
    fn line(mut self, line: &str) -> Self {
        self.line = line.into();
        self
    }

    /// Those values, each in a line of its own, instead of the one that is there.
    fn with(mut self, name: &str, values: &[&str]) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields
            .extend(values.iter().map(|value| (name.into(), (*value).into())));
        self
    }

    fn bytes(&self, line_end: &str) -> Vec<u8> {
        let fields = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}{line_end}"));
        format!(
            "{}{line_end}{}{line_end}",
            self.line,
            fields.collect::<String>()
        )
        .into_bytes()
    }

    fn judged(
        &self,
        name: impl Into<String>,
        judged: Result<Option<&'static str>, Error>,
    ) -> AnswerCase {
        AnswerCase {
            name: name.into(),
            section: SECTION,
            answer: self.bytes("\r\n"),
            judged,
        }
    }

    fn refused(&self, name: impl Into<String>, error: Error) -> AnswerCase {
        self.judged(name, Err(error))
    }
}

fn good() -> Vec<AnswerCase> {
    let taken =
        |name: &str, answering: Answering| answering.judged(format!("answer/{name}"), Ok(None));
    let with_frames = |name: &str, frames: Vec<u8>| {
        let mut case = taken(name, answering());
        case.answer.extend(frames);
        case
    };
    let mut frame = Vec::new();
    text("early").write(Sender::Server, &mut frame);
    vec![
        taken("plain", answering()),
        taken("no_reason_phrase", answering().line("HTTP/1.1 101 ")),
        taken(
            "another_reason_phrase",
            answering().line("HTTP/1.1 101 Web Socket Protocol Handshake"),
        ),
        taken(
            "upgrade_in_capitals",
            answering().with("Upgrade", &["WEBSOCKET"]),
        ),
        taken(
            "connection_in_lower_case",
            answering().with("Connection", &["upgrade"]),
        ),
        taken(
            "connection_list",
            answering().with("Connection", &["keep-alive, Upgrade"]),
        ),
        taken(
            "connection_in_two_lines",
            answering().with("Connection", &["keep-alive", "Upgrade"]),
        ),
        taken(
            "unknown_fields",
            answering()
                .with("Server", &["a"])
                .with("Set-Cookie", &["a=b", "c=d"]),
        ),
        with_frames("frames_behind_it", frame),
        with_frames("half_a_frame_behind_it", vec![0x81]),
    ]
}

fn statuses() -> Vec<AnswerCase> {
    let mut cases = Vec::new();
    for status in [
        100, 102, 103, 200, 201, 204, 301, 302, 307, 400, 401, 403, 404, 407, 426, 429, 500, 503,
        999,
    ] {
        let line = format!("HTTP/1.1 {status} Status");
        cases.push(
            answering()
                .line(&line)
                .refused(format!("answer/status_{status}"), Error::Refused { status }),
        );
    }
    for (name, line, error) in [
        (
            "http_1_0",
            "HTTP/1.0 101 Switching Protocols",
            HttpError::Version,
        ),
        (
            "http_2",
            "HTTP/2.0 101 Switching Protocols",
            HttpError::StatusLine,
        ),
        (
            "no_version",
            "101 Switching Protocols",
            HttpError::StatusLine,
        ),
        (
            "status_of_two_digits",
            "HTTP/1.1 10 Switching Protocols",
            HttpError::StatusLine,
        ),
        (
            "status_of_four_digits",
            "HTTP/1.1 1010 Switching Protocols",
            HttpError::StatusLine,
        ),
        (
            "no_status",
            "HTTP/1.1 Switching Protocols",
            HttpError::StatusLine,
        ),
    ] {
        cases.push(
            answering()
                .line(line)
                .refused(format!("answer/{name}"), Error::Http(error)),
        );
    }
    cases
}

fn fields() -> Vec<AnswerCase> {
    let upgrades: [(&str, &[&str]); 6] = [
        ("missing", &[]),
        ("empty", &[""]),
        ("other", &["h2c"]),
        ("longer", &["websockets"]),
        ("list", &["websocket, h2c"]),
        ("twice", &["websocket", "websocket"]),
    ];
    let connections: [(&str, &[&str]); 5] = [
        ("missing", &[]),
        ("empty", &[""]),
        ("keep_alive", &["keep-alive"]),
        ("close", &["close"]),
        ("longer", &["Upgraded"]),
    ];
    let upgrades = upgrades.map(|(name, values)| {
        answering()
            .with("Upgrade", values)
            .refused(format!("answer/upgrade_{name}"), Error::Upgrade)
    });
    let connections = connections.map(|(name, values)| {
        answering()
            .with("Connection", values)
            .refused(format!("answer/connection_{name}"), Error::Connection)
    });
    upgrades.into_iter().chain(connections).collect()
}

fn accepts() -> Vec<AnswerCase> {
    let bad: [(&str, &[&str]); 9] = [
        ("missing", &[]),
        ("empty", &[""]),
        ("of_another_key", &["ICX+Yqv66kxgM0FcWaLWlFLwTAI="]),
        ("the_key_itself", &["dGhlIHNhbXBsZSBub25jZQ=="]),
        ("in_lower_case", &["s3pplmbitxaq9kygzzhzrbk+xoo="]),
        ("without_padding", &["s3pPLMBiTxaQ9kYGzzhZRbK+xOo"]),
        ("longer", &["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=="]),
        ("quoted", &["\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\""]),
        ("twice", &[ACCEPT, ACCEPT]),
    ];
    bad.map(|(name, values)| {
        answering()
            .with("Sec-WebSocket-Accept", values)
            .refused(format!("answer/accept_{name}"), Error::Accept)
    })
    .into()
}

/// What the server may choose is what was offered: two subprotocols, and no extension.
fn choices() -> Vec<AnswerCase> {
    let chosen = |name: &str, values: &[&str], judged| {
        answering()
            .with("Sec-WebSocket-Protocol", values)
            .judged(format!("answer/subprotocol_{name}"), judged)
    };
    let mut cases = vec![
        chosen("first", &["chat"], Ok(Some("chat"))),
        chosen("second", &["superchat"], Ok(Some("superchat"))),
        chosen("not_offered", &["other"], Err(Error::Subprotocol)),
        chosen("in_capitals", &["CHAT"], Err(Error::Subprotocol)),
        chosen("prefix", &["cha"], Err(Error::Subprotocol)),
        chosen("both", &["chat, superchat"], Err(Error::Subprotocol)),
        chosen(
            "in_two_lines",
            &["chat", "superchat"],
            Err(Error::Subprotocol),
        ),
        chosen("same_twice", &["chat", "chat"], Err(Error::Subprotocol)),
        chosen("empty", &[""], Err(Error::Subprotocol)),
    ];
    for (name, value) in [
        ("deflate", "permessage-deflate"),
        ("unknown", "x-unknown"),
        ("malformed", "a b"),
        ("empty", ""),
    ] {
        let answering = answering().with("Sec-WebSocket-Extensions", &[value]);
        cases.push(answering.refused(format!("answer/extension_{name}"), Error::Extension));
    }
    cases
}

fn http() -> Vec<AnswerCase> {
    let refused = |name: &str, answering: Answering, error| {
        answering.refused(format!("answer/{name}"), Error::Http(error))
    };
    let mut line_feeds = refused("lone_line_feeds", answering(), HttpError::LineEnd);
    line_feeds.answer = answering().bytes("\n");
    vec![
        line_feeds,
        refused(
            "folded",
            answering().with("X-A", &["a\r\n b"]),
            HttpError::HeaderLine,
        ),
        refused(
            "space_before_the_colon",
            answering().with("X-A ", &["a"]),
            HttpError::HeaderLine,
        ),
        refused(
            "nul_in_a_value",
            answering().with("X-A", &["a\0b"]),
            HttpError::HeaderLine,
        ),
        refused(
            "too_long",
            answering().with("X-A", &[&"a".repeat(8 * 1024)]),
            HttpError::HeadTooLarge,
        ),
        refused(
            "too_many_fields",
            answering().with("X-A", &["a"; 62]),
            HttpError::TooManyHeaders,
        ),
        answering()
            .with("X-A", &["a"; 61])
            .judged("answer/as_many_fields_as_may_be", Ok(None)),
    ]
}
