//! Pieces of JSON text that every writer of this dialect is made from, and the one string type that its readers borrow with.

use crate::from_broker::loss_label;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker::{Kind, Position, Recovery};
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::ops::Range;

/// A JSON string: borrowed when it has no escapes. (Inside an `Option` serde borrows a newtype, but not a bare `Cow`.)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Appends pieces that are JSON already.
pub(super) fn raw(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// Appends what `arguments` displays; for numbers and positions, which need no escapes.
pub(super) fn displayed(out: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    out.write_fmt(arguments)
        .expect("writing to a Vec cannot fail");
}

/// Appends a JSON string, quotes and escapes included.
pub(super) fn string(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).expect("a str always serializes into a Vec");
}

/// Appends `,"recovered":...` and the reason of a loss; nothing when no position was asked for.
pub(super) fn recovery(out: &mut Vec<u8>, recovery: Recovery) {
    match recovery {
        Recovery::NotAsked => {}
        Recovery::Recovered => raw(out, &[",\"recovered\":true"]),
        Recovery::Lost(loss) => raw(
            out,
            &[",\"recovered\":false,\"reason\":\"", loss_label(loss), "\""],
        ),
    }
}

/// Appends an object of positions, one for each topic.
pub(super) fn positions<'t>(
    out: &mut Vec<u8>,
    positions: impl Iterator<Item = (&'t str, Position)>,
) {
    out.push(b'{');
    for (index, (topic, position)) in positions.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, topic);
        displayed(out, format_args!(":\"{position}\""));
    }
    out.push(b'}');
}

/// Appends `"data":...`, `"text":...` or `"base64":...`, and returns where the payload stands as it was published, if it does.
pub(super) fn payload(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) -> Option<Range<usize>> {
    match (kind, std::str::from_utf8(payload)) {
        (Kind::Json, _) => {
            raw(out, &["\"data\":"]);
            let start = out.len();
            out.extend_from_slice(payload);
            Some(start..out.len())
        }
        (Kind::Text, Ok(text)) => {
            raw(out, &["\"text\":"]);
            let start = out.len();
            string(out, text);
            // No escape was needed exactly when nothing but the quotes was added.
            (out.len() - start == text.len() + 2).then(|| start + 1..out.len() - 1)
        }
        // Text is checked where it enters; what got by unchecked is shown as the bytes that it is.
        (Kind::Text | Kind::Binary, _) => {
            raw(out, &["\"base64\":\""]);
            base64(out, payload);
            out.push(b'"');
            None
        }
    }
}

fn base64(out: &mut Vec<u8>, payload: &[u8]) {
    let start = out.len();
    out.resize(start + payload.len().div_ceil(3) * 4, 0);
    let written = STANDARD
        .encode_slice(payload, &mut out[start..])
        .expect("four bytes for each three begun are enough");
    debug_assert_eq!(start + written, out.len());
}
