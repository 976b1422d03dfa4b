//! The judge: an obviously right account of what each client may see, to be held against what it saw.
//!
//! It knows no cores, lanes, chunks or cursors. A topic is the full list of its publications by position; a client's view is
//! the list of what it was told and sent, in order, with the step at which it saw it. A view is right if each topic's messages are one run without a hole from where
//! its subscription stood, as published, and whatever is missing was said out loud. Past and recovery are computed from the full list and the rule.
//!
//! Ages and the bounds that all topics share are not modelled: whoever uses this keeps them out of reach, or tests them apart.

mod viewer;

use std::collections::BTreeMap;

use viewer::{Run, Viewer};

use crate::limits::Limits;
use crate::name::TopicName;
use crate::notice::{Loss, Outcome, Recovery, Standing, Start};
use crate::pattern::Pattern;
use crate::position::Position;
use crate::publication::Kind;
use crate::rules::{OnLag, Rules};

/// A message as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: TopicName,
    /// Its position.
    pub at: Position,
    /// What its bytes are.
    pub kind: Kind,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Something that a client did or saw.
#[derive(Clone, Debug)]
pub enum Seen {
    /// It asked to subscribe.
    Asked(Pattern),
    /// That was given up before it was answered.
    Cancelled(Pattern),
    /// It subscribes now.
    Subscribed {
        /// To what.
        pattern: Pattern,
        /// What it had asked for.
        start: Start,
        /// What it was told.
        outcome: Outcome,
        /// The past that came with it.
        replay: Vec<Message>,
    },
    /// It unsubscribed.
    Unsubscribed(Pattern),
    /// A message came.
    Message(Message),
    /// It was told of a gap.
    Gap {
        /// The topic.
        topic: TopicName,
        /// The last it had.
        after: Position,
        /// The last it will not get.
        until: Position,
    },
}

/// All that one client did and saw, each with its step, a clock that only counts.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// In order.
    pub seen: Vec<(u64, Seen)>,
    /// Whether the client was there to the end and everything was drained, so that nothing may be outstanding.
    pub complete: bool,
}

#[derive(Clone, Debug)]
struct Record {
    kind: Kind,
    payload: Vec<u8>,
    issued: u64,
    confirmed: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Naive {
    rules: Rules,
    limits: Limits,
    topics: BTreeMap<TopicName, BTreeMap<Position, Record>>,
    carried: Vec<u64>,
}

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

impl Naive {
    /// A world without publications.
    pub fn new(rules: Rules, limits: Limits) -> Self {
        Self {
            rules,
            limits,
            topics: BTreeMap::new(),
            carried: Vec::new(),
        }
    }

    /// A publication was asked for at step `issued`, and confirmed at step `confirmed`. All must be known before views are judged.
    pub fn published(
        &mut self,
        message: Message,
        issued: u64,
        confirmed: u64,
    ) -> Result<(), String> {
        let Message {
            topic,
            at,
            kind,
            payload,
        } = message;
        let record = Record {
            kind,
            payload,
            issued,
            confirmed,
        };
        let taken = self
            .topics
            .entry(topic.clone())
            .or_default()
            .insert(at, record);
        ensure!(taken.is_none(), "two publications at {topic} {at}");
        Ok(())
    }

    /// At this step nothing was on its way: what was published before it is no news to a subscription after it.
    pub fn carried(&mut self, step: u64) {
        self.carried.push(step);
    }

    /// Offsets count from 1 without a hole in each epoch.
    pub fn judge_topics(&self) -> Result<(), String> {
        for (topic, records) in &self.topics {
            let mut last: Option<Position> = None;
            for &at in records.keys() {
                let before = last
                    .filter(|last| last.epoch == at.epoch)
                    .map_or(0, |last| last.offset);
                ensure!(
                    at.offset == before + 1,
                    "{topic}: {at} follows offset {before}"
                );
                last = Some(at);
            }
        }
        Ok(())
    }

