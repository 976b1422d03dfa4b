//! What the server says to one client of the JSON dialect: the greeting, answers, errors and events.
//!
//! Each function appends the payload of one text message. `id` is a command's id as it was written, JSON text already; what answers nothing has none. The
//! messages of topics are not here but in `message`: they are written once for everybody.

use super::{PROTOCOL, message, text};
use crate::Cause;
use crate::from_broker::loss_label;
use broker::{History, Outcome, Position, Recovery, Standing};

/// What a client may count on, told in the greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// The largest message that a client may send, in bytes.
    pub message_bytes_max: u64,
    /// The largest payload of one publication, in bytes.
    pub payload_bytes_max: u64,
    /// How many subscriptions one connection may hold.
    pub subscriptions_max: u32,
    /// How many of them may have wildcards.
    pub pattern_subscriptions_max: u32,
    /// How many publications one answer to `history` brings at most.
    pub history_messages_max: u32,
    /// How many bytes their payloads have together, unless it is one publication.
    pub history_bytes_max: u64,
    /// How often the server pings an idle connection, in milliseconds; 0 = never.
    pub ping_interval_ms: u64,
}

/// Appends the greeting, the first message on every connection of this dialect.
pub fn hello(out: &mut Vec<u8>, greeting: &Greeting) {
    let version = env!("CARGO_PKG_VERSION");
    text::displayed(
        out,
        format_args!(
            "{{\"hello\":{{\"server\":\"ringwire/{version}\",\"protocol\":\"{PROTOCOL}\",\"limits\":{{"
        ),
    );
    let limits = [
        ("message_bytes_max", greeting.message_bytes_max),
        ("payload_bytes_max", greeting.payload_bytes_max),
        ("subscriptions_max", greeting.subscriptions_max.into()),
        (
            "pattern_subscriptions_max",
            greeting.pattern_subscriptions_max.into(),
        ),
        ("history_messages_max", greeting.history_messages_max.into()),
        ("history_bytes_max", greeting.history_bytes_max),
        ("ping_interval_ms", greeting.ping_interval_ms),
    ];
    for (index, (name, value)) in limits.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        text::displayed(out, format_args!("{comma}\"{name}\":{value}"));
    }
    text::raw(out, &["}}}"]);
}

/// Appends the answer to a subscribe.
pub fn subscribed(out: &mut Vec<u8>, id: &str, pattern: &str, outcome: &Outcome) {
    open_ok(out, id);
    text::raw(out, &["{\"subscribed\":"]);
    text::string(out, pattern);
    match outcome {
        Outcome::Topic(standing) => {
            text::recovery(out, standing.recovery);
            text::displayed(out, format_args!(",\"at\":\"{}\"", standing.at));
        }
        Outcome::Pattern(standings) => pattern_standings(out, standings),
    }
    text::raw(out, &["}}"]);
}

/// `recovered` for all topics together, every topic's position, and of the topics whose position was lost the reason.
fn pattern_standings(out: &mut Vec<u8>, standings: &[Standing]) {
    let lost = || {
        standings
            .iter()
            .filter_map(|standing| match standing.recovery {
                Recovery::Lost(loss) => Some((standing.topic.as_str(), loss)),
                _ => None,
            })
    };
    let any_lost = lost().next().is_some();
    if any_lost
        || standings
            .iter()
            .any(|standing| standing.recovery == Recovery::Recovered)
    {
        text::displayed(out, format_args!(",\"recovered\":{}", !any_lost));
    }
    text::raw(out, &[",\"at\":"]);
    text::positions(
        out,
        standings
            .iter()
            .map(|standing| (standing.topic.as_str(), standing.at)),
    );
    if any_lost {
        for (index, (topic, loss)) in lost().enumerate() {
            text::raw(out, &[if index == 0 { ",\"lost\":{" } else { "," }]);
            text::string(out, topic);
            text::raw(out, &[":\"", loss_label(loss), "\""]);
        }
        out.push(b'}');
    }
}

/// Appends the answer to an unsubscribe.
pub fn unsubscribed(out: &mut Vec<u8>, id: &str, pattern: &str) {
    open_ok(out, id);
    text::raw(out, &["{\"unsubscribed\":"]);
    text::string(out, pattern);
    text::raw(out, &["}}"]);
}

/// Appends the answer to a publish.
pub fn published(out: &mut Vec<u8>, id: &str, topic: &str, at: Position) {
    open_ok(out, id);
    message::published(out, topic, at);
    out.push(b'}');
}

/// Appends the answer to a history command.
pub fn history(out: &mut Vec<u8>, id: &str, topic: &str, history: &History) {
    open_ok(out, id);
    message::history(out, topic, history);
    out.push(b'}');
}

/// Appends the answer to a ping.
pub fn pong(out: &mut Vec<u8>, id: &str) {
    open_ok(out, id);
    text::raw(out, &["{\"pong\":true}}"]);
}

fn open_ok(out: &mut Vec<u8>, id: &str) {
    text::raw(out, &["{\"id\":", id, ",\"ok\":"]);
}

/// Appends an error, as the answer to a command or (without an id) to a message that was none. Without an id this is also the JSON body of an HTTP refusal.
pub fn error(out: &mut Vec<u8>, id: Option<&str>, cause: Cause) {
    out.push(b'{');
    if let Some(id) = id {
        text::raw(out, &["\"id\":", id, ","]);
    }
    text::raw(
        out,
        &[
            "\"error\":{\"code\":\"",
            cause.reason.label(),
            "\",\"message\":",
        ],
    );
    text::string(out, cause.message);
    text::displayed(
        out,
        format_args!(",\"retry\":{}}}}}", cause.reason.may_retry()),
    );
}

/// Appends that publications after `after`, up to and with `until`, will not come.
pub fn gap(out: &mut Vec<u8>, topic: &str, after: Position, until: Position) {
    text::raw(out, &["{\"gap\":{\"topic\":"]);
    text::string(out, topic);
    text::displayed(
        out,
        format_args!(
            ",\"after\":\"{after}\",\"until\":\"{until}\",\"reason\":\"slow consumer\"}}}}"
        ),
    );
}

/// Appends that the server is about to stop, and after how many milliseconds this client may best connect again.
pub fn draining(out: &mut Vec<u8>, reconnect_ms: u64) {
    text::displayed(
        out,
        format_args!("{{\"draining\":{{\"reconnect_ms\":{reconnect_ms}}}}}"),
    );
}
