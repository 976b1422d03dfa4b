//! The numbered list of RFC 6455 section 4.2.1, field by field.

use super::super::RequestCase;
use super::{
    Asking, KEY, asking, refused, refused_with, switched, switched_and_heard, switched_with,
};
use crate::wire::{Heard, close, ping, text};

const SECTION: &str = "RFC 6455 section 4.2.1";

pub(super) fn cases() -> Vec<RequestCase> {
    [good(), methods(), versions(), keys(), bodies(), early()].concat()
}

fn good() -> Vec<RequestCase> {
    let grants = |name: &str, asking: Asking| {
        asking.answered(format!("opening/{name}"), SECTION, switched())
    };
    let spaced = |space: &str| {
        let fields = asking().fields.into_iter();
        let fields = fields.map(|(name, value)| (name, format!("{space}{value}{space}")));
        Asking {
            fields: fields.collect(),
            ..asking()
        }
    };
    vec![
        grants("plain", asking()),
        grants("lower_case_names", asking().names(str::to_lowercase)),
        grants("upper_case_names", asking().names(str::to_uppercase)),
        grants("reversed_order", asking().reversed()),
        grants("space_around_values", spaced("  ")),
        grants("tabs_around_values", spaced("\t")),
        grants(
            "unknown_fields",
            asking()
                .and("X-Unknown", "a, b; c=\"d\"")
                .and("Cookie", "a=b"),
        ),
        grants(
            "utf8_in_an_unknown_field",
            asking().and("X-Name", "gr\u{fc}\u{df}e"),
        ),
        grants("empty_unknown_field", asking().and("X-Empty", "")),
        grants("query", asking().line("GET /ws?a=b&c HTTP/1.1")),
        grants(
            "absolute_target",
            asking().line("GET http://127.0.0.1/ws HTTP/1.1"),
        ),
        grants("host_with_port", asking().with("Host", &["localhost:7464"])),
        grants(
            "empty_lines_before",
            asking().line("\r\n\r\nGET /ws HTTP/1.1"),
        ),
        grants("same_origin", asking().and("Origin", "http://127.0.0.1")),
        grants(
            "http2_settings_beside_it",
            asking().and("HTTP2-Settings", "AAMAAABk"),
        ),
    ]
}

/// "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
fn methods() -> Vec<RequestCase> {
    let mut cases = Vec::new();
    for method in [
        "POST",
        "PUT",
        "HEAD",
        "DELETE",
        "OPTIONS",
        "PATCH",
        "TRACE",
        "get",
        "Get",
        "GETT",
        "G",
        "WEBSOCKET",
    ] {
        let line = format!("{method} /ws HTTP/1.1");
        cases.push(asking().line(&line).answered(
            format!("method/{method}"),
            SECTION,
            refused_with(405, "allow", "GET"),
        ));
    }
    for (name, line, status) in [
        ("http_1_0", "GET /ws HTTP/1.0", 505),
        ("http_0_9", "GET /ws HTTP/0.9", 505),
        ("http_1_2", "GET /ws HTTP/1.2", 505),
        ("http_2_0", "GET /ws HTTP/2.0", 505),
        ("http_3_0", "GET /ws HTTP/3.0", 505),
        ("http2_preface", "PRI * HTTP/2.0", 505),
        ("version_of_one_digit", "GET /ws HTTP/1", 400),
        ("version_without_a_dot", "GET /ws HTTP/11", 400),
        ("version_of_three_digits", "GET /ws HTTP/1.10", 400),
        ("version_of_letters", "GET /ws HTTP/a.b", 400),
        ("version_in_lower_case", "GET /ws http/1.1", 400),
        ("version_of_https", "GET /ws HTTPS/1.1", 400),
        ("no_version", "GET /ws", 400),
        ("method_alone", "GET", 400),
        ("two_spaces_before_the_version", "GET /ws  HTTP/1.1", 400),
        ("two_spaces_before_the_target", "GET  /ws HTTP/1.1", 400),
        ("space_at_the_end", "GET /ws HTTP/1.1 ", 400),
        ("space_at_the_start", " GET /ws HTTP/1.1", 400),
        ("space_in_the_target", "GET /w s HTTP/1.1", 400),
        ("tab_before_the_version", "GET /ws\tHTTP/1.1", 400),
        ("fragment", "GET /ws#fragment HTTP/1.1", 400),
        ("no_slash", "GET ws HTTP/1.1", 400),
        ("absolute_ws", "GET ws://127.0.0.1/ws HTTP/1.1", 400),
        ("asterisk", "GET * HTTP/1.1", 400),
        ("connect", "CONNECT 127.0.0.1:80 HTTP/1.1", 400),
    ] {
        let asking = asking().line(line);
        cases.push(asking.answered(format!("request_line/{name}"), SECTION, refused(status)));
    }
    cases
}

