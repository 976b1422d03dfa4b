//! ringwire's JSON dialect, as docs/protocol.md has it: one object in each text message, payloads as base64.
//!
//! The server speaks first (`hello`). Each publication has an id, so that it is acknowledged; one id for all of them serves,
//! because answers are only counted. Patterns, history and `auth` are not spoken.

use std::sync::Arc;

use protocol::ws::Kind;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::json::{self, Text};
use super::{
    Cue, Dialect, Driver, Encoding, Envelope, Heard, Part, Recipe, Refusal, Role, Script, Step,
    under,
};

/// ringwire's JSON dialect.
pub(super) const DRIVER: Driver = Driver {
    name: "ringwire-json",
    help: "ringwire's JSON dialect at URL/ws: publications are acknowledged, gaps announced, and subscriptions can go on from a position",
    recipe: Recipe::Fixed(|| Arc::new(RingwireJson)),
};

const PROTOCOL: &str = "ringwire.v1.json";

/// The ids of commands.
const SUBSCRIBE: u64 = 1;
const UNSUBSCRIBE: u64 = 2;
const PUBLISH: u64 = 3;

#[derive(Debug)]
struct RingwireJson;

/// One object of the server, of which each kind has keys of its own.
#[derive(Deserialize)]
struct Object<'m> {
    hello: Option<IgnoredAny>,
    id: Option<u64>,
    #[serde(borrow)]
    ok: Option<Answer<'m>>,
    #[serde(borrow)]
    error: Option<Error<'m>>,
    #[serde(borrow)]
    at: Option<Text<'m>>,
    #[serde(borrow)]
    base64: Option<Text<'m>>,
    #[serde(borrow)]
    text: Option<Text<'m>>,
    #[serde(borrow)]
    data: Option<&'m RawValue>,
    #[serde(borrow)]
    gap: Option<Gap<'m>>,
}

/// The answer to a command that was done.
#[derive(Deserialize)]
struct Answer<'m> {
    #[serde(borrow)]
    at: Option<Text<'m>>,
    recovered: Option<bool>,
}

#[derive(Deserialize)]
struct Error<'m> {
    #[serde(borrow)]
    message: Text<'m>,
    #[serde(default)]
    retry: bool,
}

#[derive(Deserialize)]
struct Gap<'m> {
    #[serde(borrow)]
    after: Text<'m>,
    #[serde(borrow)]
    until: Text<'m>,
}

impl Dialect for RingwireJson {
    fn url(&self, url: &str, _role: Role) -> String {
        under(url, "/ws")
    }

    fn subprotocols(&self) -> &'static [&'static str] {
        &[PROTOCOL]
    }

    fn kind(&self) -> Kind {
        Kind::Text
    }

    fn envelope(&self, topic: &str, _payload_bytes: usize) -> Envelope {
        let topic = json::string(topic);
        Envelope {
            before: format!("{{\"id\":{PUBLISH},\"publish\":{topic},\"base64\":\"").into_bytes(),
            encoding: Encoding::Base64,
            after: b"\"}".to_vec(),
        }
    }

    fn script(&self, part: &Part<'_>) -> Script {
        if !part.subscribes() {
            return Script::from([Step::new(Cue::Greeted, [])]);
        }
        let topic = json::string(part.topic);
        let since = part.since.map_or(String::new(), |since| {
            let position = format!("{}:{}", since.epoch, since.offset);
            format!(",\"since\":{}", json::string(&position))
        });
        Script::from([
            Step::new(
                Cue::Greeted,
                format!("{{\"id\":{SUBSCRIBE},\"subscribe\":{topic}{since}}}"),
            ),
            Step::new(Cue::Subscribed, []),
        ])
    }

    fn resubscription(&self, topic: &str) -> Script {
        let topic = json::string(topic);
        let command = |id: u64, verb: &str| format!("{{\"id\":{id},\"{verb}\":{topic}}}");
        Script::from([
            Step::new(Cue::Open, command(UNSUBSCRIBE, "unsubscribe")),
            Step::new(Cue::Unsubscribed, command(SUBSCRIBE, "subscribe")),
            Step::new(Cue::Subscribed, []),
        ])
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn announces_gaps(&self) -> bool {
        true
    }

    fn resumes(&self) -> bool {
        true
    }

    fn read(&self, bytes: &[u8], hear: &mut dyn FnMut(Heard<'_>)) -> Result<usize, Refusal> {
        let object: Object<'_> = json::object(json::text(bytes, PROTOCOL)?, PROTOCOL)?;
        if let Some(at) = &object.at {
            hear_position(&at.0, hear);
        }
        match object {
            Object {
                base64: Some(base64),
                ..
            } => json::deliver_base64(&base64.0, hear),
            // What others publish as text or JSON is none of ours, and judged so.
            Object {
                text: Some(text), ..
            } => hear(Heard::Delivery(text.0.as_bytes())),
            Object {
                data: Some(data), ..
            } => hear(Heard::Delivery(data.get().as_bytes())),
            Object { ok: Some(ok), .. } => hear_answer(object.id, &ok, hear),
            Object {
                error: Some(error), ..
            } if object.id == Some(PUBLISH) && error.retry => hear(Heard::Rejected),
            Object {
                error: Some(error), ..
            } => return Err(Refusal(format!("it refused: {}", error.message.0))),
            Object { gap: Some(gap), .. } => hear(Heard::Gap(gap.messages())),
            Object { hello: Some(_), .. } => hear(Heard::Cue(Cue::Greeted)),
            _ => hear(Heard::Nothing),
        }
        Ok(bytes.len())
    }
}

fn hear_answer(id: Option<u64>, ok: &Answer<'_>, hear: &mut dyn FnMut(Heard<'_>)) {
    match id {
        Some(PUBLISH) => hear(Heard::Acknowledged),
        Some(UNSUBSCRIBE) => hear(Heard::Cue(Cue::Unsubscribed)),
        Some(SUBSCRIBE) => {
            // A recovered subscription goes on where it was, and moves on with each message that comes now.
            if let (Some(at), None | Some(false)) = (&ok.at, ok.recovered) {
                hear_position(&at.0, hear);
            }
            if let Some(recovered) = ok.recovered {
                hear(Heard::Recovered(recovered));
            }
            hear(Heard::Cue(Cue::Subscribed));
        }
        _ => hear(Heard::Nothing),
    }
}

fn hear_position(at: &str, hear: &mut dyn FnMut(Heard<'_>)) {
    if let Some((epoch, offset)) = split(at) {
        hear(Heard::Position {
            epoch: Some(epoch),
            offset,
        });
    }
}

impl Gap<'_> {
    /// How many messages are missing.
    fn messages(&self) -> u64 {
        match (split(&self.after.0), split(&self.until.0)) {
            (Some((_, after)), Some((_, until))) => until.saturating_sub(after),
            _ => 0,
        }
    }
}

/// `epoch:offset`.
fn split(at: &str) -> Option<(&str, u64)> {
    let (epoch, offset) = at.rsplit_once(':')?;
    Some((epoch, offset.parse().ok()?))
}
