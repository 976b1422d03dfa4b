//! Every reason of docs/protocol.md, and how a client meets it: one row each, most of them over a real
//! socket here, the others with the test that is about them. A reason without a row fails, and so does a
//! row without a reason.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use ringwire_tests::{Broker, Client, Driver, Launch, PATIENCE};

/// How a reason is met.
enum How {
    /// These bytes are answered with this status and the reason as code.
    Http(u16, Vec<u8>),
    /// On a WebSocket to this target, these frames end with a Close of this code.
    Close(u16, &'static str, Vec<u8>),
    /// The last of these commands is answered with the reason as code.
    Command(Vec<String>),
    /// The test that is about it: a file and a function in it.
    Test(&'static str, &'static str),
    /// Nothing that a client does brings it about.
    Never(&'static str),
}

use How::{Close, Command, Http, Never, Test};

/// A masked frame, with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let head = [first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    [head.as_slice(), payload].concat()
}

fn get(target: &str, fields: &str) -> Vec<u8> {
    request("GET", target, fields)
}

fn request(method: &str, target: &str, fields: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}\r\n")
        .into_bytes()
}

fn command(text: &str) -> How {
    Command(vec![text.to_owned()])
}

/// What ends a WebSocket.
fn closes() -> Vec<(&'static str, How)> {
    let too_long = vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    vec![
        ("normal", Close(1000, "/ws", frame(0x88, &[3, 232]))),
        ("protocol_error", Close(1002, "/ws", vec![0x81, 0])),
        ("unsupported_data", Close(1003, "/ws", frame(0x82, b"x"))),
        ("invalid_payload", Close(1007, "/ws", frame(0x81, &[0xff]))),
        (
            "policy",
            Close(
                1008,
                "/ws",
                [frame(0x01, b""), frame(0, b"").repeat(64)].concat(),
            ),
        ),
        ("forbidden", Close(1008, "/t/a?mode=sub", frame(0x81, b"x"))),
        ("too_big", Close(1009, "/ws", too_long)),
        (
            "control_flood",
            // More than a minute's worth: those that come while time passes are paid for.
            Close(1008, "/ws", frame(0x8a, b"").repeat(8_000)),
        ),
        (
            "position_lost",
            Close(4410, "/t/a?since=zzzz:5", Vec::new()),
        ),
    ]
}

/// What refuses a request.
fn requests() -> Vec<(&'static str, How)> {
    let long = "x".repeat(9_000);
    vec![
        (
            "reserved_topic",
            Http(403, request("POST", "/t/$SYS/x", "")),
        ),
        ("bad_topic", Http(400, request("POST", "/t/a//b", ""))),
        ("bad_request", Http(400, get("/t/a", "bad\r\n"))),
        ("bad_query", Http(400, get("/t/a?x=y", ""))),
        (
            "origin_denied",
            Http(403, get("/t/a", "origin: http://evil.example\r\n")),
        ),
        (
            "host_denied",
            Http(
                421,
                b"GET /t/a HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n".to_vec(),
            ),
        ),
        ("not_found", Http(404, get("/x", ""))),
        (
            "method_not_allowed",
            Http(405, request("DELETE", "/t/a", "")),
        ),
        ("request_timeout", Http(408, b"GET /t/a".to_vec())),
        ("target_too_long", Http(414, get(&long, ""))),
        (
            "upgrade_required",
            Http(426, get("/ws", "upgrade: websocket\r\n")),
        ),
        (
            "headers_too_large",
            Http(431, get("/t/a", &format!("x: {long}\r\n"))),
        ),
        (
            "not_implemented",
            Http(501, get("/t/a", "accept: text/event-stream\r\n")),
        ),
        ("wrong_protocol", Http(400, vec![22, 3, 1, 0, 1, 0])),
        (
            "http_version",
            Http(505, b"GET / HTTP/1.0\r\nhost: localhost\r\n\r\n".to_vec()),
        ),
    ]
}

