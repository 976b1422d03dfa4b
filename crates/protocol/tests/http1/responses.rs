//! Responses as they stand on the wire.

use ringwire_protocol::http1::{FieldValue, Response};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_response_is_framed_by_its_length() {
    let name = String::from("chat");
    let response = Response::new(200)
        .header("content-type", "application/json")
        .header("x-topic", FieldValue::parse(&name).unwrap())
        .header("x-count", 7);
    assert_eq!(
        written(|out| response.write(b"{}", true, out)),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-topic: chat\r\nx-count: 7\r\ncontent-length: 2\r\n\r\n{}"
    );
    assert_eq!(
        written(|out| Response::new(431).write(b"", false, out)),
        "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
}

#[test]
fn the_answer_to_head_counts_a_body_that_it_does_not_send() {
    assert_eq!(
        written(|out| Response::new(200)
            .head_only(true)
            .write(b"hello", true, out)),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
    );
}

#[test]
fn statuses_without_a_body_have_no_length() {
    for (status, line) in [
        (204, "HTTP/1.1 204 No Content\r\n\r\n"),
        (304, "HTTP/1.1 304 \r\n\r\n"),
    ] {
        assert_eq!(
            written(|out| Response::new(status).write(b"", true, out)),
            line
        );
    }
}

#[test]
fn each_status_has_the_phrase_of_its_registry() {
    for (status, phrase) in [
        (200, "OK"),
        (204, "No Content"),
        (400, "Bad Request"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (408, "Request Timeout"),
        (410, "Gone"),
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (415, "Unsupported Media Type"),
        (417, "Expectation Failed"),
        (421, "Misdirected Request"),
        (426, "Upgrade Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (501, "Not Implemented"),
        (503, "Service Unavailable"),
        (505, "HTTP Version Not Supported"),
        (599, ""),
    ] {
        let response = written(|out| Response::new(status).write(b"", true, out));
        let line = format!("HTTP/1.1 {status} {phrase}\r\n");
        assert!(response.starts_with(&line), "{response}");
    }
}
