//! HTTP/1.1 requests and responses on bytes cut anywhere, and requests beside a model.
//!
//! The first byte of the input says how the reads are cut. Whatever the cuts, the same messages come out
//! and the same error ends them, no bound is passed, and each request is what the model reads
//! and ends where the model says: whoever disagrees about that can be made to smuggle requests.

use crate::cuts::reads;
use crate::model::http::{self, Plain};
use protocol::http1::client::{Error as ClientError, Response, ResponseReader};
use protocol::http1::{Error, Limits, Request, Requests};

const LIMITS: Limits = Limits {
    head_bytes_max: 256,
    headers_max: 6,
    body_bytes_max: 100,
    head_timeout_ms: 5_000,
    body_timeout_ms: 10_000,
};

pub(crate) fn judge(input: &[u8]) {
    let Some((&how, stream)) = input.split_first() else {
        return;
    };
    let whole = requests([stream].into_iter());
    assert_eq!(whole, requests(reads(how, stream)));
    whole.0.iter().for_each(check_request);
    compare(&whole, stream);
    let whole = response([stream].into_iter());
    assert_eq!(whole, response(reads(how, stream)));
}

type Heard = (Vec<Request>, Option<Error>);

fn requests<'s>(reads: impl Iterator<Item = &'s [u8]>) -> Heard {
    let mut machine = Requests::new(LIMITS, 0);
    let mut seen = Vec::new();
    for mut read in reads {
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

fn compare((requests, error): &Heard, mut stream: &[u8]) {
    for request in requests {
        let plain = http::request(stream).expect("what was handed out is whole");
        assert_eq!(request.method(), plain.method);
        assert_eq!(request.target(), plain.target);
        assert_eq!(request.body(), plain.body);
        assert!(plain.fields.len() <= LIMITS.headers_max);
        for (name, _) in &plain.fields {
            let values: Vec<&str> = request.headers(name).collect();
            assert_eq!(values, plain.values(name));
        }
        stream = &stream[plain.bytes..];
    }
    let goes_on = requests.last().is_none_or(Request::keep_alive);
    if error.is_none() && goes_on {
        let left: Option<Plain> = http::request(stream);
        assert_eq!(left, None, "a whole request was not handed out");
    }
}

fn response<'s>(reads: impl Iterator<Item = &'s [u8]>) -> Result<Response, ClientError> {
    let mut machine = ResponseReader::new(LIMITS);
    for mut read in reads {
        if let Some(response) = machine.receive(&mut read)? {
            assert!(response.body().len() <= LIMITS.body_bytes_max);
            return Ok(response);
        }
    }
    machine.end()
}
