//! The JSON dialect from the client's side: what the server's messages say. Commands are written with [`Command::write`](super::Command::write).
//!
//! Reading is lenient where writing is strict: keys that this version does not know are passed over, so that a newer server can say more. It borrows from
//! the message, and a JSON payload comes out byte for byte as it was published.

use super::text::Text;
use super::{Id, since_each};
use crate::{Payload, Since};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker::Position;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// The greeting.
    Hello {
        /// Name and version, like `ringwire/0.1.0`.
        server: Cow<'a, str>,
        /// The dialect, like `ringwire.v1.json`.
        protocol: Cow<'a, str>,
    },
    /// A command was carried out.
    Answer {
        /// The command's id.
        id: Id<'a>,
        /// What came of it.
        answer: Answer<'a>,
    },
    /// A command failed, or a message was no command.
    Error {
        /// The command's id, if it had one that could be read.
        id: Option<Id<'a>>,
        /// The reason's label.
        code: Cow<'a, str>,
        /// The text for people.
        message: Cow<'a, str>,
        /// Whether the same command can succeed later.
        retry: bool,
    },
    /// A publication.
    Message {
        /// Its topic.
        topic: Cow<'a, str>,
        /// Its position.
        at: Position,
        /// What was published.
        payload: Payload<'a>,
    },
    /// Publications that will not come, since this client was too slow.
    Gap {
        /// Their topic.
        topic: Cow<'a, str>,
        /// The last one that came.
        after: Position,
        /// The last one that will not.
        until: Position,
    },
    /// The server stops soon.
    Draining {
        /// When to connect again.
        reconnect_ms: u64,
    },
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The subscription stands.
    Subscribed {
        /// What was subscribed to.
        pattern: Cow<'a, str>,
        /// Where it goes on: what to subscribe with after a reconnect if nothing has come until then.
        at: Since,
        /// Whether everything after the positions that were asked for follows; `None` if none were.
        recovered: Option<bool>,
    },
    /// The subscription has ended.
    Unsubscribed {
        /// What was unsubscribed from.
        pattern: Cow<'a, str>,
    },
    /// The publication has its place.
    Published {
        /// Its topic.
        topic: Cow<'a, str>,
        /// Its position.
        at: Position,
    },
    /// What is kept of a topic.
    History {
        /// The topic.
        topic: Cow<'a, str>,
        /// The oldest position that is kept.
        first: Position,
        /// The newest position.
        last: Position,
        /// Whether `messages` continues the position that was asked for; `None` if none was.
        recovered: Option<bool>,
        /// The publications, oldest first.
        messages: Vec<Kept<'a>>,
    },
    /// The answer to a ping.
    Pong,
}

/// One publication of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its position.
    pub at: Position,
    /// When it was published, in Unix milliseconds.
    pub time_ms: u64,
    /// What was published.
    pub payload: Payload<'a>,
}

/// The message is none that a server of this dialect sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUnderstood;

impl<'a> ServerMessage<'a> {
    /// Reads the payload of one text message.
    pub fn parse(message: &'a [u8]) -> Result<ServerMessage<'a>, NotUnderstood> {
        let text = std::str::from_utf8(message).map_err(|_| NotUnderstood)?;
        let members: Members<'a> = serde_json::from_str(text).map_err(|_| NotUnderstood)?;
        members.into_message().ok_or(NotUnderstood)
    }
}

/// Every member that an object in any message has. Which of them are there tells what it is.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Members<'a> {
    id: Option<&'a RawValue>,
    hello: Option<Box<Members<'a>>>,
    ok: Option<Box<Members<'a>>>,
    error: Option<Box<Members<'a>>>,
    gap: Option<Box<Members<'a>>>,
    draining: Option<Box<Members<'a>>>,
    server: Option<Text<'a>>,
    protocol: Option<Text<'a>>,
    code: Option<Text<'a>>,
    message: Option<Text<'a>>,
    retry: Option<bool>,
    subscribed: Option<Text<'a>>,
    unsubscribed: Option<Text<'a>>,
    pong: Option<bool>,
    recovered: Option<bool>,
    topic: Option<Text<'a>>,
    at: Option<&'a RawValue>,
    first: Option<Text<'a>>,
    last: Option<Text<'a>>,
    after: Option<Text<'a>>,
    until: Option<Text<'a>>,
    messages: Option<Vec<Members<'a>>>,
    time: Option<u64>,
    reconnect_ms: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    text: Option<Text<'a>>,
    base64: Option<Text<'a>>,
}

