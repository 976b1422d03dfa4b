//! Who leaves and comes back while a run goes on: what a plan wants of that, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::tally::Distribution;

/// Different ways of failing that are told apart.
const WAYS_MAX: usize = 32;

/// What a plan wants.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Turnover {
    /// Subscribers' connections that are closed and replaced in each second of the measured window.
    pub connections_per_second: Option<f64>,
    /// Subscriptions that are ended and begun again on their connections in each second of the measured window.
    pub subscriptions_per_second: Option<f64>,
    /// A part of the subscribers loses its connections and comes back.
    pub cut: Option<Cut>,
}

/// Connections that are lost all at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// How many of the subscribers, as a part of 1.
    pub share: f64,
    /// When, from the beginning of the measured window.
    pub after: Duration,
}

impl Turnover {
    /// Whether nobody leaves.
    pub fn is_none(&self) -> bool {
        *self == Turnover::default()
    }
}

/// What came of connections or subscriptions that were replaced one after another.
#[derive(Clone, Debug, Default)]
pub struct Churned {
    /// How many were ended.
    pub ended: u64,
    /// How many of those that took their places came to stand.
    pub stood: u64,
    /// Of those, the ones that left, or were there to the end, without having heard a message.
    pub unheard: u64,
    /// From the time at which each was due to the time at which it stood.
    pub until_standing: Distribution,
    /// From then to its first message.
    pub until_delivery: Distribution,
}

/// What came of connections that were cut all at once.
#[derive(Clone, Debug, Default)]
pub struct Reconnected {
    /// How many were cut.
    pub cut: u64,
    /// How many stood again.
    pub stood: u64,
    /// From the cut to the last of them, as far as they stood.
    pub until_all_stood_ns: u64,
    /// From the time at which each was due to the time at which it stood.
    pub until_standing: Distribution,
    /// How many named the position that they had reached.
    pub resumed: u64,
    /// How many of those were told that nothing is missing.
    pub recovered: u64,
    /// How many of those were told that their position is lost.
    pub position_lost: u64,
    /// Messages sent before the subscriber stood again that arrived after it.
    pub messages_recovered: u64,
}

/// Everything that came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// If connections were replaced.
    pub connections: Option<Churned>,
    /// If subscriptions were.
    pub subscriptions: Option<Churned>,
    /// If connections were cut.
    pub reconnect: Option<Reconnected>,
    /// Attempts to come back that failed. Each was followed by another one.
    pub setbacks: Setbacks,
}

/// How often something failed, by how it did.
#[derive(Clone, Debug, Default)]
pub struct Setbacks(pub BTreeMap<String, u64>);

impl Setbacks {
    /// Notes some that failed in the same way.
    pub fn note(&mut self, how: &str, count: u64) {
        let how = match self.0.len() < WAYS_MAX {
            true => how,
            false => "in other ways",
        };
        *self.0.entry(how.to_owned()).or_default() += count;
    }
}

impl Churned {
    fn add(&mut self, other: &Churned) {
        self.ended += other.ended;
        self.stood += other.stood;
        self.unheard += other.unheard;
        self.until_standing.add(&other.until_standing);
        self.until_delivery.add(&other.until_delivery);
    }
}

impl Reconnected {
    fn add(&mut self, other: &Reconnected) {
        self.cut += other.cut;
        self.stood += other.stood;
        self.until_all_stood_ns = self.until_all_stood_ns.max(other.until_all_stood_ns);
        self.until_standing.add(&other.until_standing);
        self.resumed += other.resumed;
        self.recovered += other.recovered;
        self.position_lost += other.position_lost;
        self.messages_recovered += other.messages_recovered;
    }
}

impl Outcome {
    /// Adds what came of it in another thread.
    pub fn add(&mut self, other: Outcome) {
        if let Some(churned) = &other.connections {
            self.connections.get_or_insert_default().add(churned);
        }
        if let Some(churned) = &other.subscriptions {
            self.subscriptions.get_or_insert_default().add(churned);
        }
        if let Some(reconnected) = &other.reconnect {
            self.reconnect.get_or_insert_default().add(reconnected);
        }
        for (how, count) in &other.setbacks.0 {
            self.setbacks.note(how, *count);
        }
    }
}
