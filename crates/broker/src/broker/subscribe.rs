//! Clients subscribe and unsubscribe.
//!
//! Each command is refused at once, or answered by exactly one notice. Commands on one topic are answered in the order in which they came:
//! what cannot be answered here without overtaking goes through the topic's home.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{Broker, Client, Output};
use crate::client::{Asked, AskedPattern};
use crate::lane::{Ask, Request};
use crate::name::{HashedName, TopicName};
use crate::notice::{Echo, Loss, Notice, Outcome, Recovery, Refusal, Standing, Start};
use crate::pattern::Pattern;
use crate::publication::{Encode, Format};

/// Who wants to subscribe, and how.
#[derive(Debug)]
struct Wish {
    client: Client,
    echo: Echo,
    format: Format,
    start: Start,
    time_ms: u64,
}

impl Wish {
    fn past(&self) -> bool {
        self.start != Start::Live
    }
}

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
        let wish = Wish {
            client,
            echo,
            format,
            start,
            time_ms,
        };
        match pattern.topic() {
            Some(topic) => self.subscribe_topic(encode, wish, topic),
            None => self.subscribe_pattern(encode, wish, pattern),
        }
    }

    fn check_start(&self, pattern: &Pattern, start: &Start) -> Result<(), Refusal> {
        let suits = match start {
            Start::Live | Start::SinceTime(_) | Start::Last(_) => true,
            Start::Since(_) => pattern.is_exact(),
            Start::SinceEach(topics) => {
                let few = topics.len() <= self.limits.subscriptions_max as usize;
                let matching = topics
                    .iter()
                    .all(|(topic, _)| pattern.matches(topic.as_str()));
                // A topic that is named twice would be replayed twice.
                let named: BTreeSet<&TopicName> = topics.iter().map(|(topic, _)| topic).collect();
                few && matching && named.len() == topics.len() && !pattern.is_exact()
            }
        };
        if suits { Ok(()) } else { Err(Refusal::Start) }
    }

    fn check_room(&mut self, client: Client) -> Result<(), Refusal> {
        let subscriptions_max = self.limits.subscriptions_max as usize;
        let full = self.local.slot(client)?.subscriptions() >= subscriptions_max;
        if full {
            Err(Refusal::Subscriptions)
        } else {
            Ok(())
        }
    }

    fn subscribe_topic(
        &mut self,
        encode: &mut dyn Encode,
        wish: Wish,
        topic: TopicName,
    ) -> Result<(), Refusal> {
        let name = self.hashed(topic);
        let home = self.home_core(name.hash);
        let client = wish.client;
        let known = self.local.find(&name);
        let place = known.and_then(|feed| self.local.member(client.index, feed));
        if !place.is_some_and(|place| self.local.client(client.index).membership(place).exact) {
            self.check_room(client)?;
        }
        let feed = known.unwrap_or_else(|| self.local.feed(&name, home));
        let past = wish.past();
        let first = self.local.client(client.index).pending == 0;
        let watch = self.local.feeds[feed].watches.of(wish.format);
        if first && watch.stands && (place.is_some() || !past) {
            self.enter_topic(client, wish.echo, feed, None, past);
            return Ok(());
        }
        watch.awaited += 1;
        let caller = self.caller(client);
        let asked = Asked {
            command: caller.command,
            topic: name.name.clone(),
            echo: wish.echo,
            past,
            cancelled: false,
        };
        self.local.client(client.index).add_asked(asked);
        let ask = Ask::Watch {
            topic: name.detached(),
            caller,
            start: wish.start,
        };
        self.ask(encode, home, ask, wish.time_ms);
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
        let none = (Recovery::NotAsked, Vec::new());
        let (place, (recovery, replay)) = match self.local.member(client.index, feed) {
            Some(place) if past => (place, (Recovery::Lost(Loss::Live), Vec::new())),
            Some(place) => (place, none),
            None => (
                self.local.join(client.index, feed, true, false),
                answer.unwrap_or(none),
            ),
        };
        self.local.set_exact(client.index, place, true);
        let at = self.local.position(client.index, place);
        let at = at.expect("a feed whose topic is watched knows where it stands");
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
        wish: Wish,
        pattern: &Pattern,
    ) -> Result<(), Refusal> {
        let client = wish.client;
        let known = self.local.patterns.find(pattern);
        let own = known.and_then(|id| self.local.client(client.index).pattern(id));
        let settled = own.map(|own| own.active && own.asked.is_empty());
        let id = match settled {
            Some(_) => known.ok_or(Refusal::Patterns)?,
            None => self.begin_pattern(client, pattern)?,
        };
        let stands = self.local.watch_pattern(id, wish.format).stands;
        if !wish.past() && settled.unwrap_or(stands) {
            let (echo, pattern, outcome) =
                (wish.echo, pattern.clone(), Outcome::Pattern(Vec::new()));
            self.local.open_homes(client, id, self.all_cores());
            self.local.notify(
                client,
                Notice::Subscribed {
                    echo,
                    pattern,
                    outcome,
                    replay: Vec::new(),
                },
            );
            self.local.activate(client.index, id);
            return Ok(());
        }
        let caller = self.caller(client);
        let asked = AskedPattern::new(caller.command, wish.echo, self.replay_budget());
        self.local.client(client.index).ask_pattern(id, asked);
        self.local.watch_pattern(id, wish.format).awaited += self.cores as u32;
        for home in 0..self.cores {
            let start = self.start_at(home, &wish.start);
            let ask = Ask::WatchPattern {
                pattern: pattern.detached(),
                caller,
                start,
            };
            self.ask(encode, home, ask, wish.time_ms);
        }
        Ok(())
    }

    /// A pattern subscription that the client does not have begins, if it may.
    fn begin_pattern(&mut self, client: Client, pattern: &Pattern) -> Result<u32, Refusal> {
        let patterns_max = self.limits.pattern_subscriptions_max as usize;
        if self.local.slot(client)?.patterns().len() >= patterns_max {
            return Err(Refusal::PatternSubscriptions);
        }
        self.check_room(client)?;
        let id = self.local.pattern(pattern)?;
        self.local.add_pattern(client.index, id);
        Ok(id)
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
        let name = self.hashed(topic);
        let existed = self.unsubscribe_topic(client, &name);
        let notice = Notice::Unsubscribed {
            echo,
            pattern: pattern.detached(),
            existed,
        };
        let to = self.home_core(name.hash);
        let slot = self.local.client(client.index);
        if slot.pending == 0 || to == self.core {
            self.local.notify(client, notice);
        } else {
            slot.pending += 1;
            self.lanes.push_back(Output::Request {
                to,
                request: Request(Ask::Return { client, notice }),
            });
        }
        Ok(())
    }

    fn unsubscribe_topic(&mut self, client: Client, topic: &HashedName) -> bool {
        let cancelled = self.local.client(client.index).cancel(&topic.name);
        let Some(feed) = self.local.find(topic) else {
            return cancelled;
        };
        let Some(place) = self.local.member(client.index, feed) else {
            return cancelled;
        };
        if !self.local.client(client.index).membership(place).exact {
            return cancelled;
        }
        let home = self.local.feeds[feed].home;
        match self
            .local
            .through_patterns(client.index, topic.name.as_str(), home)
        {
            None => self.local.leave(client.index, place),
            Some(active) => {
                self.local.set_exact(client.index, place, false);
                if !active {
                    self.local.hold(client.index, place);
                }
            }
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
            self.local.answered(client);
            self.local.notify(
                client,
                Notice::Refused {
                    echo: asked.echo,
                    refusal: Refusal::Cancelled,
                },
            );
        }
        true
    }
}
