//! What brokers of different cores say to each other: plain owned data, to be carried in order.
//!
//! Two classes, each first-in first-out between two cores. Handling a [`Request`] yields deliveries only, and handling a [`Delivery`]
//! yields nothing for a lane, so cores that drain both never wait for each other in a circle. What is asked of the own core, and told to it,
//! is handled at once by the same code. Nothing here shares a reference count between cores but a [`Chunk`], once for each core.

use std::sync::Arc;

use bytes::Bytes;

use crate::broker::{Client, Publisher};
use crate::chunk::Chunk;
use crate::name::HashedName;
use crate::notice::{Echo, Notice, Refusal, Standing, Start};
use crate::pattern::Pattern;
use crate::publication::{Format, Formats, Kind};

/// Something that the home core of a topic, or every core for a pattern, is asked to do.
#[derive(Debug)]
pub struct Request(pub(crate) Ask);

impl Request {
    /// The bytes of payload that wait in it: what a bounded lane counts.
    pub fn payload_bytes(&self) -> usize {
        match &self.0 {
            Ask::Publish { payload, .. } => payload.len(),
            _ => 0,
        }
    }
}

/// An answer to a request, or a chunk of a topic.
#[derive(Debug)]
pub struct Delivery(pub(crate) Tell);

/// Which command an answer is for, and the client's format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) command: u32,
    pub(crate) format: Format,
}

/// What of a topic's past is asked for.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) start: Start,
    pub(crate) messages_max: u32,
}

#[derive(Debug)]
pub(crate) enum Ask {
    Publish {
        topic: HashedName,
        kind: Kind,
        payload: Box<[u8]>,
        publisher: Publisher,
    },
    Watch {
        topic: HashedName,
        caller: Caller,
        start: Start,
    },
    Unwatch {
        topic: HashedName,
        formats: Formats,
    },
    WatchPattern {
        pattern: Pattern,
        caller: Caller,
        start: Start,
    },
    UnwatchPattern {
        pattern: Pattern,
        formats: Formats,
    },
    History {
        topic: HashedName,
        client: Client,
        echo: Echo,
        query: Query,
    },
    /// Comes back as it is, behind the answers to what was asked before.
    Return {
        client: Client,
        notice: Notice,
    },
}

#[derive(Debug)]
pub(crate) enum Tell {
    Chunk(Arc<Chunk>),
    Watched {
        topic: HashedName,
        caller: Caller,
        answer: Result<Answer, Refusal>,
    },
    WatchedPattern {
        pattern: Pattern,
        caller: Caller,
        answer: Result<Vec<Answer>, Refusal>,
    },
    Notice {
        client: Client,
        notice: Notice,
        answers: bool,
    },
}

/// Where one topic stands for a new subscription, and the past that was asked for, encoded.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) standing: Standing,
    pub(crate) replay: Vec<Bytes>,
    /// What the replay takes of the subscription's budget.
    pub(crate) cost: Budget,
}

/// How much past one subscription may still be given: each home keeps to all of it, and whoever puts their answers together does so again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) messages: usize,
    /// Of their payloads and of their topic's name, which each of them brings along.
    pub(crate) bytes: usize,
}

impl Budget {
    pub(crate) const NOTHING: Self = Self {
        messages: 0,
        bytes: 0,
    };

    /// Takes `cost` away; false if that is more than there is.
    pub(crate) fn spend(&mut self, cost: Budget) -> bool {
        let left = self.messages.checked_sub(cost.messages);
        let Some((messages, bytes)) = left.zip(self.bytes.checked_sub(cost.bytes)) else {
            return false;
        };
        *self = Budget { messages, bytes };
        true
    }
}
