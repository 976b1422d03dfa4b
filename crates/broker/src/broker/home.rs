//! The home side: what cores ask of the topics whose home this core is.

use super::{Broker, Client, Output, Publisher};
use crate::lane::{Answer, Ask, Delivery, Tell};
use crate::name::{HashedName, HashedRef, TopicName};
use crate::notice::{Notice, Refusal, Start};
use crate::open::Incoming;
use crate::pattern::Pattern;
use crate::position::Position;
use crate::publication::{Encode, Format, Formats};
use crate::recency::Group;

impl Broker {
    /// Does what core `from` asks for.
    pub(super) fn attend(&mut self, encode: &mut dyn Encode, from: usize, ask: Ask, time_ms: u64) {
        match ask {
            Ask::Publish {
                topic,
                kind,
                payload,
                publisher,
            } => {
                let payload = &payload;
                let at = self.publish_here(
                    encode,
                    (&topic).into(),
                    Incoming {
                        kind,
                        time_ms,
                        payload,
                    },
                );
                self.confirm(from, topic.name, publisher, at);
            }
            Ask::Watch {
                topic,
                caller,
                start,
            } => {
                let answer = self.watch(encode, from, &topic, caller.format, &start, time_ms);
                self.tell(
                    from,
                    Tell::Watched {
                        topic,
                        caller,
                        answer,
                    },
                );
            }
            Ask::WatchPattern {
                pattern,
                caller,
                start,
            } => {
                let answer =
                    self.watch_pattern(encode, from, &pattern, caller.format, &start, time_ms);
                self.tell(
                    from,
                    Tell::WatchedPattern {
                        pattern,
                        caller,
                        answer,
                    },
                );
            }
            Ask::Unwatch { topic, formats } => self.unwatched(from, &topic, formats),
            Ask::UnwatchPattern { pattern, formats } => {
                self.home.unwant_pattern(&pattern, from, formats)
            }
            Ask::History {
                topic,
                client,
                echo,
                query,
            } => {
                let notice = self.recount(topic, echo, &query, time_ms);
                self.answer(from, client, notice);
            }
            Ask::Return { client, notice } => self.answer(from, client, notice),
        }
    }

    /// A command that came from core `from` is answered.
    fn answer(&mut self, from: usize, client: Client, notice: Notice) {
        self.tell(
            from,
            Tell::Notice {
                client,
                notice,
                answers: true,
            },
        );
    }

    /// A core listens to a topic by name no more.
    pub(super) fn unwatched(&mut self, from: usize, topic: &HashedName, formats: Formats) {
        if let Some(id) = self.home.find(topic.into()) {
            self.home.unwant(id, from, formats);
        }
    }

    fn confirm(
        &mut self,
        from: usize,
        topic: TopicName,
        publisher: Publisher,
        result: Result<Position, Refusal>,
    ) {
        match (publisher, result) {
            (Publisher::Nobody, _) | (Publisher::Unconfirmed(_), Ok(_)) => {}
            (Publisher::Unconfirmed(client), Err(refusal)) => {
                let notice = Notice::Unpublished { refusal };
                self.tell(
                    from,
                    Tell::Notice {
                        client,
                        notice,
                        answers: false,
                    },
                );
            }
            (Publisher::Confirmed(client, echo), result) => {
                let published = |at| Notice::Published {
                    echo: echo.clone(),
                    topic,
                    at,
                };
                let notice = result.map_or_else(
                    |refusal| Notice::Refused {
                        echo: echo.clone(),
                        refusal,
                    },
                    published,
                );
                self.answer(from, client, notice);
            }
        }
    }

    /// A publication gets its offset.
    pub(super) fn publish_here(
        &mut self,
        encode: &mut dyn Encode,
        topic: HashedRef<'_>,
        incoming: Incoming<'_>,
    ) -> Result<Position, Refusal> {
        let id = match self.home.find(topic) {
            Some(id) => id,
            None if self.home.is_wanted(topic.topic.as_str(), &self.rules) => self.bear(topic)?,
            None => return Ok(self.home.pass()),
        };
        let (at, full) = self
            .home
            .append(id, encode, incoming, self.limits.chunk_bytes_max);
        if full {
            self.close_chunk(id);
            self.bound_logs();
        }
        Ok(at)
    }

    /// A topic begins; if there are too many, the least recently used that nobody listens to by name goes.
    pub(super) fn bear(&mut self, topic: HashedRef<'_>) -> Result<u32, Refusal> {
        while self.home.topics.len() >= self.limits.topics_max {
            let oldest = self
                .home
                .recency
                .oldest(Group::Unwanted)
                .ok_or(Refusal::Topics)?;
            self.bury(oldest);
        }
        Ok(self.home.bear(topic, &self.rules))
    }

    pub(super) fn bury(&mut self, topic: u32) {
        self.close_chunk(topic);
        self.home.bury(topic);
    }

    /// What a topic gained in this turn goes to everybody who listens.
    pub(super) fn close_chunk(&mut self, topic: u32) {
        let Some(closed) = self.home.close(topic) else {
            return;
        };
        if let Some((chunk, cores)) = closed.shared {
            for to in (0..self.cores).filter(|core| cores & 1 << core != 0) {
                self.lanes.push_back(Output::Delivery {
                    to,
                    delivery: Delivery(Tell::Chunk(chunk.clone())),
                });
            }
        }
        if closed.here {
            let name = &self.home.topics[topic].name;
            self.local.arrive(self.core, name, closed.span, closed.runs);
        }
    }

    /// Keeps all logs together within their bound: first whole topics go that nobody listens to by name, then what others have kept.
    pub(super) fn bound_logs(&mut self) {
        while self.home.log_bytes > self.limits.log_bytes_max {
            if let Some(oldest) = self.home.recency.oldest(Group::Unwanted) {
                self.bury(oldest);
            } else if let Some(oldest) = self.home.recency.oldest(Group::Wanted) {
                self.home.clear(oldest);
                // It has nothing left to lose; the next one is looked at first from now on.
                self.home.recency.touch(Group::Wanted, oldest);
            } else {
                break;
            }
        }
    }

    /// A core listens to a topic by name from exactly here on.
    fn watch(
        &mut self,
        encode: &mut dyn Encode,
        from: usize,
        topic: &HashedName,
        format: Format,
        start: &Start,
        time_ms: u64,
    ) -> Result<Answer, Refusal> {
        let id = self.find_or_bear(topic)?;
        let mut budget = self.replay_budget();
        let answer = self.stand(encode, id, format, start, &mut budget, time_ms);
        self.home.want(id, from, format);
        Ok(answer)
    }

    pub(super) fn find_or_bear(&mut self, topic: &HashedName) -> Result<u32, Refusal> {
        let found = self.home.find(topic.into());
        found.map_or_else(|| self.bear(topic.into()), Ok)
    }

    /// A core listens to a pattern from exactly here on.
    fn watch_pattern(
        &mut self,
        encode: &mut dyn Encode,
        from: usize,
        pattern: &Pattern,
        format: Format,
        start: &Start,
        time_ms: u64,
    ) -> Result<Vec<Answer>, Refusal> {
        if self.home.patterns() >= self.limits.patterns_max && !self.home.has_pattern(pattern) {
            return Err(Refusal::Patterns);
        }
        let answers = self.stand_all(encode, pattern, format, start, time_ms)?;
        for topic in self.home.touched_matching(|topic| pattern.matches(topic)) {
            self.close_chunk(topic);
        }
        self.home.want_pattern(pattern, from, format);
        Ok(answers)
    }
}