    /// Whether a client may have seen this.
    pub fn judge(&self, view: &View) -> Result<(), String> {
        let mut viewer = Viewer::default();
        for (step, seen) in &view.seen {
            match seen {
                Seen::Asked(pattern) => viewer.asked.push((*step, pattern.clone())),
                Seen::Cancelled(pattern) => {
                    viewer.answered(pattern)?;
                    viewer.ended.push((*step, pattern.clone()));
                }
                Seen::Subscribed {
                    pattern,
                    start,
                    outcome,
                    replay,
                } => {
                    self.judge_subscribed(&mut viewer, *step, pattern, start, outcome, replay)?;
                }
                Seen::Unsubscribed(pattern) => {
                    viewer.unsubscribe(pattern);
                    viewer.ended.push((*step, pattern.clone()));
                }
                Seen::Message(message) => self.judge_message(&mut viewer, message)?,
                Seen::Gap {
                    topic,
                    after,
                    until,
                } => self.judge_gap(&mut viewer, *step, topic, (*after, *until))?,
            }
        }
        if view.complete {
            self.judge_end(&viewer)
        } else {
            Ok(())
        }
    }

    fn judge_subscribed(
        &self,
        viewer: &mut Viewer,
        step: u64,
        pattern: &Pattern,
        start: &Start,
        outcome: &Outcome,
        replay: &[Message],
    ) -> Result<(), String> {
        let asked = viewer.answered(pattern)?;
        let standings = match outcome {
            Outcome::Topic(standing) => std::slice::from_ref(standing),
            Outcome::Pattern(standings) => standings,
        };
        let mut replay = replay;
        for standing in standings {
            ensure!(
                pattern.matches(standing.topic.as_str()),
                "{pattern} answered with {}",
                standing.topic
            );
            let start = match start {
                Start::SinceEach(topics) => {
                    let named = topics.iter().find(|(topic, _)| *topic == standing.topic);
                    Start::Since(
                        named
                            .ok_or_else(|| format!("{} was not asked for", standing.topic))?
                            .1,
                    )
                }
                other => other.clone(),
            };
            let count = self.judge_standing(viewer, asked, standing, &start)?;
            ensure!(
                replay.len() >= count,
                "{}: the replay has {} of {count}",
                standing.topic,
                replay.len()
            );
            let (own, rest) = replay.split_at(count);
            replay = rest;
            self.judge_replay(standing, own)?;
            let run = viewer.runs.entry(standing.topic.clone()).or_insert(Run {
                since: step,
                asked,
                at: None,
            });
            if run.at.is_none()
                || run.since <= asked
                || standing.recovery == Recovery::Lost(Loss::Live)
            {
                run.at = Some(standing.at);
            }
        }
        ensure!(
            replay.is_empty(),
            "{pattern}: {} messages more than there are",
            replay.len()
        );
        viewer
            .patterns
            .entry(pattern.clone())
            .or_insert((asked, step));
        Ok(())
    }

    /// Returns how many messages of the past come with a standing.
    fn judge_standing(
        &self,
        viewer: &Viewer,
        asked: u64,
        standing: &Standing,
        start: &Start,
    ) -> Result<usize, String> {
        let Standing {
            topic,
            at,
            recovery,
        } = standing;
        let run = viewer.run(topic);
        let past = *start != Start::Live;
        // A topic that was answered for by name in the meantime may have begun a new life since the pattern's home answered.
        let before =
            run.filter(|run| run.since <= asked || *recovery == Recovery::Lost(Loss::Live));
        if let Some(own) = before.and_then(|run| run.at) {
            let reborn = *at != own && at.offset == 0;
            ensure!(
                *at == own || reborn,
                "{topic}: answered {at}, but the client has {own}"
            );
            if reborn {
                self.judge_next(topic, own, Position { offset: 1, ..*at })?;
            }
        }
        if *recovery == Recovery::Lost(Loss::Live) {
            ensure!(
                past && viewer.may_receive(topic, asked),
                "{topic}: there is nothing live"
            );
            return Ok(0);
        }
        let (expected, count) = self.past(topic, *at, start);
        ensure!(
            *recovery == expected,
            "{topic} at {at}, {start:?}: {recovery:?}, but it is {expected:?}"
        );
        Ok(count)
    }

