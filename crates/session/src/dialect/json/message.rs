//! The message form: how a publication looks in the JSON dialect and in JSON bodies over HTTP.
//!
//! Written once for each publication, whoever gets it; so nothing in it depends on the receiver. JSON payloads are embedded as they were published and
//! are not looked at again: they were checked when they came in.

use super::text;
use broker::{History, Position, Publication, Retained};
use std::ops::Range;

/// Appends `{"topic":...,"at":...,"data"|"text"|"base64":...}`. Returns where in `out` the payload stands as it was published: always for JSON, for text
/// when it needed no escapes, never for bytes.
pub fn message(
    out: &mut Vec<u8>,
    topic: &str,
    publication: &Publication<'_>,
) -> Option<Range<usize>> {
    text::raw(out, &["{\"topic\":"]);
    text::string(out, topic);
    text::displayed(out, format_args!(",\"at\":\"{}\",", publication.at));
    let verbatim = text::payload(out, publication.kind, publication.payload);
    out.push(b'}');
    verbatim
}

/// Appends a topic's history: `{"topic","first","last","messages":[...]}`, with `recovered` when it was asked from a position. This is the body of the HTTP
/// answer too.
pub fn history(out: &mut Vec<u8>, topic: &str, history: &History) {
    published_members(out, topic, "first", history.first);
    text::displayed(out, format_args!(",\"last\":\"{}\"", history.last));
    text::recovery(out, history.recovery);
    text::raw(out, &[",\"messages\":["]);
    for (index, message) in history.messages.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        retained(out, message);
    }
    text::raw(out, &["]}"]);
}

/// Appends where a publication got its place: `{"topic","at"}`. This is the body of the HTTP answer to a publish too.
pub fn published(out: &mut Vec<u8>, topic: &str, at: Position) {
    published_members(out, topic, "at", at);
    out.push(b'}');
}

fn published_members(out: &mut Vec<u8>, topic: &str, key: &str, at: Position) {
    text::raw(out, &["{\"topic\":"]);
    text::string(out, topic);
    text::displayed(out, format_args!(",\"{key}\":\"{at}\""));
}

fn retained(out: &mut Vec<u8>, message: &Retained) {
    text::displayed(
        out,
        format_args!("{{\"at\":\"{}\",\"time\":{},", message.at, message.time_ms),
    );
    text::payload(out, message.kind, &message.payload);
    out.push(b'}');
}
