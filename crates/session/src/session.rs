//! One client's session: what its messages mean, and what the broker's news mean for it.
//!
//! The whole state between two messages: the dialect's terms and the count of the client's mistakes. The caller frames what is written, sends it before any
//! topic's bytes, and counts nothing itself. Time comes as an argument, in Unix milliseconds.

use crate::dialect::json::{BadCommand, Command, Id, Verb, answer};
use crate::dialect::raw::{self, Raw};
use crate::limits::SESSION_BYTES_MAX;
use crate::strikes::Strikes;
use crate::{Cause, Payload, Query, Reason, Topic};
use broker::{Format, Kind, Notice, Pattern, Start, TopicName};

/// One whole WebSocket message of a client.
#[derive(Debug, Clone, Copy)]
pub enum Message<'m> {
    /// A text message; the connection has checked that it is UTF-8.
    Text(&'m [u8]),
    /// A binary message.
    Binary(&'m [u8]),
}

/// What a client's message asks of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'m> {
    /// The command's `id`. With one, the client waits for an answer; without, it hears of errors only. Raw messages have none.
    pub id: Option<Id<'m>>,
    /// The call to make.
    pub ask: Ask<'m>,
}

/// A call to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask<'m> {
    /// Deliver the topics of a pattern.
    Subscribe {
        /// What to deliver.
        pattern: Pattern,
        /// Where to begin.
        start: Start,
    },
    /// End a subscription.
    Unsubscribe {
        /// What to end.
        pattern: Pattern,
    },
    /// Publish.
    Publish {
        /// Where to.
        topic: Topic<'m>,
        /// What.
        payload: Payload<'m>,
    },
    /// Read what is kept of a topic.
    History {
        /// Which topic.
        topic: TopicName,
        /// Where to begin.
        start: Start,
    },
}

/// What is to be done for the client now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// The payload of one text message was appended to `out`: send it.
    Text,
    /// The same of a binary message.
    Binary,
    /// Close the connection with this reason's code and this text.
    Close(Cause),
}

/// What became of a client's message.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Received<'m> {
    /// Pass this to the broker. Its refusal, if there is one, goes to [`Session::refuse`].
    Request(Request<'m>),
    /// The session knew the answer itself.
    Reply(Reply),
}

/// What a raw connection's URL asked for.
#[derive(Debug)]
pub struct Opening {
    /// The new connection's session.
    pub session: Session,
    /// What to subscribe it to before the handshake is answered; nothing with `mode=pub`.
    pub subscribe: Option<(Pattern, Start)>,
}

const TEXT_ONLY: Cause = Cause::new(
    Reason::UnsupportedData,
    "the JSON dialect takes text messages only",
);

/// One client above messages.
#[derive(Debug, Clone)]
pub struct Session {
    dialect: Dialect,
}

const _: () = assert!(size_of::<Session>() <= SESSION_BYTES_MAX);

#[derive(Debug, Clone)]
enum Dialect {
    /// With the strikes of those who made mistakes. The first mistake of a raw client is its last.
    Json(Option<Box<Strikes>>),
    Raw(Raw),
    /// What comes goes back, and the broker is not asked.
    Echo,
}

impl Session {
    /// A connection of the JSON dialect. Its greeting ([`answer::hello`]) is the first message to send.
    pub fn json() -> Session {
        Session {
            dialect: Dialect::Json(None),
        }
    }

    /// A raw connection to the topic or pattern of its path.
    pub fn raw(pattern: Pattern, query: Query, time_ms: u64) -> Result<Opening, Cause> {
        let dialect = Dialect::Raw(Raw::new(&pattern, &query)?);
        let start = query.since.fits(&pattern)?.start(time_ms);
        let subscribe = query.mode.subscribes().then_some((pattern, start));
        Ok(Opening {
            session: Session { dialect },
            subscribe,
        })
    }

    /// A connection that gets each of its messages back as it was sent. For judges of WebSocket implementations: it subscribes to nothing.
    pub fn echo() -> Session {
        Session {
            dialect: Dialect::Echo,
        }
    }

    /// The format in which the connection gets its topics' messages.
    pub fn format(&self) -> Format {
        match &self.dialect {
            Dialect::Json(_) => Format::JSON,
            Dialect::Raw(raw) => raw.format(),
            Dialect::Echo => Format::RAW,
        }
    }

