//! A coarse distribution that takes little memory: how many values lie in each of 32 steps to a doubling.
//!
//! A run keeps hundreds of them, so they are sparse and 2.2 % wide; the figures of the whole run come from a [`Distribution`],
//! which has three digits and takes a quarter of a megabyte.

use crate::tally::Distribution;

/// Steps to a doubling.
const STEPS: u32 = 32;

/// Steps to a doubling that a heat map is drawn with.
pub const HEAT_STEPS: u32 = 4;

/// How many values lie in each step. The largest value is exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Step and number of values, ascending.
    steps: Vec<(u16, u64)>,
    max_ns: u64,
}

impl Spread {
    /// The same values, less exactly.
    pub fn of(distribution: &Distribution) -> Spread {
        let mut spread = Spread {
            steps: Vec::new(),
            max_ns: distribution.max_ns(),
        };
        for (ns, count) in distribution.values() {
            spread.push(step(ns), count);
        }
        spread
    }

    /// Enters values that are not below those that are there.
    fn push(&mut self, step: u16, count: u64) {
        match self.steps.last_mut() {
            Some((last, sum)) if *last == step => *sum += count,
            _ => self.steps.push((step, count)),
        }
    }

    /// Adds another one's values.
    pub fn add(&mut self, other: &Spread) {
        let mut steps = std::mem::take(&mut self.steps);
        steps.extend_from_slice(&other.steps);
        steps.sort_unstable();
        steps
            .into_iter()
            .for_each(|(step, count)| self.push(step, count));
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.steps.iter().map(|(_, count)| count).sum()
    }

    /// The value that `percent` of all values do not exceed, to 1.1 %, never above the largest. 0 of none.
    pub fn percentile_ns(&self, percent: f64) -> u64 {
        let rank = ((percent / 100.0 * self.count() as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (step, count) in &self.steps {
            seen += count;
            if seen >= rank {
                let middle = (f64::from(*step) + 0.5) / f64::from(STEPS);
                return (middle.exp2().round() as u64).min(self.max_ns);
            }
        }
        0
    }

    /// The largest value, exactly.
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The distribution in [`HEAT_STEPS`] steps to a doubling: step `k` begins at `2^(k / HEAT_STEPS)` nanoseconds. Ascending,
    /// without empty ones.
    pub fn heat(&self) -> Vec<(u32, u64)> {
        let mut heat: Vec<(u32, u64)> = Vec::new();
        for (step, count) in &self.steps {
            let step = u32::from(*step) * HEAT_STEPS / STEPS;
            match heat.last_mut() {
                Some((last, sum)) if *last == step => *sum += count,
                _ => heat.push((step, *count)),
            }
        }
        heat
    }
}

/// The step that a value lies in. Nothing is below a nanosecond.
fn step(ns: u64) -> u16 {
    ((ns.max(1) as f64).log2() * f64::from(STEPS)) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Beside the distribution it was made from: never more than 1.2 % away (half a step, and its own rounding).
        #[test]
        fn percentiles_are_near_and_the_maximum_is_exact(values in prop::collection::vec(1_u64..100_000_000_000, 1..200), split in any::<prop::sample::Index>()) {
            let mut whole = Distribution::default();
            let (mut one, mut other) = (Distribution::default(), Distribution::default());
            for (at, &value) in values.iter().enumerate() {
                whole.record(value, 1);
                if at < split.index(values.len()) { &mut one } else { &mut other }.record(value, 1);
            }
            let mut spread = Spread::of(&one);
            spread.add(&Spread::of(&other));
            prop_assert_eq!(&spread, &Spread::of(&whole));
            prop_assert_eq!((spread.count(), spread.max_ns()), (whole.count(), whole.max_ns()));
            for percent in [50.0, 99.0, 100.0] {
                let (told, exact) = (spread.percentile_ns(percent) as f64, whole.percentile_ns(percent) as f64);
                prop_assert!((told - exact).abs() <= 0.012 * exact + 1.0, "p{}: {} for {}", percent, told, exact);
            }
            prop_assert_eq!(spread.heat().iter().map(|(_, count)| count).sum::<u64>(), whole.count());
        }
    }

    #[test]
    fn heat_has_four_steps_to_a_doubling() {
        let mut distribution = Distribution::default();
        for ns in [0, 1, 1_023, 1_024, 1_217, 1_218, 2_048] {
            distribution.record(ns, 1);
        }
        assert_eq!(
            Spread::of(&distribution).heat(),
            [(0, 2), (39, 1), (40, 2), (41, 1), (44, 1)]
        );
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Spread::default().percentile_ns(99.0), 0);
    }
}
