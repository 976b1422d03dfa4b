//! One client of a test: what it asked, what it was answered, and its view.

use std::collections::BTreeMap;

use ringwire_broker::naive::{Message, Seen, View};
use ringwire_broker::{
    Client, Echo, Format, History, Kind, Notice, Pattern, Position, Start, TopicName,
};

use super::decode;

/// A question, until its answer comes.
#[derive(Debug)]
pub(crate) enum Command {
    Subscribe(Pattern, Start),
    Unsubscribe(Pattern),
    Publish {
        topic: TopicName,
        kind: Kind,
        payload: Vec<u8>,
        issued: u64,
    },
    History {
        topic: TopicName,
        messages_max: u32,
    },
}

impl Command {
    fn topic(&self) -> String {
        match self {
            Self::Subscribe(pattern, _) | Self::Unsubscribe(pattern) => pattern.to_string(),
            Self::Publish { topic, .. } | Self::History { topic, .. } => topic.to_string(),
        }
    }
}

/// A client, and all it saw.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) core: usize,
    pub(crate) client: Client,
    pub(crate) format: Format,
    pub(crate) open: bool,
    pub(crate) lagged: bool,
    pub(crate) behind: bool,
    pub(crate) view: View,
    /// Commands without an answer.
    pub(crate) outstanding: BTreeMap<u64, Command>,
    /// The newest answered command on each topic.
    answered: BTreeMap<String, u64>,
    pub(crate) histories: Vec<History>,
}

impl Person {
    pub(crate) fn new(core: usize, client: Client, format: Format) -> Self {
        Self {
            core,
            client,
            format,
            open: true,
            lagged: false,
            behind: false,
            view: View::default(),
            outstanding: BTreeMap::new(),
            answered: BTreeMap::new(),
            histories: Vec::new(),
        }
    }

    /// Each command is answered once, and those on one topic in their order.
    fn answer(&mut self, echo: Echo) -> Command {
        let echo: u64 = echo.expect("every command has an echo").parse().unwrap();
        let command = self
            .outstanding
            .remove(&echo)
            .expect("an answer to a question, once");
        let last = self.answered.insert(command.topic(), echo).unwrap_or(0);
        assert!(last < echo, "answers on {} out of order", command.topic());
        command
    }

    /// What was published, and when it was issued.
    pub(crate) fn published(
        &mut self,
        echo: Echo,
        topic: TopicName,
        at: Position,
    ) -> (Message, u64) {
        match self.answer(echo) {
            Command::Publish {
                topic: own,
                kind,
                payload,
                issued,
            } if own == topic => (
                Message {
                    topic,
                    at,
                    kind,
                    payload,
                },
                issued,
            ),
            other => panic!("{topic} {at} is no answer to {other:?}"),
        }
    }

    pub(crate) fn refused(&mut self, step: u64, echo: Echo) {
        if let Command::Subscribe(pattern, _) = self.answer(echo) {
            self.view.seen.push((step, Seen::Cancelled(pattern)));
        }
    }

    pub(crate) fn told(&mut self, step: u64, notice: Notice) {
        match notice {
            Notice::Subscribed {
                echo,
                pattern,
                outcome,
                replay,
            } => {
                let Command::Subscribe(asked, start) = self.answer(echo) else {
                    panic!("another question")
                };
                assert_eq!(asked, pattern);
                let replay = replay
                    .iter()
                    .flat_map(|piece| decode(self.format, piece))
                    .collect();
                self.view.seen.push((
                    step,
                    Seen::Subscribed {
                        pattern,
                        start,
                        outcome,
                        replay,
                    },
                ));
            }
            Notice::Unsubscribed { echo, pattern, .. } => {
                let Command::Unsubscribe(asked) = self.answer(echo) else {
                    panic!("another question")
                };
                assert_eq!(asked, pattern);
            }
            Notice::History {
                echo,
                topic,
                history,
            } => {
                let Command::History {
                    topic: own,
                    messages_max,
                } = self.answer(echo)
                else {
                    panic!("another question")
                };
                assert_eq!(own, topic);
                assert!(history.messages.len() <= messages_max as usize);
                self.histories.push(history);
            }
            Notice::Gap {
                topic,
                after,
                until,
            } => self.view.seen.push((
                step,
                Seen::Gap {
                    topic,
                    after,
                    until,
                },
            )),
            Notice::Lagged { .. } => (self.lagged, self.open, self.behind) = (true, false, false),
            Notice::Published { .. } | Notice::Refused { .. } | Notice::Unpublished { .. } => {
                unreachable!("told otherwise")
            }
        }
    }

    /// The messages that came live, in order.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.view.seen.iter().filter_map(|(_, seen)| match seen {
            Seen::Message(message) => Some(message),
            _ => None,
        })
    }
}
