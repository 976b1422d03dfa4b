//! What one thread has counted: totals, and the distributions of the measured window. Threads' tallies are added at the end.
//!
//! Counting is for the whole run, warm-up and draining included, so that no fault hides outside the measured window; figures
//! per second are differences between two moments.

use std::fmt;

use hdrhistogram::Histogram;

use crate::dialect::Notices;

/// The largest latency that is told apart, ten minutes; beyond it only the largest value is exact.
const LATENCY_NS_MAX: u64 = 600_000_000_000;

/// Points of a percentile curve for each halving of the distance to 1: HdrHistogram's own tools draw as many.
const CURVE_POINTS_PER_HALVING: u32 = 5;

/// Totals that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages handed to the kernel, or queued behind a send in flight.
    pub published: u64,
    /// Messages that were due while the server had not taken the earlier ones, or whose connection was gone.
    pub unsent: u64,
    /// Intact messages of this run that arrived at a subscriber of their topic, repeated ones included.
    pub deliveries: u64,
    /// Of those, the ones that had arrived before.
    pub duplicated: u64,
    /// Of those, the ones that a later message of the same publisher had overtaken.
    pub reordered: u64,
    /// Messages of the wrong length or with a wrong checksum.
    pub corrupted: u64,
    /// Intact messages that arrived at a subscriber of another topic.
    pub misrouted: u64,
    /// Intact messages of another run.
    pub foreign: u64,
    /// Messages that came back to who published them although nobody asked for that: on connections that only publish, and on those
    /// of members that are to be left out.
    pub unasked: u64,
    /// Closed loop: messages whose last delivery was waited for in vain.
    pub given_up: u64,
    /// Publications that the server has acknowledged.
    pub acknowledged: u64,
    /// Publications that the server has answered with an error.
    pub rejected: u64,
    /// Times that the server told a subscriber of messages that it will not get.
    pub gaps: u64,
    /// How many messages those were.
    pub gap_messages: u64,
    /// Bytes that came from the server, whatever they were: what TLS sealed, what was compressed.
    pub wire_bytes: u64,
}

impl Counts {
    /// What was counted since `earlier`.
    pub fn since(&self, earlier: &Counts) -> Counts {
        self.join(earlier, |now, before| now - before)
    }

    /// Both together.
    pub fn plus(&self, other: &Counts) -> Counts {
        self.join(other, |one, other| one + other)
    }

    /// Deliveries without the repeated ones.
    pub fn received(&self) -> u64 {
        self.deliveries - self.duplicated
    }

    /// Adds what a server told.
    pub fn note(&mut self, notices: &Notices) {
        self.acknowledged += notices.acknowledged;
        self.rejected += notices.rejected;
        self.gaps += notices.gaps;
        self.gap_messages += notices.gap_messages;
    }

    fn join(&self, other: &Counts, join: impl Fn(u64, u64) -> u64) -> Counts {
        Counts {
            published: join(self.published, other.published),
            unsent: join(self.unsent, other.unsent),
            deliveries: join(self.deliveries, other.deliveries),
            duplicated: join(self.duplicated, other.duplicated),
            reordered: join(self.reordered, other.reordered),
            corrupted: join(self.corrupted, other.corrupted),
            misrouted: join(self.misrouted, other.misrouted),
            foreign: join(self.foreign, other.foreign),
            unasked: join(self.unasked, other.unasked),
            given_up: join(self.given_up, other.given_up),
            acknowledged: join(self.acknowledged, other.acknowledged),
            rejected: join(self.rejected, other.rejected),
            gaps: join(self.gaps, other.gaps),
            gap_messages: join(self.gap_messages, other.gap_messages),
            wire_bytes: join(self.wire_bytes, other.wire_bytes),
        }
    }
}

/// A distribution of nanoseconds with three significant digits.
#[derive(Clone, PartialEq)]
pub struct Distribution {
    histogram: Histogram<u64>,
    max_ns: u64,
}

impl Default for Distribution {
    fn default() -> Distribution {
        let histogram = Histogram::new_with_max(LATENCY_NS_MAX, 3)
            .expect("constant bounds that the histogram takes");
        Distribution {
            histogram,
            max_ns: 0,
        }
    }
}

