//! What clients of this core ask for.
//!
//! Each command is refused at once, or answered by exactly one notice. Commands on one topic are answered in the order in which they came:
//! what cannot be answered here without overtaking goes through the topic's home.

use bytes::Bytes;

use super::{Broker, Client, Output, Publisher};
use crate::client::{Asked, AskedPattern};
use crate::home::Incoming;
use crate::lane::{Ask, Request};
use crate::name::{self, HashedName, TopicName, TopicRef};
use crate::notice::{Echo, Loss, Notice, Outcome, Recovery, Refusal, Standing, Start};
use crate::pattern::Pattern;
use crate::publication::{Encode, Format, Kind};

impl Broker {
    /// Subscribes a client to a topic or a pattern, in the format of its other subscriptions. Answered by [`Notice::Subscribed`],
    /// which precedes the subscription's first message, or by [`Notice::Refused`].
    ///
    /// Subscribing again to what the client has is answered again and changes nothing; a past that is asked for with a topic that the client
    /// receives already is [`Loss::Live`].
    #[expect(clippy::too_many_arguments, reason = "a command with its context")]
    pub fn subscribe(
        &mut self,
        encode: &mut dyn Encode,
        client: Client,
        echo: Echo,
        pattern: &Pattern,
        format: Format,
        start: Start,
        time_ms: u64,
    ) -> Result<(), Refusal> {
        self.may_command(client)?;
        self.check_start(pattern, &start)?;
        let slot = self.local.slot(client)?;
        if slot.subscriptions() == 0 {
            slot.format = format;
        } else if slot.format != format {
            return Err(Refusal::Format);
        }
        match pattern.topic() {
            Some(topic) => self.subscribe_topic(encode, client, echo, topic, start, time_ms),
            None => self.subscribe_pattern(encode, client, echo, pattern, start, time_ms),
        }
    }

    fn may_command(&mut self, client: Client) -> Result<(), Refusal> {
        let pending_max = self.limits.pending_max;
        let slot = self.local.slot(client)?;
        if slot.pending >= pending_max {
            Err(Refusal::Pending)
        } else {
            Ok(())
        }
    }

    fn check_start(&self, pattern: &Pattern, start: &Start) -> Result<(), Refusal> {
        let suits = match start {
            Start::Live | Start::SinceTime(_) | Start::Last(_) => true,
            Start::Since(_) => pattern.is_exact(),
            Start::SinceEach(topics) => {
                let few = topics.len() <= self.limits.subscriptions_max as usize;
                !pattern.is_exact()
                    && few
                    && topics
                        .iter()
                        .all(|(topic, _)| pattern.matches(topic.as_str()))
            }
        };
        if suits { Ok(()) } else { Err(Refusal::Start) }
    }

    fn subscribe_topic(
        &mut self,
        encode: &mut dyn Encode,
        client: Client,
        echo: Echo,
        topic: TopicName,
        start: Start,
        time_ms: u64,
    ) -> Result<(), Refusal> {
        let hash = name::hash(self.hash_key, topic.as_str());
        let name = HashedName { name: topic, hash };
        let home = self.home_core(hash);
        let known = self.local.find(&name);
        let place = known.and_then(|feed| {
            self.local.catch_up(feed);
            self.local.membership(client.index, feed)
        });
        let subscriptions_max = self.limits.subscriptions_max as usize;
        let slot = self.local.client(client.index);
        let format = slot.format;
        let has = place.is_some_and(|place| slot.memberships()[place as usize].exact);
        if !has && slot.subscriptions() >= subscriptions_max {
            return Err(Refusal::Subscriptions);
        }
        let past = start != Start::Live;
        let first = slot.pending == 0;
        let feed = known.unwrap_or_else(|| self.local.feed(&name, home));
        let stands = self.local.feeds[feed].watches.of(format).stands;
        if first && stands && (place.is_some() || !past) {
            self.enter_topic(client, echo, feed, None, past);
            return Ok(());
        }
        let caller = self.caller(client);
        let asked = Asked {
            command: caller.command,
            topic: name.name.clone(),
            echo,
            past,
            cancelled: false,
        };
        self.local.client(client.index).add_asked(asked);
        self.local.feeds[feed].watches.of(format).awaited += 1;
        self.ask(
            encode,
            home,
            Ask::Watch {
                topic: name.detached(),
                format,
                caller,
                start,
            },
            time_ms,
        );
        Ok(())
    }

