//! Requests that are wrong: each with the one answer that it gets, and nothing after it.

use crate::{LIMITS, request, requests};
use ringwire_protocol::http1::{Error, Requests};

/// A request with these header lines after its `Host`.
fn with(lines: &str) -> Result<usize, Error> {
    request(format!("POST / HTTP/1.1\r\nhost: h\r\n{lines}\r\n\r\n").as_bytes())
        .map(|request| request.body().len())
}

#[test]
fn a_length_is_one_plain_decimal_number() {
    for bad in [
        "+5",
        "-1",
        "5,5",
        "5, 5",
        "0x5",
        "5 5",
        "",
        "٥",
        "5.",
        "18446744073709551616",
        "99999999999999999999999",
    ] {
        assert_eq!(
            with(&format!("content-length: {bad}")),
            Err(Error::ContentLength),
            "{bad:?}"
        );
    }
    for twice in [
        "content-length: 0\r\ncontent-length: 0",
        "content-length: 0\r\nContent-Length: 5",
    ] {
        assert_eq!(with(twice), Err(Error::ContentLength), "{twice:?}");
    }
    assert_eq!(
        with("content-length: 18446744073709551615"),
        Err(Error::BodyTooLarge)
    );
    assert_eq!(with("content-length: 000"), Ok(0));
}

#[test]
fn the_only_transfer_coding_is_chunked() {
    for bad in [
        "xchunked",
        "chunked, chunked",
        "gzip, chunked",
        "chunked, identity",
        "identity",
        "",
        "chunked;q=1",
        "\u{b}chunked",
    ] {
        let error = with(&format!("transfer-encoding: {bad}")).unwrap_err();
        assert!(
            matches!(error, Error::TransferEncoding | Error::HeaderLine),
            "{bad:?}: {error:?}"
        );
        assert_eq!(error.status(), 400);
    }
    assert_eq!(
        with("transfer-encoding: chunked\r\ntransfer-encoding: chunked"),
        Err(Error::TransferEncoding)
    );
}

#[test]
fn a_length_beside_a_transfer_coding_is_refused() {
    for both in [
        "content-length: 0\r\ntransfer-encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        assert_eq!(
            with(both),
            Err(Error::LengthAndTransferEncoding),
            "{both:?}"
        );
    }
}

#[test]
fn header_lines_have_one_form() {
    for bad in [
        "a : b",
        "a\t: b",
        " a: b",
        "a: b\r\n c",
        "a: b\r\n\tc",
        "a",
        ": b",
        "a: \0",
        "a: \u{7f}",
        "ä: b",
        "a(: b",
    ] {
        assert_eq!(with(bad), Err(Error::HeaderLine), "{bad:?}");
    }
    assert_eq!(
        request(b"GET / HTTP/1.1\r\nhost: h\r\na: \xff\r\n\r\n"),
        Err(Error::HeaderLine)
    );
    assert_eq!(
        request("GET / HTTP/1.1\r\nhost: h\r\na: ä\r\n\r\n".as_bytes())
            .unwrap()
            .header("a"),
        Some("ä")
    );
}

#[test]
fn lines_end_in_carriage_return_and_line_feed() {
    for bad in [
        "GET / HTTP/1.1\nhost: h\n\n",
        "GET / HTTP/1.1\r\nhost: h\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\n\n",
        "GET / HTTP/1.1\r\nhost: h\ra: b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\r\n\r\n",
    ] {
        assert_eq!(request(bad.as_bytes()), Err(Error::LineEnd), "{bad:?}");
    }
    assert_eq!(request(b"\nGET / HTTP/1.1\r\n"), Err(Error::LineEnd));
}

#[test]
fn there_is_exactly_one_host() {
    assert_eq!(request(b"GET / HTTP/1.1\r\n\r\n"), Err(Error::Host));
    for bad in [
        "host: a\r\nhost: a",
        "host: a b",
        "host: user@a",
        "host: a/b",
        "host: ä",
        "host: a\"",
        "host: <a>",
    ] {
        assert_eq!(
            request(format!("GET / HTTP/1.1\r\n{bad}\r\n\r\n").as_bytes()),
            Err(Error::Host),
            "{bad:?}"
        );
    }
    for good in ["a", "a.b:80", "[::1]:7464", "127.0.0.1", ""] {
        assert_eq!(
            request(format!("GET / HTTP/1.1\r\nhost: {good}\r\n\r\n").as_bytes())
                .unwrap()
                .host(),
            good
        );
    }
}

