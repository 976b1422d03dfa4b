//! The broker of one core: commands in, notices, lane messages and gathered bytes out.
//!
//! It has two halves that never look into each other. `home` owns the topics whose hash falls on this core, `local` the subscribers
//! of this core; between them go the same requests and deliveries as between two cores, only at once. Everything is a plain call with
//! plain results: the caller brings time and encoder, carries lane messages, and drains notices before it gathers.
//!
//! Calls of one turn: `take_delivery` and `take_request` for what lanes brought; commands of clients; `end_turn`; `next_output` until nothing is left;
//! `next_behind` and `gather`; now and then `sweep`. Every call leaves a bounded number of outputs for each thing it was given.

mod hear;
mod home;
mod publish;
mod recover;
mod subscribe;
mod sweep;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::home::Home;
use crate::lane::{Ask, Caller, Delivery, Request, Tell};
use crate::limits::{CORES_MAX, Limits};
use crate::local::Local;
use crate::name::{self, TopicRef};
use crate::notice::{Echo, Notice};
use crate::publication::{Encode, Formats};
use crate::replay::Replays;
use crate::rules::Rules;

/// What a broker is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This core's number, below `cores`.
    pub core: usize,
    /// How many cores there are, at most [`CORES_MAX`].
    pub cores: usize,
    /// Keys the hash that gives topics their home core; the same on all cores, secret, and kept with saved logs.
    pub hash_key: [u64; 2],
    /// Seeds the epochs; different on each core and at each start.
    pub seed: u64,
    /// How topics are treated.
    pub rules: Rules,
    /// The bounds.
    pub limits: Limits,
    /// Formats that cannot tell a client of a gap: their subscribers are disconnected when they lag, unless the rule says
    /// `Latest`. Usually [`crate::Format::RAW`].
    pub gapless: Formats,
}

/// A connection of this core, numbered by the server: indices are dense, from 0, and used again with another generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Its place in the server's table.
    pub index: u32,
    /// Tells it from others that had the place before.
    pub generation: u32,
}

/// Who publishes, and what they want to hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publisher {
    /// Nobody who waits for anything.
    Nobody,
    /// A client that is told of a refusal only, as [`Notice::Unpublished`].
    Unconfirmed(Client),
    /// A client that is told the position, as [`Notice::Published`].
    Confirmed(Client, Echo),
}

/// What leaves a broker beside gathered bytes.
#[derive(Debug)]
pub enum Output {
    /// For the request lane to core `to`.
    Request {
        /// The core.
        to: usize,
        /// Goes into its `take_request`.
        request: Request,
    },
    /// For the delivery lane to core `to`.
    Delivery {
        /// The core.
        to: usize,
        /// Goes into its `take_delivery`.
        delivery: Delivery,
    },
    /// For a client of this core, before any bytes gathered after it.
    Notice {
        /// The client.
        client: Client,
        /// What to tell it.
        notice: Notice,
    },
}

/// Numbers for metrics: the first group only grows, the second is the present state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Publications that got their offset here.
    pub publications: u64,
    /// Calls of the encoder for live messages: one for each publication and format in interest.
    pub encodes: u64,
    /// Calls of the encoder for replays; clients that come back together share them.
    pub replay_encodes: u64,
    /// How often a subscriber lagged behind a backlog.
    pub lagged: u64,
    /// Steps in the indices of patterns.
    pub match_steps: u64,
    /// Topics that this core is the home of.
    pub topics: usize,
    /// Patterns that some core listens to.
    pub patterns: usize,
    /// Bytes of retained publications.
    pub log_bytes: usize,
    /// Feeds on this core.
    pub feeds: usize,
    /// Subscribers in those feeds.
    pub members: usize,
    /// Patterns that clients of this core subscribe to, or did lately.
    pub patterns_local: usize,
    /// Chunks that wait for subscribers of this core.
    pub chunks: usize,
    /// Their bytes.
    pub backlog_bytes: usize,
}

/// One core's part of the broker. Several, joined by lanes, are the whole.
#[derive(Debug)]
pub struct Broker {
    core: usize,
    cores: usize,
    hash_key: [u64; 2],
    limits: Limits,
    rules: Arc<Rules>,
    home: Home,
    local: Local,
    /// Lane messages to be carried away. Notices wait in `local`.
    lanes: VecDeque<Output>,
    replays: Replays,
}

