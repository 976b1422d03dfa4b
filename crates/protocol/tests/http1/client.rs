//! The client's side: one request, and the answers that servers give.

use crate::LIMITS;
use ringwire_protocol::http1::client::{Error, InvalidRequest, Request, Response, ResponseReader};
use ringwire_protocol::http1::{Error as HttpError, Limits};

const POST: Request<'static> = Request {
    method: "POST",
    host: "h:1",
    target: "/t/a",
    headers: &[("content-type", "text/plain")],
    body: b"hello",
    keep_alive: false,
};

fn read(bytes: &[u8]) -> Result<Option<Response>, Error> {
    ResponseReader::new(LIMITS).receive(&mut &*bytes)
}

#[test]
fn what_the_client_writes_the_server_reads() {
    let mut out = Vec::new();
    POST.write(&mut out).unwrap();
    let request = crate::request(&out).unwrap();
    assert_eq!(
        (request.method(), request.path(), request.host()),
        ("POST", "/t/a", "h:1")
    );
    assert_eq!(
        (request.header("content-type"), request.body()),
        (Some("text/plain"), b"hello".as_slice())
    );
    assert!(!request.keep_alive());
    out.clear();
    Request {
        keep_alive: true,
        ..POST
    }
    .write(&mut out)
    .unwrap();
    assert!(crate::request(&out).unwrap().keep_alive());
}

#[test]
fn an_answer_says_whether_the_connection_goes_on() {
    for (fields, goes_on) in [("", true), ("connection: x, Close\r\n", false)] {
        let answer = format!("HTTP/1.1 204 No Content\r\n{fields}\r\n");
        let response = read(answer.as_bytes()).unwrap().unwrap();
        assert_eq!(response.keep_alive(), goes_on, "{fields}");
    }
}

#[test]
fn a_request_that_would_become_something_else_is_not_written() {
    let mut out = Vec::new();
    for bad in [
        Request {
            method: "PO ST",
            ..POST
        },
        Request { method: "", ..POST },
        Request {
            host: "h\r\nx: y",
            ..POST
        },
        Request {
            target: "/a b",
            ..POST
        },
        Request {
            target: "/a\r\n",
            ..POST
        },
        Request { target: "", ..POST },
        Request {
            target: "t/a",
            ..POST
        },
        Request {
            target: "/t/a#b",
            ..POST
        },
        Request {
            headers: &[("a b", "c")],
            ..POST
        },
        Request {
            headers: &[("a", "b\r\nc: d")],
            ..POST
        },
    ] {
        assert_eq!(bad.write(&mut out), Err(InvalidRequest), "{bad:?}");
        assert!(out.is_empty());
    }
}

#[test]
fn answers_end_by_length_by_coding_or_by_their_status() {
    let whole: [(&[u8], u16, &[u8]); 6] = [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, b""),
        (b"HTTP/1.1 413\r\ncontent-length: 1\r\n\r\nx", 413, b"x"),
    ];
    for (bytes, status, body) in whole {
        let response = read(bytes).unwrap().unwrap();
        assert_eq!((response.status(), response.body()), (status, body));
        for cut in 0..bytes.len() {
            let mut reader = ResponseReader::new(LIMITS);
            assert_eq!(reader.receive(&mut &bytes[..cut]), Ok(None));
            assert_eq!(
                reader.receive(&mut &bytes[cut..]),
                Ok(Some(response.clone())),
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn an_answer_without_framing_ends_with_the_connection() {
    let mut reader = ResponseReader::new(LIMITS);
    assert_eq!(
        reader.receive(&mut b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nall of".as_slice()),
        Ok(None)
    );
    assert_eq!(reader.receive(&mut b" it".as_slice()), Ok(None));
    let response = reader.end().unwrap();
    assert_eq!(
        (response.header("x"), response.body()),
        (Some("y"), b"all of it".as_slice())
    );
    assert_eq!(reader.end(), Err(Error::Truncated));
}

#[test]
fn a_connection_that_ends_too_early_gives_no_answer() {
    for part in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no",
    ] {
        let mut reader = ResponseReader::new(LIMITS);
        assert_eq!(reader.receive(&mut part.as_bytes()), Ok(None));
        assert_eq!(reader.end(), Err(Error::Truncated), "{part:?}");
    }
}

#[test]
fn answers_that_are_wrong_or_too_large_are_refused() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(9);
    let bad: [(&[u8], HttpError); 9] = [
        (b"SSH-2.0-OpenSSH\r\n\r\n", HttpError::StatusLine),
        (b"HTTP/1.0 200 OK\r\n\r\n", HttpError::Version),
        (b"HTTP/1.1 2000 OK\r\n\r\n", HttpError::StatusLine),
        (
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            HttpError::StatusLine,
        ),
        (b"HTTP/1.1 200 OK\n\n", HttpError::LineEnd),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            HttpError::ContentLength,
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 65\r\n\r\n",
            HttpError::BodyTooLarge,
        ),
        (&interim, HttpError::StatusLine),
        (b"HTTP/1.1 200 OK\r\na : b\r\n\r\n", HttpError::HeaderLine),
    ];
    for (bytes, error) in bad {
        assert_eq!(
            read(bytes),
            Err(Error::Http(error)),
            "{}",
            bytes.escape_ascii()
        );
    }
    let unframed = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 65]].concat();
    let mut in_pieces = ResponseReader::new(LIMITS);
    let mut pieces = unframed
        .chunks(30)
        .map(|mut piece| in_pieces.receive(&mut piece));
    assert!(
        pieces.any(|received| received.is_err()),
        "reads count together"
    );
    assert_eq!(read(&unframed), Err(Error::Http(HttpError::BodyTooLarge)));
    assert_eq!(
        ResponseReader::new(Limits {
            body_bytes_max: 65,
            ..LIMITS
        })
        .receive(&mut &*unframed),
        Ok(None)
    );
}
