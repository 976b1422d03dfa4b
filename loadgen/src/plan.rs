//! What a run is going to do, checked and complete: the command line's meaning, and the seam for other scenarios' files.
//!
//! The rule of who talks to whom is here as well: see [`Layout`].

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::dialect::Dialect;
use crate::payload::Filling;
use crate::security::Security;
use crate::slow_readers::SlowReaders;
use crate::stages::{Curve, Stage};
use crate::turnover::Turnover;
use crate::url::UrlTemplate;

/// Most messages outstanding for each publisher.
pub const OUTSTANDING_MAX: u32 = 65_536;

/// Most topics, publishers or subscribers, each.
pub const MEMBERS_MAX: u32 = 4_000_000;

/// Most pairs of a subscriber and a line of its topic: each has a ledger of 16 bytes, 1 GiB altogether.
pub const PAIRS_MAX: u64 = 64 << 20;

/// A complete fan-out run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where subscribers connect.
    pub subscribe: Endpoint,
    /// Where publishers connect.
    pub publish: Endpoint,
    /// TLS, where one of these wants it.
    pub security: Option<Security>,
    /// What opening handshakes carry.
    pub handshake: Handshake,
    /// What `--driver` calls the dialect.
    pub driver: &'static str,
    /// What is spoken inside WebSocket messages.
    pub dialect: Arc<dyn Dialect>,
    /// The name of each topic.
    pub topic_names: Vec<String>,
    /// Who talks to whom.
    pub layout: Layout,
    /// The subscribers that read slowly, if any do.
    pub slow: Option<SlowReaders>,
    /// The size of each message.
    pub payload_bytes: usize,
    /// What it is filled with.
    pub filling: Filling,
    /// When messages are sent.
    pub pace: Pace,
    /// In an open loop whose rate changes: how it does within the measured window.
    pub stages: Vec<Stage>,
    /// How long each part takes.
    pub times: Times,
    /// Who leaves and comes back.
    pub turnover: Turnover,
    /// Connections begun in a second, by all threads together; as fast as they can without.
    pub connects_per_second: Option<f64>,
    /// Connections that may be on their way at once, for each thread.
    pub connecting_max: u32,
    /// Threads, each with its own ring and its share of the connections.
    pub threads: u32,
    /// The CPU of each thread, or none.
    pub pins: Vec<usize>,
    /// Local addresses to connect from, in turn; none leaves it to the kernel.
    pub sources: Vec<IpAddr>,
    /// Whether threads poll for completions instead of sleeping, until the measured window is over.
    pub spins: bool,
    /// The server's process, to measure its CPU time and memory.
    pub server_pid: Option<u32>,
    /// The length of the timeline's intervals.
    pub interval: Duration,
}

impl Plan {
    /// Whether subscribers remember how far they have come, to go on from there when they come back.
    pub fn keeps_positions(&self) -> bool {
        self.turnover.cut.is_some() && self.dialect.resumes()
    }

    /// How many subscribers a message on a topic is for, without those that read slowly.
    pub fn audience_of(&self, topic: u32) -> u32 {
        match self.slow {
            None => self.layout.audience_of(topic),
            Some(slow) => slow.healthy_of(&self.layout, self.threads, topic),
        }
    }

    /// Whether a subscriber reads slowly.
    pub fn is_slow(&self, subscriber: u32) -> bool {
        self.slow
            .is_some_and(|slow| slow.include(&self.layout, self.threads, subscriber))
    }
}

/// What opening handshakes carry besides what RFC 6455 wants.
#[derive(Clone, Default)]
pub struct Handshake {
    /// To offer; the server must agree to one of them, if there are any.
    pub subprotocols: Vec<String>,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Whether permessage-deflate is offered, as browsers offer it; the server must agree.
    pub compress: bool,
}

/// Headers may hold what no log is to show.
impl fmt::Debug for Handshake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Handshake")
            .field("subprotocols", &self.subprotocols)
            .field("headers", &self.headers.len())
            .finish()
    }
}

/// A URL and the address behind it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The URL.
    pub url: UrlTemplate,
    /// Where it leads.
    pub address: SocketAddr,
    /// Whose certificate a TLS server has to show; none where TLS is not spoken.
    pub server_name: Option<tls::ServerName<'static>>,
}

/// When messages are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Open loop: at fixed times, whatever the server does. Latency counts from the intended time.
    Open {
        /// Publishes per second, of all publishers together; the mean of all stages, if there are any.
        rate_per_second: f64,
    },
    /// Closed loop: each publisher keeps this many messages outstanding. A message is outstanding until the last of its
    /// deliveries has come back.
    Closed {
        /// Messages outstanding for each publisher.
        outstanding: u32,
    },
    /// Nothing is published: there are no publishers, and subscribers are only held.
    Idle,
}

/// How long each part of a run takes.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The longest that one connection may take until it is subscribed.
    pub connect: Duration,
    /// Silence between the last connection and the first publish.
    pub settle: Duration,
    /// Publishing before the measured window.
    pub warm_up: Duration,
    /// The measured window.
    pub measure: Duration,
    /// How long a missing delivery is waited for.
    pub patience: Duration,
    /// Beyond this 99th percentile of its own lateness an open-loop run is invalid.
    pub late_max: Duration,
}

