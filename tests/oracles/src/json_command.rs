//! The JSON dialect on any bytes: a client's message, a server's message, a payload.
//!
//! A message leads to a request or to an answer that a client can read, never to both and never to a
//! panic. A command that was taken is written and read again to the same command. A payload that was
//! taken is one that a strict parser of values takes. A command that was taken says what a parser of
//! values reads in it, in exactly one way.

use broker::Kind;
use serde_json::{Map, Value};
use session::dialect::json::{self, Command, ServerMessage, Verb};
use session::{Message, Received, Reply, Session};

pub(crate) fn judge(input: &[u8]) {
    check_session(input);
    check_command(input);
    check_payload(input);
    let _ = ServerMessage::parse(input);
}

fn check_session(input: &[u8]) {
    let mut out = Vec::new();
    match Session::json().receive(0, Message::Text(input), &mut out) {
        Received::Reply(Reply::Text) => assert!(ServerMessage::parse(&out).is_ok()),
        Received::Request(_) | Received::Reply(_) => assert!(out.is_empty()),
    }
}

fn check_command(input: &[u8]) {
    let Ok(command) = Command::parse(input) else {
        return;
    };
    if let Verb::Publish { payload, .. } = &command.verb
        && payload.kind == Kind::Json
    {
        assert_eq!(json::check(&payload.bytes), Ok(()));
    }
    check_meaning(input, &command);
    let mut written = Vec::new();
    command.write(&mut written);
    assert_eq!(Command::parse(&written).as_ref(), Ok(&command));
}

/// The verbs, and the keys that may stand beside each.
const VERBS: &[(&str, &[&str])] = &[
    ("subscribe", &["since", "last"]),
    ("unsubscribe", &[]),
    ("publish", &["data", "text", "base64"]),
    ("history", &["since", "last"]),
    ("ping", &[]),
    ("auth", &[]),
];

fn check_meaning(input: &[u8], command: &Command<'_>) {
    let Value::Object(object) = serde_json::from_slice(input).expect("valid JSON") else {
        panic!("a command is an object");
    };
    let mut verbs = VERBS.iter().filter(|(verb, _)| object.contains_key(*verb));
    let (Some((verb, beside)), None) = (verbs.next(), verbs.next()) else {
        panic!("a command has one verb");
    };
    let allowed = |key: &String| key == verb || key == "id" || beside.contains(&key.as_str());
    assert!(object.keys().all(allowed));
    let id = command.id.map(|id| serde_json::from_str(id.as_json()));
    assert_eq!(
        id.transpose().expect("an id is JSON").as_ref(),
        object.get("id")
    );
    let named = match &command.verb {
        Verb::Subscribe { pattern, .. } | Verb::Unsubscribe { pattern } => pattern.as_str().into(),
        Verb::Publish { topic, payload } => {
            check_published(&object, payload.kind, &payload.bytes);
            topic.as_str().into()
        }
        Verb::History { topic, .. } => topic.as_str().into(),
        Verb::Ping => Value::Bool(true),
        Verb::Auth(token) => token.0.as_ref().into(),
    };
    assert_eq!(object[*verb], named);
}

fn check_published(object: &Map<String, Value>, kind: Kind, bytes: &[u8]) {
    match kind {
        Kind::Json => assert_eq!(
            serde_json::from_slice(bytes).ok().as_ref(),
            object.get("data")
        ),
        Kind::Text => assert_eq!(std::str::from_utf8(bytes).ok(), object["text"].as_str()),
        Kind::Binary => {
            let encoded = object["base64"].as_str().expect("base64 is text");
            assert_eq!(encoded.len(), bytes.len().div_ceil(3) * 4);
        }
    }
}

fn check_payload(input: &[u8]) {
    let taken = json::check(input).is_ok();
    let strict = serde_json::from_slice::<Value>(input).is_ok();
    // The strict parser allows twice the depth, and agrees in everything else.
    assert!(strict || !taken);
    assert!(
        taken
            || !strict
            || input
                .iter()
                .filter(|byte| matches!(byte, b'[' | b'{'))
                .count()
                > 64
    );
}
