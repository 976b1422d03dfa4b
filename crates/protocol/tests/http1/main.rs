//! HTTP/1.1 seen from outside: what comes out of the machines for what goes in.

mod client;
mod limits;
mod requests;
mod responses;
mod shown;
mod smuggling;
mod split;

use ringwire_protocol::http1::{Error, Limits, Request, Requests};

/// Bounds that are easy to reach.
const LIMITS: Limits = Limits {
    head_bytes_max: 512,
    headers_max: 8,
    body_bytes_max: 64,
    head_timeout_ms: 5_000,
    body_timeout_ms: 10_000,
};

/// All requests in `bytes`, up to the first error, as one connection sees them.
fn requests(limits: Limits, bytes: &[u8]) -> (Vec<Request>, Option<Error>) {
    requests_from_pieces(limits, [bytes])
}

/// The same for bytes that come in several reads.
fn requests_from_pieces<'p>(
    limits: Limits,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> (Vec<Request>, Option<Error>) {
    let mut machine = Requests::new(limits, 0);
    let mut requests = Vec::new();
    for mut input in pieces {
        loop {
            match machine.receive(0, &mut input) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
    }
    (requests, None)
}

/// The one request in `bytes`.
fn request(bytes: &[u8]) -> Result<Request, Error> {
    match requests(LIMITS, bytes) {
        (mut requests, None) if requests.len() == 1 => Ok(requests.remove(0)),
        (_, Some(error)) => Err(error),
        (requests, None) => panic!("{} requests", requests.len()),
    }
}