    /// What a start brings if the topic's newest publication is `at`: how it recovers, and how many of the newest come.
    fn past(&self, topic: &TopicName, at: Position, start: &Start) -> (Recovery, usize) {
        let rule = self.rules.of(topic.as_str());
        let first = Position { offset: 0, ..at };
        let mut bytes = 0;
        let newest = self
            .topics
            .get(topic)
            .into_iter()
            .flat_map(|records| records.range(first..=at).rev());
        let kept = newest
            .take(if rule.retains() {
                rule.messages_max as usize
            } else {
                0
            })
            .take_while(|(_, record)| {
                bytes += record.payload.len();
                bytes <= rule.bytes_max
            });
        let sizes: Vec<usize> = kept.map(|(_, record)| record.payload.len()).collect();
        let fits = |count: usize| {
            count <= self.limits.replay_messages_max
                && sizes[..count].iter().sum::<usize>() + count * topic.as_str().len()
                    <= self.limits.replay_bytes_max
        };
        let fitting = |most: usize| {
            (0..=most.min(sizes.len()))
                .rev()
                .find(|&count| fits(count))
                .unwrap_or(0)
        };
        match start {
            Start::Live | Start::SinceEach(_) => (Recovery::NotAsked, 0),
            Start::Last(count) => (Recovery::NotAsked, fitting(*count as usize)),
            // Without ages every kept publication is recent enough, or none is, as the test chooses its times.
            Start::SinceTime(time_ms) => (
                Recovery::NotAsked,
                if *time_ms == 0 {
                    fitting(usize::MAX)
                } else {
                    0
                },
            ),
            Start::Since(position) if position.epoch != at.epoch => {
                (Recovery::Lost(Loss::Epoch), 0)
            }
            Start::Since(position) if position.offset > at.offset => {
                (Recovery::Lost(Loss::Ahead), 0)
            }
            Start::Since(position) => match (at.offset - position.offset) as usize {
                missed if missed > sizes.len() => (Recovery::Lost(Loss::Retention), 0),
                missed if !fits(missed) => (Recovery::Lost(Loss::Limit), 0),
                missed => (Recovery::Recovered, missed),
            },
        }
    }

    fn judge_replay(&self, standing: &Standing, replay: &[Message]) -> Result<(), String> {
        let first = standing.at.offset + 1 - replay.len() as u64;
        for (message, offset) in replay.iter().zip(first..) {
            let expected = Position {
                offset,
                ..standing.at
            };
            ensure!(
                message.topic == standing.topic,
                "a replay of {} has {}",
                standing.topic,
                message.topic
            );
            ensure!(
                message.at == expected,
                "{}: the replay has {} for {expected}",
                message.topic,
                message.at
            );
            self.judge_payload(message)?;
        }
        Ok(())
    }

    fn judge_payload(&self, message: &Message) -> Result<&Record, String> {
        let record = self
            .topics
            .get(&message.topic)
            .and_then(|records| records.get(&message.at));
        let record = record
            .ok_or_else(|| format!("{} {} was never published", message.topic, message.at))?;
        let same = record.payload == message.payload && record.kind == message.kind;
        ensure!(same, "{} {} is not as published", message.topic, message.at);
        Ok(record)
    }

