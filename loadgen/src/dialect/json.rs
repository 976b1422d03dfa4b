//! What the dialects in JSON have in common: strings that are borrowed where nothing is escaped, payloads in base64, objects
//! that cannot be read.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Encoding, Heard, Refusal, quoted};

/// A JSON string.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'m>(#[serde(borrow)] pub(super) Cow<'m, str>);

/// `value` as a JSON string, quotes included.
pub(super) fn string(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// A text message of a server that speaks `protocol`, which is one or several objects.
pub(super) fn text<'m>(bytes: &'m [u8], protocol: &str) -> Result<&'m str, Refusal> {
    // The short way to a message does not look whether text is UTF-8.
    std::str::from_utf8(bytes).map_err(|_| unknown(bytes, protocol))
}

/// An object of such a server.
pub(super) fn object<'m, T: Deserialize<'m>>(text: &'m str, protocol: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|_| unknown(text.as_bytes(), protocol))
}

/// Delivers what a string of base64 holds, or the string itself: it is then none of ours, and judged so.
pub(super) fn deliver_base64(text: &str, hear: &mut dyn FnMut(Heard<'_>)) {
    match Encoding::Base64.decode(text.as_bytes()) {
        Some(payload) => hear(Heard::Delivery(&payload)),
        None => hear(Heard::Delivery(text.as_bytes())),
    }
}

fn unknown(bytes: &[u8], protocol: &str) -> Refusal {
    Refusal(format!("it does not speak {protocol}: `{}`", quoted(bytes)))
}
