//! HTTP/1.1 requests and responses from bytes cut anywhere.
//!
//! The first byte of the input says how long the reads are. The same bytes, read whole and read in
//! pieces, must give the same messages and end at the same error, and no bound may be passed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::http1::client::{Error as ClientError, Response, ResponseReader};
use protocol::http1::{Error, Limits, Request, Requests};

const LIMITS: Limits = Limits {
    head_bytes_max: 256,
    headers_max: 6,
    body_bytes_max: 100,
    head_timeout_ms: 5_000,
    body_timeout_ms: 10_000,
};

fuzz_target!(|input: &[u8]| {
    let Some((&read_bytes, stream)) = input.split_first() else {
        return;
    };
    let read_bytes = usize::from(read_bytes).max(1);
    let whole = requests(stream, stream.len().max(1));
    assert_eq!(whole, requests(stream, read_bytes));
    whole.0.iter().for_each(check_request);
    let whole = response(stream, stream.len().max(1));
    assert_eq!(whole, response(stream, read_bytes));
});

fn requests(stream: &[u8], read_bytes: usize) -> (Vec<Request>, Option<Error>) {
    let mut machine = Requests::new(LIMITS, 0);
    let mut seen = Vec::new();
    for mut read in stream.chunks(read_bytes) {
        loop {
            match machine.receive(0, &mut read) {
                Ok(Some(request)) => seen.push(request),
                Ok(None) => break,
                Err(error) => {
                    assert!((400..=505).contains(&error.status()) && read.is_empty());
                    return (seen, Some(error));
                }
            }
        }
    }
    (seen, None)
}

fn check_request(request: &Request) {
    assert!(request.body().len() <= LIMITS.body_bytes_max);
    assert!(request.path().starts_with('/') || request.path() == "*");
    assert!(
        request
            .target()
            .contains(request.query().unwrap_or_default())
    );
    assert!(!request.asks_for_websocket() || request.body().is_empty());
    assert!(request.headers("host").count() == 1);
    let framing =
        request.headers("content-length").count() + request.headers("transfer-encoding").count();
    assert!(framing <= 1);
}

fn response(stream: &[u8], read_bytes: usize) -> Result<Response, ClientError> {
    let mut machine = ResponseReader::new(LIMITS);
    for mut read in stream.chunks(read_bytes) {
        if let Some(response) = machine.receive(&mut read)? {
            assert!(response.body().len() <= LIMITS.body_bytes_max);
            return Ok(response);
        }
    }
    machine.end()
}
