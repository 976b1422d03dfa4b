//! What happened when: a run cut into intervals, each with what was counted, what arrived how late, and what stood at its end.
//!
//! Each thread closes its own intervals at the same boundaries and hands them over as a [`Part`]; a [`Collection`] puts the parts
//! of all threads together. Memory is bounded however long a run is: see [`INTERVALS_MAX`].

mod collection;
mod grid;
mod recorder;
mod spread;

use std::ops::Range;

pub use self::collection::{Collection, Complete};
pub use self::grid::{BySending, Grid};
pub use self::recorder::{Recorder, Timed};
pub use self::spread::{HEAT_STEPS, Spread};
use crate::tally::Counts;

/// Most intervals that are kept. When there would be more, neighbours are joined, and each is twice as long from then on.
pub const INTERVALS_MAX: usize = 600;

/// A run from its first publish (or from the beginning of the window, when nothing is published) to the end of draining.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The length of each interval but the last, which ends with the run.
    pub interval_ns: u64,
    /// The end of draining, counted like all times here from the first publish.
    pub length_ns: u64,
    /// The measured window.
    pub measured_ns: Range<u64>,
    /// One behind the other, without gaps.
    pub intervals: Vec<Interval>,
    /// How often neighbours were joined.
    joins: u32,
}

/// What happened in one interval, at all threads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// What was counted in it.
    pub counts: Counts,
    /// Deliveries that the messages *sent* in it should have.
    pub sent_expected: u64,
    /// Those of them that arrived, whenever they did.
    pub sent_received: u64,
    /// Latency of what *arrived* in it, whenever it was sent.
    pub latency: Spread,
    /// Open loop: messages that left the generator later than `--late-max` after their time.
    pub late: u64,
    /// Connections that stood at its end.
    pub connections: u64,
}

/// What one thread hands over when it closes an interval.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Which interval, from 0.
    pub number: u64,
    /// When it ended, counted from the beginning of the first.
    pub end_ns: u64,
    /// What was counted in it.
    pub counts: Counts,
    /// Deliveries that messages published meanwhile should have, by the interval of their sending.
    pub sent_expected: Vec<(u64, u64)>,
    /// What arrived meanwhile.
    pub timed: Timed,
    /// Messages that left later than `--late-max` after their time.
    pub late: u64,
    /// Connections that stand.
    pub connections: u64,
}

impl Timeline {
    /// An empty one, whose intervals are `interval_ns` long until there are too many of them.
    pub fn new(interval_ns: u64) -> Timeline {
        Timeline {
            interval_ns,
            ..Timeline::default()
        }
    }

    /// Where an interval counts, `number` being that of the threads.
    fn at(&mut self, number: u64) -> &mut Interval {
        while number >> self.joins >= INTERVALS_MAX as u64 {
            self.join();
        }
        let index = (number >> self.joins) as usize;
        if index >= self.intervals.len() {
            self.intervals.resize_with(index + 1, Interval::default);
        }
        &mut self.intervals[index]
    }

    /// Joins each interval with the next one.
    fn join(&mut self) {
        self.joins += 1;
        self.interval_ns *= 2;
        let mut joined: Vec<Interval> = Vec::with_capacity(INTERVALS_MAX);
        for (index, interval) in std::mem::take(&mut self.intervals).into_iter().enumerate() {
            match joined.last_mut() {
                Some(first) if index % 2 == 1 => first.append(interval),
                _ => joined.push(interval),
            }
        }
        self.intervals = joined;
    }
}

impl Interval {
    /// The faults among its deliveries and publishes.
    pub fn errors(&self) -> u64 {
        let counts = &self.counts;
        counts.unsent + counts.duplicated + counts.reordered + counts.corrupted + counts.misrouted
    }

    /// Takes in what happened next.
    pub fn append(&mut self, next: Interval) {
        self.counts = self.counts.plus(&next.counts);
        self.sent_expected += next.sent_expected;
        self.sent_received += next.sent_received;
        self.latency.add(&next.latency);
        self.late += next.late;
        self.connections = next.connections;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However long the run, nothing is lost by joining, everything stands where its time says, and memory is bounded.
        #[test]
        fn joining_keeps_every_count_at_its_time(numbers in prop::collection::vec(0_u64..5_000, 1..200)) {
            let mut timeline = Timeline::new(100);
            for &number in &numbers {
                timeline.at(number).counts.deliveries += 1;
            }
            prop_assert!(timeline.intervals.len() <= INTERVALS_MAX);
            for (index, interval) in (0..).zip(&timeline.intervals) {
                let time_ns = index * timeline.interval_ns..(index + 1) * timeline.interval_ns;
                let there = numbers.iter().filter(|&&number| time_ns.contains(&(number * 100))).count();
                prop_assert_eq!(interval.counts.deliveries, there as u64);
            }
            let longest = *numbers.iter().max().expect("at least one");
            prop_assert_eq!(timeline.interval_ns, 100 * (longest + 1).div_ceil(INTERVALS_MAX as u64).next_power_of_two());
        }
    }

    #[test]
    fn joined_intervals_have_the_connections_of_the_later_one() {
        let mut first = Interval {
            connections: 5,
            late: 1,
            ..Interval::default()
        };
        first.append(Interval {
            connections: 3,
            late: 2,
            ..Interval::default()
        });
        assert_eq!((first.connections, first.late), (3, 3));
    }
}
