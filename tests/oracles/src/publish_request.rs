//! A publish over HTTP in every framing that a client may choose: the body arrives as it was sent.
//!
//! The input is a plan, not a stream: how the reads are cut, how the body is framed, then for each chunk
//! a length byte and so many bytes of the body. Behind the request comes a second one, whose bytes
//! must not be taken for the first one's.

use crate::cuts::reads;
use protocol::http1::{Limits, Requests};

const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nhost: h\r\n\r\n";

pub(crate) fn judge(input: &[u8]) {
    let Some((&[how, framing], plan)) = input.split_first_chunk() else {
        return;
    };
    let chunks = chunks(plan);
    let body = chunks.concat();
    if body.len() > Limits::default().body_bytes_max {
        return;
    }
    let mut stream = b"POST /t/a HTTP/1.1\r\nhost: h\r\n".to_vec();
    if framing % 4 == 0 {
        stream.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        stream.extend_from_slice(&body);
    } else {
        write_chunked(framing, &chunks, &mut stream);
    }
    stream.extend_from_slice(NEXT);

    let mut machine = Requests::new(Limits::default(), 0);
    let mut requests = Vec::new();
    for mut read in reads(how, &stream) {
        while let Some(request) = machine.receive(0, &mut read).expect("a valid request") {
            requests.push(request);
        }
    }
    let [publish, next] = &requests[..] else {
        panic!("two requests were sent, and {} came", requests.len());
    };
    assert_eq!((publish.method(), publish.path()), ("POST", "/t/a"));
    assert_eq!(publish.body(), body);
    assert_eq!((next.path(), next.body()), ("/next", &b""[..]));
}

/// RFC 9112 section 7.1, with what a sender is free in: the case of digits, leading zeros, extensions,
/// trailers.
fn write_chunked(framing: u8, chunks: &[&[u8]], out: &mut Vec<u8>) {
    out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    let extension = if framing & 0x10 == 0 { "" } else { ";a=\"b;\"" };
    for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
        let size = if framing & 0x20 == 0 {
            format!("{:x}", chunk.len())
        } else {
            format!("{:06X}", chunk.len())
        };
        out.extend_from_slice(format!("{size}{extension}\r\n").as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    let trailer = if framing & 0x40 == 0 {
        ""
    } else {
        "x-sum: 1\r\n"
    };
    out.extend_from_slice(format!("0{extension}\r\n{trailer}\r\n").as_bytes());
}

/// At most as many as have no too many extensions between them.
fn chunks(mut plan: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    while let [length, rest @ ..] = plan
        && chunks.len() < 100
    {
        let (chunk, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        chunks.push(chunk);
        plan = rest;
    }
    chunks
}
