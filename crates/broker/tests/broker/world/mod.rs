//! Several brokers joined by lanes that a test delivers in any order, and clients that write down what they see.
//!
//! Each lane is first-in first-out; between lanes everything may overtake. Lanes hold back as long as the test wants, which includes every
//! order that lanes of a bounded capacity allow. Publishers never close, so that every position becomes known.

mod person;
mod plain;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use ringwire_broker::naive::{Naive, Seen};
use ringwire_broker::{
    Broker, Client, Counters, Delivery, Format, Formats, Kind, Limits, Notice, Output, Pattern,
    Position, Publisher, Refusal, Request, Rules, Settings, Start, TopicName,
};

pub(crate) use person::Person;
pub(crate) use plain::{Plain, decode};

use person::Command;

pub(crate) const TIME_MS: u64 = 1_000_000;

pub(crate) struct World {
    pub(crate) brokers: Vec<Broker>,
    requests: BTreeMap<(usize, usize), VecDeque<Request>>,
    deliveries: BTreeMap<(usize, usize), VecDeque<Delivery>>,
    pub(crate) people: Vec<Person>,
    /// One on each core who publishes, and never closes.
    publishers: Vec<usize>,
    pub(crate) naive: Naive,
    pub(crate) step: u64,
    pub(crate) time_ms: u64,
    /// Positions that became known, oldest first.
    pub(crate) known: Vec<(TopicName, Position)>,
    pub(crate) refused: Vec<Refusal>,
}

impl World {
    pub(crate) fn new(cores: usize, rules: Rules, limits: Limits, gapless: Formats) -> Self {
        let broker = |core: usize| {
            Broker::new(Settings {
                core,
                cores,
                hash_key: [3, 4],
                seed: core as u64,
                rules: rules.clone(),
                limits,
                gapless,
            })
        };
        let mut world = Self {
            brokers: (0..cores).map(broker).collect(),
            requests: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            people: Vec::new(),
            publishers: Vec::new(),
            naive: Naive::new(rules, limits),
            step: 0,
            time_ms: TIME_MS,
            known: Vec::new(),
            refused: Vec::new(),
        };
        world.publishers = (0..cores)
            .map(|core| world.open(core, Format::RAW))
            .collect();
        world
    }

    /// Somebody connects; the lowest free place of the core is used again.
    pub(crate) fn open(&mut self, core: usize, format: Format) -> usize {
        let here = |person: &&Person| person.core == core;
        let used: Vec<u32> = self
            .people
            .iter()
            .filter(here)
            .filter(|person| person.open)
            .map(|p| p.client.index)
            .collect();
        let index = (0..).find(|index| !used.contains(index)).unwrap();
        let client = Client {
            index,
            generation: self.people.len() as u32,
        };
        self.brokers[core].open(client);
        self.people.push(Person::new(core, client, format));
        self.people.len() - 1
    }

    pub(crate) fn close(&mut self, who: usize) {
        let person = &mut self.people[who];
        person.open = false;
        self.brokers[person.core].close(person.client);
    }

    pub(crate) fn subscribe(
        &mut self,
        who: usize,
        pattern: &Pattern,
        start: Start,
    ) -> Result<(), Refusal> {
        self.step += 1;
        let (echo, time_ms) = (self.step, self.time_ms);
        let person = &mut self.people[who];
        person.view.seen.push((echo, Seen::Asked(pattern.clone())));
        person
            .outstanding
            .insert(echo, Command::Subscribe(pattern.clone(), start.clone()));
        let broker = &mut self.brokers[person.core];
        let (client, format) = (person.client, person.format);
        let result = broker.subscribe(
            &mut Plain,
            client,
            write(echo),
            pattern,
            format,
            start,
            time_ms,
        );
        if result.is_err() {
            person.view.seen.pop();
            person.outstanding.remove(&echo);
        }
        self.drain(self.people[who].core);
        result
    }

