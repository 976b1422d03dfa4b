//! The broker of one core: commands in, notices, lane messages and gathered bytes out.

use bytes::Bytes;

use crate::lane::{Delivery, Request};
use crate::limits::Limits;
use crate::name::TopicName;
use crate::name::TopicRef;
use crate::notice::{Echo, Notice, Refusal, Start};
use crate::pattern::Pattern;
use crate::publication::{Encode, Format, Formats, Kind};
use crate::rules::Rules;

/// What a broker is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This core's number, below `cores`.
    pub core: usize,
    /// How many cores there are, at most [`crate::limits::CORES_MAX`].
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
    /// `Latest`. Usually [`Format::RAW`].
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
    /// A client that is told of a refusal only, as [`Notice::Refused`] without an echo.
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
    /// Calls of the encoder for live messages.
    pub encodes: u64,
    /// Calls of the encoder for replays.
    pub replay_encodes: u64,
    /// Subscribers that lagged behind a backlog.
    pub lagged: u64,
    /// Steps in the pattern index.
    pub match_steps: u64,
    /// Topics that this core is the home of.
    pub topics: usize,
    /// Feeds on this core.
    pub feeds: usize,
    /// Subscribers in those feeds.
    pub members: usize,
    /// Patterns in the index.
    pub patterns: usize,
    /// Chunks that wait for subscribers of this core.
    pub chunks: usize,
    /// Their bytes.
    pub backlog_bytes: usize,
    /// Bytes of retained publications.
    pub log_bytes: usize,
}

/// One core's part of the broker. Several, joined by lanes, are the whole.
#[derive(Debug)]
pub struct Broker {
    settings: Settings,
}

impl Broker {
    /// A broker without topics and clients.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
    /// A connection begins.
    pub fn open(&mut self, client: Client) {
        let _ = client;
    }
    /// A connection is over: everything of it is forgotten.
    pub fn close(&mut self, client: Client) {
        let _ = client;
    }
    /// Subscribes. Answered by [`Notice::Subscribed`] or [`Notice::Refused`], at once or after the lanes.
    #[expect(clippy::too_many_arguments)]
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
        let _ = (encode, client, echo, pattern, format, start, time_ms);
        Ok(())
    }
    /// Ends a subscription at once. Answered by [`Notice::Unsubscribed`], after the client's earlier commands on that topic.
    pub fn unsubscribe(
        &mut self,
        client: Client,
        echo: Echo,
        pattern: &Pattern,
    ) -> Result<(), Refusal> {
        let _ = (client, echo, pattern);
        Ok(())
    }
    /// Publishes. The payload is copied where it is needed.
    pub fn publish<'t>(
        &mut self,
        encode: &mut dyn Encode,
        publisher: Publisher,
        topic: impl Into<TopicRef<'t>>,
        kind: Kind,
        payload: &[u8],
        time_ms: u64,
    ) -> Result<(), Refusal> {
        let _ = (encode, publisher, topic.into(), kind, payload, time_ms);
        Ok(())
    }
    /// Asks for kept publications. Answered by [`Notice::History`].
    pub fn history(
        &mut self,
        client: Client,
        echo: Echo,
        topic: &TopicName,
        start: Start,
        messages_max: u32,
        time_ms: u64,
    ) -> Result<(), Refusal> {
        let _ = (client, echo, topic, start, messages_max, time_ms);
        Ok(())
    }
    /// A request that came over the lane from `from`.
    pub fn take_request(
        &mut self,
        encode: &mut dyn Encode,
        from: usize,
        request: Request,
        time_ms: u64,
    ) {
        let _ = (encode, from, request, time_ms);
    }
    /// A delivery that came over the lane from `from`.
    pub fn take_delivery(&mut self, from: usize, delivery: Delivery) {
        let _ = (from, delivery);
    }
    /// Closes this turn's chunks: local feeds get them now, lanes through `next_output`.
    pub fn end_turn(&mut self) {}
    /// What is to be carried away, in order.
    pub fn next_output(&mut self) -> Option<Output> {
        None
    }
    /// A client that has something to gather since it was last gathered empty; each is named once until then.
    pub fn next_behind(&mut self) -> Option<Client> {
        None
    }
    /// Appends to `pieces` what the client has not been sent, feed by feed in turn, each in order; at most `pieces_max` pieces and `bytes_max` bytes, but at
    /// least one piece if there is any. Whether there is more.
    pub fn gather(
        &mut self,
        client: Client,
        pieces: &mut Vec<Bytes>,
        pieces_max: usize,
        bytes_max: usize,
    ) -> bool {
        let _ = (client, pieces, pieces_max, bytes_max);
        false
    }
    /// Housekeeping, about every second: age retention, interest and topics that nobody needs.
    pub fn sweep(&mut self, time_ms: u64) {
        let _ = time_ms;
    }
    /// The present numbers.
    pub fn counters(&self) -> Counters {
        let _ = &self.settings;
        Counters::default()
    }
}
