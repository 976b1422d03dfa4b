//! Puts the parts of all threads together.

use std::collections::VecDeque;
use std::ops::Range;

use super::{Interval, Part, Spread, Timeline};
use crate::tally::Distribution;

/// A timeline while it grows, and the latencies of the measured window.
#[derive(Debug)]
pub struct Collection {
    threads: u32,
    interval_ns: u64,
    timeline: Timeline,
    latency: Distribution,
    /// Intervals that not all threads have closed, from number `complete` on.
    open: VecDeque<Open>,
    complete: u64,
}

#[derive(Debug, Default)]
struct Open {
    /// Threads that have closed it.
    closed_by: u32,
    complete: Complete,
}

/// An interval that all threads have closed, as exactly as it was measured.
#[derive(Debug, Default)]
pub struct Complete {
    /// When it began and ended, counted from the first publish.
    pub time_ns: Range<u64>,
    /// What happened in it. What its messages should have and have had is not known yet: see [`Timeline`].
    pub interval: Interval,
    /// Latency of what arrived in it and was sent within the measured window.
    pub inside: Option<Distribution>,
    /// Latency of what else arrived in it.
    pub outside: Option<Distribution>,
}

impl Collection {
    /// For `threads` threads whose intervals are `interval_ns` long.
    pub fn new(threads: u32, interval_ns: u64) -> Collection {
        Collection {
            threads,
            interval_ns,
            timeline: Timeline::new(interval_ns),
            latency: Distribution::default(),
            open: VecDeque::new(),
            complete: 0,
        }
    }

    /// Takes what one thread hands over, and passes on the intervals that are complete by that. Each thread closes its intervals
    /// in their order.
    pub fn take(&mut self, part: Part, mut tell: impl FnMut(&Complete)) {
        for (number, count) in part.sent_expected {
            self.timeline.at(number).sent_expected += count;
        }
        for (number, count) in part.timed.sent_received {
            self.timeline.at(number).sent_received += count;
        }
        self.timeline.length_ns = self.timeline.length_ns.max(part.end_ns);
        let at = (part.number - self.complete) as usize;
        if at >= self.open.len() {
            self.open.resize_with(at + 1, Open::default);
        }
        let open = &mut self.open[at];
        open.closed_by += 1;
        let interval = &mut open.complete.interval;
        interval.counts = interval.counts.plus(&part.counts);
        interval.late += part.late;
        interval.connections += part.connections;
        open.complete.time_ns.end = open.complete.time_ns.end.max(part.end_ns);
        if let Some(inside) = &part.timed.inside {
            self.latency.add(inside);
        }
        add(&mut open.complete.inside, part.timed.inside);
        add(&mut open.complete.outside, part.timed.outside);
        while self
            .open
            .front()
            .is_some_and(|open| open.closed_by == self.threads)
        {
            self.complete_next(&mut tell);
        }
    }

    fn complete_next(&mut self, mut tell: impl FnMut(&Complete)) {
        let Some(Open { mut complete, .. }) = self.open.pop_front() else {
            return;
        };
        complete.time_ns.start = self.interval_ns * self.complete;
        for distribution in complete.inside.iter().chain(&complete.outside) {
            complete.interval.latency.add(&Spread::of(distribution));
        }
        tell(&complete);
        self.timeline.at(self.complete).append(complete.interval);
        self.complete += 1;
    }

    /// The timeline as far as it has come.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The timeline with what has not become complete because the run ended, and the latencies of the measured window.
    pub fn finish(mut self, mut tell: impl FnMut(&Complete)) -> (Timeline, Distribution) {
        while !self.open.is_empty() {
            self.complete_next(&mut tell);
        }
        (self.timeline, self.latency)
    }
}

fn add(sum: &mut Option<Distribution>, other: Option<Distribution>) {
    match (sum, other) {
        (Some(sum), Some(other)) => sum.add(&other),
        (sum @ None, other) => *sum = other,
        (Some(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Counts;
    use crate::timeline::Timed;

    fn part(number: u64, deliveries: u64, latency_ns: u64) -> Part {
        let mut inside = Distribution::default();
        inside.record(latency_ns, deliveries);
        Part {
            number,
            end_ns: (number + 1) * 100,
            counts: Counts {
                deliveries,
                ..Counts::default()
            },
            sent_expected: vec![(number, deliveries)],
            timed: Timed {
                inside: Some(inside),
                outside: None,
                sent_received: vec![(number.saturating_sub(1), deliveries)],
            },
            late: 0,
            connections: 5,
        }
    }

    #[test]
    fn the_order_in_which_threads_hand_over_changes_nothing() {
        let parts = [
            part(0, 3, 10),
            part(1, 4, 20),
            part(0, 5, 30),
            part(1, 6, 40),
        ];
        let orders = [[0, 1, 2, 3], [2, 0, 1, 3], [0, 2, 3, 1]];
        let [first, rest @ ..] = orders.map(|order| {
            let mut collection = Collection::new(2, 100);
            for at in order {
                collection.take(parts[at].clone(), |_| {});
            }
            collection.finish(|_| {})
        });
        for other in rest {
            assert_eq!(other.0, first.0);
            assert!(other.1.values().eq(first.1.values()));
        }
        let (timeline, latency) = first;
        let figures: Vec<_> = timeline
            .intervals
            .iter()
            .map(|interval| {
                (
                    interval.counts.deliveries,
                    interval.sent_expected,
                    interval.sent_received,
                    interval.latency.max_ns(),
                    interval.connections,
                )
            })
            .collect();
        assert_eq!(figures, [(8, 8, 18, 30, 10), (10, 10, 0, 40, 10)]);
        assert_eq!((latency.count(), timeline.length_ns), (18, 200));
    }

    #[test]
    fn an_interval_is_told_of_when_the_last_thread_has_closed_it() {
        let mut collection = Collection::new(2, 100);
        let mut told = Vec::new();
        for (number, deliveries) in [(0, 3), (1, 4), (0, 5)] {
            collection.take(part(number, deliveries, 10), |complete| {
                let inside = complete.inside.as_ref().map(Distribution::count);
                told.push((complete.time_ns.clone(), inside, complete.outside.is_some()));
            });
        }
        assert_eq!(told, [(0..100, Some(8), false)]);
    }

    #[test]
    fn an_interval_that_one_thread_never_closed_is_kept() {
        let mut collection = Collection::new(2, 100);
        collection.take(part(0, 3, 10), |_| {});
        assert_eq!(
            collection.finish(|_| {}).0.intervals[0].counts.deliveries,
            3
        );
    }
}
