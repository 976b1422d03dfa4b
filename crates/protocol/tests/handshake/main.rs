//! The opening handshake, each side against requests and answers of every kind, and the two
//! against each other.

mod answers;
mod registries;
mod requests;
mod shown;

use proptest::prelude::*;
use ringwire_protocol::handshake::client::{Error as ClientError, Established, Offer, Response};
use ringwire_protocol::handshake::deflate;
use ringwire_protocol::handshake::server::{self, Policy};
use ringwire_protocol::http1::{Error as HttpError, Limits, Request, Requests};

const SERVED: Policy<'static> = Policy {
    subprotocols: &["ringwire.v1.json", "mqtt"],
    deflate: Some(deflate::Policy {
        context_bytes_max: 4096,
        context_window_bits: 12,
    }),
};

/// The one request in `bytes`.
fn request(bytes: &[u8]) -> Request {
    Requests::new(Limits::default(), 0)
        .receive(0, &mut &*bytes)
        .expect("valid HTTP")
        .expect("a whole request")
}

/// What both ends agree on when one makes `offer` to the other.
fn negotiate(offer: &Offer<'_>) -> Established {
    let mut sent = Vec::new();
    offer.write(&mut sent).unwrap();
    let accepted = server::accept(&request(&sent), &SERVED).unwrap();
    let mut answer = Vec::new();
    server::write_accept(&accepted, &mut answer);
    let established = Response::new(offer)
        .receive(&mut answer.as_slice())
        .unwrap()
        .unwrap();
    assert_eq!(established.subprotocol, accepted.subprotocol);
    let agreed = accepted.deflate.map(|answer| answer.agreed());
    assert_eq!(established.deflate, agreed);
    established
}

#[test]
fn both_ends_agree() {
    let offer = Offer {
        host: "h",
        target: "/ws?a",
        subprotocols: &[],
        headers: &[("origin", "http://h")],
        key: *b"the sample nonce",
        deflate: None,
    };
    assert_eq!(negotiate(&offer).subprotocol, None);
    let offers: [(&[&str], Option<&str>); 4] = [
        (&["mqtt"], Some("mqtt")),
        (
            &["unknown", "ringwire.v1.json", "mqtt"],
            Some("ringwire.v1.json"),
        ),
        (
            &["mqtt", "bearer.dG9rZW4", "ringwire.v1.json"],
            Some("mqtt"),
        ),
        (&["unknown"], None),
    ];
    for (subprotocols, chosen) in offers {
        assert_eq!(
            negotiate(&Offer {
                subprotocols,
                ..offer
            })
            .subprotocol
            .as_deref(),
            chosen
        );
    }
}

#[test]
fn both_ends_agree_on_compression_unless_it_fails_in_that_browser() {
    let safari = |version: &str| format!("Mozilla/5.0 Version/{version} Safari/605.1.15");
    for (user_agent, is_agreed) in [(safari("15.4"), true), (safari("15.3"), false)] {
        let established = negotiate(&Offer {
            host: "h",
            target: "/",
            subprotocols: &[],
            headers: &[("user-agent", &user_agent)],
            key: *b"the sample nonce",
            deflate: Some(deflate::Parameters::default()),
        });
        assert_eq!(established.deflate.is_some(), is_agreed, "{user_agent}");
    }
}

/// RFC 6455 section 8.1: "both during the opening handshake and during subsequent data exchange".
#[test]
fn a_handshake_that_is_not_utf8_is_refused_by_either_side() {
    let with_byte = |head: &str| {
        let mut bytes = head.as_bytes().to_vec();
        let at = head.find('?').unwrap();
        bytes[at] = 0xff;
        bytes
    };
    let asked = with_byte("GET / HTTP/1.1\r\nhost: h\r\nsec-websocket-protocol: a?\r\n\r\n");
    assert_eq!(
        Requests::new(Limits::default(), 0).receive(0, &mut asked.as_slice()),
        Err(HttpError::HeaderLine)
    );
    let offer = Offer {
        host: "h",
        target: "/",
        subprotocols: &[],
        headers: &[],
        key: *b"the sample nonce",
        deflate: None,
    };
    let answered = with_byte(
        "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nserver: ?\r\n\r\n",
    );
    assert_eq!(
        Response::new(&offer).receive(&mut answered.as_slice()),
        Err(ClientError::Http(HttpError::HeaderLine))
    );
}

proptest! {
    #[test]
    fn both_ends_agree_on_every_key_and_every_cut(key in any::<[u8; 16]>(), cut in any::<prop::sample::Index>()) {
        let offer = Offer { host: "h", target: "/", subprotocols: &["mqtt"], headers: &[], key, deflate: None };
        let mut sent = Vec::new();
        offer.write(&mut sent).unwrap();
        let mut answer = Vec::new();
        server::write_accept(&server::accept(&request(&sent), &SERVED).unwrap(), &mut answer);
        let (first, second) = answer.split_at(cut.index(answer.len()));
        let mut response = Response::new(&offer);
        prop_assert_eq!(response.receive(&mut &*first), Ok(None));
        prop_assert!(matches!(response.receive(&mut &*second), Ok(Some(_))));
    }
}