    pub(crate) fn unsubscribe(&mut self, who: usize, pattern: &Pattern) -> Result<(), Refusal> {
        self.step += 1;
        let echo = self.step;
        let person = &mut self.people[who];
        person
            .outstanding
            .insert(echo, Command::Unsubscribe(pattern.clone()));
        let result = self.brokers[person.core].unsubscribe(person.client, write(echo), pattern);
        if result.is_err() {
            person.outstanding.remove(&echo);
        }
        let core = person.core;
        self.drain(core);
        // What was cancelled by this is in the view now, and from here on nothing more may come.
        if result.is_ok() {
            self.people[who]
                .view
                .seen
                .push((echo, Seen::Unsubscribed(pattern.clone())));
        }
        result
    }

    pub(crate) fn publish(
        &mut self,
        core: usize,
        topic: &TopicName,
        kind: Kind,
        payload: &[u8],
    ) -> Result<(), Refusal> {
        self.step += 1;
        let echo = self.step;
        let person = &mut self.people[self.publishers[core]];
        let command = Command::Publish {
            topic: topic.clone(),
            kind,
            payload: payload.to_vec(),
            issued: echo,
        };
        person.outstanding.insert(echo, command);
        let publisher = Publisher::Confirmed(person.client, write(echo));
        let result =
            self.brokers[core].publish(&mut Plain, publisher, topic, kind, payload, self.time_ms);
        if result.is_err() {
            person.outstanding.remove(&echo);
        }
        self.drain(core);
        result
    }

    pub(crate) fn history(
        &mut self,
        who: usize,
        topic: &TopicName,
        start: Start,
        messages_max: u32,
    ) -> Result<(), Refusal> {
        self.step += 1;
        let echo = self.step;
        let person = &mut self.people[who];
        let command = Command::History {
            topic: topic.clone(),
            messages_max,
        };
        person.outstanding.insert(echo, command);
        let broker = &mut self.brokers[person.core];
        let result = broker.history(
            person.client,
            write(echo),
            topic,
            start,
            messages_max,
            self.time_ms,
        );
        if result.is_err() {
            person.outstanding.remove(&echo);
        }
        let core = person.core;
        self.drain(core);
        result
    }

    /// Delivers at most `count` requests of one lane.
    pub(crate) fn carry_requests(&mut self, from: usize, to: usize, count: usize) -> bool {
        let lane = self.requests.entry((from, to)).or_default();
        let batch: Vec<_> = lane.drain(..count.min(lane.len())).collect();
        let any = !batch.is_empty();
        for request in batch {
            self.brokers[to].take_request(&mut Plain, from, request, self.time_ms);
            self.drain(to);
        }
        any
    }

    /// Delivers at most `count` deliveries of one lane.
    pub(crate) fn carry_deliveries(&mut self, from: usize, to: usize, count: usize) -> bool {
        let lane = self.deliveries.entry((from, to)).or_default();
        let batch: Vec<_> = lane.drain(..count.min(lane.len())).collect();
        let any = !batch.is_empty();
        for delivery in batch {
            self.brokers[to].take_delivery(from, delivery);
            assert!(!self.drain(to), "a delivery yields nothing for lanes");
        }
        any
    }

    pub(crate) fn end_turn(&mut self, core: usize) {
        self.brokers[core].end_turn();
        self.drain(core);
    }

    pub(crate) fn sweep(&mut self, core: usize) {
        self.brokers[core].sweep(self.time_ms);
        self.drain(core);
    }

    /// One send of a client. Whether there was anything.
    pub(crate) fn gather(&mut self, who: usize, pieces_max: usize, bytes_max: usize) -> bool {
        self.step += 1;
        let person = &mut self.people[who];
        let mut pieces: Vec<Bytes> = Vec::new();
        let more =
            self.brokers[person.core].gather(person.client, &mut pieces, pieces_max, bytes_max);
        let bytes: usize = pieces.iter().map(Bytes::len).sum();
        assert!(pieces.len() <= pieces_max.max(1));
        assert!(bytes <= bytes_max || pieces.len() == 1);
        person.behind = more;
        let core = person.core;
        for piece in &pieces {
            let messages = decode(person.format, piece);
            person.view.seen.extend(
                messages
                    .into_iter()
                    .map(|message| (self.step, Seen::Message(message))),
            );
        }
        self.drain(core);
        more || !pieces.is_empty()
    }

