//! What a run is going to do, checked and complete: the command line's meaning, and the seam for other scenarios' files.
//!
//! The rule of who talks to whom is here as well: see [`Layout`].

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::dialect::Dialect;
use crate::url::UrlTemplate;

/// Most messages outstanding for each publisher.
pub const OUTSTANDING_MAX: u32 = 65_536;

/// Most topics, publishers or subscribers, each.
pub const MEMBERS_MAX: u32 = 4_000_000;

/// A complete fan-out run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where subscribers connect.
    pub subscribe: Endpoint,
    /// Where publishers connect.
    pub publish: Endpoint,
    /// What is spoken inside WebSocket messages.
    pub dialect: Dialect,
    /// The name of each topic.
    pub topic_names: Vec<String>,
    /// Who talks to whom.
    pub layout: Layout,
    /// The size of each message.
    pub payload_bytes: usize,
    /// When messages are sent.
    pub pace: Pace,
    /// How long each part takes.
    pub times: Times,
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
}

/// A URL and the address behind it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The URL.
    pub url: UrlTemplate,
    /// Where it leads.
    pub address: SocketAddr,
}

/// When messages are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Open loop: at fixed times, whatever the server does. Latency counts from the intended time.
    Open {
        /// Publishes per second, of all publishers together.
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

/// Who talks to whom.
///
/// Subscriber `s` listens to topic `s mod topics`. Publishing goes over **lines**, one connection each: line `l` is publisher
/// `l mod publishers` on topic `l mod topics`, and there are as many lines as the larger of the two. So with more publishers
/// than topics each publisher has one topic; with more topics than publishers each topic has one publisher, and a publisher
/// goes round its topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Connections that receive.
    pub subscribers: u32,
    /// Senders, each with its own clock or window. With none there are no lines.
    pub publishers: u32,
    /// Topics.
    pub topics: u32,
}

impl Layout {
    /// How many publishing connections there are.
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
            let layout = Layout { subscribers, publishers, topics };
            let lines = 0..layout.lines();
            for topic in 0..topics {
                prop_assert_eq!(lines.clone().filter(|&line| layout.topic_of(line) == topic).count() as u32, layout.lines_of_topic(topic));
                prop_assert!(layout.lines_of_topic(topic) > 0);
                prop_assert_eq!((0..subscribers).filter(|&s| layout.topic_of_subscriber(s) == topic).count() as u32, layout.subscribers_of(topic));
            }
            for line in lines {
                prop_assert_eq!(layout.line(layout.publisher_of(line), layout.topic_of(line)), line);
            }
        }
    }
}