/// Not its thousands of buckets.
impl fmt::Debug for Distribution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Distribution")
            .field("count", &self.count())
            .field("max_ns", &self.max_ns)
            .finish_non_exhaustive()
    }
}

impl Distribution {
    /// Enters one value `count` times.
    pub fn record(&mut self, ns: u64, count: u64) {
        if count == 0 {
            return;
        }
        self.histogram.saturating_record_n(ns, count);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds another distribution's values.
    pub fn add(&mut self, other: &Distribution) {
        self.histogram
            .add(&other.histogram)
            .expect("all distributions have the same bounds");
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The value that `percent` of all values do not exceed, never above the largest.
    pub fn percentile_ns(&self, percent: f64) -> u64 {
        self.histogram.value_at_percentile(percent).min(self.max_ns)
    }

    /// The smallest value, to three digits.
    pub fn min_ns(&self) -> u64 {
        self.histogram.min()
    }

    /// The mean.
    pub fn mean_ns(&self) -> f64 {
        self.histogram.mean()
    }

    /// The largest value, exactly.
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// Quantiles and the nanoseconds that this part of all values does not exceed, ever closer together towards 1, which is
    /// the last. Empty if there are no values.
    pub fn curve(&self) -> Vec<(f64, u64)> {
        self.histogram
            .iter_quantiles(CURVE_POINTS_PER_HALVING)
            .filter(|step| step.quantile_iterated_to() < 1.0)
            .map(|step| {
                let ns = step.value_iterated_to().min(self.max_ns);
                (round(step.quantile_iterated_to()), ns)
            })
            .chain((self.count() > 0).then_some((1.0, self.max_ns)))
            .collect()
    }

    /// As other tools of HdrHistogram know it: in nanoseconds, three digits, at most ten minutes.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// Each value that there is, to three digits, and how often. Ascending.
    pub fn values(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|step| {
            let ns = self.histogram.median_equivalent(step.value_iterated_to());
            (ns, step.count_at_value())
        })
    }
}

/// A quantile without what adding up has left in its last bits: it is written in few digits, and read as it was written.
fn round(quantile: f64) -> f64 {
    (quantile * 1e12).round() / 1e12
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Beside a sorted list: never more than a thousandth away, and the largest value exact.
        #[test]
        fn percentiles_are_those_of_a_sorted_list(values in prop::collection::vec(1_u64..LATENCY_NS_MAX, 1..200), split in any::<prop::sample::Index>()) {
            let (mut one, mut other) = (Distribution::default(), Distribution::default());
            let split = split.index(values.len());
            values[..split].iter().for_each(|&value| one.record(value, 1));
            values[split..].iter().for_each(|&value| other.record(value, 1));
            one.add(&other);
            let mut sorted = values;
            sorted.sort_unstable();
            for percent in [50.0, 90.0, 99.0, 99.9, 99.99, 100.0] {
                let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
                let exact = sorted[rank - 1] as f64;
                let told = one.percentile_ns(percent) as f64;
                prop_assert!((told - exact).abs() <= exact / 1000.0 + 1.0, "p{percent}: {told} for {exact}");
            }
            prop_assert_eq!(one.max_ns(), sorted[sorted.len() - 1]);
            prop_assert_eq!(one.count(), sorted.len() as u64);
        }
    }

    #[test]
    fn what_is_beyond_all_bounds_is_still_the_maximum() {
        let mut distribution = Distribution::default();
        distribution.record(u64::MAX / 2, 1);
        assert_eq!(distribution.max_ns(), u64::MAX / 2);
        assert_eq!(distribution.count(), 1);
    }

    #[test]
    fn counts_subtract_and_add() {
        let earlier = Counts {
            published: 3,
            deliveries: 30,
            ..Counts::default()
        };
        let later = Counts {
            published: 5,
            deliveries: 50,
            duplicated: 2,
            ..Counts::default()
        };
        let between = later.since(&earlier);
        assert_eq!(
            (between.published, between.deliveries, between.received()),
            (2, 20, 18)
        );
        assert_eq!(between.plus(&earlier), later);
    }
}