impl Broker {
    /// A broker without topics and clients.
    ///
    /// # Panics
    ///
    /// If there are more than [`CORES_MAX`] cores, or `core` is none of them.
    pub fn new(settings: Settings) -> Self {
        let Settings {
            core,
            cores,
            hash_key,
            seed,
            rules,
            limits,
            gapless,
        } = settings;
        assert!(core < cores && cores <= CORES_MAX);
        let rules = Arc::new(rules);
        Self {
            core,
            cores,
            hash_key,
            limits,
            home: Home::new(core, cores, hash_key, seed),
            local: Local::new(limits, rules.clone(), gapless, hash_key),
            rules,
            lanes: VecDeque::new(),
            replays: Replays::default(),
        }
    }

    /// The core that assigns a topic's offsets.
    pub fn home_of<'t>(&self, topic: impl Into<TopicRef<'t>>) -> usize {
        self.home_core(name::hash(self.hash_key, topic.into().as_str()))
    }

    /// The lower half of the hash finds buckets, the upper half the home, so that a core's topics still spread over all of its buckets.
    fn home_core(&self, hash: u64) -> usize {
        ((hash >> 32) % self.cores as u64) as usize
    }

    /// A connection begins.
    pub fn open(&mut self, client: Client) {
        self.local.open(client);
    }

    /// A connection is over: everything of it is forgotten. Not an error for one that is over already.
    pub fn close(&mut self, client: Client) {
        self.local.close(client);
    }

    /// A request that came over the lane from core `from`. `time_ms` is Unix time.
    pub fn take_request(
        &mut self,
        encode: &mut dyn Encode,
        from: usize,
        request: Request,
        time_ms: u64,
    ) {
        self.attend(encode, from, request.0, time_ms);
    }

    /// A delivery that came over the lane from core `from`.
    pub fn take_delivery(&mut self, from: usize, delivery: Delivery) {
        self.hear(from, delivery.0);
    }

    /// Closes this turn's chunks: local feeds get them now, lanes through `next_output`.
    pub fn end_turn(&mut self) {
        let touched = self.home.take_touched();
        for &topic in &touched {
            self.close_chunk(topic);
        }
        self.home.return_touched(touched);
        self.bound_logs();
    }

    /// What is to be carried away, in order; notices before any bytes gathered later.
    pub fn next_output(&mut self) -> Option<Output> {
        let notice = |(client, notice)| Output::Notice { client, notice };
        self.lanes
            .pop_front()
            .or_else(|| self.local.notices.pop_front().map(notice))
    }

    /// A client that has something to gather. Each is named once until `gather` has returned `false` for it.
    pub fn next_behind(&mut self) -> Option<Client> {
        self.local.next_behind()
    }

    /// Appends to `pieces` what the client has not been sent, feed by feed in turn, each feed in order: at most `pieces_max` pieces and
    /// `bytes_max` bytes, but at least one piece. Returns whether there is more.
    ///
    /// If the client must be told of a gap, this call makes only the [`Notice::Gap`], which is to be taken with `next_output` and
    /// sent before anything that is gathered later.
    pub fn gather(
        &mut self,
        client: Client,
        pieces: &mut Vec<Bytes>,
        pieces_max: usize,
        bytes_max: usize,
    ) -> bool {
        self.local.gather(client, pieces, pieces_max, bytes_max)
    }

    /// The present numbers. Looks at every client: for a metrics page, not for every turn.
    pub fn counters(&self) -> Counters {
        Counters {
            publications: self.home.publications,
            encodes: self.home.encodes,
            replay_encodes: self.replays.encodes,
            lagged: self.local.lagged,
            match_steps: self.home.match_steps + self.local.match_steps,
            topics: self.home.topics.len(),
            patterns: self.home.patterns(),
            log_bytes: self.home.log_bytes,
            feeds: self.local.feeds.len(),
            members: self.local.members(),
            patterns_local: self.local.patterns.len(),
            chunks: self.local.backlog.chunks,
            backlog_bytes: self.local.backlog.bytes,
        }
    }

    /// Asks a home core, at once if it is this one.
    fn ask(&mut self, encode: &mut dyn Encode, to: usize, ask: Ask, time_ms: u64) {
        if to == self.core {
            self.attend(encode, to, ask, time_ms);
        } else {
            self.lanes.push_back(Output::Request {
                to,
                request: Request(ask),
            });
        }
    }

    /// Tells a subscriber's core, at once if it is this one.
    fn tell(&mut self, to: usize, tell: Tell) {
        if to == self.core {
            self.hear(to, tell);
        } else {
            self.lanes.push_back(Output::Delivery {
                to,
                delivery: Delivery(tell),
            });
        }
    }

    fn caller(&mut self, client: Client) -> Caller {
        let slot = self.local.client(client.index);
        slot.pending += 1;
        Caller {
            client,
            command: slot.command(),
            format: slot.format,
        }
    }
}
