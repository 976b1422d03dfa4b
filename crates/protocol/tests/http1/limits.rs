//! Every bound at one below, exactly, and one above.

use crate::{LIMITS, requests};
use ringwire_protocol::http1::{Error, Limits};
use ringwire_protocol::limits::CHUNK_EXTENSION_BYTES_MAX;

fn outcome(limits: Limits, bytes: &[u8]) -> Result<usize, Error> {
    let (requests, error) = requests(limits, bytes);
    error.map_or(Ok(requests.len()), Err)
}

/// What happens with bounds that are one above, exactly, and one below what `bytes` need.
fn around(
    limits: impl Fn(usize) -> Limits,
    needed: usize,
    bytes: &[u8],
) -> [Result<usize, Error>; 3] {
    [needed + 1, needed, needed - 1].map(|bound| outcome(limits(bound), bytes))
}

#[test]
fn the_bytes_of_a_head_are_bounded() {
    let head = b"GET / HTTP/1.1\r\nhost: h\r\na: b\r\n\r\n";
    let limits = |head_bytes_max| Limits {
        head_bytes_max,
        ..LIMITS
    };
    assert_eq!(
        around(limits, head.len(), head),
        [Ok(1), Ok(1), Err(Error::HeadTooLarge)]
    );
    assert_eq!(Error::HeadTooLarge.status(), 431);
    let padded = [b"\r\n".as_slice(), head].concat();
    assert_eq!(
        around(limits, padded.len(), &padded),
        [Ok(1), Ok(1), Err(Error::HeadTooLarge)],
        "empty lines before count"
    );
    assert_eq!(
        outcome(LIMITS, &b"\r\n".repeat(257)),
        Err(Error::TargetTooLong),
        "endless empty lines"
    );
    assert_eq!(
        outcome(LIMITS, &[b'A'; 513]),
        Err(Error::TargetTooLong),
        "an endless method"
    );
}

#[test]
fn a_target_that_fills_the_head_is_told_apart() {
    let head = format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(1_000));
    assert_eq!(outcome(LIMITS, head.as_bytes()), Err(Error::TargetTooLong));
    assert_eq!(Error::TargetTooLong.status(), 414);
}

#[test]
fn the_number_of_header_lines_is_bounded() {
    let head = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "a: b\r\n".repeat(7));
    let limits = |headers_max| Limits {
        headers_max,
        ..LIMITS
    };
    assert_eq!(
        around(limits, 8, head.as_bytes()),
        [Ok(1), Ok(1), Err(Error::TooManyHeaders)]
    );
    assert_eq!(Error::TooManyHeaders.status(), 431);
}

#[test]
fn a_declared_body_is_refused_before_it_is_read() {
    let head = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n";
    let limits = |body_bytes_max| Limits {
        body_bytes_max,
        ..LIMITS
    };
    assert_eq!(
        around(limits, 9, head),
        [Ok(0), Ok(0), Err(Error::BodyTooLarge)]
    );
    assert_eq!(Error::BodyTooLarge.status(), 413);
}

#[test]
fn the_chunks_of_a_body_are_bounded_together() {
    let head = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    let limits = |body_bytes_max| Limits {
        body_bytes_max,
        ..LIMITS
    };
    let body = format!("{head}4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\n");
    assert_eq!(
        around(limits, 9, body.as_bytes()),
        [Ok(1), Ok(1), Err(Error::BodyTooLarge)]
    );
    let unread = format!("{head}4\r\nabcd\r\n5\r\n");
    assert_eq!(
        around(limits, 9, unread.as_bytes()),
        [Ok(0), Ok(0), Err(Error::BodyTooLarge)],
        "from the size line alone"
    );
}

#[test]
fn chunk_extensions_are_bounded_over_the_whole_body() {
    let body = |extension_bytes: usize| {
        let (first, second) = (
            "x".repeat(extension_bytes / 2),
            "x".repeat(extension_bytes.div_ceil(2)),
        );
        format!(
            "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1;{first}\r\na\r\n0;{second}\r\n\r\n"
        )
    };
    let outcomes = [-1, 0, 1].map(|more| {
        outcome(
            LIMITS,
            body(CHUNK_EXTENSION_BYTES_MAX.checked_add_signed(more).unwrap()).as_bytes(),
        )
    });
    assert_eq!(outcomes, [Ok(1), Ok(1), Err(Error::ChunkExtensions)]);
}

#[test]
fn trailers_are_bounded_like_headers() {
    let body = |trailers: &str| {
        format!(
            "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n{trailers}\r\n"
        )
        .into_bytes()
    };
    let lines = body(&"a: b\r\n".repeat(8));
    let limits = |headers_max| Limits {
        headers_max,
        ..LIMITS
    };
    assert_eq!(
        around(limits, 8, &lines),
        [Ok(1), Ok(1), Err(Error::TooManyHeaders)]
    );
    let line = format!("a: {}\r\n", "b".repeat(300));
    let long = body(&line);
    let limits = |head_bytes_max| Limits {
        head_bytes_max,
        ..LIMITS
    };
    // The empty line's carriage return is the last byte that is counted.
    assert_eq!(
        around(limits, line.len() + 1, &long),
        [Ok(1), Ok(1), Err(Error::HeadTooLarge)]
    );
}
