//! Housekeeping: what has grown old, and what nobody has needed for a few sweeps.
//!
//! Interest ends a little later than its last subscriber, so that clients who come and go do not talk to the home cores each time.
//! Each sweep looks at a bounded number of topics, feeds and patterns, and goes on there the next time.

use super::{Broker, Output};
use crate::lane::{Ask, Request};
use crate::limits::{IDLE_SWEEPS_MAX, SWEEP_STEPS_MAX};
use crate::publication::Formats;

impl Broker {
    /// To be called about every second, with Unix time.
    pub fn sweep(&mut self, time_ms: u64) {
        self.replays.clear();
        for pattern in steps(&mut self.local.pattern_hand, self.local.patterns.bound()) {
            self.sweep_pattern(pattern);
        }
        for feed in steps(&mut self.local.feed_hand, self.local.feeds.bound()) {
            self.sweep_feed(feed);
        }
        for topic in steps(&mut self.home.sweep_hand, self.home.topics.bound()) {
            self.sweep_topic(topic, time_ms);
        }
    }

    fn sweep_pattern(&mut self, id: u32) {
        let Some(local) = self.local.patterns.get_mut(id) else {
            return;
        };
        let ended = local.watches.end_idle(IDLE_SWEEPS_MAX);
        let unused = local.watches.is_empty();
        if !ended.is_empty() {
            let pattern = self.local.patterns.pattern(id).clone();
            for to in 0..self.cores {
                if to == self.core {
                    self.home.unwant_pattern(&pattern, to, ended);
                } else {
                    self.send(
                        to,
                        Ask::UnwatchPattern {
                            pattern: pattern.detached(),
                            formats: ended,
                        },
                    );
                }
            }
        }
        if unused {
            self.local.patterns.remove(id);
        }
    }

    fn sweep_feed(&mut self, id: u32) {
        let Some(feed) = self.local.feeds.get_mut(id) else {
            return;
        };
        let ended = feed.watches.end_idle(IDLE_SWEEPS_MAX);
        feed.idle = feed.idle.saturating_add(1);
        let idle = feed.members().is_empty() || feed.idle >= IDLE_SWEEPS_MAX;
        let unused = idle && feed.watches.is_empty() && feed.waiting() == 0;
        if !ended.is_empty() {
            self.unwatch(id, ended);
        }
        if unused && !self.local.owes_position(id) {
            self.local.end_feed(id);
        }
    }

    fn unwatch(&mut self, feed: u32, formats: Formats) {
        let feed = &self.local.feeds[feed];
        let (to, topic) = (feed.home, feed.topic.detached());
        if to == self.core {
            self.unwatched(to, &topic, formats);
        } else {
            self.send(to, Ask::Unwatch { topic, formats });
        }
    }

    fn send(&mut self, to: usize, ask: Ask) {
        self.lanes.push_back(Output::Request {
            to,
            request: Request(ask),
        });
    }

    fn sweep_topic(&mut self, id: u32, time_ms: u64) {
        if self.home.topics.get(id).is_none() {
            return;
        }
        self.home.age(id, time_ms);
        let topic = &mut self.home.topics[id];
        topic.idle = topic.idle.saturating_add(1);
        if topic.idle >= IDLE_SWEEPS_MAX && self.home.is_dispensable(id) {
            self.bury(id);
        }
    }
}

/// The next numbers below `bound`, round and round, each at most once.
fn steps(hand: &mut u32, bound: u32) -> impl Iterator<Item = u32> + use<> {
    let start = if *hand < bound { *hand } else { 0 };
    let count = (SWEEP_STEPS_MAX as u32).min(bound);
    *hand = if bound == 0 {
        0
    } else {
        (start + count) % bound
    };
    (0..count).map(move |step| (start + step) % bound)
}
