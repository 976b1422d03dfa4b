//! Agreeing on permessage-deflate: any list of extensions as a client's offer, and as a server's answer.
//!
//! The first byte of the input says what memory our server has and which window it wants, the second what
//! our client offers. The rest is values of `Sec-WebSocket-Extensions`, a line feed between two fields.
//! What is agreed must be what RFC 7692 section 7.1 allows, clause by clause, and both ends
//! must have understood the same.

use crate::handshake::KEY_LINES;
use crate::model::extensions::{Listing, read};
use protocol::handshake::client::{Error, Offer, Response};
use protocol::handshake::deflate::{Agreed, Parameters, Policy};
use protocol::handshake::server::{self, Refusal};
use protocol::http1::{Limits, Requests};

pub(crate) fn judge(input: &[u8]) {
    let Some((&[memory, offered], text)) = input.split_first_chunk() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let is_value = |value: &str| value.chars().all(|c| c == '\t' || !c.is_ascii_control());
    let values: Vec<&str> = text
        .split('\n')
        .map(|value| value.trim_matches([' ', '\t']))
        .collect();
    if values.len() > 8 || text.len() > 4000 || !values.iter().all(|value| is_value(value)) {
        return;
    }
    let policy = Policy {
        context_bytes_max: [0, 255, 256, 4096, 1 << 15, usize::MAX][usize::from(memory / 8 % 6)],
        context_window_bits: 8 + memory % 8,
    };
    server(&values, &policy);
    client(&values, offer(offered));
}

/// An offer or an answer that section 7.1 allows, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    server_alone: bool,
    client_alone: bool,
    server_bits: Option<u8>,
    client_bits: Option<Option<u8>>,
}

/// `None` if it is another extension, or to be declined.
fn said((name, parameters): &Listing) -> Option<Said> {
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    let twice = (1..names.len()).any(|at| names[..at].contains(&names[at]));
    if name != "permessage-deflate" || twice {
        return None;
    }
    let mut said = Said::default();
    for (name, value) in parameters {
        let bits = value.as_deref().and_then(|value| {
            ["8", "9", "10", "11", "12", "13", "14", "15"]
                .iter()
                .position(|allowed| *allowed == value)
                .map(|at| 8 + at as u8)
        });
        match (name.as_str(), value.is_some(), bits) {
            ("server_no_context_takeover", false, _) => said.server_alone = true,
            ("client_no_context_takeover", false, _) => said.client_alone = true,
            ("server_max_window_bits", _, Some(bits)) => said.server_bits = Some(bits),
            ("client_max_window_bits", true, Some(bits)) => said.client_bits = Some(Some(bits)),
            ("client_max_window_bits", false, _) => said.client_bits = Some(None),
            _ => return None,
        }
    }
    Some(said)
}

/// All extensions of all fields; `None` if one is malformed.
fn listed(values: &[&str]) -> Option<Vec<Listing>> {
    let lists: Option<Vec<_>> = values.iter().map(|value| read(value)).collect();
    Some(lists?.concat())
}

fn fields(values: &[&str], out: &mut Vec<u8>) {
    for value in values {
        out.extend_from_slice(format!("sec-websocket-extensions: {value}\r\n").as_bytes());
    }
}

fn server(values: &[&str], policy: &Policy) {
    let mut request =
        b"GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\n".to_vec();
    request.extend_from_slice(KEY_LINES);
    fields(values, &mut request);
    request.extend_from_slice(b"\r\n");
    let request = Requests::new(Limits::default(), 0).receive(0, &mut request.as_slice());
    let request = request.expect("a valid request").expect("a whole request");
    let policy = server::Policy {
        subprotocols: &[],
        deflate: Some(*policy),
    };
    let accepted = server::accept(&request, &policy);
    let Some(offers) = listed(values) else {
        assert_eq!(accepted.err(), Some(Refusal::Extensions));
        return;
    };
    let accepted = accepted.expect("a well-formed list");
    // RFC 7692 section 5: declining is answering without; the first that can be accepted is.
    let Some(offer) = offers.iter().find_map(said) else {
        assert_eq!(accepted.deflate, None);
        return;
    };
    let answer = accepted.deflate.expect("an offer that can be accepted");
    check_answer(
        &offer,
        &answer,
        policy.deflate.as_ref().expect("it was just given"),
    );

    let mut written = Vec::new();
    server::write_accept(&accepted, &mut written);
    let established =
        Response::new(&client_offer(Some(parameters(&offer)))).receive(&mut &*written);
    let established = established
        .expect("a valid answer")
        .expect("a whole answer");
    assert_eq!(established.deflate, Some(answer.agreed()));
}