    fn judge_message(&self, viewer: &mut Viewer, message: &Message) -> Result<(), String> {
        let Message { topic, at, .. } = message;
        let record = self.judge_payload(message)?;
        ensure!(
            viewer.is_subscribed(topic),
            "{topic} {at} came before an answer"
        );
        let run = viewer
            .run(topic)
            .ok_or_else(|| format!("{topic} {at} came without a subscription"))?;
        match run.at {
            Some(last) => self.judge_next(topic, last, *at)?,
            None => {
                let stale = self
                    .carried
                    .iter()
                    .any(|&step| record.confirmed < step && step < run.asked);
                let goes_on = viewer
                    .loose
                    .remove(topic)
                    .is_some_and(|last| self.judge_next(topic, last, *at).is_ok());
                ensure!(
                    goes_on || !stale,
                    "{topic} {at} is older than the subscription"
                );
                self.judge_first(topic, &run, *at)?;
            }
        }
        viewer.runs.insert(
            topic.clone(),
            Run {
                at: Some(*at),
                ..run
            },
        );
        viewer.got.insert((topic.clone(), *at));
        Ok(())
    }

    fn judge_next(&self, topic: &TopicName, last: Position, at: Position) -> Result<(), String> {
        if last.epoch == at.epoch {
            ensure!(
                at.offset == last.offset + 1,
                "{topic}: {at} came after {last}"
            );
            return Ok(());
        }
        // Another life of the topic: the one before must be over.
        let next = Position {
            offset: last.offset + 1,
            ..last
        };
        let records = self.topics.get(topic);
        let over = records.is_none_or(|records| !records.contains_key(&next));
        ensure!(over && at.offset == 1, "{topic}: {at} came after {last}");
        Ok(())
    }

    /// Nothing that was published after the client knew of its subscription may be left out before the first message.
    fn judge_first(&self, topic: &TopicName, run: &Run, at: Position) -> Result<(), String> {
        let before = Position {
            offset: at.offset - 1,
            ..at
        };
        let missed = self
            .topics
            .get(topic)
            .and_then(|records| records.get(&before));
        let late = missed.is_some_and(|record| record.issued > run.since);
        ensure!(!late, "{topic}: {before} is missing before {at}");
        Ok(())
    }

    fn judge_gap(
        &self,
        viewer: &mut Viewer,
        step: u64,
        topic: &TopicName,
        (after, until): (Position, Position),
    ) -> Result<(), String> {
        let rule = self.rules.of(topic.as_str());
        ensure!(
            rule.on_lag != OnLag::Disconnect,
            "{topic}: a gap where the rule disconnects"
        );
        let run = viewer
            .run(topic)
            .ok_or_else(|| format!("{topic}: a gap without a subscription"))?;
        match run.at {
            Some(last) => ensure!(
                last == after || last.epoch != after.epoch,
                "{topic}: the gap is after {after}, not {last}"
            ),
            None => self.judge_first(
                topic,
                &run,
                Position {
                    offset: after.offset + 1,
                    ..after
                },
            )?,
        }
        let grows = until.epoch != after.epoch || until.offset > after.offset;
        ensure!(grows, "{topic}: a gap after {after} until {until}");
        for (at, record) in self.topics.get(topic).into_iter().flatten() {
            // Between two lives of the topic lie the rest of the one, the begin of the other, and any that were over before.
            let within = |edge: Position| at.epoch == edge.epoch;
            let left_out = match (within(after), within(until)) {
                (false, false) => after.epoch != until.epoch && record.issued < step,
                (first, second) => (!first || *at > after) && (!second || *at <= until),
            };
            if left_out {
                viewer.got.insert((topic.clone(), *at));
            }
        }
        viewer.runs.insert(
            topic.clone(),
            Run {
                at: Some(until),
                ..run
            },
        );
        Ok(())
    }

    /// Everything that was published after a subscription stood has come, or is in a gap that was told.
    fn judge_end(&self, viewer: &Viewer) -> Result<(), String> {
        for (topic, records) in &self.topics {
            let Some(run) = viewer.run(topic) else {
                continue;
            };
            for (at, _) in records
                .iter()
                .filter(|(_, record)| record.issued > run.since)
            {
                let covered = run
                    .at
                    .is_some_and(|last| last.epoch == at.epoch && last.offset >= at.offset);
                ensure!(
                    covered || viewer.got.contains(&(topic.clone(), *at)),
                    "{topic} {at} never came"
                );
            }
        }
        Ok(())
    }
}
