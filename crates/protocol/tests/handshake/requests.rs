//! What a server must see in an opening handshake (RFC 6455 section 4.2.1).

use crate::{SERVED, request};
use ringwire_protocol::handshake::server::{Accepted, Policy, Refusal, accept, write_accept};

/// The lines of a good handshake; tests change one of them.
const GOOD: [&str; 6] = [
    "GET /ws HTTP/1.1",
    "Host: h",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

fn judge(lines: &[&str]) -> Result<Accepted, Refusal> {
    accept(
        &request(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()),
        &SERVED,
    )
}

/// The good handshake with other lines in the place of the one that starts like that.
fn replaced(start: &str, lines: &[&str]) -> Result<Accepted, Refusal> {
    let mut changed: Vec<_> = GOOD
        .into_iter()
        .filter(|line| !line.starts_with(start))
        .collect();
    assert_eq!(changed.len(), GOOD.len() - 1);
    let at = usize::from(start != "GET") * changed.len();
    changed.splice(at..at, lines.iter().copied());
    judge(&changed)
}

/// The good handshake with more lines.
fn with(lines: &[&str]) -> Result<Accepted, Refusal> {
    judge(&[&GOOD, lines].concat())
}

#[test]
fn the_handshake_of_rfc_6455_section_1_2_is_accepted() {
    let accepted = with(&[
        "Origin: http://example.com",
        "Sec-WebSocket-Protocol: chat, mqtt",
    ])
    .unwrap();
    let mut out = Vec::new();
    write_accept(&accepted, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nsec-websocket-protocol: mqtt\r\n\r\n"
    );
    assert_eq!(
        judge(&GOOD).unwrap(),
        Accepted {
            accept: *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            subprotocol: None,
            bearer: None,
            deflate: None
        }
    );
}

#[test]
fn only_get_opens_a_websocket() {
    for method in ["POST", "get", "HEAD", "OPTIONS"] {
        assert_eq!(
            replaced("GET", &[&format!("{method} /ws HTTP/1.1")]),
            Err(Refusal::Method),
            "{method}"
        );
    }
}

#[test]
fn upgrade_and_connection_are_lists_in_any_case_over_any_number_of_lines() {
    for good in [
        ["Upgrade: h2c, WebSocket"].as_slice(),
        &["Upgrade: h2c", "upgrade: WEBSOCKET"],
        &["upgrade:,websocket ,"],
    ] {
        assert!(replaced("Upgrade", good).is_ok(), "{good:?}");
    }
    for good in [
        ["connection: UPGRADE"].as_slice(),
        &["connection: keep-alive", "connection: x, upgrade"],
    ] {
        assert!(replaced("Connection", good).is_ok(), "{good:?}");
    }
    for bad in [
        [].as_slice(),
        &["Upgrade: websocket/13"],
        &["Upgrade: web socket"],
        &["Upgrade: websockets"],
        &["Upgrade:"],
    ] {
        assert_eq!(
            replaced("Upgrade", bad),
            Err(Refusal::NotUpgrade),
            "{bad:?}"
        );
    }
    for bad in [
        [].as_slice(),
        &["Connection: close"],
        &["Connection: keep-alive upgrade"],
    ] {
        assert_eq!(
            replaced("Connection", bad),
            Err(Refusal::NotUpgrade),
            "{bad:?}"
        );
    }
}

/// The registry of section 11.6: drafts (0 to 8), numbers never used (9 to 12), the standard. Whatever
/// else could be a version (0 to 255, section 4.3) is unassigned.
#[test]
fn of_the_registered_versions_only_the_standard_is_spoken() {
    for version in 0..=255 {
        let line = format!("Sec-WebSocket-Version: {version}");
        let judged = replaced("Sec-WebSocket-Version", &[&line]);
        match version {
            13 => assert!(judged.is_ok()),
            _ => assert_eq!(judged, Err(Refusal::Version), "{version}"),
        }
    }
}

#[test]
fn the_version_is_13_once() {
    for bad in [
        [].as_slice(),
        &["7"],
        &["13."],
        &["+13"],
        &["0x0d"],
        &["256"],
        &["8"],
        &["0"],
        &["013"],
        &["13, 8"],
        &["13,13"],
        &["13", "13"],
        &["13", "8"],
        &[""],
    ] {
        let lines: Vec<_> = bad
            .iter()
            .map(|version| format!("Sec-WebSocket-Version: {version}"))
            .collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        assert_eq!(
            replaced("Sec-WebSocket-Version", &lines),
            Err(Refusal::Version),
            "{bad:?}"
        );
    }
}

#[test]
fn the_key_is_sixteen_bytes_once() {
    let good = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for bad in [
        [].as_slice(),
        &[good, good],
        &["Sec-WebSocket-Key:"],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE="],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="],
        &["Sec-WebSocket-Key: not base64, truly!!!!"],
    ] {
        assert_eq!(
            replaced("Sec-WebSocket-Key", bad),
            Err(Refusal::Key),
            "{bad:?}"
        );
    }
}

#[test]
fn a_body_is_refused_even_if_it_is_only_announced() {
    // The HTTP machine refuses these for any request that asks for a WebSocket; without `Upgrade`
    // they reach this judge, which sees the missing upgrade first.
    assert_eq!(
        replaced("Upgrade", &["Content-Length: 0"]),
        Err(Refusal::NotUpgrade)
    );
    assert_eq!(
        with(&["Content-Length: 00"]),
        Err(Refusal::Body),
        "a spelling that a proxy may read otherwise"
    );
    assert!(with(&["Content-Length: 0"]).is_ok());
}