impl Plan {
    /// How many messages are due until when, in an open loop.
    pub fn curve(&self) -> Option<Curve> {
        match self.pace {
            Pace::Open { rate_per_second } => Some(Curve::new(
                rate_per_second,
                self.times.warm_up,
                &self.stages,
            )),
            Pace::Closed { .. } | Pace::Idle => None,
        }
    }
}

/// Who talks to whom.
///
/// Subscriber `s` listens to topic `s mod topics`. Publishing goes over **lines**, one connection each: line `l` is publisher
/// `l mod publishers` on topic `l mod topics`, and there are as many lines as the larger of the two. So with more publishers
/// than topics each publisher has one topic; with more topics than publishers each topic has one publisher, and a publisher
/// goes round its topics.
///
/// With as many publishers as subscribers, and no more topics than those, subscriber `n` and line `n` meet on the same topic. So
/// they can be one **duplex** connection that publishes and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Connections that receive.
    pub subscribers: u32,
    /// Senders, each with its own clock or window. With none there are no lines.
    pub publishers: u32,
    /// Topics.
    pub topics: u32,
    /// Which connections do what.
    pub roles: Roles,
}

/// Whether publishers and subscribers share connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// Each subscriber and each line has a connection of its own.
    Apart,
    /// Subscriber `n` and line `n` are one connection: a member of its topic.
    Duplex {
        /// Whether the server sends a message back to whoever published it.
        hears_itself: bool,
    },
}

impl Layout {
    /// How many connections there are.
    pub fn connections(&self) -> u64 {
        match self.roles {
            Roles::Apart => u64::from(self.subscribers) + u64::from(self.lines()),
            Roles::Duplex { .. } => u64::from(self.subscribers),
        }
    }

    /// Whether who publishes also receives.
    pub fn is_duplex(&self) -> bool {
        matches!(self.roles, Roles::Duplex { .. })
    }

    /// Whether a member is sent everything but its own messages.
    pub fn leaves_out_own(&self) -> bool {
        self.roles
            == Roles::Duplex {
                hears_itself: false,
            }
    }

    /// Whether everybody hears nobody but itself.
    pub fn is_echo(&self) -> bool {
        self.is_duplex() && self.topics == self.subscribers
    }

    /// How many lines each subscriber listens to, over all subscribers.
    pub fn pairs(&self) -> u64 {
        let of_topic =
            |topic| u64::from(self.subscribers_of(topic)) * u64::from(self.lines_of_topic(topic));
        (0..self.topics).map(of_topic).sum()
    }

    /// How many publishing lines there are.
    pub fn lines(&self) -> u32 {
        match self.publishers {
            0 => 0,
            publishers => publishers.max(self.topics),
        }
    }

    /// The publisher who speaks on a line.
    pub fn publisher_of(&self, line: u32) -> u32 {
        line % self.publishers
    }

    /// The topic that a line publishes to.
    pub fn topic_of(&self, line: u32) -> u32 {
        line % self.topics
    }

    /// The line of a publisher on a topic; meaningless if the two do not meet.
    pub fn line(&self, publisher: u32, topic: u32) -> u32 {
        publisher.max(topic)
    }

    /// The topic that a subscriber listens to.
    pub fn topic_of_subscriber(&self, subscriber: u32) -> u32 {
        subscriber % self.topics
    }

    /// How many lines publish to a topic.
    pub fn lines_of_topic(&self, topic: u32) -> u32 {
        members(self.lines(), topic, self.topics)
    }

    /// How many subscribers a topic has.
    pub fn subscribers_of(&self, topic: u32) -> u32 {
        members(self.subscribers, topic, self.topics)
    }

    /// How many subscribers a message on a topic is for.
    pub fn audience_of(&self, topic: u32) -> u32 {
        self.subscribers_of(topic) - u32::from(self.leaves_out_own())
    }
}

/// How many of `0..count` leave `remainder` when divided by `groups`.
fn members(count: u32, remainder: u32, groups: u32) -> u32 {
    count.saturating_sub(remainder).div_ceil(groups)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_topic_has_its_lines_and_every_line_one_pair(subscribers in 0_u32..60, publishers in 1_u32..20, topics in 1_u32..20) {
            let layout = Layout { subscribers, publishers, topics, roles: Roles::Apart };
            let lines = 0..layout.lines();
            for topic in 0..topics {
                prop_assert_eq!(lines.clone().filter(|&line| layout.topic_of(line) == topic).count() as u32, layout.lines_of_topic(topic));
                prop_assert!(layout.lines_of_topic(topic) > 0);
                prop_assert_eq!((0..subscribers).filter(|&s| layout.topic_of_subscriber(s) == topic).count() as u32, layout.subscribers_of(topic));
            }
            for line in lines {
                prop_assert_eq!(layout.line(layout.publisher_of(line), layout.topic_of(line)), line);
            }
            prop_assert_eq!(layout.pairs(), (0..subscribers).map(|s| u64::from(layout.lines_of_topic(layout.topic_of_subscriber(s)))).sum::<u64>());
        }

        #[test]
        fn a_member_publishes_where_it_listens((members, rooms) in (1_u32..60).prop_flat_map(|members| (Just(members), 1..=members))) {
            let layout = Layout { subscribers: members, publishers: members, topics: rooms, roles: Roles::Duplex { hears_itself: true } };
            prop_assert_eq!(layout.lines(), members);
            for member in 0..members {
                prop_assert_eq!(layout.topic_of(member), layout.topic_of_subscriber(member));
                prop_assert_eq!(layout.publisher_of(member), member);
            }
        }
    }
}
