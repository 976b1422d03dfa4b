//! Requests that two parsers read in two ways: lengths, codings and chunks that are not what they seem.

use super::BAD_REQUEST;
use crate::row::{Case, Expect, Place};
use crate::wire::Request;

/// A publish over HTTP that lacks its body.
fn publish(place: &Place) -> Request {
    Request::new(&format!("POST {} HTTP/1.1", place.path)).field("Host", &place.host)
}

/// H11: whoever disagrees about where a request ends gets another one past somebody.
pub(super) fn lengths(place: &Place) -> Vec<Case> {
    let next = place.handshake().bytes();
    let body = |body: &[u8]| [body, &next].concat();
    let with = |name: &'static str, value: &str| publish(place).field(name, value);
    let length = "Content-Length";
    let coding = "Transfer-Encoding";
    let requests = [
        ("both", with(length, "5").field(coding, "chunked")),
        ("two lengths", with(length, "5").field(length, "6")),
        ("the same twice", with(length, "5").field(length, "5")),
        ("+5", with(length, "+5")),
        ("-5", with(length, "-5")),
        ("5,5", with(length, "5,5")),
        ("0x5", with(length, "0x5")),
        ("5 5", with(length, "5 5")),
        ("empty length", with(length, "")),
        ("2^64", with(length, "18446744073709551616")),
        ("xchunked", with(coding, "xchunked")),
        ("gzip, chunked", with(coding, "gzip, chunked")),
        ("chunked, identity", with(coding, "chunked, identity")),
        (
            "twice chunked",
            with(coding, "chunked").field(coding, "chunked"),
        ),
        ("a space before the colon", with("Content-Length ", "5")),
        ("a tab before the colon", with("Content-Length\t", "5")),
        ("a folded line", with("X", "a\r\n b")),
        ("a bare LF", with("X", "a\nContent-Length: 5")),
        ("a bare CR", with("X", "a\rContent-Length: 5")),
        ("a NUL", with("X", "a\0b")),
        ("a name of none", with("", "a")),
        ("two hosts", with("Host", "other")),
        ("no host", with(length, "5").without("Host")),
    ];
    let refuse = |(name, request): (&'static str, Request)| {
        Case::request(name, &request.body(&body(b"hello")), BAD_REQUEST).ours()
    };
    requests.map(refuse).to_vec()
}

/// H12: sizes of chunks that overflow or are no numbers, and extensions without end.
pub(super) fn chunks(place: &Place) -> Vec<Case> {
    let chunked = |body: &str| {
        let request = publish(place).field("Transfer-Encoding", "chunked");
        request.body(body.as_bytes())
    };
    let big = Expect::Refused(413, "too_big");
    let sizes = [
        ("ffffffffffffffff\r\nx", big.clone()),
        ("7fffffffffffffff\r\nx", big),
        ("10000000000000000\r\nx", BAD_REQUEST),
        ("00000000000000001\r\nx", BAD_REQUEST),
        ("-1\r\nx", BAD_REQUEST),
        ("0x1\r\nx", BAD_REQUEST),
        (" 1\r\nx", BAD_REQUEST),
        ("1 \r\nx", BAD_REQUEST),
        ("1\nx", BAD_REQUEST),
        ("1\r\nxy\r\n0\r\n\r\n", BAD_REQUEST),
        ("\r\n", BAD_REQUEST),
    ];
    let mut cases: Vec<Case> = sizes
        .map(|(body, expect)| Case::request(body, &chunked(body), expect).ours())
        .to_vec();
    let extensions = format!("1;{}\r\nx\r\n", "a=b;".repeat(1000));
    cases.push(Case::request("extensions", &chunked(&extensions), BAD_REQUEST).ours());
    let many = "1;abcdefgh\r\nx\r\n".repeat(1000);
    cases.push(Case::request("many extensions", &chunked(&many), BAD_REQUEST).ours());
    cases
}
