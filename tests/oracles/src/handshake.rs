//! Opening handshakes of any kind, judged by the server and by the client.
//!
//! The input is header lines: of a request, and of an answer to a fixed offer. What the server
//! agrees to must be what it serves, must not hold the client's token, and must satisfy a client.

use protocol::handshake::client::{Offer, Response};
use protocol::handshake::server::{Policy, accept, write_accept};
use protocol::http1::{Limits, Requests};
use std::io::Write as _;

const SUBPROTOCOLS: &[&str] = &["a", "ringwire.v1.json"];

/// Its key is the one of RFC 6455 section 1.3.
const OFFER: Offer<'static> = Offer {
    host: "h",
    target: "/ws",
    subprotocols: SUBPROTOCOLS,
    headers: &[],
    key: *b"the sample nonce",
    deflate: None,
};

pub(crate) const KEY_LINES: &[u8] =
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";

pub(crate) fn judge(lines: &[u8]) {
    server(lines);
    client(lines);
}

/// A request with these header lines. With an odd first byte it has a good key and version already, so that
/// more of them get far.
pub(crate) fn request_of(lines: &[u8]) -> Vec<u8> {
    let mut bytes = b"GET /ws HTTP/1.1\r\nhost: h\r\n".to_vec();
    if lines.first().is_some_and(|byte| byte % 2 == 1) {
        bytes.extend_from_slice(b"upgrade: websocket\r\nconnection: upgrade\r\n");
        bytes.extend_from_slice(KEY_LINES);
    }
    bytes.extend_from_slice(lines);
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes
}

fn server(lines: &[u8]) {
    let bytes = request_of(lines);
    let mut rest = bytes.as_slice();
    let whole = Requests::new(Limits::default(), 0).receive(0, &mut rest);
    let mut dripping = Requests::new(Limits::default(), 0);
    let taken = bytes.len() - rest.len();
    let mut dripped = bytes[..taken].chunks(1).map(|mut byte| {
        let received = dripping.receive(0, &mut byte);
        assert!(byte.is_empty());
        received
    });
    let first = dripped.find(|received| !matches!(received, Ok(None)));
    assert_eq!(first.unwrap_or(Ok(None)), whole);
    let follows: Vec<_> = dripped.collect();
    let Ok(Some(request)) = whole else {
        return;
    };
    // Behind a connection's last request everything is taken, and means nothing.
    assert!(
        follows.is_empty() || !request.keep_alive(),
        "what follows is not ours"
    );
    assert!(follows.iter().all(|received| *received == Ok(None)));
    let policy = Policy {
        subprotocols: SUBPROTOCOLS,
        deflate: None,
    };
    let mut answer = Vec::new();
    match accept(&request, &policy) {
        Err(refusal) => refusal.write(&mut answer),
        Ok(accepted) => {
            write_accept(&accepted, &mut answer);
            check_accepted(&request, accepted.subprotocol.as_deref(), &answer);
        }
    }
    let ends = answer
        .windows(4)
        .filter(|window| window == b"\r\n\r\n")
        .count();
    assert_eq!(ends, 1, "one head, and one end of it");
}

fn check_accepted(request: &protocol::http1::Request, subprotocol: Option<&str>, answer: &[u8]) {
    assert!(subprotocol.is_none_or(|chosen| SUBPROTOCOLS.contains(&chosen)));
    assert!(!answer.windows(7).any(|window| window == b"bearer."));
    if request.header("sec-websocket-key") == Some("dGhlIHNhbXBsZSBub25jZQ==") {
        let established = Response::new(&OFFER).receive(&mut &*answer);
        let established = established
            .expect("a valid answer")
            .expect("a whole answer");
        assert_eq!(established.subprotocol.as_deref(), subprotocol);
    }
}

fn client(lines: &[u8]) {
    let mut bytes = Vec::new();
    write!(
        bytes,
        "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    )
    .expect("a vector takes all");
    bytes.extend_from_slice(b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    bytes.extend_from_slice(lines);
    bytes.extend_from_slice(b"\r\n\r\n");
    let whole = Response::new(&OFFER).receive(&mut bytes.as_slice());
    let mut dripped = Response::new(&OFFER);
    let one_by_one = bytes.chunks(1).map(|mut byte| dripped.receive(&mut byte));
    let first = one_by_one
        .into_iter()
        .find(|received| !matches!(received, Ok(None)));
    assert_eq!(first.unwrap_or(Ok(None)), whole);
    if let Ok(Some(established)) = whole {
        assert!(
            established
                .subprotocol
                .is_none_or(|chosen| SUBPROTOCOLS.contains(&chosen.as_str()))
        );
    }
}