/// Section 7.1, with the server's own rules: it keeps no context, and a client's within its memory.
fn check_answer(offer: &Said, answer: &Parameters, policy: &Policy) {
    let agreed = answer.agreed();
    assert!(answer.server_no_context_takeover);
    if offer.client_alone {
        assert!(answer.client_no_context_takeover);
    }
    match (offer.server_bits, answer.server_max_window_bits) {
        (Some(offered), answered) => assert!(answered.is_some_and(|bits| bits <= offered)),
        (None, answered) => assert_eq!(answered, None),
    }
    match (offer.client_bits, answer.client_max_window_bits) {
        (_, None) => {}
        (Some(hint), Some(answered)) => {
            assert!(answered.is_some_and(|bits| bits <= hint.unwrap_or(15)))
        }
        (None, Some(_)) => panic!("the client was told a window unasked"),
    }
    if agreed.client.context_takeover {
        assert!(1 << agreed.client.window_bits <= policy.context_bytes_max);
    }
}

fn client(values: &[&str], offer: Option<Parameters>) {
    let mut answer = b"HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
        sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        .to_vec();
    fields(values, &mut answer);
    answer.extend_from_slice(b"\r\n");
    let received = Response::new(&client_offer(offer)).receive(&mut &*answer);
    match expected(values, offer) {
        Some(agreed) => {
            let established = received.expect("a valid answer").expect("a whole answer");
            assert_eq!(established.deflate, Some(agreed));
        }
        None => assert_eq!(received, Err(Error::Extension)),
    }
}

/// What a client that made this offer has to make of an answer: `None` to fail the connection.
fn expected(values: &[&str], offer: Option<Parameters>) -> Option<Agreed> {
    let offer = offer?;
    // RFC 6455 section 11.3.2: the field stands once in a response.
    if values.len() > 1 {
        return None;
    }
    let [answer] = &listed(values)?[..] else {
        return None;
    };
    let answer = said(answer)?;
    let server_window = match (offer.server_max_window_bits, answer.server_bits) {
        // Section 7.1.2.1: "a value equal to or smaller than the specified value".
        (Some(offered), answered) => answered.is_some_and(|bits| bits <= offered),
        // "A server may include [it] even if the offer doesn't".
        (None, _) => true,
    };
    // Section 7.1.2.2: only to a client that offered it, and with a value.
    let client_window = match answer.client_bits {
        None => true,
        Some(bits) => bits.is_some() && offer.client_max_window_bits.is_some(),
    };
    let server_alone = answer.server_alone || !offer.server_no_context_takeover;
    (server_window && client_window && server_alone).then(|| parameters(&answer).agreed())
}

/// What our client may offer.
fn offer(offered: u8) -> Option<Parameters> {
    let bits = |place: u8| 8 + offered / place % 8;
    (offered % 8 != 7).then(|| Parameters {
        server_no_context_takeover: offered % 2 == 1,
        client_no_context_takeover: offered / 2 % 2 == 1,
        server_max_window_bits: (offered / 4 % 2 == 1).then(|| bits(8)),
        client_max_window_bits: match offered / 64 {
            0 => None,
            1 => Some(None),
            _ => Some(Some(bits(8))),
        },
    })
}

fn parameters(said: &Said) -> Parameters {
    Parameters {
        server_no_context_takeover: said.server_alone,
        client_no_context_takeover: said.client_alone,
        server_max_window_bits: said.server_bits,
        client_max_window_bits: said.client_bits,
    }
}

/// Its key is the one of RFC 6455 section 1.3.
fn client_offer(deflate: Option<Parameters>) -> Offer<'static> {
    Offer {
        host: "h",
        target: "/",
        subprotocols: &[],
        headers: &[],
        key: *b"the sample nonce",
        deflate,
    }
}
