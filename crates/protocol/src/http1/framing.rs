//! Where the body of a message ends (RFC 9112 section 6.3), told by its head.
//!
//! Stricter than the RFC wherever it offers a choice: what two parsers could read in two ways is
//! refused, for that is how requests are smuggled.

use super::Error;
use super::head::Head;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After that many bytes. A request without a body has zero.
    Length(u64),
    /// By the chunked coding.
    Chunked,
    /// By the end of the connection; responses only.
    UntilClose,
}

impl Framing {
    pub(super) fn of_request(head: &Head) -> Result<Self, Error> {
        Ok(declared(head)?.unwrap_or(Self::Length(0)))
    }

    /// For the answer to a request that was neither HEAD nor CONNECT.
    pub(super) fn of_response(head: &Head) -> Result<Self, Error> {
        // RFC 9110 section 6.4.1: these have no body, whatever their fields say.
        if matches!(head.status(), 100..=199 | 204 | 304) {
            return Ok(Self::Length(0));
        }
        Ok(declared(head)?.unwrap_or(Self::UntilClose))
    }
}

fn declared(head: &Head) -> Result<Option<Framing>, Error> {
    let mut codings = head.all("transfer-encoding");
    let mut lengths = head.all("content-length");
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Error::LengthAndTransferEncoding),
        (Some(coding), None)
            if coding.eq_ignore_ascii_case("chunked") && codings.next().is_none() =>
        {
            Ok(Some(Framing::Chunked))
        }
        (Some(_), None) => Err(Error::TransferEncoding),
        (None, Some(length)) if lengths.next().is_none() => {
            decimal(length).map(|length| Some(Framing::Length(length)))
        }
        (None, Some(_)) => Err(Error::ContentLength),
    }
}

/// Digits alone: `u64::from_str` would take a plus sign as well.
fn decimal(text: &str) -> Result<u64, Error> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or(Error::ContentLength)
}
