//! The topics that one core is the home of: offsets, open chunks, interest, and which of them may be given up.
//!
//! A topic exists while some core listens to it by name, while publications are kept, or until it has been idle for a while. A publish
//! that nobody listens to and nothing keeps leaves no trace. Who gets a closed chunk is decided here; carrying it there is the broker's.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::chunk::{self, Chunk, Runs, Span};
use crate::interest::Interest;
use crate::limits::SPARE_CHUNKS_MAX;
use crate::log::Log;
use crate::name::{HashedName, HashedRef};
use crate::open::{Incoming, OpenChunk};
use crate::position::{Epochs, Position};
use crate::publication::{Encode, Format, Formats, Publication};
use crate::recency::{Group, Recency};
use crate::rules::{Rule, Rules};
use crate::slab::Slab;
use crate::trie::Trie;

/// One topic on its home core.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: HashedName,
    pub(crate) rule: Rule,
    pub(crate) log: Log,
    /// Cores that listen to the topic by name.
    pub(crate) exact: Interest,
    /// Cores that listen through patterns, as of `resolved`.
    patterned: Interest,
    resolved: u64,
    open: Option<Box<OpenChunk>>,
    /// Sweeps since it was last used.
    pub(crate) idle: u8,
}

impl Topic {
    fn formats(&self) -> Formats {
        self.exact.union().union(self.patterned.union())
    }

    fn group(&self) -> Group {
        if self.exact.is_empty() {
            Group::Unwanted
        } else {
            Group::Wanted
        }
    }

    /// Where the next publication goes.
    fn next_offset(&self) -> u64 {
        self.log.end().offset + 1 + self.open.as_ref().map_or(0, |open| open.publications)
    }
}

/// A chunk at the end of its topic's turn.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) span: Span,
    /// This core's handles.
    pub(crate) runs: Runs,
    /// For the other cores, if any of them listens.
    pub(crate) shared: Option<(Arc<Chunk>, u64)>,
    /// Whether this core listens.
    pub(crate) here: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Home {
    core: usize,
    cores: usize,
    pub(crate) topics: Slab<Topic>,
    table: HashTable<u32>,
    pub(crate) recency: Recency,
    epochs: Epochs,
    /// Patterns with wildcards, and which cores listen to them.
    patterns: Trie<Interest>,
    /// Changes when `patterns` does.
    generation: u64,
    /// Topics with an open chunk, in the order in which they got it.
    touched: Vec<u32>,
    #[expect(clippy::vec_box, reason = "the boxes are what is used again")]
    spare: Vec<Box<OpenChunk>>,
    pub(crate) log_bytes: usize,
    pub(crate) sweep_hand: u32,
    pub(crate) publications: u64,
    pub(crate) encodes: u64,
    pub(crate) match_steps: u64,
}

impl Home {
    pub(crate) fn new(core: usize, cores: usize, hash_key: [u64; 2], seed: u64) -> Self {
        Self {
            core,
            cores,
            topics: Slab::new(),
            table: HashTable::new(),
            recency: Recency::new(),
            epochs: Epochs::new(seed),
            patterns: Trie::new(hash_key),
            generation: 1,
            touched: Vec::new(),
            spare: Vec::new(),
            log_bytes: 0,
            sweep_hand: 0,
            publications: 0,
            encodes: 0,
            match_steps: 0,
        }
    }

    pub(crate) fn find(&self, topic: HashedRef<'_>) -> Option<u32> {
        let same = |&id: &u32| {
            let name = &self.topics[id].name;
            name.hash == topic.hash && name.name.as_str() == topic.topic.as_str()
        };
        self.table.find(topic.hash, same).copied()
    }

    /// A topic that did not exist begins, with an epoch of its own.
    pub(crate) fn bear(&mut self, topic: HashedRef<'_>, rules: &Rules) -> u32 {
        let HashedRef { topic, hash } = topic;
        let rule = *rules.of(topic.as_str());
        let name = HashedName {
            name: topic.to_name(),
            hash,
        };
        let log = Log::new(self.epochs.birth());
        let id = self.topics.insert(Topic {
            name,
            rule,
            log,
            exact: Interest::default(),
            patterned: Interest::default(),
            resolved: 0,
            open: None,
            idle: 0,
        });
        self.table
            .insert_unique(hash, id, |&id| self.topics[id].name.hash);
        self.recency.insert(Group::Unwanted, id);
        id
    }