    /// Reads one message of the client. An answer that is known at once is appended to `out`.
    pub fn receive<'m>(
        &mut self,
        time_ms: u64,
        message: Message<'m>,
        out: &mut Vec<u8>,
    ) -> Received<'m> {
        match (&self.dialect, message) {
            (Dialect::Json(_), Message::Text(text)) => self.receive_command(time_ms, text, out),
            (Dialect::Json(_), Message::Binary(_)) => Received::Reply(Reply::Close(TEXT_ONLY)),
            (Dialect::Raw(raw), message) => receive_publication(raw, message),
            (Dialect::Echo, message) => Received::Reply(echo(message, out)),
        }
    }

    fn receive_command<'m>(
        &mut self,
        time_ms: u64,
        text: &'m [u8],
        out: &mut Vec<u8>,
    ) -> Received<'m> {
        let (id, failure) = match Command::parse(text) {
            Ok(Command { id, verb }) => match ask(time_ms, verb) {
                Some(Ok(ask)) => return Received::Request(Request { id, ask }),
                Some(Err(cause)) => (id, cause),
                None => return Received::Reply(pong(id, out)),
            },
            Err(BadCommand { id, cause }) => (id, cause),
        };
        Received::Reply(self.fail(time_ms, id.map(Id::as_json), failure, out))
    }

    /// Tells the client of a notice. The `replay` of a [`Notice::Subscribed`] follows what is written here; it is the caller's to send.
    pub fn notice(&mut self, time_ms: u64, notice: &Notice, out: &mut Vec<u8>) -> Reply {
        match (&self.dialect, notice) {
            (_, Notice::Refused { echo, refusal }) => {
                self.refuse(time_ms, echo.as_deref(), *refusal, out)
            }
            (_, Notice::Unpublished { refusal }) => self.refuse(time_ms, None, *refusal, out),
            (_, Notice::Lagged { .. }) => Reply::Close(Reason::SlowConsumer.into()),
            (Dialect::Json(_), notice) => self.answer(time_ms, notice, out),
            (Dialect::Raw(_), Notice::Subscribed { outcome, .. }) => {
                raw::lost(outcome).map_or(Reply::Nothing, Reply::Close)
            }
            (
                Dialect::Raw(raw),
                Notice::Gap {
                    topic,
                    after,
                    until,
                },
            ) if raw.has_envelope() => {
                answer::gap(out, topic.as_str(), *after, *until);
                Reply::Text
            }
            (Dialect::Raw(_) | Dialect::Echo, _) => Reply::Nothing,
        }
    }

    fn answer(&mut self, time_ms: u64, notice: &Notice, out: &mut Vec<u8>) -> Reply {
        match notice {
            Notice::Subscribed {
                echo: Some(id),
                pattern,
                outcome,
                ..
            } => answer::subscribed(out, id, pattern.as_str(), outcome),
            Notice::Unsubscribed {
                echo,
                existed: false,
                ..
            } => return self.fail(time_ms, echo.as_deref(), Reason::NotSubscribed.into(), out),
            Notice::Unsubscribed {
                echo: Some(id),
                pattern,
                ..
            } => answer::unsubscribed(out, id, pattern.as_str()),
            Notice::Published {
                echo: Some(id),
                topic,
                at,
            } => answer::published(out, id, topic.as_str(), *at),
            Notice::History {
                echo: Some(id),
                topic,
                history,
            } => answer::history(out, id, topic.as_str(), history),
            Notice::Gap {
                topic,
                after,
                until,
            } => answer::gap(out, topic.as_str(), *after, *until),
            _ => return Reply::Nothing,
        }
        Reply::Text
    }

    /// Tells the client that its request with this echo failed: an error answer, or the end of a raw connection.
    pub fn refuse(
        &mut self,
        time_ms: u64,
        echo: Option<&str>,
        cause: impl Into<Cause>,
        out: &mut Vec<u8>,
    ) -> Reply {
        match self.dialect {
            Dialect::Json(_) => self.fail(time_ms, echo, cause.into(), out),
            Dialect::Raw(_) | Dialect::Echo => Reply::Close(cause.into()),
        }
    }

    /// Tells the client that the server will stop soon. A raw client only sees the Close frame that follows.
    pub fn draining(&self, reconnect_ms: u64, out: &mut Vec<u8>) -> Reply {
        match &self.dialect {
            Dialect::Echo => Reply::Nothing,
            Dialect::Raw(raw) if !raw.has_envelope() => Reply::Nothing,
            Dialect::Json(_) | Dialect::Raw(_) => {
                answer::draining(out, reconnect_ms);
                Reply::Text
            }
        }
    }

    fn fail(&mut self, time_ms: u64, id: Option<&str>, cause: Cause, out: &mut Vec<u8>) -> Reply {
        if let Dialect::Json(strikes) = &mut self.dialect
            && strikes.get_or_insert_default().count(time_ms, cause.reason)
        {
            return Reply::Close(cause);
        }
        answer::error(out, id, cause);
        Reply::Text
    }
}

/// The call that a command leads to; `None` for a ping, which leads to none.
fn ask(time_ms: u64, verb: Verb<'_>) -> Option<Result<Ask<'_>, Cause>> {
    Some(Ok(match verb {
        Verb::Subscribe { pattern, since } => Ask::Subscribe {
            pattern,
            start: since.start(time_ms),
        },
        Verb::Unsubscribe { pattern } => Ask::Unsubscribe { pattern },
        Verb::Publish { topic, payload } => Ask::Publish { topic, payload },
        Verb::History { topic, since } => Ask::History {
            topic,
            start: since.history_start(time_ms),
        },
        Verb::Ping => return None,
        Verb::Auth(_) => return Some(Err(Reason::AuthNotConfigured.into())),
    }))
}

fn pong(id: Option<Id<'_>>, out: &mut Vec<u8>) -> Reply {
    let Some(id) = id else { return Reply::Nothing };
    answer::pong(out, id.as_json());
    Reply::Text
}

fn echo(message: Message<'_>, out: &mut Vec<u8>) -> Reply {
    match message {
        Message::Text(text) => {
            out.extend_from_slice(text);
            Reply::Text
        }
        Message::Binary(bytes) => {
            out.extend_from_slice(bytes);
            Reply::Binary
        }
    }
}

fn receive_publication<'m>(raw: &Raw, message: Message<'m>) -> Received<'m> {
    let (kind, bytes) = match message {
        Message::Text(bytes) => (Kind::Text, bytes),
        Message::Binary(bytes) => (Kind::Binary, bytes),
    };
    match raw.publishes_to() {
        Ok(topic) => {
            let payload = Payload {
                kind,
                bytes: bytes.into(),
            };
            Received::Request(Request {
                id: None,
                ask: Ask::Publish {
                    topic: Topic::Owned(topic.clone()),
                    payload,
                },
            })
        }
        Err(cause) => Received::Reply(Reply::Close(cause)),
    }
}
