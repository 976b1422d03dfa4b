//! What people read: the sentence of each refusal, and what a log shows, which is never a token.

use crate::{SERVED, request};
use ringwire_protocol::handshake::client::{Error, Offer};
use ringwire_protocol::handshake::extensions::Malformed;
use ringwire_protocol::handshake::server::{self, Refusal};
use ringwire_protocol::http1;

#[test]
fn each_refusal_has_its_status_and_its_sentence() {
    let refusals = [
        (Refusal::Method, 405, "opened with GET"),
        (Refusal::NotUpgrade, 426, "Upgrade: websocket"),
        (Refusal::Body, 400, "no body"),
        (Refusal::Version, 426, "must be 13, once"),
        (Refusal::Key, 400, "base64 of 16 bytes"),
        (Refusal::Extensions, 400, "Sec-WebSocket-Extensions"),
        (Refusal::Subprotocol, 400, "distinct tokens"),
        (Refusal::Bearer, 400, "one token"),
    ];
    for (refusal, status, words) in refusals {
        assert_eq!(refusal.status(), status);
        assert!(refusal.message().contains(words), "{refusal:?}");
        assert_eq!(refusal.to_string(), refusal.message());
    }
}

#[test]
fn a_client_says_why_there_is_no_websocket() {
    let errors = [
        (Error::Http(http1::Error::LineEnd), "lines end in CR LF"),
        (Error::Refused { status: 403 }, "403 instead of 101"),
        (Error::Upgrade, "Upgrade is not websocket"),
        (Error::Connection, "does not list upgrade"),
        (Error::Accept, "Sec-WebSocket-Accept"),
        (Error::Extension, "an extension"),
        (Error::Subprotocol, "a subprotocol"),
    ];
    for (error, words) in errors {
        assert!(error.to_string().contains(words), "{error:?}");
    }
    assert!(Malformed.to_string().contains("extensions is malformed"));
}

#[test]
fn no_log_shows_a_token() {
    let offer = Offer {
        host: "broker.example",
        target: "/ws?token=secret",
        subprotocols: &["bearer.c2VjcmV0"],
        headers: &[("authorization", "Bearer secret")],
        key: *b"the sample nonce",
        deflate: None,
    };
    let shown = format!("{offer:?}");
    assert!(shown.contains("broker.example"), "{shown}");
    assert!(
        !shown.contains("secret") && !shown.contains("c2VjcmV0"),
        "{shown}"
    );
    let mut sent = Vec::new();
    offer.write(&mut sent).unwrap();
    let accepted = server::accept(&request(&sent), &SERVED).unwrap();
    assert_eq!(accepted.bearer.as_deref(), Some("secret"));
    let shown = format!("{accepted:?}");
    assert!(
        shown.contains("has_bearer: true") && !shown.contains("secret"),
        "{shown}"
    );
}
