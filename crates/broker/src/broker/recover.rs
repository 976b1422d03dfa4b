//! The past of a topic: where a new subscription stands, what it has missed, and history queries.
//!
//! Recovery is all or nothing: either everything after a position, or a reason and nothing. `Last` and `SinceTime` name no position, so they
//! bring what there is within the limits.

use std::ops::Range;

use bytes::Bytes;

use super::Broker;
use crate::lane::{Answer, Budget, Query};
use crate::limits::PATTERN_SCAN_MAX;
use crate::log::Log;
use crate::name::HashedName;
use crate::notice::{Echo, History, Loss, Notice, Recovery, Refusal, Retained, Standing, Start};
use crate::pattern::Pattern;
use crate::position::Position;
use crate::publication::{Encode, Format};
use crate::recency::Group;

impl Broker {
    pub(super) fn replay_budget(&self) -> Budget {
        Budget {
            messages: self.limits.replay_messages_max,
            bytes: self.limits.replay_bytes_max,
        }
    }

    /// Where a topic stands now, and the past that `start` asks for, in `format`.
    pub(super) fn stand(
        &mut self,
        encode: &mut dyn Encode,
        id: u32,
        format: Format,
        start: &Start,
        budget: &mut Budget,
        time_ms: u64,
    ) -> Answer {
        // What is in this turn's chunk is before this subscription: the chunk must not reach it.
        self.close_chunk(id);
        self.home.age(id, time_ms);
        let topic = &self.home.topics[id];
        let name = &topic.name.name;
        let name_bytes = name.as_str().len();
        let (range, recovery) = topic.log.past(start, budget, name_bytes);
        let cost = Budget {
            messages: range.len(),
            bytes: topic.log.payload_bytes(range.clone()) + range.len() * name_bytes,
        };
        budget.spend(cost);
        let replay = self
            .replays
            .newest(encode, name.as_str(), format, &topic.log, range.len());
        Answer {
            standing: Standing {
                topic: name.detached(),
                at: topic.log.end(),
                recovery,
            },
            replay,
            cost,
        }
    }

    /// The same for the topics of a pattern: those that are named, or those that have a past.
    pub(super) fn stand_all(
        &mut self,
        encode: &mut dyn Encode,
        pattern: &Pattern,
        format: Format,
        start: &Start,
        time_ms: u64,
    ) -> Result<Vec<Answer>, Refusal> {
        let mut budget = self.replay_budget();
        let mut answers = Vec::new();
        match start {
            Start::Live | Start::Since(_) => {}
            Start::SinceEach(topics) => {
                for (topic, position) in topics {
                    let topic = self.hashed(topic.clone());
                    let id = self.find_or_bear(&topic)?;
                    answers.push(self.stand(
                        encode,
                        id,
                        format,
                        &Start::Since(*position),
                        &mut budget,
                        time_ms,
                    ));
                }
            }
            Start::Last(_) | Start::SinceTime(_) => {
                for id in self.recently_used(pattern) {
                    let answer = self.stand(encode, id, format, start, &mut budget, time_ms);
                    if !answer.replay.is_empty() {
                        answers.push(answer);
                    }
                    if budget.messages == 0 {
                        break;
                    }
                }
            }
        }
        Ok(answers)
    }

    /// Topics that a pattern matches, the most recently used of each group first.
    fn recently_used(&self, pattern: &Pattern) -> Vec<u32> {
        let recency = &self.home.recency;
        let walk = |group| std::iter::successors(recency.newest(group), |&id| recency.older(id));
        let all = walk(Group::Wanted)
            .take(PATTERN_SCAN_MAX / 2)
            .chain(walk(Group::Unwanted).take(PATTERN_SCAN_MAX / 2));
        all.filter(|&id| pattern.matches(self.home.topics[id].name.name.as_str()))
            .collect()
    }

