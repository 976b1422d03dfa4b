//! The registries that RFC 6455 section 11 founds for the opening handshake, entry by entry, as the
//! IANA keeps them now.

use crate::request;
use ringwire_protocol::handshake::client::{Error, Established, Offer, Response};
use ringwire_protocol::handshake::deflate::Parameters;
use ringwire_protocol::handshake::extensions::PERMESSAGE_DEFLATE;
use ringwire_protocol::handshake::fields::{self, Field, Occurs};
use ringwire_protocol::handshake::server::{Accepted, Policy, Refusal, accept, write_accept};

const OFFER: Offer<'static> = Offer {
    host: "h",
    target: "/",
    subprotocols: &["a", "b"],
    headers: &[],
    key: *b"the sample nonce",
    deflate: None,
};

/// A value that is right for each field, or none where it is only sent the other way.
fn request_value(field: &Field) -> &'static str {
    match field.name {
        "sec-websocket-key" => "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version" => "13",
        "sec-websocket-protocol" => "a",
        "sec-websocket-extensions" => "x-nobody",
        _ => "anything",
    }
}

fn response_value(field: &Field) -> &'static str {
    match field.name {
        "sec-websocket-accept" => "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "sec-websocket-protocol" => "a",
        "sec-websocket-version" => "13",
        _ => "anything",
    }
}

/// The five of section 11.3, in its order, with what its last sentences say; for extensions in
/// responses erratum 3433 says it.
const FIELDS: [(Field, &str, Occurs, Occurs); 5] = [
    (
        fields::KEY,
        "sec-websocket-key",
        Occurs::Once,
        Occurs::Meaningless,
    ),
    (
        fields::EXTENSIONS,
        "sec-websocket-extensions",
        Occurs::AnyNumber,
        Occurs::AnyNumber,
    ),
    (
        fields::ACCEPT,
        "sec-websocket-accept",
        Occurs::Meaningless,
        Occurs::Once,
    ),
    (
        fields::PROTOCOL,
        "sec-websocket-protocol",
        Occurs::AnyNumber,
        Occurs::AtMostOnce,
    ),
    (
        fields::VERSION,
        "sec-websocket-version",
        Occurs::Once,
        Occurs::AnyNumber,
    ),
];

/// How many lines of each field a server takes, and a client: the numbers are tried, the table is not
/// believed. Distinct subprotocols, for one may not be offered twice.
fn lines(field: &Field, value: &str, count: usize) -> String {
    (0..count)
        .map(|index| match (field.name, index) {
            ("sec-websocket-protocol", 1..) => format!("{}: b{index}\r\n", field.name),
            _ => format!("{}: {value}\r\n", field.name),
        })
        .collect()
}

#[test]
fn each_header_field_appears_in_a_request_as_often_as_it_may() {
    for (field, name, in_request, _) in FIELDS {
        assert_eq!((field.name, field.in_request), (name, in_request));
        for count in 0..=3 {
            let others: String = FIELDS
                .iter()
                .filter(|other| other.0.in_request == Occurs::Once && other.0.name != name)
                .map(|other| lines(&other.0, request_value(&other.0), 1))
                .collect();
            let head = format!(
                "GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\n{others}{}\r\n",
                lines(&field, request_value(&field), count)
            );
            let judged = accept(
                &request(head.as_bytes()),
                &Policy {
                    subprotocols: &["a"],
                    deflate: None,
                },
            );
            let may = in_request != Occurs::Once || count == 1;
            assert_eq!(judged.is_ok(), may, "{count} lines of {name}: {judged:?}");
        }
    }
}

#[test]
fn each_header_field_appears_in_a_response_as_often_as_it_may() {
    for (field, name, _, in_response) in FIELDS {
        assert_eq!(field.in_response, in_response, "{name}");
        for count in 0..=3 {
            let accept = match name {
                "sec-websocket-accept" => String::new(),
                _ => lines(&fields::ACCEPT, response_value(&fields::ACCEPT), 1),
            };
            let head = format!(
                "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n{accept}{}\r\n",
                lines(&field, response_value(&field), count)
            );
            let judged = Response::new(&OFFER).receive(&mut head.as_bytes());
            let may = match in_response {
                Occurs::Once => count == 1,
                Occurs::AtMostOnce => count <= 1,
                Occurs::AnyNumber | Occurs::Meaningless => true,
            };
            // Any number of lines may come, and each names what nobody offered.
            if name == "sec-websocket-extensions" && count > 0 {
                assert_eq!(judged, Err(Error::Extension), "{count} lines of {name}");
            } else {
                assert_eq!(judged.is_ok(), may, "{count} lines of {name}: {judged:?}");
            }
        }
    }
}

