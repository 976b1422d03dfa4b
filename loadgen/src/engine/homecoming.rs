//! Subscribers that left and came back: what they were to hear while they were there, and what they heard first.
//!
//! Only runs in which somebody leaves have one of these, and only what does not come in order looks at it.

use std::collections::HashMap;

use crate::ledger::{Ledger, Room};
use crate::tally::Distribution;
use crate::turnover::Outcome;

/// What somebody leaves and takes up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Connection,
    Subscription,
}

/// The books of those that left.
#[derive(Debug, Default)]
pub(super) struct Homecoming {
    /// Deliveries that were to arrive at subscribers that have left, and those of them that did not.
    pub(super) expected: u64,
    pub(super) lost: u64,
    /// Newcomers that have not heard a message: what they are, and when they stood.
    unheard: HashMap<u32, (Change, u64)>,
    connections: Firsts,
    subscriptions: Firsts,
    /// When those stood that went on where they were cut off, and have not heard a message sent after that.
    catching_up: HashMap<u32, u64>,
    recovered: u64,
}

/// What newcomers heard first.
#[derive(Debug, Default)]
struct Firsts {
    until_delivery: Distribution,
    /// Newcomers that left without.
    unheard: u64,
}

impl Homecoming {
    /// A subscriber leaves: these are its books.
    pub(super) fn leave(&mut self, subscriber: u32, ledgers: &mut [Ledger], room: &mut Room) {
        for ledger in ledgers {
            let (expected, lost) = ledger.end(room);
            self.expected += expected;
            self.lost += lost;
        }
        if let Some((change, _)) = self.unheard.remove(&subscriber) {
            self.firsts(change).unheard += 1;
        }
        self.catching_up.remove(&subscriber);
    }

    /// Another takes its place.
    pub(super) fn come(&mut self, subscriber: u32, change: Change, now_ns: u64) {
        self.unheard.insert(subscriber, (change, now_ns));
    }

    /// A subscriber that was cut off is to hear what it has missed, which is what was sent before `stood_ns`.
    pub(super) fn come_back(&mut self, subscriber: u32, stood_ns: u64) {
        self.catching_up.insert(subscriber, stood_ns);
    }

    /// The first message of one line has come to a newcomer.
    pub(super) fn note_first(&mut self, subscriber: u32, now_ns: u64) {
        if let Some((change, stood_ns)) = self.unheard.remove(&subscriber) {
            let until_delivery = &mut self.firsts(change).until_delivery;
            until_delivery.record(now_ns.saturating_sub(stood_ns), 1);
        }
    }

    /// Whether somebody may be hearing what was sent while it was away.
    #[inline]
    pub(super) fn is_anybody_catching_up(&self) -> bool {
        !self.catching_up.is_empty()
    }

    /// When a subscriber stood again, if it may be hearing what was sent before that.
    pub(super) fn catches_up_to(&self, subscriber: u32) -> Option<u64> {
        self.catching_up.get(&subscriber).copied()
    }

    /// A subscriber has heard so many messages for the first time that were sent while it was away.
    pub(super) fn note_recovered(&mut self, messages: u64) {
        self.recovered += messages;
    }

    /// A subscriber has heard a message that was sent after it stood again.
    pub(super) fn end_catching_up(&mut self, subscriber: u32) {
        self.catching_up.remove(&subscriber);
    }

    fn firsts(&mut self, change: Change) -> &mut Firsts {
        match change {
            Change::Connection => &mut self.connections,
            Change::Subscription => &mut self.subscriptions,
        }
    }

    /// Writes down what was heard.
    pub(super) fn testify(&self, outcome: &mut Outcome) {
        let still = |wanted| {
            let waiting = self.unheard.values();
            waiting.filter(|(change, _)| *change == wanted).count() as u64
        };
        for (churned, firsts, change) in [
            (
                &mut outcome.connections,
                &self.connections,
                Change::Connection,
            ),
            (
                &mut outcome.subscriptions,
                &self.subscriptions,
                Change::Subscription,
            ),
        ] {
            if let Some(churned) = churned {
                churned.until_delivery.add(&firsts.until_delivery);
                churned.unheard += firsts.unheard + still(change);
            }
        }
        if let Some(reconnect) = &mut outcome.reconnect {
            reconnect.messages_recovered += self.recovered;
        }
    }
}