#[test]
fn a_target_is_a_path_or_an_absolute_address() {
    for bad in [
        "a",
        "*",
        "example.org:80",
        "ftp://h/",
        "http://",
        "http:///a",
        "http://u@h/",
        "/a#b",
        "/ä",
        "//\u{7f}",
    ] {
        let error =
            request(format!("GET {bad} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).unwrap_err();
        assert!(
            matches!(error, Error::Target | Error::RequestLine),
            "{bad:?}: {error:?}"
        );
    }
    assert_eq!(
        request(b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n"),
        Err(Error::Target)
    );
}

#[test]
fn chunks_have_one_form() {
    let chunked = |body: &str| {
        let head = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
        request(format!("{head}{body}").as_bytes()).map(|request| request.into_body())
    };
    assert_eq!(
        chunked("A;a;b=c\r\n0123456789\r\n0000000000000000\r\n\r\n").unwrap(),
        b"0123456789"
    );
    for bad in [
        "\r\n",
        ";\r\n",
        "x\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\n",
        "1\n",
        "1\r\r",
        "1;\n",
        "1;\0",
        "1\r\naX",
        "1\r\na\n",
        "1\r\na\rX",
        "00000000000000000\r\n",
        "10000000000000000\r\n",
    ] {
        assert_eq!(chunked(bad), Err(Error::Chunk), "{bad:?}");
    }
    assert_eq!(chunked("ffffffffffffffff\r\n"), Err(Error::BodyTooLarge));
    assert_eq!(
        chunked("0\r\na: b\n"),
        Err(Error::LineEnd),
        "trailers end their lines like headers"
    );
}

#[test]
fn a_request_for_a_websocket_has_no_body() {
    for body in ["content-length: 1", "transfer-encoding: chunked"] {
        let upgrade = format!("GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\n{body}\r\n\r\n");
        assert_eq!(
            request(upgrade.as_bytes()),
            Err(Error::UpgradeWithBody),
            "{body}"
        );
    }
    let empty =
        request(b"GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n");
    assert!(empty.unwrap().asks_for_websocket());
}

#[test]
fn an_expectation_other_than_100_continue_fails() {
    for bad in [
        "expect: 200-ok",
        "expect:",
        "expect: 100-continue\r\nexpect: 100-continue",
    ] {
        assert_eq!(with(bad), Err(Error::Expectation), "{bad:?}");
    }
    assert_eq!(Error::Expectation.status(), 417);
}

#[test]
fn other_protocols_are_told_from_their_first_bytes() {
    let first: [(&str, &[u8], Error, u16); 10] = [
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            Error::NotHttp,
            400,
        ),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", Error::NotHttp, 400),
        (
            "SSH with a comment",
            b"SSH-2.0-OpenSSH_9.6 Debian\r\n",
            Error::RequestLine,
            400,
        ),
        (
            "HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            Error::Version,
            505,
        ),
        ("HTTP/1.0", b"GET / HTTP/1.0\r\n", Error::Version, 505),
        ("HTTP/0.9", b"GET /\r\n", Error::RequestLine, 400),
        (
            "HTTP without a version",
            b"GET / HTTP/\r\n",
            Error::RequestLine,
            400,
        ),
        (
            "HTTP with half a version",
            b"GET / HTTP/1.x\r\n",
            Error::RequestLine,
            400,
        ),
        (
            "HTTP with the other half",
            b"GET / HTTP/x.1\r\n",
            Error::RequestLine,
            400,
        ),
        ("MQTT", b"\x10\x0c\x00\x04MQTT", Error::NotHttp, 400),
    ];
    for (protocol, bytes, error, status) in first {
        assert_eq!(request(bytes), Err(error), "{protocol}");
        assert_eq!(error.status(), status, "{protocol}");
    }
}

#[test]
fn after_an_error_all_input_is_discarded() {
    let mut machine = Requests::new(LIMITS, 0);
    let mut input: &[u8] = b"\x16\x03\x01GET / HTTP/1.1\r\nhost: h\r\n\r\n";
    assert_eq!(machine.receive(0, &mut input), Err(Error::NotHttp));
    assert!(input.is_empty());
    let mut input: &[u8] = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";
    assert_eq!(machine.receive(0, &mut input), Ok(None));
    assert!(input.is_empty());
    assert_eq!(machine.deadline(), None);
    assert_eq!(
        requests(LIMITS, b"GET /1 HTTP/1.1\r\nhost: h\r\n\r\n\x16")
            .0
            .len(),
        1,
        "what came before it is answered"
    );
}
