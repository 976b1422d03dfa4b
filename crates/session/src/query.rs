//! What a URL says about a subscription: the topic or pattern in its path, and where and how to begin in its query.
//!
//! Both are read from the request target as it arrived, still percent-encoded, and strictly: an unknown or repeated parameter, a broken escape or an
//! encoded slash inside a level is refused, for what two readers take differently is how one name passes another's check. Names are judged by the
//! broker's validator alone.

use crate::dialect::json;
use crate::{Cause, Reason, Since};
use broker::{Pattern, TopicName};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Which ways a raw WebSocket connection carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Subscribed, and what the client sends is published.
    #[default]
    Both,
    /// Subscribed only.
    Sub,
    /// Publishing only.
    Pub,
}

impl Mode {
    /// Whether the connection receives messages.
    pub const fn subscribes(self) -> bool {
        matches!(self, Mode::Both | Mode::Sub)
    }

    /// Whether what the client sends is published.
    pub const fn publishes(self) -> bool {
        matches!(self, Mode::Both | Mode::Pub)
    }
}

/// The query of a subscription's or a history's URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// `since` or `last`.
    pub since: Since,
    /// `mode`.
    pub mode: Mode,
    /// `envelope=1`: messages arrive in the JSON dialect's form.
    pub envelope: bool,
}

const BAD_ESCAPE: Cause = Cause::new(Reason::BadQuery, "a percent escape in the query is broken");
const UNKNOWN_KEY: Cause = Cause::new(
    Reason::BadQuery,
    "the query knows since, last, mode and envelope",
);
const TWICE: Cause = Cause::new(Reason::BadQuery, "a parameter stands twice in the query");
const SINCE_OR_LAST: Cause = Cause::new(Reason::BadQuery, "since and last exclude each other");
const BAD_MODE: Cause = Cause::new(Reason::BadQuery, "mode is both, sub or pub");
const BAD_ENVELOPE: Cause = Cause::new(Reason::BadQuery, "envelope is 0 or 1");
const BAD_PATH: Cause = Cause::new(
    Reason::BadTopic,
    "a percent escape in the topic's path is broken",
);
const ENCODED_SLASH: Cause = Cause::new(
    Reason::BadTopic,
    "a level of a topic cannot contain a slash, encoded or not",
);

impl Query {
    /// Reads the part of a request target behind the question mark; an empty one is the default.
    pub fn parse(query: &str) -> Result<Query, Cause> {
        let (mut start, mut mode, mut envelope) = (None, None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = decode(value).ok_or(BAD_ESCAPE)?;
            match key {
                "since" | "last" => {
                    let since = if key == "last" {
                        Since::parse_last(&value)?
                    } else {
                        since(&value)?
                    };
                    if let Some((earlier, _)) = start.replace((key, since)) {
                        return Err(if earlier == key { TWICE } else { SINCE_OR_LAST });
                    }
                }
                "mode" => once(&mut mode, read_mode(&value)?)?,
                "envelope" => once(&mut envelope, read_envelope(&value)?)?,
                _ => return Err(UNKNOWN_KEY),
            }
        }
        Ok(Query {
            since: start.map(|(_, since)| since).unwrap_or_default(),
            mode: mode.unwrap_or_default(),
            envelope: envelope.unwrap_or_default(),
        })
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Cause> {
    slot.replace(value).map_or(Ok(()), |_| Err(TWICE))
}

fn since(value: &str) -> Result<Since, Cause> {
    if value.starts_with('{') {
        json::since_each(value)
    } else {
        Since::parse(value)
    }
}

fn read_mode(value: &str) -> Result<Mode, Cause> {
    match value {
        "both" => Ok(Mode::Both),
        "sub" => Ok(Mode::Sub),
        "pub" => Ok(Mode::Pub),
        _ => Err(BAD_MODE),
    }
}

fn read_envelope(value: &str) -> Result<bool, Cause> {
    match value {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err(BAD_ENVELOPE),
    }
}

/// Reads the pattern from the part of a path behind `/t/`.
pub fn path_pattern(path: &str) -> Result<Pattern, Cause> {
    Ok(Pattern::parse(&levels(path)?)?)
}

/// Reads the exact topic from the part of a path behind `/t/`.
pub fn path_topic(path: &str) -> Result<TopicName, Cause> {
    Ok(TopicName::parse(&levels(path)?)?)
}

/// Decodes a path whose levels are percent-encoded each by itself.
fn levels(path: &str) -> Result<Cow<'_, str>, Cause> {
    let slash_inside = path
        .as_bytes()
        .windows(3)
        .any(|escape| escape.eq_ignore_ascii_case(b"%2f"));
    if slash_inside {
        Err(ENCODED_SLASH)
    } else {
        decode(path).ok_or(BAD_PATH)
    }
}

/// RFC 3986 section 2.1, strictly: each percent sign begins an escape, and the whole is UTF-8. A plus sign is a plus sign.
fn decode(encoded: &str) -> Option<Cow<'_, str>> {
    let mut escapes = encoded.as_bytes().split(|&byte| byte == b'%').skip(1);
    let whole = |escape: &[u8]| escape.len() >= 2 && escape[..2].iter().all(u8::is_ascii_hexdigit);
    if !escapes.all(whole) {
        return None;
    }
    percent_decode_str(encoded).decode_utf8().ok()
}