/// "A |Sec-WebSocket-Version| header field, with a value of 13", and section 4.4: which one there is.
fn versions() -> Vec<RequestCase> {
    let mut cases = Vec::new();
    let values: [(&str, &[&str]); 22] = [
        ("missing", &[]),
        ("empty", &[""]),
        ("0", &["0"]),
        ("1", &["1"]),
        ("4", &["4"]),
        ("7", &["7"]),
        ("8", &["8"]),
        ("12", &["12"]),
        ("14", &["14"]),
        ("25", &["25"]),
        ("255", &["255"]),
        ("256", &["256"]),
        ("269_which_is_13_in_one_byte", &["269"]),
        ("013", &["013"]),
        ("plus_13", &["+13"]),
        ("13_0", &["13.0"]),
        ("0x0d", &["0x0d"]),
        ("minus_13", &["-13"]),
        ("list_of_13_and_13", &["13, 13"]),
        ("list_of_8_and_13", &["8, 13"]),
        ("13_twice", &["13", "13"]),
        ("13_and_8", &["13", "8"]),
    ];
    for (name, values) in values {
        let asking = asking().with("Sec-WebSocket-Version", values);
        let refusal = refused_with(426, "sec-websocket-version", "13");
        cases.push(asking.answered(format!("version/{name}"), "RFC 6455 section 4.4", refusal));
    }
    cases
}

/// "a base64-encoded value that, when decoded, is 16 bytes in length", exactly once (section 11.3.1).
fn keys() -> Vec<RequestCase> {
    let mut cases = Vec::new();
    let bad: [(&str, &[&str]); 21] = [
        ("missing", &[]),
        ("empty", &[""]),
        ("15_bytes", &["dGhlIHNhbXBsZSBub25j"]),
        ("15_bytes_padded", &["dGhlIHNhbXBsZSBub25j===="]),
        ("17_bytes", &["dGhlIHNhbXBsZSBub25jZSE="]),
        ("18_bytes", &["dGhlIHNhbXBsZSBub25jZSEh"]),
        ("1_byte", &["dA=="]),
        (
            "48_bytes",
            &["dGhlIHNhbXBsZSBub25jZXRoZSBzYW1wbGUgbm9uY2V0aGUgc2FtcGxlIG5vbmNl"],
        ),
        ("no_padding", &["dGhlIHNhbXBsZSBub25jZQ"]),
        ("half_the_padding", &["dGhlIHNhbXBsZSBub25jZQ="]),
        ("too_much_padding", &["dGhlIHNhbXBsZSBub25jZQ==="]),
        ("padding_inside", &["dGhlIHNhbXBs=SBub25jZQ=="]),
        ("stray_bits", &["dGhlIHNhbXBsZSBub25jZR=="]),
        ("url_alphabet", &["-_-_-_-_-_-_-_-_-_-_-w=="]),
        ("space_inside", &["dGhlIHNhbXBs ZSBub25jZQ=="]),
        ("quoted", &["\"dGhlIHNhbXBsZSBub25jZQ==\""]),
        ("hexadecimal", &["000102030405060708090a0b0c0d0e0f"]),
        ("no_base64", &["!!!!!!!!!!!!!!!!!!!!!!=="]),
        (
            "list",
            &["dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="],
        ),
        ("twice", &[KEY, KEY]),
        ("twice_and_different", &[KEY, "AAAAAAAAAAAAAAAAAAAAAA=="]),
    ];
    for (name, values) in bad {
        let asking = asking().with("Sec-WebSocket-Key", values);
        cases.push(asking.answered(format!("key/{name}"), SECTION, refused(400)));
    }
    for (name, key, accept) in [
        (
            "zeros",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "ICX+Yqv66kxgM0FcWaLWlFLwTAI=",
        ),
        (
            "ones",
            "/////////////////////w==",
            "XXpj4jYzLM2yUE0C7TIgMwTQh2g=",
        ),
        (
            "whole_alphabet",
            "+/abcxyzABCXYZ0189+/AA==",
            "Nkk0EnM/sNMOIIuDQkXGkWSdXzE=",
        ),
    ] {
        let asking = asking().with("Sec-WebSocket-Key", &[key]);
        cases.push(asking.answered(format!("key/{name}"), SECTION, switched_with(accept)));
    }
    cases
}