    /// The client becomes a subscriber by name, and is told so. Without an answer from the home, the feed knows where it stands.
    pub(super) fn enter_topic(
        &mut self,
        client: Client,
        echo: Echo,
        feed: u32,
        answer: Option<(Recovery, Vec<Bytes>)>,
        past: bool,
    ) {
        self.local.catch_up(feed);
        let (recovery, replay) = answer.unwrap_or((Recovery::NotAsked, Vec::new()));
        let (recovery, replay, place) = match self.local.membership(client.index, feed) {
            Some(place) if past => (Recovery::Lost(Loss::Live), Vec::new(), place),
            Some(place) => (Recovery::NotAsked, Vec::new(), place),
            None => (
                recovery,
                replay,
                self.local.join(client.index, feed, true, false),
            ),
        };
        self.local.set_exact(client.index, place, true);
        let at = self
            .local
            .position(client.index, place)
            .expect("a watched feed knows where it stands");
        let topic = self.local.feeds[feed].topic.name.clone();
        let pattern = Pattern::from(topic.clone());
        let outcome = Outcome::Topic(Standing {
            topic,
            at,
            recovery,
        });
        self.local.notify(
            client,
            Notice::Subscribed {
                echo,
                pattern,
                outcome,
                replay,
            },
        );
    }

    fn subscribe_pattern(
        &mut self,
        encode: &mut dyn Encode,
        client: Client,
        echo: Echo,
        pattern: &Pattern,
        start: Start,
        time_ms: u64,
    ) -> Result<(), Refusal> {
        let id = self.local.pattern(pattern)?;
        let (subscriptions_max, patterns_max) = (
            self.limits.subscriptions_max,
            self.limits.pattern_subscriptions_max,
        );
        let slot = self.local.client(client.index);
        let format = slot.format;
        let past = start != Start::Live;
        let known = slot
            .pattern(id)
            .map(|known| known.active && known.asked.is_empty());
        if known.is_none() {
            if slot.patterns().len() >= patterns_max as usize {
                return Err(Refusal::PatternSubscriptions);
            }
            if slot.subscriptions() >= subscriptions_max as usize {
                return Err(Refusal::Subscriptions);
            }
            self.local.add_pattern(client.index, id);
        }
        let stands = self
            .local
            .patterns
            .get_mut(id)
            .expect("found above")
            .watches
            .of(format)
            .stands;
        if !past && (known == Some(true) || known.is_none() && stands) {
            self.local.open_homes(client, id, self.all_cores());
            self.local.activate(client.index, id);
            let outcome = Outcome::Pattern(Vec::new());
            self.local.notify(
                client,
                Notice::Subscribed {
                    echo,
                    pattern: pattern.clone(),
                    outcome,
                    replay: Vec::new(),
                },
            );
            return Ok(());
        }
        let caller = self.caller(client);
        let asked = AskedPattern {
            command: caller.command,
            echo,
            answered: 0,
            standings: Vec::new(),
            replay: Vec::new(),
            refusal: None,
        };
        self.local
            .client(client.index)
            .pattern(id)
            .expect("added above")
            .asked
            .push(asked);
        self.local
            .patterns
            .get_mut(id)
            .expect("found above")
            .watches
            .of(format)
            .awaited += self.cores as u32;
        for home in 0..self.cores {
            let start = self.start_at(home, &start);
            self.ask(
                encode,
                home,
                Ask::WatchPattern {
                    pattern: pattern.detached(),
                    format,
                    caller,
                    start,
                },
                time_ms,
            );
        }
        Ok(())
    }

    pub(super) fn all_cores(&self) -> u64 {
        u64::MAX >> (u64::BITS as usize - self.cores)
    }

    /// The part of a start that concerns the topics of one home.
    fn start_at(&self, home: usize, start: &Start) -> Start {
        let Start::SinceEach(topics) = start else {
            return start.clone();
        };
        let own = topics
            .iter()
            .filter(|(topic, _)| self.home_of(topic) == home);
        Start::SinceEach(
            own.map(|(topic, position)| (topic.detached(), *position))
                .collect(),
        )
    }

    /// Ends a subscription, at once. Answered by [`Notice::Unsubscribed`]; a subscribe that is still on its way is answered
    /// by [`Refusal::Cancelled`] before.
    pub fn unsubscribe(
        &mut self,
        client: Client,
        echo: Echo,
        pattern: &Pattern,
    ) -> Result<(), Refusal> {
        self.may_command(client)?;
        let Some(topic) = pattern.topic() else {
            let existed = self.unsubscribe_pattern(client, pattern);
            self.local.notify(
                client,
                Notice::Unsubscribed {
                    echo,
                    pattern: pattern.clone(),
                    existed,
                },
            );
            return Ok(());
        };
        let hash = name::hash(self.hash_key, topic.as_str());
        let name = HashedName { name: topic, hash };
        let existed = self.unsubscribe_topic(client, &name);
        let notice = Notice::Unsubscribed {
            echo,
            pattern: pattern.detached(),
            existed,
        };
        let home = self.home_core(hash);
        let slot = self.local.client(client.index);
        if slot.pending == 0 || home == self.core {
            self.local.notify(client, notice);
        } else {
            slot.pending += 1;
            let request = Request(Ask::Return { client, notice });
            self.lanes.push_back(Output::Request { to: home, request });
        }
        Ok(())
    }

