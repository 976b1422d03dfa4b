//! One thread's receiving side: judges each delivery, times it, and finds out which messages are back completely.
//!
//! This runs once for each delivery, so it is what must be cheaper than the server: one checksum, one ledger entry, one
//! histogram count, and in a closed loop one count of returns. Nothing is allocated while messages come in order.

use std::ops::Range;

use crate::ledger::{Arrival, Ledger};
use crate::payload::Stamp;
use crate::plan::{Layout, Pace, Plan};
use crate::returns::Countdown;
use crate::tally::{Counts, Distribution};

/// A message that all subscribers of one thread have received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Returned {
    pub(super) line: u32,
    pub(super) sequence: u64,
}

/// The subscribers of one thread.
#[derive(Debug)]
pub(super) struct Reception {
    run: u32,
    layout: Layout,
    payload_bytes: usize,
    subscribers: Vec<Subscriber>,
    /// Each subscriber's ledgers, one for each line of its topic.
    ledgers: Vec<Ledger>,
    /// This thread's subscribers of each topic.
    listeners: Vec<u32>,
    /// In a closed loop.
    countdown: Option<Countdown>,
    returned: Vec<Returned>,
    /// Sending times that are measured.
    pub(super) window_ns: Range<u64>,
    pub(super) counts: Counts,
    pub(super) latency: Distribution,
}

#[derive(Clone, Copy, Debug)]
struct Subscriber {
    topic: u32,
    ledgers_from: u32,
    is_here: bool,
}

impl Reception {
    /// The side of the subscribers with these numbers.
    pub(super) fn new(plan: &Plan, run: u32, subscribers: impl Iterator<Item = u32>) -> Reception {
        let layout = plan.layout;
        let mut listeners = vec![0; layout.topics as usize];
        let mut ledgers_from = 0;
        let subscribers = subscribers
            .map(|number| {
                let topic = layout.topic_of_subscriber(number);
                listeners[topic as usize] += 1;
                let subscriber = Subscriber {
                    topic,
                    ledgers_from,
                    is_here: true,
                };
                ledgers_from += layout.lines_of_topic(topic);
                subscriber
            })
            .collect();
        Reception {
            run,
            layout,
            payload_bytes: plan.payload_bytes,
            subscribers,
            ledgers: vec![Ledger::default(); ledgers_from as usize],
            listeners,
            countdown: match plan.pace {
                Pace::Open { .. } => None,
                Pace::Closed { outstanding } => Some(Countdown::new(layout.lines(), outstanding)),
            },
            returned: Vec::new(),
            window_ns: u64::MAX..u64::MAX,
            counts: Counts::default(),
            latency: Distribution::default(),
        }
    }

    /// Takes one message that a subscriber received.
    #[inline]
    pub(super) fn take(&mut self, subscriber: u32, payload: &[u8], now_ns: u64) {
        let Ok(stamp) = Stamp::read(payload, self.payload_bytes) else {
            self.counts.corrupted += 1;
            return;
        };
        if stamp.run != self.run {
            self.counts.foreign += 1;
            return;
        }
        let Subscriber {
            topic,
            ledgers_from,
            ..
        } = self.subscribers[subscriber as usize];
        let line = self.layout.line(stamp.publisher, stamp.topic);
        let rank = line / self.layout.topics;
        if stamp.topic != topic
            || line >= self.layout.lines()
            || rank * self.layout.topics + topic != line
        {
            self.counts.misrouted += 1;
            return;
        }
        self.counts.deliveries += 1;
        let arrival = self.ledgers[(ledgers_from + rank) as usize].enter(stamp.sequence);
        match arrival {
            Arrival::InOrder | Arrival::Ahead => {}
            Arrival::Reordered => self.counts.reordered += 1,
            Arrival::Duplicate => {
                self.counts.duplicated += 1;
                return;
            }
        }
        if self.window_ns.contains(&stamp.sent_ns) {
            self.latency.record(now_ns.saturating_sub(stamp.sent_ns));
        }
        if let Some(countdown) = &mut self.countdown
            && countdown.note(line, stamp.sequence, self.listeners[topic as usize])
        {
            self.returned.push(Returned {
                line,
                sequence: stamp.sequence,
            });
        }
    }

    /// The messages that came back completely since the last call.
    pub(super) fn take_returned(&mut self) -> Vec<Returned> {
        std::mem::take(&mut self.returned)
    }

    /// Gives the vector of [`Reception::take_returned`] back, so that its memory serves again.
    pub(super) fn reuse(&mut self, mut emptied: Vec<Returned>) {
        emptied.clear();
        self.returned = emptied;
    }

    /// The connection of a subscriber is gone: nothing more is expected to come from it.
    pub(super) fn depart(&mut self, subscriber: u32) {
        self.subscribers[subscriber as usize].is_here = false;
    }

    /// Whether all subscribers of this thread are gone.
    pub(super) fn is_deserted(&self) -> bool {
        self.subscribers
            .iter()
            .all(|subscriber| !subscriber.is_here)
    }

    /// Deliveries that were to arrive at this thread, when each line has published as often as `published` says.
    pub(super) fn expected(&self, published: impl Fn(u32) -> u64) -> u64 {
        let lines = 0..self.layout.lines();
        lines
            .map(|line| {
                published(line) * u64::from(self.listeners[self.layout.topic_of(line) as usize])
            })
            .sum()
    }

    /// Those of them that have not arrived.
    pub(super) fn lost(&self, published: impl Fn(u32) -> u64) -> u64 {
        self.subscribers
            .iter()
            .map(|subscriber| self.lost_by(subscriber, &published))
            .sum()
    }

    /// Those of them that have not arrived and still can.
    pub(super) fn awaited(&self, published: impl Fn(u32) -> u64) -> u64 {
        let here = self
            .subscribers
            .iter()
            .filter(|subscriber| subscriber.is_here);
        here.map(|subscriber| self.lost_by(subscriber, &published))
            .sum()
    }

    fn lost_by(&self, subscriber: &Subscriber, published: impl Fn(u32) -> u64) -> u64 {
        let ranks = 0..self.layout.lines_of_topic(subscriber.topic);
        ranks
            .map(|rank| {
                let line = rank * self.layout.topics + subscriber.topic;
                self.ledgers[(subscriber.ledgers_from + rank) as usize].lost(published(line))
            })
            .sum()
    }
}
