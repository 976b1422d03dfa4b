//! The opening handshake, each side against requests and answers of every kind, and the two
//! against each other.

mod answers;
mod registries;
mod requests;

use proptest::prelude::*;
use ringwire_protocol::handshake::client::{Established, Offer, Response};
use ringwire_protocol::handshake::deflate;
use ringwire_protocol::handshake::server::{self, Policy};
use ringwire_protocol::http1::{Limits, Request, Requests};

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