/// A value that is there, also when it is `null`: that is a payload like any other.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(value: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

impl<'a> Members<'a> {
    fn into_message(self) -> Option<ServerMessage<'a>> {
        let id = match self.id {
            Some(id) => Some(Id::from_json(id.get())?),
            None => None,
        };
        if let Some(ok) = self.ok {
            return Some(ServerMessage::Answer {
                id: id?,
                answer: ok.into_answer()?,
            });
        }
        if let Some(error) = self.error {
            return Some(ServerMessage::Error {
                id,
                code: error.code?.0,
                message: error.message?.0,
                retry: error.retry?,
            });
        }
        if let Some(hello) = self.hello {
            return Some(ServerMessage::Hello {
                server: hello.server?.0,
                protocol: hello.protocol?.0,
            });
        }
        if let Some(gap) = self.gap {
            return Some(ServerMessage::Gap {
                topic: gap.topic?.0,
                after: position(gap.after)?,
                until: position(gap.until)?,
            });
        }
        if let Some(draining) = self.draining {
            return Some(ServerMessage::Draining {
                reconnect_ms: draining.reconnect_ms?,
            });
        }
        let at = one_position(self.at)?;
        Some(ServerMessage::Message {
            topic: self.topic?.0,
            at,
            payload: payload(self.data, self.text, self.base64)?,
        })
    }

    fn into_answer(self) -> Option<Answer<'a>> {
        if let Some(pattern) = self.subscribed {
            return Some(Answer::Subscribed {
                pattern: pattern.0,
                at: since(self.at)?,
                recovered: self.recovered,
            });
        }
        if let Some(pattern) = self.unsubscribed {
            return Some(Answer::Unsubscribed { pattern: pattern.0 });
        }
        if self.pong == Some(true) {
            return Some(Answer::Pong);
        }
        let topic = self.topic?.0;
        let Some(messages) = self.messages else {
            return Some(Answer::Published {
                topic,
                at: one_position(self.at)?,
            });
        };
        Some(Answer::History {
            topic,
            first: position(self.first)?,
            last: position(self.last)?,
            recovered: self.recovered,
            messages: messages
                .into_iter()
                .map(Members::into_kept)
                .collect::<Option<_>>()?,
        })
    }

    fn into_kept(self) -> Option<Kept<'a>> {
        Some(Kept {
            at: one_position(self.at)?,
            time_ms: self.time?,
            payload: payload(self.data, self.text, self.base64)?,
        })
    }
}

fn position(text: Option<Text<'_>>) -> Option<Position> {
    text?.0.parse().ok()
}

fn one_position(at: Option<&RawValue>) -> Option<Position> {
    match since(at)? {
        Since::Position(position) => Some(position),
        _ => None,
    }
}

fn since(at: Option<&RawValue>) -> Option<Since> {
    let at = at?.get();
    if at.starts_with('{') {
        return since_each(at).ok();
    }
    position(serde_json::from_str(at).ok()).map(Since::Position)
}

fn payload<'a>(
    data: Option<&'a RawValue>,
    text: Option<Text<'a>>,
    base64: Option<Text<'a>>,
) -> Option<Payload<'a>> {
    match (data, text, base64) {
        (Some(data), None, None) => Some(Payload::json(data.get())),
        (None, Some(text), None) => Some(Payload::text(text.0)),
        (None, None, Some(encoded)) => STANDARD
            .decode(encoded.0.as_bytes())
            .ok()
            .map(Payload::binary),
        _ => None,
    }
}