    /// A topic ends. Its open chunk must have been closed.
    pub(crate) fn bury(&mut self, id: u32) {
        let Some(topic) = self.topics.remove(id) else {
            return;
        };
        debug_assert!(topic.open.is_none());
        self.log_bytes -= topic.log.cost();
        self.recency.remove(topic.group(), id);
        let entry = self.table.find_entry(topic.name.hash, |&other| other == id);
        entry.expect("each topic is in the table").remove();
    }

    /// The position of a publication that nobody listens to and nothing keeps.
    pub(crate) fn pass(&mut self) -> Position {
        self.publications += 1;
        Position {
            epoch: self.epochs.passing(),
            offset: 1,
        }
    }

    /// The position of a topic that does not exist: no other life of it will have this epoch.
    pub(crate) fn nowhere(&mut self) -> Position {
        Position {
            epoch: self.epochs.passing(),
            offset: 0,
        }
    }

    /// Whether a publication to a topic that does not exist calls it into being.
    pub(crate) fn is_wanted(&mut self, topic: &str, rules: &Rules) -> bool {
        let mut listened = false;
        self.match_steps += self
            .patterns
            .matches(topic, |_, interest| listened |= !interest.is_empty());
        listened || rules.of(topic).retains()
    }

    pub(crate) fn used(&mut self, id: u32) {
        let topic = &mut self.topics[id];
        topic.idle = 0;
        self.recency.touch(topic.group(), id);
    }

    /// Gives a publication its position, and writes it into the topic's open chunk. Whether that is now full.
    pub(crate) fn append(
        &mut self,
        id: u32,
        encode: &mut dyn Encode,
        incoming: Incoming<'_>,
        chunk_bytes_max: usize,
    ) -> (Position, bool) {
        self.used(id);
        self.resolve(id);
        self.publications += 1;
        let topic = &mut self.topics[id];
        let at = Position {
            epoch: topic.log.epoch(),
            offset: topic.next_offset(),
        };
        let keep = topic.rule.retains();
        let formats = topic.formats();
        let open = match &mut topic.open {
            Some(open) => open,
            none => {
                if formats.is_empty() && !keep {
                    topic.log.extend(at.offset, [].into_iter(), &topic.rule);
                    return (at, false);
                }
                self.touched.push(id);
                let open = none.insert(self.spare.pop().unwrap_or_default());
                formats
                    .iter()
                    .for_each(|format| open.begin(format, incoming.payload.len()));
                open
            }
        };
        self.encodes += open.runs.len() as u64;
        let publication = Publication {
            at,
            kind: incoming.kind,
            time_ms: incoming.time_ms,
            payload: incoming.payload,
        };
        open.append(encode, topic.name.name.as_str(), &publication, keep);
        (at, open.is_full(chunk_bytes_max))
    }

    /// Brings the topic's share of the pattern index up to date.
    fn resolve(&mut self, id: u32) {
        let topic = &mut self.topics[id];
        if topic.resolved != self.generation {
            topic.resolved = self.generation;
            topic.patterned.clear();
            let patterned = &mut topic.patterned;
            self.match_steps += self
                .patterns
                .matches(topic.name.name.as_str(), |_, interest| {
                    patterned.add_all(interest)
                });
        }
    }