    /// Answers a history query.
    pub(super) fn recount(
        &mut self,
        topic: HashedName,
        echo: Echo,
        query: &Query,
        time_ms: u64,
    ) -> Notice {
        let history = match self.home.find((&topic).into()) {
            Some(id) => {
                self.close_chunk(id);
                self.home.age(id, time_ms);
                self.page(id, query)
            }
            None => self.nothing(query),
        };
        let topic = topic.name;
        Notice::History {
            echo,
            topic,
            history,
        }
    }

    fn page(&self, topic: u32, query: &Query) -> History {
        let log = &self.home.topics[topic].log;
        let messages_max = self
            .limits
            .history_messages_max
            .min(query.messages_max as usize);
        let (range, recovery) = log.page(&query.start, messages_max, self.limits.history_bytes_max);
        History {
            first: log.first(),
            last: log.end(),
            messages: log.copy(range),
            recovery,
        }
    }

    /// The history of a topic that does not exist.
    fn nothing(&mut self, query: &Query) -> History {
        let last = self.home.nowhere();
        let recovery = match query.start {
            Start::Since(_) => Recovery::Lost(Loss::Epoch),
            _ => Recovery::NotAsked,
        };
        History {
            first: Position { offset: 1, ..last },
            last,
            messages: Vec::new(),
            recovery,
        }
    }
}

impl Log {
    /// The part that a new subscription is given, always the newest, within its budget.
    fn past(&self, start: &Start, budget: &Budget, name_bytes: usize) -> (Range<usize>, Recovery) {
        let within =
            |range, messages: usize| self.newest(range, messages, budget.bytes, name_bytes, false);
        let kept = 0..self.len();
        match start {
            Start::Live | Start::SinceEach(_) => (0..0, Recovery::NotAsked),
            Start::Last(count) => (
                within(kept, budget.messages.min(*count as usize)),
                Recovery::NotAsked,
            ),
            Start::SinceTime(time_ms) => (
                within(self.since_time(*time_ms), budget.messages),
                Recovery::NotAsked,
            ),
            Start::Since(position) => match self.since(*position) {
                Err(loss) => (0..0, Recovery::Lost(loss)),
                Ok(missed) if within(missed.clone(), budget.messages) == missed => {
                    (missed, Recovery::Recovered)
                }
                Ok(_) => (0..0, Recovery::Lost(Loss::Limit)),
            },
        }
    }

    /// The part that a history query is given.
    fn page(
        &self,
        start: &Start,
        messages_max: usize,
        bytes_max: usize,
    ) -> (Range<usize>, Recovery) {
        let oldest = |range| self.oldest(range, messages_max, bytes_max);
        let kept = 0..self.len();
        match start {
            Start::Since(position) => match self.since(*position) {
                Ok(range) => (oldest(range), Recovery::Recovered),
                Err(Loss::Ahead) => (0..0, Recovery::Lost(Loss::Ahead)),
                Err(loss) => (oldest(kept), Recovery::Lost(loss)),
            },
            Start::SinceTime(time_ms) => (oldest(self.since_time(*time_ms)), Recovery::NotAsked),
            Start::Last(count) => {
                let messages_max = messages_max.min(*count as usize);
                (
                    self.newest(kept, messages_max, bytes_max, 0, true),
                    Recovery::NotAsked,
                )
            }
            Start::Live | Start::SinceEach(_) => (0..0, Recovery::NotAsked),
        }
    }

    /// Copies a range into one allocation of its own: it may leave this core, and must not hold the runs that the log holds.
    fn copy(&self, range: Range<usize>) -> Vec<Retained> {
        let mut source = Vec::with_capacity(self.payload_bytes(range.clone()));
        for publication in self.read(range.clone()) {
            source.extend_from_slice(publication.payload);
        }
        let mut rest = Bytes::from(source);
        let retain = |publication: crate::Publication<'_>| Retained {
            at: publication.at,
            kind: publication.kind,
            time_ms: publication.time_ms,
            payload: rest.split_to(publication.payload.len()),
        };
        self.read(range).map(retain).collect()
    }
}