/// What our own server writes: an acceptance with and without a subprotocol, and every refusal.
#[test]
fn each_header_field_appears_in_the_servers_answers_as_often_as_it_may() {
    let accepted = |subprotocol: Option<&str>, deflate: Option<Parameters>| {
        let mut out = Vec::new();
        let accepted = Accepted {
            accept: *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            subprotocol: subprotocol.map(str::to_owned),
            bearer: Some("secret".to_owned()),
            deflate,
        };
        write_accept(&accepted, &mut out);
        out
    };
    let refused = |refusal: Refusal| {
        let mut out = Vec::new();
        refusal.write(&mut out);
        out
    };
    // The answer, and how many lines of Accept, Protocol, Extensions and Version it has.
    let answers = [
        (accepted(None, None), [1, 0, 0, 0]),
        (accepted(Some("a"), None), [1, 1, 0, 0]),
        (accepted(None, Some(Parameters::default())), [1, 0, 1, 0]),
        (refused(Refusal::Version), [0, 0, 0, 1]),
        (refused(Refusal::Key), [0, 0, 0, 0]),
        (refused(Refusal::Subprotocol), [0, 0, 0, 0]),
        (refused(Refusal::NotUpgrade), [0, 0, 0, 0]),
    ];
    for (answer, [accept, protocol, extensions, version]) in answers {
        let text = String::from_utf8(answer).unwrap();
        let count = |field: Field| {
            let start = format!("{}:", field.name);
            text.lines().filter(|line| line.starts_with(&start)).count()
        };
        assert_eq!(count(fields::ACCEPT), accept, "{text}");
        assert_eq!(count(fields::PROTOCOL), protocol, "{text}");
        assert_eq!(count(fields::VERSION), version, "{text}");
        assert_eq!(count(fields::EXTENSIONS), extensions, "{text}");
        assert_eq!(count(fields::KEY), 0, "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

/// The registry of HTTP upgrade tokens has both spellings.
#[test]
fn the_upgrade_token_is_known_in_either_registered_spelling_and_no_other_token_is() {
    let judged = |token: &str| {
        let head = format!(
            "GET / HTTP/1.1\r\nhost: h\r\nupgrade: {token}\r\nconnection: upgrade\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
        );
        accept(
            &request(head.as_bytes()),
            &Policy {
                subprotocols: &[],
                deflate: None,
            },
        )
        .is_ok()
    };
    assert!(judged("websocket") && judged("WebSocket"));
    for other in ["HTTP/2.0", "TLS/1.2", "h2c", "connect-udp", "connect-ip"] {
        assert!(!judged(other), "{other}");
    }
}

/// The other entry is not served: declined, not refused.
#[test]
fn of_the_registered_extensions_only_compression_has_a_name_here() {
    assert_eq!(PERMESSAGE_DEFLATE, "permessage-deflate");
    let head = "GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\
                sec-websocket-extensions: bbf-usp-protocol; eid=\"proto::x\"\r\n\r\n";
    let refused = accept(
        &request(head.as_bytes()),
        &Policy {
            subprotocols: &[],
            deflate: None,
        },
    );
    assert!(
        refused.is_err(),
        "its value is no token, which the grammar wants"
    );
    let offered = head.replace("proto::x", "x");
    let accepted = accept(
        &request(offered.as_bytes()),
        &Policy {
            subprotocols: &[],
            deflate: None,
        },
    )
    .unwrap();
    let mut answer = Vec::new();
    write_accept(&accepted, &mut answer);
    assert!(!String::from_utf8(answer).unwrap().contains("extensions"));
}

/// Names in the registry of subprotocols: plain words, dots, pluses, capitals.
const SUBPROTOCOLS: &[&str] = &[
    "MBWS.huawei.com",
    "MBLWS.huawei.com",
    "soap",
    "wamp",
    "v10.stomp",
    "v11.stomp",
    "v12.stomp",
    "ocpp1.2",
    "ocpp1.5",
    "ocpp1.6",
    "ocpp2.0",
    "ocpp2.0.1",
    "rfb",
    "sip",
    "notificationchannel-netapi-rest.openmobilealliance.org",
    "wpcp",
    "amqp",
    "mqtt",
    "jsflow",
    "rwpcp",
    "xmpp",
    "ship",
    "mielecloudconnect",
    "v10.pcp.sap.com",
    "msrp",
    "v1.saltyrtc.org",
    "TLCP-2.0.0.lightstreamer.com",
    "bfcp",
    "sldp.softvelum.com",
    "opcua+uacp",
    "opcua+uajson",
    "v1.swindon-lattice+json",
    "v1.usp",
    "mles-websocket",
    "coap",
    "TLCP-2.1.0.lightstreamer.com",
    "sqlnet.oracle.com",
    "oneM2M.R2.0.json",
    "oneM2M.R2.0.xml",
    "oneM2M.R2.0.cbor",
    "transit",
    "2016.serverpush.dash.mpeg.org",
    "2018.mmt.mpeg.org",
    "clue",
    "webrtc.softvelum.com",
    "cobra.v2.json",
    "drp",
    "hub.bsc.bacnet.org",
    "dc.bsc.bacnet.org",
    "jmap",
    "t140",
    "done",
    "TLCP-2.2.0.lightstreamer.com",
    "collection-update",
    "TLCP-2.3.0.lightstreamer.com",
    "text.ircv3.net",
    "binary.ircv3.net",
    "v3.penguin-stats.live+proto",
];

#[test]
fn every_registered_subprotocol_can_be_offered_chosen_and_understood() {
    for name in SUBPROTOCOLS {
        let offer = Offer {
            subprotocols: &["x.nobody", name],
            ..OFFER
        };
        let mut asked = Vec::new();
        offer.write(&mut asked).unwrap();
        let policy = Policy {
            subprotocols: SUBPROTOCOLS,
            deflate: None,
        };
        let accepted = accept(&request(&asked), &policy).unwrap();
        let mut answer = Vec::new();
        write_accept(&accepted, &mut answer);
        let established = Established {
            deflate: None,
            subprotocol: Some((*name).to_owned()),
        };
        assert_eq!(
            Response::new(&offer).receive(&mut answer.as_slice()),
            Ok(Some(established)),
            "{name}"
        );
    }
}
