//! What a client must see in the answer (RFC 6455 section 4.1).

use ringwire_protocol::handshake::client::{Error, Established, InvalidRequest, Offer, Response};
use ringwire_protocol::http1::Error as HttpError;

const OFFER: Offer<'static> = Offer {
    host: "h",
    target: "/ws",
    subprotocols: &["a", "b"],
    headers: &[],
    key: *b"the sample nonce",
    deflate: None,
};

/// The lines of a good answer; tests change one of them.
const GOOD: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: WebSocket",
    "Connection: keep-alive, upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
];

fn judge(lines: &[&str]) -> Result<Option<Established>, Error> {
    Response::new(&OFFER).receive(&mut format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())
}

fn replaced(start: &str, lines: &[&str]) -> Result<Option<Established>, Error> {
    let mut changed: Vec<_> = GOOD
        .into_iter()
        .filter(|line| !line.starts_with(start))
        .collect();
    assert_eq!(changed.len(), GOOD.len() - 1);
    let at = usize::from(start != "HTTP") * changed.len();
    changed.splice(at..at, lines.iter().copied());
    judge(&changed)
}

fn with(lines: &[&str]) -> Result<Option<Established>, Error> {
    judge(&[&GOOD, lines].concat())
}

fn established(subprotocol: Option<&str>) -> Result<Option<Established>, Error> {
    Ok(Some(Established {
        subprotocol: subprotocol.map(str::to_owned),
        deflate: None,
    }))
}

#[test]
fn the_request_has_every_field_that_the_rfc_wants() {
    let mut out = Vec::new();
    Offer {
        headers: &[("origin", "http://h")],
        ..OFFER
    }
    .write(&mut out)
    .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "GET /ws HTTP/1.1\r\nhost: h\r\norigin: http://h\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: a, b\r\n\r\n"
    );
}

#[test]
fn an_offer_that_would_become_something_else_is_not_written() {
    let mut out = Vec::new();
    for bad in [
        Offer {
            host: "h\r\n",
            ..OFFER
        },
        Offer {
            target: "/a b",
            ..OFFER
        },
        Offer {
            subprotocols: &["a", "b c"],
            ..OFFER
        },
        Offer {
            subprotocols: &[""],
            ..OFFER
        },
        Offer {
            subprotocols: &["a", "b", "a"],
            ..OFFER
        },
        Offer {
            target: "ws",
            ..OFFER
        },
        Offer {
            target: "/ws#fragment",
            ..OFFER
        },
        Offer {
            headers: &[("authorization", "a\r\nb: c")],
            ..OFFER
        },
        Offer {
            headers: &[("a:", "b")],
            ..OFFER
        },
    ] {
        assert_eq!(bad.write(&mut out), Err(InvalidRequest), "{bad:?}");
        assert!(out.is_empty());
    }
}

#[test]
fn a_good_answer_establishes_the_connection_and_leaves_the_frames() {
    assert_eq!(judge(&GOOD), established(None));
    assert_eq!(with(&["Sec-WebSocket-Protocol: b"]), established(Some("b")));
    // "but ignoring any leading and trailing whitespace".
    let padded = "Sec-WebSocket-Accept: \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t ";
    assert_eq!(replaced("Sec", &[padded]), established(None));
    let bytes = format!("{}\r\n\r\n\u{1}frames", GOOD.join("\r\n"));
    let mut input = bytes.as_bytes();
    let mut response = Response::new(&OFFER);
    assert_eq!(response.receive(&mut input), established(None));
    assert_eq!(input, b"\x01frames");
    assert_eq!(response.receive(&mut input), Ok(None));
    assert_eq!(input, b"\x01frames", "frames are not for this machine");
}

/// Each with these lines in the place of the one that starts like that.
fn assert_refused(start: &str, cases: &[(&[&str], Error)]) {
    for (lines, error) in cases {
        assert_eq!(replaced(start, lines), Err(*error), "{lines:?}");
    }
}

#[test]
fn an_answer_other_than_101_is_told_with_its_status() {
    let cases: [(&[&str], Error); 5] = [
        (&["HTTP/1.1 200 OK"], Error::Refused { status: 200 }),
        (
            &["HTTP/1.1 401 Unauthorized"],
            Error::Refused { status: 401 },
        ),
        (&["HTTP/1.1 302 Found"], Error::Refused { status: 302 }),
        (
            &["HTTP/1.0 101 Switching Protocols"],
            Error::Http(HttpError::Version),
        ),
        (&["RTSP/1.0 101 x"], Error::Http(HttpError::StatusLine)),
    ];
    assert_refused("HTTP", &cases);
}

#[test]
fn upgrade_and_connection_are_checked() {
    let upgrades: [(&[&str], Error); 4] = [
        (&[], Error::Upgrade),
        (&["Upgrade: h2c"], Error::Upgrade),
        (&["Upgrade: websocket, h2c"], Error::Upgrade),
        (
            &["Upgrade: websocket", "Upgrade: websocket"],
            Error::Upgrade,
        ),
    ];
    assert_refused("Upgrade", &upgrades);
    assert_refused(
        "Connection",
        &[
            (&[], Error::Connection),
            (&["Connection: close"], Error::Connection),
        ],
    );
}

#[test]
fn the_proof_the_subprotocol_and_the_extensions_are_checked() {
    let accept = GOOD[3];
    let cases: [(&[&str], Error); 6] = [
        (&[], Error::Accept),
        (&[accept, accept], Error::Accept),
        (
            &["Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
            Error::Accept,
        ),
        (&[accept, "Sec-WebSocket-Protocol: c"], Error::Subprotocol),
        (
            &[accept, "Sec-WebSocket-Protocol: a, b"],
            Error::Subprotocol,
        ),
        (
            &[
                accept,
                "Sec-WebSocket-Protocol: a",
                "Sec-WebSocket-Protocol: b",
            ],
            Error::Subprotocol,
        ),
    ];
    assert_refused("Sec", &cases);
    for extensions in ["permessage-deflate", "", "=malformed"] {
        assert_eq!(
            with(&[&format!("Sec-WebSocket-Extensions: {extensions}")]),
            Err(Error::Extension),
            "{extensions:?}"
        );
    }
}

#[test]
fn a_subprotocol_that_nobody_offered_is_an_error() {
    let bytes = format!("{}\r\nSec-WebSocket-Protocol: a\r\n\r\n", GOOD.join("\r\n"));
    let mut response = Response::new(&Offer {
        subprotocols: &[],
        ..OFFER
    });
    assert_eq!(
        response.receive(&mut bytes.as_bytes()),
        Err(Error::Subprotocol)
    );
}

#[test]
fn an_endless_answer_is_refused_and_what_follows_discarded() {
    let mut response = Response::new(&OFFER);
    assert_eq!(
        response.receive(&mut b"HTTP/1.1 101 x\r\n".as_slice()),
        Ok(None)
    );
    let endless = b"a: b\r\n".repeat(10_000);
    assert_eq!(
        response.receive(&mut endless.as_slice()),
        Err(Error::Http(HttpError::TooManyHeaders))
    );
    let mut more: &[u8] = b"a: b\r\n\r\n";
    assert_eq!(response.receive(&mut more), Ok(None));
    assert!(more.is_empty());
}