    /// Topics whose chunks are to be closed at the end of the turn.
    pub(crate) fn take_touched(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.touched)
    }

    /// Gives back what `take_touched` gave, for its room.
    pub(crate) fn return_touched(&mut self, mut touched: Vec<u32>) {
        touched.clear();
        self.touched = touched;
    }

    pub(crate) fn touched_matching(&self, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        let matching = |&id: &u32| {
            self.topics
                .get(id)
                .is_some_and(|topic| matches(topic.name.name.as_str()))
        };
        self.touched.iter().copied().filter(matching).collect()
    }

    /// Closes the topic's open chunk, if it has one: what is kept goes into the log, the rest is for the listeners.
    pub(crate) fn close(&mut self, id: u32) -> Option<Closed> {
        let topic = self.topics.get_mut(id)?;
        let mut open = topic.open.take()?;
        let first = topic.log.end().offset + 1;
        let span = Span {
            epoch: topic.log.epoch(),
            first,
            last: first + open.publications - 1,
        };
        let cores = (0..self.cores).filter(|&core| {
            !topic
                .exact
                .of(core)
                .union(topic.patterned.of(core))
                .is_empty()
        });
        let cores = cores.fold(0, |set, core| set | 1_u64 << core);
        let here = 1_u64 << self.core;
        let runs = std::mem::take(&mut open.runs);
        let (runs, shared) = if cores & !here == 0 {
            (chunk::own(runs), None)
        } else {
            let chunk = Arc::new(Chunk {
                topic: topic.name.clone(),
                span,
                runs,
            });
            (chunk::share(&chunk), Some((chunk, cores & !here)))
        };
        self.log_bytes -= topic.log.cost();
        open.keep(&runs, &mut topic.log, &topic.rule);
        self.log_bytes += topic.log.cost();
        let closed = Closed {
            span,
            runs,
            shared,
            here: cores & here != 0,
        };
        if open.recycle() && self.spare.len() < SPARE_CHUNKS_MAX {
            self.spare.push(open);
        }
        Some(closed)
    }

    /// A core begins to listen to a topic by name.
    pub(crate) fn want(&mut self, id: u32, core: usize, format: Format) {
        self.regroup(id, |topic| {
            topic.exact.add(core, Formats::NONE.with(format));
        });
        self.used(id);
    }

    /// A core listens to a topic by name no more.
    pub(crate) fn unwant(&mut self, id: u32, core: usize, formats: Formats) {
        self.regroup(id, |topic| topic.exact.remove(core, formats));
    }

    fn regroup(&mut self, id: u32, change: impl FnOnce(&mut Topic)) {
        let topic = &mut self.topics[id];
        let before = topic.group();
        change(topic);
        let after = topic.group();
        if before != after {
            self.recency.remove(before, id);
            self.recency.insert(after, id);
        }
    }

    pub(crate) fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// A core begins to listen to a pattern. The open chunks that it matches must have been closed.
    pub(crate) fn want_pattern(&mut self, pattern: &crate::Pattern, core: usize, format: Format) {
        let found = self.patterns.find(pattern);
        let id = found.unwrap_or_else(|| {
            self.patterns
                .insert(pattern.detached(), Interest::default())
        });
        let interest = self.patterns.get_mut(id).expect("found or inserted above");
        if interest.add(core, Formats::NONE.with(format)) {
            self.generation += 1;
        }
    }

    pub(crate) fn has_pattern(&self, pattern: &crate::Pattern) -> bool {
        self.patterns.find(pattern).is_some()
    }

    /// A core listens to a pattern no more.
    pub(crate) fn unwant_pattern(
        &mut self,
        pattern: &crate::Pattern,
        core: usize,
        formats: Formats,
    ) {
        let Some(id) = self.patterns.find(pattern) else {
            return;
        };
        let interest = self.patterns.get_mut(id).expect("found above");
        interest.remove(core, formats);
        if interest.is_empty() {
            self.patterns.remove(id);
        }
        self.generation += 1;
    }

    /// Lets go of publications that are older than the topic's rule keeps.
    pub(crate) fn age(&mut self, id: u32, time_ms: u64) {
        let topic = &mut self.topics[id];
        self.log_bytes -= topic.log.cost();
        topic.log.age(&topic.rule, time_ms);
        self.log_bytes += topic.log.cost();
    }

    /// Lets go of all kept publications of a topic that must live on.
    pub(crate) fn clear(&mut self, id: u32) {
        let topic = &mut self.topics[id];
        self.log_bytes -= topic.log.cost();
        topic.log.clear();
    }

    /// Whether nothing but a listening pattern needs the topic.
    pub(crate) fn is_dispensable(&self, id: u32) -> bool {
        let topic = &self.topics[id];
        topic.group() == Group::Unwanted && topic.log.is_empty() && topic.open.is_none()
    }
}