#[test]
fn every_extension_is_declined_and_a_malformed_list_is_refused() {
    for declined in [
        "permessage-deflate; client_max_window_bits=99",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover, x",
        "__proto__; constructor=\"x\"",
        ",a,, b,",
    ] {
        assert!(
            with(&[&format!("Sec-WebSocket-Extensions: {declined}")]).is_ok(),
            "{declined}"
        );
    }
    for bad in ["", "permessage-deflate;", "a; b=\"", "a b", ",,"] {
        assert_eq!(
            with(&[&format!("Sec-WebSocket-Extensions: {bad}")]),
            Err(Refusal::Extensions),
            "{bad:?}"
        );
    }
    let second = [
        "Sec-WebSocket-Extensions: a",
        "Sec-WebSocket-Extensions: =b",
    ];
    assert_eq!(
        with(&second),
        Err(Refusal::Extensions),
        "each line is checked"
    );
}

#[test]
fn the_first_of_the_clients_subprotocols_that_is_served_is_chosen() {
    let chosen = |lines: &[&str]| with(lines).unwrap().subprotocol;
    assert_eq!(
        chosen(&["Sec-WebSocket-Protocol: x,mqtt,ringwire.v1.json"]).as_deref(),
        Some("mqtt")
    );
    assert_eq!(
        chosen(&[
            "Sec-WebSocket-Protocol: x",
            "Sec-WebSocket-Protocol: ringwire.v1.json"
        ])
        .as_deref(),
        Some("ringwire.v1.json")
    );
    assert_eq!(
        chosen(&["Sec-WebSocket-Protocol: MQTT"]),
        None,
        "subprotocols are case-sensitive"
    );
    let nothing_served = accept(
        &request(
            format!(
                "{}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
                GOOD.join("\r\n")
            )
            .as_bytes(),
        ),
        &Policy {
            subprotocols: &[],
            deflate: None,
        },
    );
    assert_eq!(nothing_served.unwrap().subprotocol, None);
}

#[test]
fn subprotocols_are_distinct_tokens() {
    for bad in [
        "",
        ",",
        "a b",
        "a/b",
        "a, a",
        "mqtt, x, mqtt",
        "a\"b\"",
        "ä",
    ] {
        assert_eq!(
            with(&[&format!("Sec-WebSocket-Protocol: {bad}")]),
            Err(Refusal::Subprotocol),
            "{bad:?}"
        );
    }
    assert_eq!(
        with(&["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"]),
        Err(Refusal::Subprotocol)
    );
    assert_eq!(
        with(&["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol:"]),
        Err(Refusal::Subprotocol)
    );
}

#[test]
fn a_token_among_the_subprotocols_is_taken_out_and_never_echoed() {
    let accepted = with(&["Sec-WebSocket-Protocol: bearer.ZXlKLi1fLng, mqtt"]).unwrap();
    assert_eq!(
        (accepted.bearer.as_deref(), accepted.subprotocol.as_deref()),
        (Some("eyJ.-_.x"), Some("mqtt"))
    );
    assert!(
        !format!("{accepted:?}").contains("eyJ"),
        "not in a log either"
    );
    let alone = with(&["Sec-WebSocket-Protocol: bearer.ZXlKLi1fLng"]).unwrap();
    assert_eq!(
        (alone.bearer.as_deref(), alone.subprotocol),
        (Some("eyJ.-_.x"), None)
    );
    for bad in [
        "bearer.",
        "bearer.a",
        "bearer.ZXk!",
        "bearer.ZXk, bearer.ZXk",
        "bearer.DQo",
        "bearer._w",
        "bearer.IA",
    ] {
        assert_eq!(
            with(&[&format!("Sec-WebSocket-Protocol: {bad}")]),
            Err(Refusal::Bearer),
            "{bad:?}"
        );
    }
    assert_eq!(
        with(&["Sec-WebSocket-Protocol: bearer.ZXk="]),
        Err(Refusal::Subprotocol),
        "padding is no token character"
    );
}

#[test]
fn a_refusal_says_how_to_do_it_right() {
    let answers = [
        (
            Refusal::Method,
            "HTTP/1.1 405 Method Not Allowed\r\n",
            "\r\nallow: GET\r\n",
        ),
        (
            Refusal::NotUpgrade,
            "HTTP/1.1 426 Upgrade Required\r\n",
            "\r\nupgrade: websocket\r\n",
        ),
        (
            Refusal::Version,
            "HTTP/1.1 426 Upgrade Required\r\n",
            "\r\nsec-websocket-version: 13\r\n",
        ),
        (
            Refusal::Key,
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\nconnection: close\r\n",
        ),
        (
            Refusal::Bearer,
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\ncontent-type: text/plain; charset=utf-8\r\n",
        ),
    ];
    for (refusal, start, field) in answers {
        let mut out = Vec::new();
        refusal.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(start) && text.contains(field), "{text}");
        assert!(
            text.ends_with(&format!("\r\n\r\n{}", refusal.message())),
            "{text}"
        );
    }
}
