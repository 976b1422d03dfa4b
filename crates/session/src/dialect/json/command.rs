//! What a client may say in the JSON dialect: one command a text message, read by the server and written by clients.
//!
//! Reading is strict: an unknown key, a key twice, a value of a wrong type or two commands in one message is an error that says so, never a guess. It is
//! linear in the message, copies nothing that the message holds as it is (`data` stays a slice of it), and works out the `id` first, so that an error can
//! carry it. Names are judged by the broker's
//! validator alone.

use super::fields::{Fields, Key};
use super::shape;
use super::text::{self, Text};
use crate::limits::ID_BYTES_MAX;
use crate::topic::{self, Topic};
use crate::{Cause, Payload, Reason, Since};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker::{Pattern, TopicName};
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A command's `id`: the JSON text of a number or a string, kept as it was written so that it comes back exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// Takes the JSON text of a number or a string of at most [`ID_BYTES_MAX`] bytes.
    pub fn from_json(json: &'a str) -> Option<Id<'a>> {
        let bounded = json.len() <= ID_BYTES_MAX
            && matches!(json.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'));
        (bounded && shape::check(json.as_bytes()).is_ok() && json.trim_end() == json)
            .then_some(Id(json))
    }

    /// The JSON text.
    pub fn as_json(self) -> &'a str {
        self.0
    }

    /// A copy to give the broker, which brings it back with the answer.
    pub fn to_echo(self) -> Box<str> {
        self.0.into()
    }
}

/// One message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command<'a> {
    /// Comes back in the answer; without one, only an error is answered.
    pub id: Option<Id<'a>>,
    /// What is to be done.
    pub verb: Verb<'a>,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb<'a> {
    /// Deliver what is published to the topics of a pattern.
    Subscribe {
        /// A topic, or a pattern with wildcards.
        pattern: Pattern,
        /// Where to begin.
        since: Since,
    },
    /// End a subscription.
    Unsubscribe {
        /// The pattern as it was subscribed.
        pattern: Pattern,
    },
    /// Publish one message.
    Publish {
        /// The topic.
        topic: Topic<'a>,
        /// The message.
        payload: Payload<'a>,
    },
    /// Read what a topic keeps.
    History {
        /// The topic.
        topic: TopicName,
        /// Where to begin; [`Since::Live`] when the command does not say: as much as the server gives.
        since: Since,
    },
    /// Answer with a pong.
    Ping,
    /// Prove who this is.
    Auth(Token<'a>),
}

/// A secret: it does not show in `Debug` output, so that no log line can carry it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token<'a>(pub Cow<'a, str>);

impl fmt::Debug for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}

/// Why a message is no command, with its `id` when that could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCommand<'a> {
    /// The `id`, if the message has exactly one readable one.
    pub id: Option<Id<'a>>,
    /// What is wrong.
    pub cause: Cause,
}

const NOT_TEXT: Cause = Cause::bad_command("the message is not UTF-8");
const BAD_ID: Cause = Cause::bad_command("an id is a number or a string of at most 128 bytes");
const NO_COMMAND: Cause =
    Cause::bad_command("a command has one of subscribe, unsubscribe, publish, history, ping, auth");
const TWO_COMMANDS: Cause = Cause::bad_command("two commands in one message");
const STRAY_KEY: Cause = Cause::bad_command("a key that does not belong to this command");
const NOT_A_STRING: Cause = Cause::bad_command("this value must be a string");
const PING_IS_TRUE: Cause = Cause::bad_command("the value of ping is true");
const ONE_PAYLOAD: Cause = Cause::bad_command("publish takes exactly one of data, text and base64");
const BAD_BASE64: Cause =
    Cause::bad_command("base64 is not valid (standard alphabet, with padding)");
const SINCE_OR_LAST: Cause = Cause::bad_command("since and last exclude each other");
const SINCE_TYPE: Cause = Cause::new(
    Reason::BadPosition,
    "since is a string, or an object of strings",
);

impl<'a> Command<'a> {
    /// Reads one text message.
    pub fn parse(message: &'a [u8]) -> Result<Command<'a>, BadCommand<'a>> {
        let text = std::str::from_utf8(message).map_err(|_| BadCommand {
            id: None,
            cause: NOT_TEXT,
        })?;
        let (mut fields, read) = Fields::read(text);
        let id = fields
            .take(Key::Id)
            .map(|raw| Id::from_json(raw.get()).ok_or(BAD_ID))
            .transpose();
        let known = id.unwrap_or_default();
        match read.and(id).and_then(|_| Verb::parse(&mut fields)) {
            Ok(verb) => Ok(Command { id: known, verb }),
            Err(cause) => Err(BadCommand { id: known, cause }),
        }
    }

    /// Writes the command as one text message.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(id) = self.id {
            text::raw(out, &["\"id\":", id.as_json(), ","]);
        }
        self.verb.write(out);
        out.push(b'}');
    }
}

