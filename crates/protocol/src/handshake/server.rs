//! The server's side: may this request become a WebSocket, and what is answered (RFC 6455 section 4.2).
//!
//! What the HTTP layer has refused already (another version of HTTP, no host) is not judged again.
//! Origins and tokens are not judged here either; a token in the subprotocols is only taken out.

use super::fields::{ACCEPT, EXTENSIONS, KEY, PROTOCOL, VERSION, VERSION_13};
use super::{deflate, extensions, key};
use crate::http1::{FieldValue, Request, Response, UPGRADE_TOKEN, is_token, list, write_field};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use std::fmt;

/// The subprotocol entry that carries a token, from clients that can set no header: browsers.
const BEARER: &str = "bearer.";

/// What this endpoint serves.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The subprotocols that are served here. None of them begins with `bearer.`.
    pub subprotocols: &'a [&'a str],
    /// Whether messages may be compressed.
    pub deflate: Option<deflate::Policy>,
}

/// A request that may become a WebSocket.
#[derive(Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The value of `Sec-WebSocket-Accept`.
    pub accept: [u8; 28],
    /// The first of the client's subprotocols that we serve, in our spelling.
    pub subprotocol: Option<String>,
    /// The token from an entry `bearer.<base64url>`, decoded. It is never echoed.
    pub bearer: Option<String>,
    /// Our answer to the client's offer to compress messages, if it is accepted.
    pub deflate: Option<deflate::Parameters>,
}

/// Says that there is a token, not which: no log is to show it.
impl fmt::Debug for Accepted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Accepted")
            .field("subprotocol", &self.subprotocol)
            .field("has_bearer", &self.bearer.is_some())
            .field("deflate", &self.deflate)
            .finish_non_exhaustive()
    }
}

/// Judges an opening handshake.
///
/// # Errors
/// The first rule that the request breaks. The connection is closed after the answer.
pub fn accept(request: &Request, policy: &Policy<'_>) -> Result<Accepted, Refusal> {
    check_upgrade(request)?;
    check_version(request)?;
    let accept = check_key(request)?;
    check_extensions(request)?;
    let offered = Offered::parse(request)?;
    let served = |token: &&str| policy.subprotocols.contains(token);
    let subprotocol = offered
        .subprotocols
        .into_iter()
        .find(served)
        .map(str::to_owned);
    Ok(Accepted {
        accept,
        subprotocol,
        bearer: offered.bearer,
        deflate: accept_deflate(request, policy),
    })
}

/// Appends the 101.
pub fn write_accept(accepted: &Accepted, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
    write_field("upgrade", UPGRADE_TOKEN, out);
    write_field("connection", "Upgrade", out);
    write_field(ACCEPT.name, accepted.accept, out);
    if let Some(subprotocol) = &accepted.subprotocol {
        debug_assert!(is_token(subprotocol), "a served subprotocol is a token");
        write_field(PROTOCOL.name, subprotocol, out);
    }
    if let Some(deflate) = &accepted.deflate {
        write_field(EXTENSIONS.name, deflate.to_string(), out);
    }
    out.extend_from_slice(b"\r\n");
}

fn check_upgrade(request: &Request) -> Result<(), Refusal> {
    if request.method() != "GET" {
        return Err(Refusal::Method);
    }
    if !request.asks_for_websocket() || !request.lists("connection", "upgrade") {
        return Err(Refusal::NotUpgrade);
    }
    // A body here would be read as frames by somebody: the boundary must not be a matter of opinion.
    let declared = request.header("transfer-encoding").is_some()
        || request
            .header("content-length")
            .is_some_and(|length| length != "0");
    if declared || !request.body().is_empty() {
        return Err(Refusal::Body);
    }
    Ok(())
}

fn check_version(request: &Request) -> Result<(), Refusal> {
    let mut versions = VERSION.of_request(request).map_err(|_| Refusal::Version)?;
    if versions.next() == Some(VERSION_13) {
        Ok(())
    } else {
        Err(Refusal::Version)
    }
}

fn check_key(request: &Request) -> Result<[u8; 28], Refusal> {
    let mut keys = KEY.of_request(request).map_err(|_| Refusal::Key)?;
    match keys.next() {
        Some(text) if key::is_valid(text) => Ok(key::accept(text.as_bytes())),
        _ => Err(Refusal::Key),
    }
}

