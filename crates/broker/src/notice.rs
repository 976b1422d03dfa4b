//! What the broker tells a client: answers to its commands, and events it must see.
//!
//! Data only; the session writes them in the client's dialect. Topic bytes do not come this way, they are gathered.

use bytes::Bytes;

use crate::name::TopicName;
use crate::pattern::Pattern;
use crate::position::Position;
use crate::publication::Kind;

/// What a client wrote beside its command; opaque here, and given back in the answer.
pub type Echo = Option<Box<str>>;

/// Where a subscription, or a history query, starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what is published from now on.
    Live,
    /// With everything after this position, of one topic; fails visibly if any of it is gone.
    Since(Position),
    /// With what is kept from this Unix time on, in milliseconds, the newest within the limits. Never fails.
    SinceTime(u64),
    /// With at most so many of the newest publications of each topic, within the limits. Never fails.
    Last(u32),
    /// For a pattern with wildcards: with everything after these positions; topics that are not named start live.
    SinceEach(Vec<(TopicName, Position)>),
}

/// Whether a client got what it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It named no position.
    NotAsked,
    /// Everything after its position follows: the replay first, then live, with nothing between.
    Recovered,
    /// It goes on at the present position, without any part of what it missed.
    Lost(Loss),
}

/// Why a position could not be taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The position is of another life of the topic.
    Epoch,
    /// A publication after the position is kept no more.
    Retention,
    /// More was missed than one recovery may bring.
    Limit,
    /// The position is beyond the newest publication.
    Ahead,
    /// The client receives the topic already, through this or another subscription, or did when the topic's home answered. What that
    /// one brings is not brought twice: the position in the answer is that of the last publication this client was sent,
    /// and the next one follows it.
    Live,
}

/// Where one topic of a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The topic.
    pub topic: TopicName,
    /// The position after which live delivery goes on.
    pub at: Position,
    /// Whether the client got what it missed.
    pub recovery: Recovery,
}

/// How a subscription stands when it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// One topic.
    Topic(Standing),
    /// A pattern: the topics whose past was asked for and, after `Last` or `SinceTime`, those that had one.
    Pattern(Vec<Standing>),
}

/// One publication in the answer to a history query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Where it stands.
    pub at: Position,
    /// What its bytes are.
    pub kind: Kind,
    /// When it was published, in Unix milliseconds.
    pub time_ms: u64,
    /// The bytes as published.
    pub payload: Bytes,
}

/// The answer to a history query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The oldest position that is kept; beyond `last` if nothing is.
    pub first: Position,
    /// The newest position.
    pub last: Position,
    /// What was asked for, oldest first.
    pub messages: Vec<Retained>,
    /// After `Since`: whether `messages` continues that position without a hole.
    pub recovery: Recovery,
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The client has as many subscriptions as it may.
    Subscriptions,
    /// The client has as many subscriptions to patterns as it may.
    PatternSubscriptions,
    /// The client has as many unanswered commands as it may.
    Pending,
    /// The client's other subscriptions are in another format.
    Format,
    /// The start does not suit the pattern: `Since` needs one topic, `SinceEach` a pattern that matches its topics,
    /// each named once and no more of them than a client may have subscriptions, and a history query a start in the past.
    Start,
    /// The payload is larger than the broker takes.
    Payload,
    /// All topics of the home core are in use.
    Topics,
    /// The index of patterns is full.
    Patterns,
    /// The subscription was given up, by an unsubscribe, before it was answered.
    Cancelled,
    /// The client is not open: it closed while the command was on its way.
    Closed,
}

/// Something to tell one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A subscription stands; its messages follow: first `replay`, then what is gathered.
    Subscribed {
        /// From the command.
        echo: Echo,
        /// What was subscribed to.
        pattern: Pattern,
        /// Positions and recovery.
        outcome: Outcome,
        /// The past that was asked for, ready to send.
        replay: Vec<Bytes>,
    },
    /// A subscription ended, or there was none.
    Unsubscribed {
        /// From the command.
        echo: Echo,
        /// What the command named.
        pattern: Pattern,
        /// Whether there was a subscription.
        existed: bool,
    },
    /// A publication got its place.
    Published {
        /// From the command.
        echo: Echo,
        /// The topic.
        topic: TopicName,
        /// The place.
        at: Position,
    },
    /// The answer to a history query.
    History {
        /// From the command.
        echo: Echo,
        /// The topic.
        topic: TopicName,
        /// What is kept of it.
        history: History,
    },
    /// A command was refused after it had been taken: this is its one answer.
    Refused {
        /// From the command.
        echo: Echo,
        /// Why.
        refusal: Refusal,
    },
    /// A publication that is otherwise not answered ([`crate::Publisher::Unconfirmed`]) was refused.
    Unpublished {
        /// Why.
        refusal: Refusal,
    },
    /// The client was too slow: publications after `after`, up to `until` inclusive, will not come.
    Gap {
        /// The topic.
        topic: TopicName,
        /// The last publication the client was sent.
        after: Position,
        /// The last publication that is left out.
        until: Position,
    },
    /// The client was too slow, and its topic's rule, or its format, wants the connection closed (4408). Nothing more is
    /// gathered for it.
    Lagged {
        /// The topic.
        topic: TopicName,
    },
}
