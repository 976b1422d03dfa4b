//! What a client accepts as the answer to its handshake (the numbered list at the end of RFC 6455
//! section 4.1).

use super::AnswerCase;
use crate::wire::{Sender, text};
use protocol::handshake::client::{Error, Established};
use protocol::handshake::deflate::{Agreed, Compressing, Parameters};
use protocol::http1::Error as HttpError;

const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const SECTION: &str = "RFC 6455 section 4.1";

pub(super) fn cases() -> Vec<AnswerCase> {
    [
        good(),
        statuses(),
        fields(),
        accepts(),
        choices(),
        compressions(),
        http(),
    ]
    .concat()
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
        let established = |subprotocol: Option<&str>| Established {
            subprotocol: subprotocol.map(str::to_owned),
            deflate: None,
        };
        AnswerCase {
            name: name.into(),
            section: SECTION,
            answer: self.bytes("\r\n"),
            deflate: None,
            judged: judged.map(established),
        }
    }

    /// The same to a client that offered this compression.
    fn compressed(
        &self,
        name: impl Into<String>,
        offer: Parameters,
        judged: Result<Option<Agreed>, Error>,
    ) -> AnswerCase {
        let established = |deflate| Established {
            subprotocol: None,
            deflate,
        };
        AnswerCase {
            section: "RFC 7692 section 7.1",
            deflate: Some(offer),
            judged: judged.map(established),
            ..self.judged(name, Ok(None))
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

const PLAIN: Parameters = Parameters {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: None,
    client_max_window_bits: None,
};

/// The server's window is to have 12 bits, and the client can be told one.
const WINDOWS: Parameters = Parameters {
    server_max_window_bits: Some(12),
    client_max_window_bits: Some(None),
    ..PLAIN
};

const ALL: Parameters = Parameters {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    server_max_window_bits: Some(12),
    client_max_window_bits: Some(Some(12)),
};

const fn compressing(context_takeover: bool, window_bits: u8) -> Compressing {
    Compressing {
        context_takeover,
        window_bits,
    }
}

const FULL: Compressing = compressing(true, 15);

/// What a server may answer to an offer, and how it and the client compress then.
const AGREED: &[(&str, Parameters, &str, Compressing, Compressing)] = &[
    ("plain", PLAIN, "", FULL, FULL),
    // RFC 7692 section 7.1.2.2 lets the server name a larger window than the client's hint.
    (
        "larger_client_window",
        ALL,
        "; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=13",
        compressing(false, 12),
        compressing(true, 13),
    ),
    (
        "server_context_given_up_unasked",
        PLAIN,
        "; server_no_context_takeover",
        compressing(false, 15),
        FULL,
    ),
    (
        "client_context_given_up_unasked",
        PLAIN,
        "; client_no_context_takeover",
        FULL,
        compressing(false, 15),
    ),
    (
        "server_window_unasked",
        PLAIN,
        "; server_max_window_bits=9",
        compressing(true, 9),
        FULL,
    ),
    (
        "client_window_allowed",
        WINDOWS,
        "; server_max_window_bits=12; client_max_window_bits=8",
        compressing(true, 12),
        compressing(true, 8),
    ),
    (
        "smaller_server_window",
        WINDOWS,
        "; server_max_window_bits=8",
        compressing(true, 8),
        FULL,
    ),
    (
        "all_granted",
        ALL,
        "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=12",
        compressing(false, 12),
        compressing(false, 12),
    ),
];

/// What it may not answer.
const REFUSED: &[(&str, Parameters, &str)] = &[
    ("client_window_unasked", PLAIN, "; client_max_window_bits=9"),
    (
        "client_window_without_a_value",
        WINDOWS,
        "; server_max_window_bits=12; client_max_window_bits",
    ),
    (
        "larger_server_window",
        WINDOWS,
        "; server_max_window_bits=13",
    ),
    ("server_window_not_granted", WINDOWS, ""),
    (
        "server_context_not_given_up",
        ALL,
        "; server_max_window_bits=12",
    ),
    ("window_of_7", PLAIN, "; server_max_window_bits=7"),
    ("window_of_16", PLAIN, "; server_max_window_bits=16"),
    ("window_of_08", PLAIN, "; server_max_window_bits=08"),
    ("window_without_a_value", PLAIN, "; server_max_window_bits"),
    ("value_of_a_flag", PLAIN, "; server_no_context_takeover=1"),
    (
        "parameter_twice",
        PLAIN,
        "; server_no_context_takeover; server_no_context_takeover",
    ),
    ("unknown_parameter", PLAIN, "; unknown"),
    ("twice", PLAIN, ", permessage-deflate"),
    ("and_an_unknown_one", PLAIN, ", x-unknown"),
    ("malformed", PLAIN, "; a b"),
];

/// The answer to an offer of permessage-deflate.
fn compressions() -> Vec<AnswerCase> {
    let case = |name: &str, offer, parameters: &str, judged| {
        let value = format!("permessage-deflate{parameters}");
        answering()
            .with("Sec-WebSocket-Extensions", &[&value])
            .compressed(format!("answer/deflate_{name}"), offer, judged)
    };
    let agreed = AGREED
        .iter()
        .map(|(name, offer, parameters, server, client)| {
            let agreed = Agreed {
                server: *server,
                client: *client,
            };
            case(name, *offer, parameters, Ok(Some(agreed)))
        });
    let refused = REFUSED
        .iter()
        .map(|(name, offer, parameters)| case(name, *offer, parameters, Err(Error::Extension)));
    let declined = answering().compressed("answer/deflate_declined", PLAIN, Ok(None));
    agreed.chain(refused).chain([declined]).collect()
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