/// What follows the head is frames: a request that declares a body leaves that open, and is refused.
fn bodies() -> Vec<RequestCase> {
    let body = |name: &str, asking: Asking| {
        asking.answered(format!("body/{name}"), "RFC 9112 section 6.3", refused(400))
    };
    let length = |value: &str| asking().and("Content-Length", value);
    let coding = |value: &str| asking().and("Transfer-Encoding", value);
    vec![
        length("0").answered("body/declared_empty", "RFC 9112 section 6.3", switched()),
        body("of_five_bytes", length("5").body("hello")),
        body("that_does_not_come", length("5")),
        body("chunked", coding("chunked").body("5\r\nhello\r\n0\r\n\r\n")),
        body("chunked_and_empty", coding("chunked").body("0\r\n\r\n")),
        body("coded_otherwise", coding("gzip")),
        body("identity", coding("identity")),
        body(
            "length_and_coding",
            length("0")
                .and("Transfer-Encoding", "chunked")
                .body("0\r\n\r\n"),
        ),
        body("two_lengths", length("0").and("Content-Length", "0")),
        body("list_of_lengths", length("0, 0")),
        body("length_plus_5", length("+5").body("hello")),
        body("length_minus_0", length("-0")),
        body("length_0x0", length("0x0")),
        body("length_empty", length("")),
        body("length_of_65_bits", length("18446744073709551616")),
        body("of_the_largest_length", length("18446744073709551615")),
    ]
}

/// A client may send frames before it has the answer; they count from the 101 on.
fn early() -> Vec<RequestCase> {
    let case = |name: &str, asking: Asking, answer| {
        asking.answered(format!("early/{name}"), "RFC 6455 section 4.2.2", answer)
    };
    let bye = || close(1000, "");
    vec![
        case(
            "text_and_close",
            asking().early(&[text("early"), bye()]),
            switched_and_heard(&[Heard::Text(b"early".into()), Heard::Close(Some(1000))]),
        ),
        case(
            "ping_and_close",
            asking().early(&[ping("early"), bye()]),
            switched_and_heard(&[Heard::Pong(b"early".into()), Heard::Close(Some(1000))]),
        ),
        case(
            "many_bytes",
            asking().early(&[text("e".repeat(50_000)), bye()]),
            switched_and_heard(&[Heard::Text(b"e".repeat(50_000)), Heard::Close(Some(1000))]),
        ),
        case(
            "unmasked_text",
            asking().early(&[text("early").wrong_mask()]),
            switched_and_heard(&[Heard::Close(Some(1002))]),
        ),
        case(
            "next_request_is_frames",
            asking()
                .early(&[])
                .body("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            // A 'G' is a frame that ends nothing, of opcode 7, with a reserved bit.
            switched_and_heard(&[Heard::Close(Some(1002))]),
        ),
        case(
            "behind_a_refusal",
            asking()
                .without("Sec-WebSocket-Key")
                .early(&[text("early")]),
            refused(400),
        ),
        case(
            "request_behind_a_refusal",
            asking()
                .with("Sec-WebSocket-Version", &["8"])
                .body(asking().head()),
            refused_with(426, "sec-websocket-version", "13"),
        ),
    ]
}