/// What fails a command.
fn commands() -> Vec<(&'static str, How)> {
    let subscriptions = |topic: fn(usize) -> String, count| {
        let subscribe = |id| format!(r#"{{"id":{id},"subscribe":"{}"}}"#, topic(id));
        Command((0..count).map(subscribe).collect())
    };
    vec![
        ("bad_command", command(r#"{"id":1,"juggle":true}"#)),
        (
            "bad_position",
            command(r#"{"id":1,"subscribe":"a","since":"x"}"#),
        ),
        ("not_subscribed", command(r#"{"id":1,"unsubscribe":"a"}"#)),
        ("auth_not_configured", command(r#"{"id":1,"auth":"x"}"#)),
        (
            "subscription_limit",
            subscriptions(|id| id.to_string(), 129),
        ),
        ("pattern_limit", subscriptions(|id| format!("{id}/*"), 17)),
    ]
}

/// What takes more than a few bytes to bring about, or cannot be.
fn elsewhere() -> Vec<(&'static str, How)> {
    let entrance = "crates/sim/tests/node/entrance.rs";
    let encrypted = "crates/sim/tests/node/encrypted.rs";
    let slow = "tests/tests/slow_reader.rs";
    vec![
        (
            "going_away",
            Test(
                "tests/tests/stop.rs",
                "sigterm_drains_and_exits_with_success",
            ),
        ),
        (
            "peer_gone",
            Never("it stands in the log alone: nobody is left to be told"),
        ),
        ("internal", Never("it is a fault of our own")),
        (
            "pong_timeout",
            Test(
                "crates/protocol/tests/ws/keepalive.rs",
                "a_silent_peer_is_pinged_once_and_then_given_up",
            ),
        ),
        ("try_again_later", refused_by_the_broker()),
        (
            "connection_limit",
            Test(
                entrance,
                "the_connection_beyond_the_limit_is_told_so_and_takes_no_place",
            ),
        ),
        (
            "address_limit",
            Test(
                entrance,
                "an_address_beyond_its_limit_is_told_so_and_others_come_in",
            ),
        ),
        (
            "slow_consumer",
            Test(slow, "a_reader_left_behind_is_told_exactly_what_it_missed"),
        ),
        (
            "write_timeout",
            Test(slow, "stalled_readers_change_nothing_for_others"),
        ),
        (
            "draining",
            Test(
                "tests/tests/stop.rs",
                "sigterm_drains_and_exits_with_success",
            ),
        ),
        ("rate_limit", refused_by_the_broker()),
        ("cancelled", refused_by_the_broker()),
        (
            "tls_error",
            Test(encrypted, "damage_is_answered_with_an_alert_and_an_end"),
        ),
        (
            "tls_timeout",
            Test(
                encrypted,
                "a_handshake_that_never_ends_is_dropped_at_its_absolute_deadline",
            ),
        ),
    ]
}

fn refused_by_the_broker() -> How {
    Test(
        "crates/session/tests/conversations.rs",
        "every_refusal_has_a_reason_of_its_own",
    )
}

fn rows() -> Vec<(&'static str, How)> {
    let mut rows = closes();
    rows.extend(requests());
    rows.extend(commands());
    rows.extend(elsewhere());
    rows
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// All that the broker says to these bytes, up to its end.
fn told(broker: &Broker, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(broker.address()).expect("the broker listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket has a timeout");
    stream.write_all(bytes).expect("the broker reads");
    let mut told = Vec::new();
    stream.read_to_end(&mut told).expect("the broker ends it");
    told
}

/// The code of the Close at the end of what a server said on a WebSocket.
fn close_code(told: &[u8]) -> Option<u16> {
    let head = told.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let mut rest = &told[head + 4..];
    while let [first, length, ..] = *rest {
        let (start, length) = match length {
            126 => (4, usize::from(u16::from_be_bytes([rest[2], rest[3]]))),
            length => (2, usize::from(length)),
        };
        if first == 0x88 {
            return Some(u16::from_be_bytes([rest[2], rest[3]]));
        }
        rest = &rest[start + length..];
    }
    None
}

fn handshake(target: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

fn check(broker: &Broker, label: &str, how: How) {
    match how {
        Http(status, request) => {
            let told = String::from_utf8(told(broker, &request)).expect("answers are text");
            let code = format!(r#""code":"{label}""#);
            assert!(
                told.starts_with(&format!("HTTP/1.1 {status} ")) && told.contains(&code),
                "{label}: {told}"
            );
        }
        Close(code, target, frames) => {
            let told = told(broker, &[handshake(target), frames].concat());
            assert_eq!(close_code(&told), Some(code), "{label}");
        }
        Command(commands) => {
            let mut client = Client::json(broker);
            let mut answer = serde_json::Value::Null;
            for command in commands {
                client.send(&command);
                answer = client.value();
            }
            assert_eq!(answer["error"]["code"], label, "{answer}");
        }
        Test(file, test) => {
            let text = fs::read_to_string(repository().join(file)).expect(file);
            assert!(text.contains(&format!("fn {test}(")), "{file}: {test}");
        }
        Never(why) => assert!(!why.is_empty(), "{label}"),
    }
}

#[test]
fn every_reason_is_met() {
    let broker = Launch::two_cores(Driver::IoUring, "").start();
    for (label, how) in rows() {
        check(&broker, label, how);
    }
    broker.stop();
}

#[test]
fn every_reason_has_its_row() {
    let page = fs::read_to_string(repository().join("docs/protocol.md")).expect("it is there");
    let (_, table) = page
        .split_once("| code | close | HTTP | retry | message |")
        .expect("the page has the table");
    let documented: BTreeSet<_> = table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let rows = rows();
    let tested: BTreeSet<_> = rows.iter().map(|(label, _)| *label).collect();
    assert_eq!(tested, documented);
    assert_eq!(rows.len(), tested.len(), "a reason has two rows");
}
