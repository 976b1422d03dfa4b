//! One opening handshake, judged by both servers: the same verdict, and the same answer to the key.
//!
//! The input is header lines behind a good request line; with an odd first byte what an upgrade needs
//! stands before them, so that more of them get far.

use crate::handshake::request_of;
use protocol::handshake::server::{Policy, Refusal, accept};
use protocol::http1::{Error, Limits, Request, Requests};
use tungstenite::handshake::machine::TryParse as _;
use tungstenite::handshake::server as theirs;

/// What our HTTP layer refuses although tungstenite may take it, and what decides.
const STRICTER_HTTP: &[(Error, &str)] = &[
    (
        Error::LineEnd,
        "RFC 9112 section 2.2: a bare LF MAY be taken, a bare CR must not",
    ),
    (
        Error::HeaderLine,
        "RFC 9110 section 5.5: octets beyond ASCII are opaque; here they must be UTF-8",
    ),
    (
        Error::Host,
        "RFC 6455 section 4.2.1 item 2, RFC 9112 section 3.2: exactly one valid Host",
    ),
    (
        Error::HeadTooLarge,
        "RFC 9110 section 5.4: a server may limit what it takes",
    ),
    (
        Error::TooManyHeaders,
        "RFC 9110 section 5.4: a server may limit what it takes",
    ),
    (
        Error::ContentLength,
        "RFC 9112 section 6.3: an invalid Content-Length is unrecoverable",
    ),
    (
        Error::TransferEncoding,
        "RFC 9112 section 6.1: an unknown coding should be refused",
    ),
    (
        Error::LengthAndTransferEncoding,
        "RFC 9112 section 6.1: a server MAY reject such a request",
    ),
    (
        Error::UpgradeWithBody,
        "RFC 6455 section 4.1 item 1 shows a request without a body",
    ),
    (
        Error::Expectation,
        "RFC 9110 section 10.1.1: 417 for an unknown expectation",
    ),
    (
        Error::BodyTooLarge,
        "RFC 9110 section 15.5.14: a server may limit what it takes",
    ),
];

/// What our handshake refuses although tungstenite may take it, and the section of RFC 6455.
const STRICTER: &[(Refusal, &str)] = &[
    (
        Refusal::Body,
        "4.1 item 1: the request is a GET without a body",
    ),
    (
        Refusal::Version,
        "11.3.5: the field must not appear more than once in a request",
    ),
    (
        Refusal::Key,
        "11.3.1: the field must not appear more than once in a request",
    ),
    (
        Refusal::Extensions,
        "9.1: a malformed offer is a failed handshake",
    ),
    (
        Refusal::Subprotocol,
        "4.1 item 10: distinct tokens, and no other",
    ),
    (Refusal::Bearer, "1.9: what a subprotocol means is ours"),
];

pub(crate) fn judge(lines: &[u8]) {
    let bytes = request_of(lines);
    let theirs = their_answer(&bytes);
    match Requests::new(Limits::default(), 0).receive(0, &mut bytes.as_slice()) {
        Err(error) => {
            let stricter = STRICTER_HTTP.iter().any(|(known, _)| *known == error);
            assert!(theirs.is_none() || stricter, "{error}");
        }
        // The lines go on into a body, so that this is no request for a WebSocket.
        Ok(None) => {}
        Ok(Some(request)) => compare(&request, theirs),
    }
}

fn compare(request: &Request, theirs: Option<Vec<u8>>) {
    let policy = Policy {
        subprotocols: &[],
        deflate: None,
    };
    match (accept(request, &policy), theirs) {
        (Ok(ours), Some(theirs)) => assert_eq!(ours.accept.as_slice(), theirs),
        (Ok(_), None) => assert!(is_laxer(request), "{request:?}"),
        (Err(refusal), Some(_)) => {
            let known = STRICTER.iter().any(|(known, _)| *known == refusal);
            assert!(known || is_parted_by_spaces(request), "{refusal}");
        }
        (Err(_), None) => {}
    }
}

/// RFC 6455 section 4.2.1 items 3 and 4 ask for the tokens among the values of the fields, which RFC 9110
/// section 5.3 lets stand in several lines; tungstenite looks at the first line alone, asks `Upgrade` to
/// be one token, and does not know a tab for a separator.
fn is_laxer(request: &Request) -> bool {
    let first_is = |name: &str, token: &str| {
        let mut values = request.headers(name);
        let first = values.next().unwrap_or_default();
        values.next().is_none() && first.eq_ignore_ascii_case(token)
    };
    !(first_is("upgrade", "websocket") && first_is("connection", "upgrade"))
}

/// RFC 9110 section 7.6.1: the options of `Connection` are parted by commas; tungstenite takes a space as well.
fn is_parted_by_spaces(request: &Request) -> bool {
    let connection = request.header("connection").unwrap_or_default();
    let mut options = connection.split(',').map(str::trim);
    options.any(|option| option.contains(' '))
}

/// The value of `Sec-WebSocket-Accept`, if tungstenite accepts.
fn their_answer(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, request) = theirs::Request::try_parse(bytes).ok()??;
    let response = theirs::create_response(&request).ok()?;
    let accept = response.headers().get("sec-websocket-accept")?;
    Some(accept.as_bytes().to_vec())
}