    /// Takes everything that a broker puts out. Whether any of it is for a lane.
    fn drain(&mut self, core: usize) -> bool {
        let mut lanes = false;
        while let Some(output) = self.brokers[core].next_output() {
            self.step += 1;
            match output {
                Output::Request { to, request } => {
                    lanes = true;
                    self.requests
                        .entry((core, to))
                        .or_default()
                        .push_back(request);
                }
                Output::Delivery { to, delivery } => {
                    lanes = true;
                    self.deliveries
                        .entry((core, to))
                        .or_default()
                        .push_back(delivery);
                }
                Output::Notice { client, notice } => self.notice(core, client, notice),
            }
        }
        while let Some(client) = self.brokers[core].next_behind() {
            let person = self
                .people
                .iter_mut()
                .rev()
                .find(|person| person.core == core && person.client == client);
            let person = person.expect("only clients are named");
            assert!(person.open && !person.behind, "a client is named once");
            person.behind = true;
        }
        lanes
    }

    /// A notice goes into the view of the client it is for; what a publisher learns, everybody may know.
    fn notice(&mut self, core: usize, client: Client, notice: Notice) {
        let of_client = |person: &Person| person.core == core && person.client == client;
        let who = self.people.iter().position(of_client).unwrap();
        let person = &mut self.people[who];
        assert!(
            person.open && !person.lagged,
            "{notice:?} for a client that is gone"
        );
        match notice {
            Notice::Published { echo, topic, at } => {
                let (message, issued) = person.published(echo, topic.clone(), at);
                self.known.push((topic, at));
                self.naive.published(message, issued, self.step).unwrap();
            }
            Notice::Refused { echo, refusal } => {
                person.refused(self.step, echo);
                self.refused.push(refusal);
            }
            notice => person.told(self.step, notice),
        }
    }

    /// Carries everything, so that nothing is on its way, whether gathered or not.
    pub(crate) fn carry_all(&mut self) {
        let cores = self.brokers.len();
        let mut moved = true;
        while moved {
            moved = false;
            for (from, to) in (0..cores).flat_map(|from| (0..cores).map(move |to| (from, to))) {
                moved |= self.carry_requests(from, to, usize::MAX);
                moved |= self.carry_deliveries(from, to, usize::MAX);
            }
            for core in 0..cores {
                self.end_turn(core);
            }
            moved |= self.requests.values().any(|lane| !lane.is_empty());
            moved |= self.deliveries.values().any(|lane| !lane.is_empty());
        }
        self.step += 1;
        self.naive.carried(self.step);
    }

    /// Carries and gathers until nothing moves any more.
    pub(crate) fn settle(&mut self) {
        self.carry_all();
        for who in 0..self.people.len() {
            while self.people[who].behind {
                self.gather(who, 64, 1 << 20);
            }
        }
        for person in &mut self.people {
            assert!(
                !person.open || person.outstanding.is_empty(),
                "unanswered: {:?}",
                person.outstanding
            );
            person.view.complete = person.open;
        }
    }

    /// Settles, and holds every view against the judge.
    pub(crate) fn judge(&mut self) {
        self.settle();
        self.naive.judge_topics().unwrap();
        for (who, person) in self.people.iter().enumerate() {
            if let Err(violation) = self.naive.judge(&person.view) {
                let seen: Vec<_> = person
                    .view
                    .seen
                    .iter()
                    .map(|seen| format!("{seen:?}"))
                    .collect();
                panic!(
                    "client {who} on core {}: {violation}\n{}",
                    person.core,
                    seen.join("\n")
                );
            }
        }
    }

    /// Everybody leaves; after some sweeps only what is kept remains.
    pub(crate) fn empty(&mut self) {
        for who in 0..self.people.len() {
            if self.people[who].open {
                self.close(who);
            }
        }
        self.sweep_all();
    }

    pub(crate) fn sweep_all(&mut self) {
        for _ in 0..12 {
            for core in 0..self.brokers.len() {
                self.sweep(core);
            }
            self.settle();
        }
    }

    pub(crate) fn home_of(&self, topic: &str) -> usize {
        self.brokers[0].home_of(&TopicName::parse(topic).unwrap())
    }

    pub(crate) fn counters(&self) -> Vec<Counters> {
        self.brokers.iter().map(Broker::counters).collect()
    }
}

fn write(echo: u64) -> Option<Box<str>> {
    Some(echo.to_string().into())
}
