//! The figures of the last second or so: what a look at a running measurement should show.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::timeline::{Complete, Interval, Timeline};

/// Steps of a small chart, from nothing to the most.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last intervals.
#[derive(Debug)]
pub(super) struct Recent {
    span_ns: u64,
    intervals: VecDeque<(Range<u64>, Interval)>,
}

/// What happened in the last intervals, together.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) publishes_per_second: f64,
    pub(super) deliveries_per_second: f64,
    pub(super) interval: Interval,
    /// Of the time after the first publish; empty if no interval is complete.
    pub(super) time_ns: Range<u64>,
}

impl Recent {
    /// Keeps as many intervals as `span` is long, one at least.
    pub(super) fn new(span: Duration) -> Recent {
        Recent {
            span_ns: span.as_nanos() as u64,
            intervals: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, complete: &Complete) {
        self.intervals
            .push_back((complete.time_ns.clone(), complete.interval.clone()));
        let from_ns = complete.time_ns.end.saturating_sub(self.span_ns);
        while self.intervals.len() > 1
            && self
                .intervals
                .front()
                .is_some_and(|(time_ns, _)| time_ns.start < from_ns)
        {
            self.intervals.pop_front();
        }
    }

    pub(super) fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        let (Some((first_ns, _)), Some((last_ns, _))) =
            (self.intervals.front(), self.intervals.back())
        else {
            return figures;
        };
        figures.time_ns = first_ns.start..last_ns.end;
        for (_, interval) in &self.intervals {
            figures.interval.append(interval.clone());
        }
        let seconds = (last_ns.end - first_ns.start).max(1) as f64 / 1e9;
        let counts = &figures.interval.counts;
        figures.publishes_per_second = counts.published as f64 / seconds;
        figures.deliveries_per_second = counts.deliveries as f64 / seconds;
        figures
    }
}

/// Which part of their deliveries the messages have had that were sent at least a second before the last interval ended.
/// `None` if there are none.
pub(super) fn settled_reach(timeline: &Timeline) -> Option<f64> {
    let recent = 1_000_000_000_u64.div_ceil(timeline.interval_ns.max(1)) as usize;
    let settled = timeline.intervals.len().saturating_sub(recent + 1);
    let intervals = timeline.intervals[..settled].iter();
    let (received, expected) = intervals.fold((0, 0), |(received, expected), interval| {
        (
            received + interval.sent_received,
            expected + interval.sent_expected,
        )
    });
    (expected > 0).then(|| received as f64 / expected as f64)
}

/// The last `width` values as a small chart, its top being the largest of them.
pub(super) fn chart(values: impl DoubleEndedIterator<Item = u64>, width: usize) -> String {
    let last: Vec<u64> = values.rev().take(width).collect();
    let top = last.iter().copied().max().unwrap_or(0).max(1);
    let bar = |value: &u64| BARS[(value * (BARS.len() as u64 - 1)).div_ceil(top) as usize];
    last.iter().rev().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Counts;

    fn complete(at_ms: u64, deliveries: u64) -> Complete {
        Complete {
            time_ns: at_ms * 1_000_000..(at_ms + 100) * 1_000_000,
            interval: Interval {
                counts: Counts {
                    deliveries,
                    ..Counts::default()
                },
                ..Interval::default()
            },
            ..Complete::default()
        }
    }

    #[test]
    fn figures_are_those_of_the_last_second() {
        let mut recent = Recent::new(Duration::from_secs(1));
        (0..30).for_each(|at| recent.push(&complete(at * 100, at)));
        let figures = recent.figures();
        assert_eq!(figures.time_ns, 2_000_000_000..3_000_000_000);
        assert_eq!(figures.deliveries_per_second, (20..30).sum::<u64>() as f64);
    }

    #[test]
    fn an_interval_longer_than_that_is_the_last_second() {
        let mut recent = Recent::new(Duration::from_millis(10));
        recent.push(&complete(0, 7));
        recent.push(&complete(100, 8));
        assert_eq!(recent.figures().deliveries_per_second, 80.0);
        assert_eq!(Recent::new(Duration::ZERO).figures().time_ns, 0..0);
    }

    #[test]
    fn what_is_on_its_way_is_not_missed() {
        let mut timeline = Timeline::new(500_000_000);
        for received in [10, 9, 0, 0, 0] {
            timeline.intervals.push(Interval {
                sent_expected: 10,
                sent_received: received,
                ..Interval::default()
            });
        }
        assert_eq!(settled_reach(&timeline), Some(0.95));
        timeline.intervals.truncate(3);
        assert_eq!(settled_reach(&timeline), None);
    }

    #[test]
    fn a_chart_ends_with_the_newest() {
        assert_eq!(chart([9, 0, 1, 4, 8].into_iter(), 4), "▁▂▅█");
        assert_eq!(chart([0, 0].into_iter(), 4), "▁▁");
    }
}