    fn unsubscribe_topic(&mut self, client: Client, topic: &HashedName) -> bool {
        let existed = self.local.client(client.index).cancel(&topic.name);
        let Some(feed) = self.local.find(topic) else {
            return existed;
        };
        self.local.catch_up(feed);
        let Some(place) = self.local.membership(client.index, feed) else {
            return existed;
        };
        if !self.local.client(client.index).memberships()[place as usize].exact {
            return existed;
        }
        let home = self.local.feeds[feed].home;
        match self
            .local
            .through_patterns(client.index, topic.name.as_str(), home)
        {
            Some(active) => {
                self.local.set_exact(client.index, place, false);
                if !active {
                    self.local.hold(client.index, place);
                }
            }
            None => self.local.leave(client.index, place),
        }
        true
    }

    fn unsubscribe_pattern(&mut self, client: Client, pattern: &Pattern) -> bool {
        let Some(id) = self.local.patterns.find(pattern) else {
            return false;
        };
        let Some(gone) = self.local.drop_pattern(client.index, id) else {
            return false;
        };
        for asked in gone.asked {
            let refused = Notice::Refused {
                echo: asked.echo,
                refusal: Refusal::Cancelled,
            };
            self.local.answered(client);
            self.local.notify(client, refused);
        }
        true
    }

    /// Publishes. The payload is copied where it must be; it is not kept borrowed.
    pub fn publish<'t>(
        &mut self,
        encode: &mut dyn Encode,
        publisher: Publisher,
        topic: impl Into<TopicRef<'t>>,
        kind: Kind,
        payload: &[u8],
        time_ms: u64,
    ) -> Result<(), Refusal> {
        let topic = topic.into();
        if let Publisher::Unconfirmed(client) | Publisher::Confirmed(client, _) = publisher {
            self.may_command(client)?;
        }
        if payload.len() > self.limits.payload_bytes_max {
            return Err(Refusal::Payload);
        }
        let hash = name::hash(self.hash_key, topic.as_str());
        let home = self.home_core(hash);
        if home == self.core {
            let at = self.publish_here(
                encode,
                topic,
                hash,
                Incoming {
                    kind,
                    time_ms,
                    payload,
                },
            )?;
            if let Publisher::Confirmed(client, echo) = publisher {
                self.local.notify(
                    client,
                    Notice::Published {
                        echo,
                        topic: topic.to_name(),
                        at,
                    },
                );
            }
            return Ok(());
        }
        if let Publisher::Confirmed(client, _) = publisher {
            self.local.client(client.index).pending += 1;
        }
        let topic = HashedName {
            name: topic.to_name(),
            hash,
        };
        let ask = Ask::Publish {
            topic,
            kind,
            payload: payload.into(),
            publisher,
        };
        self.ask(encode, home, ask, time_ms);
        Ok(())
    }

    /// Asks for publications that are kept: the newest with [`Start::Last`], the oldest after a position or a time otherwise.
    /// Answered by [`Notice::History`].
    pub fn history(
        &mut self,
        client: Client,
        echo: Echo,
        topic: &TopicName,
        start: Start,
        messages_max: u32,
        time_ms: u64,
    ) -> Result<(), Refusal> {
        self.may_command(client)?;
        if matches!(start, Start::Live | Start::SinceEach(_)) {
            return Err(Refusal::Start);
        }
        let hash = name::hash(self.hash_key, topic.as_str());
        let home = self.home_core(hash);
        if home == self.core {
            let history = self.recount(hash, topic, &start, messages_max, time_ms);
            self.local.notify(
                client,
                Notice::History {
                    echo,
                    topic: topic.clone(),
                    history,
                },
            );
            return Ok(());
        }
        self.local.client(client.index).pending += 1;
        let topic = HashedName {
            name: topic.detached(),
            hash,
        };
        let request = Request(Ask::History {
            topic,
            client,
            echo,
            start,
            messages_max,
        });
        self.lanes.push_back(Output::Request { to: home, request });
        Ok(())
    }
}