impl<'a> Verb<'a> {
    fn parse(fields: &mut Fields<'a>) -> Result<Verb<'a>, Cause> {
        const VERBS: [Key; 6] = [
            Key::Subscribe,
            Key::Unsubscribe,
            Key::Publish,
            Key::History,
            Key::Ping,
            Key::Auth,
        ];
        let mut named = VERBS
            .into_iter()
            .filter_map(|key| fields.take(key).map(|value| (key, value)));
        let (key, value) = named.next().ok_or(NO_COMMAND)?;
        if named.next().is_some() {
            return Err(TWO_COMMANDS);
        }
        let verb = match key {
            Key::Subscribe => {
                let pattern = pattern(value)?;
                let since = since(fields)?.fits(&pattern)?;
                Verb::Subscribe { pattern, since }
            }
            Key::Unsubscribe => Verb::Unsubscribe {
                pattern: pattern(value)?,
            },
            Key::Publish => Verb::Publish {
                topic: Topic::parse(string(value)?)?,
                payload: payload(fields)?,
            },
            Key::History => Verb::History {
                topic: topic::readable(&string(value)?)?,
                since: since(fields)?.fits_topic()?,
            },
            Key::Auth => Verb::Auth(Token(string(value)?)),
            _ if value.get() == "true" => Verb::Ping,
            _ => return Err(PING_IS_TRUE),
        };
        if fields.is_empty() {
            Ok(verb)
        } else {
            Err(STRAY_KEY)
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (key, value) = match self {
            Verb::Subscribe { pattern, .. } => ("subscribe", pattern.as_str()),
            Verb::Unsubscribe { pattern } => ("unsubscribe", pattern.as_str()),
            Verb::Publish { topic, .. } => ("publish", topic.as_str()),
            Verb::History { topic, .. } => ("history", topic.as_str()),
            Verb::Auth(Token(token)) => ("auth", &**token),
            Verb::Ping => return text::raw(out, &["\"ping\":true"]),
        };
        text::raw(out, &["\"", key, "\":"]);
        text::string(out, value);
        match self {
            Verb::Subscribe { since, .. } | Verb::History { since, .. } => write_since(out, since),
            Verb::Publish { payload, .. } => {
                out.push(b',');
                text::payload(out, payload.kind, &payload.bytes);
            }
            _ => {}
        }
    }
}

fn string<'a>(value: &'a RawValue) -> Result<Cow<'a, str>, Cause> {
    serde_json::from_str::<Text<'a>>(value.get())
        .map(|text| text.0)
        .map_err(|_| NOT_A_STRING)
}

fn pattern(value: &RawValue) -> Result<Pattern, Cause> {
    Ok(Pattern::parse(&string(value)?)?)
}

fn payload<'a>(fields: &mut Fields<'a>) -> Result<Payload<'a>, Cause> {
    match (
        fields.take(Key::Data),
        fields.take(Key::Text),
        fields.take(Key::Base64),
    ) {
        (Some(data), None, None) => {
            shape::check_shape(data.get()).map_err(|fault| Cause::bad_command(fault.message()))?;
            Ok(Payload::json(data.get()))
        }
        (None, Some(text), None) => Ok(Payload::text(string(text)?)),
        (None, None, Some(encoded)) => {
            let bytes = STANDARD
                .decode(string(encoded)?.as_bytes())
                .map_err(|_| BAD_BASE64)?;
            Ok(Payload::binary(bytes))
        }
        _ => Err(ONE_PAYLOAD),
    }
}

fn since(fields: &mut Fields<'_>) -> Result<Since, Cause> {
    match (fields.take(Key::Since), fields.take(Key::Last)) {
        (None, None) => Ok(Since::Live),
        (None, Some(last)) => Since::parse_last(last.get()),
        (Some(_), Some(_)) => Err(SINCE_OR_LAST),
        (Some(since), None) if since.get().starts_with('{') => since_each(since.get()),
        (Some(since), None) => Since::parse(&string(since).map_err(|_| SINCE_TYPE)?),
    }
}

/// Reads the object of positions that a pattern goes on from.
pub(crate) fn since_each(object: &str) -> Result<Since, Cause> {
    let Pairs(pairs) = serde_json::from_str(object).map_err(|_| SINCE_TYPE)?;
    Since::each(
        pairs
            .iter()
            .map(|(topic, position)| (&*topic.0, &*position.0)),
    )
}

/// The entries of an object of strings, in the order of the text: a map type would hide a topic that stands there twice.
struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'de> serde::Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = entries.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

fn write_since(out: &mut Vec<u8>, since: &Since) {
    match since {
        Since::Live => {}
        Since::Position(position) => {
            text::displayed(out, format_args!(",\"since\":\"{position}\""))
        }
        Since::Age { age_s } => text::displayed(out, format_args!(",\"since\":\"{age_s}s\"")),
        Since::Last(count) => text::displayed(out, format_args!(",\"last\":{count}")),
        Since::Each(positions) => {
            text::raw(out, &[",\"since\":"]);
            text::positions(
                out,
                positions
                    .iter()
                    .map(|(topic, position)| (topic.as_str(), *position)),
            );
        }
    }
}
