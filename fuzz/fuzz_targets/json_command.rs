//! The JSON dialect on any bytes: a client's message, a server's message, a payload.
//!
//! A message leads to a request or to an answer that a client can read, never to both and never to a
//! panic. A command that was taken is written and read again to the same command. A payload that was
//! taken is one that a strict parser of values takes.

#![no_main]

use broker::Kind;
use libfuzzer_sys::fuzz_target;
use session::dialect::json::{self, Command, ServerMessage, Verb};
use session::{Message, Received, Reply, Session};

fuzz_target!(|input: &[u8]| {
    check_session(input);
    check_command(input);
    check_payload(input);
    let _ = ServerMessage::parse(input);
});

fn check_session(input: &[u8]) {
    let mut out = Vec::new();
    match Session::json().receive(0, Message::Text(input), &mut out) {
        Received::Reply(Reply::Message) => assert!(ServerMessage::parse(&out).is_ok()),
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
    let mut written = Vec::new();
    command.write(&mut written);
    assert_eq!(Command::parse(&written).as_ref(), Ok(&command));
}

fn check_payload(input: &[u8]) {
    let taken = json::check(input).is_ok();
    let strict = serde_json::from_slice::<serde_json::Value>(input).is_ok();
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