/// Only the grammar: an offer that we do not serve is declined, not refused.
fn check_extensions(request: &Request) -> Result<(), Refusal> {
    let mut offers = EXTENSIONS
        .of_request(request)
        .map_err(|_| Refusal::Extensions)?
        .flat_map(extensions::parse);
    if offers.all(|offer| offer.is_ok()) {
        Ok(())
    } else {
        Err(Refusal::Extensions)
    }
}

fn accept_deflate(request: &Request, policy: &Policy<'_>) -> Option<deflate::Parameters> {
    let policy = policy.deflate.as_ref()?;
    if request.header("user-agent").is_some_and(deflate::is_broken) {
        return None;
    }
    let offers = EXTENSIONS.of_request(request).ok()?;
    deflate::accept(offers, policy)
}

/// The client's subprotocols, in its order of preference, and the token that was among them.
struct Offered<'r> {
    subprotocols: Vec<&'r str>,
    bearer: Option<String>,
}

impl<'r> Offered<'r> {
    fn parse(request: &'r Request) -> Result<Self, Refusal> {
        let mut offered = Self {
            subprotocols: Vec::new(),
            bearer: None,
        };
        let values = PROTOCOL
            .of_request(request)
            .map_err(|_| Refusal::Subprotocol)?;
        for value in values {
            let before = offered.len();
            for entry in list(value) {
                offered.add(entry)?;
            }
            if offered.len() == before {
                return Err(Refusal::Subprotocol);
            }
        }
        // RFC 6455 section 4.1: "all strings MUST be unique". Sorting keeps a long list linear-ish.
        let mut sorted = offered.subprotocols.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refusal::Subprotocol);
        }
        Ok(offered)
    }

    fn len(&self) -> usize {
        self.subprotocols.len() + usize::from(self.bearer.is_some())
    }

    fn add(&mut self, entry: &'r str) -> Result<(), Refusal> {
        if !is_token(entry) {
            return Err(Refusal::Subprotocol);
        }
        let Some(encoded) = entry.strip_prefix(BEARER) else {
            self.subprotocols.push(entry);
            return Ok(());
        };
        let token = decode_bearer(encoded).ok_or(Refusal::Bearer)?;
        if self.bearer.replace(token).is_some() {
            return Err(Refusal::Bearer);
        }
        Ok(())
    }
}

fn decode_bearer(encoded: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
    String::from_utf8(bytes)
        .ok()
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// The rule of the handshake that a request broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The method is not GET.
    Method,
    /// `Upgrade` does not list `websocket`, or `Connection` does not list `upgrade`.
    NotUpgrade,
    /// The request has a body.
    Body,
    /// `Sec-WebSocket-Version` is not exactly once 13.
    Version,
    /// `Sec-WebSocket-Key` is not exactly once the base64 of 16 bytes.
    Key,
    /// `Sec-WebSocket-Extensions` is malformed.
    Extensions,
    /// `Sec-WebSocket-Protocol` is no list of distinct tokens.
    Subprotocol,
    /// A subprotocol entry `bearer.<base64url>` does not decode to a token, or there are two.
    Bearer,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Method => 405,
            Self::NotUpgrade | Self::Version => 426,
            _ => 400,
        }
    }

    /// One sentence for whoever sent the request.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Method => "a WebSocket is opened with GET",
            Self::NotUpgrade => {
                "this is a WebSocket: send Connection: Upgrade and Upgrade: websocket"
            }
            Self::Body => "a request for a WebSocket has no body",
            Self::Version => "Sec-WebSocket-Version must be 13, once",
            Self::Key => "Sec-WebSocket-Key must be the base64 of 16 bytes, once",
            Self::Extensions => "Sec-WebSocket-Extensions is malformed",
            Self::Subprotocol => "Sec-WebSocket-Protocol must be a list of distinct tokens",
            Self::Bearer => "a subprotocol entry bearer.<base64url> must carry one token",
        }
    }

    /// The fields that the answer must have.
    pub fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Method => &[("allow", "GET")],
            Self::NotUpgrade => &[("upgrade", UPGRADE_TOKEN)],
            Self::Version => &[(VERSION.name, VERSION_13)],
            _ => &[],
        }
    }

    /// Appends the whole answer, with the message as its text. The connection is closed after it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let plain =
            Response::new(self.status()).header("content-type", "text/plain; charset=utf-8");
        let response = self
            .headers()
            .iter()
            .fold(plain, |response, (name, value)| {
                response.header(name, FieldValue::from(*value))
            });
        response.write(self.message().as_bytes(), false, out);
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for Refusal {}
