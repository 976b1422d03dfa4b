//! What people read: the sentence of each error, and what a log shows of a machine, which is how much
//! there is and never what.

use crate::LIMITS;
use ringwire_protocol::http1::client::{self, InvalidRequest};
use ringwire_protocol::http1::{Error, InvalidFieldValue, Requests};

#[test]
fn each_error_has_its_status_and_its_sentence() {
    let errors = [
        (Error::NotHttp, 400, "this is not an HTTP request"),
        (Error::RequestLine, 400, "the request line is malformed"),
        (Error::Version, 505, "only HTTP/1.1 is spoken here"),
        (Error::StatusLine, 400, "the status line is malformed"),
        (Error::LineEnd, 400, "lines end in CR LF"),
        (Error::HeaderLine, 400, "a header line is malformed"),
        (Error::Target, 400, "the request target is malformed"),
        (Error::TargetTooLong, 414, "the request target is too long"),
        (Error::HeadTooLarge, 431, "the header lines are too long"),
        (
            Error::TooManyHeaders,
            431,
            "there are too many header lines",
        ),
        (
            Error::Host,
            400,
            "exactly one valid Host header is required",
        ),
        (
            Error::ContentLength,
            400,
            "Content-Length is not one decimal number",
        ),
        (
            Error::Expectation,
            417,
            "the only expectation that this server knows is 100-continue",
        ),
        (
            Error::UpgradeWithBody,
            400,
            "a request for a WebSocket has no body",
        ),
        (Error::Chunk, 400, "the chunked body is malformed"),
        (
            Error::ChunkExtensions,
            400,
            "there are too many chunk extensions",
        ),
        (Error::BodyTooLarge, 413, "the body is too large"),
        (Error::Timeout, 408, "the request was not complete in time"),
    ];
    for (error, status, sentence) in errors {
        assert_eq!((error.status(), error.message()), (status, sentence));
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn errors_of_ours_and_of_a_server_say_what_is_wrong() {
    let truncated = client::Error::Truncated.to_string();
    assert_eq!(truncated, "the connection ended inside the answer");
    let http = client::Error::Http(Error::Chunk).to_string();
    assert_eq!(
        http,
        "the answer is no valid HTTP: the chunked body is malformed"
    );
    assert!(InvalidRequest.to_string().contains("a part of the request"));
    assert!(InvalidFieldValue.to_string().contains("control character"));
}

/// A log may show a machine in any state: it tells how much has come.
#[test]
fn no_log_shows_what_a_request_holds() {
    let request = b"POST /t/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer secret\r\ncontent-length: 14\r\n\r\nsecret message";
    let mut machine = Requests::new(LIMITS, 0);
    let (head, rest) = request.split_at(60);
    assert_eq!(machine.receive(0, &mut &*head), Ok(None));
    let shown = format!("{machine:?}");
    assert!(
        shown.contains("HeadReader { bytes: 60") && !shown.contains("secret"),
        "{shown}"
    );
    let (body, last) = rest.split_at(rest.len() - 5);
    assert_eq!(machine.receive(0, &mut &*body), Ok(None));
    let shown = format!("{machine:?}");
    assert!(
        shown.contains("BodyReader { bytes: 9") && !shown.contains("secret"),
        "{shown}"
    );
    let request = machine
        .receive(0, &mut &*last)
        .unwrap()
        .expect("it is whole");
    let shown = format!("{request:?}");
    assert!(
        shown.contains("body_bytes: 14") && !shown.contains("secret"),
        "{shown}"
    );
}

#[test]
fn no_log_shows_what_a_client_asks_or_is_answered() {
    let request = client::Request {
        method: "POST",
        host: "a",
        target: "/t/a?token=secret",
        headers: &[("authorization", "Bearer secret")],
        body: b"secret message",
        keep_alive: true,
    };
    let shown = format!("{request:?}");
    assert!(
        shown.contains("POST") && !shown.contains("secret"),
        "{shown}"
    );
    let answer = b"HTTP/1.1 200 OK\r\nset-cookie: secret\r\ncontent-length: 6\r\n\r\nsecret";
    let mut reader = client::ResponseReader::new(LIMITS);
    let (part, last) = answer.split_at(answer.len() - 1);
    assert_eq!(reader.receive(&mut &*part), Ok(None));
    let shown = format!("{reader:?}");
    assert!(
        shown.contains("Head {") && !shown.contains("secret"),
        "{shown}"
    );
    let response = reader.receive(&mut &*last);
    let shown = format!("{:?}", response.unwrap().expect("it is whole"));
    assert!(
        shown.contains("200") && !shown.contains("secret"),
        "{shown}"
    );
}
