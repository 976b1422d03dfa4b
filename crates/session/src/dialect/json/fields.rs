//! One command's keys and raw values, taken from its text in one pass and before any of them is understood.
//!
//! Collecting first and understanding afterwards is what lets an error carry the command's `id` wherever the `id` stands, also behind the mistake. Values
//! stay slices of the text; serde_json skips over them without recursion, so nesting cannot exhaust the stack.

use crate::Cause;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Every key that a command may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Id,
    Subscribe,
    Unsubscribe,
    Publish,
    History,
    Ping,
    Auth,
    Since,
    Last,
    Data,
    Text,
    Base64,
}

impl Key {
    const COUNT: usize = 12;

    fn from_name(name: &str) -> Option<Key> {
        Some(match name {
            "id" => Key::Id,
            "subscribe" => Key::Subscribe,
            "unsubscribe" => Key::Unsubscribe,
            "publish" => Key::Publish,
            "history" => Key::History,
            "ping" => Key::Ping,
            "auth" => Key::Auth,
            "since" => Key::Since,
            "last" => Key::Last,
            "data" => Key::Data,
            "text" => Key::Text,
            "base64" => Key::Base64,
            _ => return None,
        })
    }
}

const NOT_JSON: Cause = Cause::bad_command("the message is not valid JSON");
const NOT_AN_OBJECT: Cause = Cause::bad_command("the message is not a JSON object");
const UNKNOWN_KEY: Cause = Cause::bad_command("unknown key in a command");
const DUPLICATE_KEY: Cause = Cause::bad_command("a key stands twice in a command");

/// The raw values of one command, by key.
#[derive(Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a RawValue>; Key::COUNT],
    id_twice: bool,
}

impl<'a> Fields<'a> {
    /// Reads one object. What was read before a mistake is kept, for the sake of the `id`.
    pub(super) fn read(text: &'a str) -> (Fields<'a>, Result<(), Cause>) {
        let mut fields = Fields::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let outcome = match (Collect {
            fields: &mut fields,
        })
        .deserialize(&mut deserializer)
        {
            Ok(outcome) => match deserializer.end() {
                Ok(()) => outcome,
                Err(_) => Err(NOT_JSON),
            },
            Err(error) if error.is_data() => Err(NOT_AN_OBJECT),
            Err(_) => Err(NOT_JSON),
        };
        if fields.id_twice {
            fields.values[Key::Id as usize] = None;
        }
        (fields, outcome)
    }

    /// Takes the value of one key out.
    pub(super) fn take(&mut self, key: Key) -> Option<&'a RawValue> {
        self.values[key as usize].take()
    }

    /// Whether every value was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

struct Collect<'f, 'a> {
    fields: &'f mut Fields<'a>,
}

impl<'a> DeserializeSeed<'a> for Collect<'_, 'a> {
    type Value = Result<(), Cause>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Collect<'_, 'a> {
    type Value = Result<(), Cause>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a command object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut outcome = Ok(());
        while let Some(key) = entries.next_key_seed(KeySeed)? {
            let Some(key) = key else {
                entries.next_value::<IgnoredAny>()?;
                outcome = outcome.and(Err(UNKNOWN_KEY));
                continue;
            };
            let slot = &mut self.fields.values[key as usize];
            if slot.is_some() {
                outcome = outcome.and(Err(DUPLICATE_KEY));
                // Which of two ids the client would wait for cannot be known.
                self.fields.id_twice |= key == Key::Id;
            }
            *slot = Some(entries.next_value()?);
        }
        Ok(outcome)
    }
}

struct KeySeed;

impl<'a> DeserializeSeed<'a> for KeySeed {
    type Value = Option<Key>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Option<Key>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Key::from_name(name))
    }
}
