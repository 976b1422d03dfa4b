//! How long a client waits before it connects again (RFC 6455 section 7.2.3).
//!
//! Clients whose server went away together must not come back together: each waits a random part of
//! a time that doubles with each attempt.

use std::time::Duration;

/// The pauses of one client, from when its connection broke.
#[derive(Debug)]
pub(super) struct Pauses {
    longest: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { longest: Self::MIN }
    }
}

impl Pauses {
    /// The longest that the first one may be.
    const MIN: Duration = Duration::from_secs(1);
    /// The longest that any one may be.
    pub(super) const MAX: Duration = Duration::from_secs(16);

    /// The next pause, for a random number.
    pub(super) fn next(&mut self, random: u32) -> Duration {
        let pause = self
            .longest
            .mul_f64(f64::from(random) / f64::from(u32::MAX));
        self.longest = (self.longest * 2).min(Self::MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_a_random_part_of_a_time_that_doubles_up_to_a_bound() {
        let ends = [0, u32::MAX / 2, u32::MAX].map(|random| {
            let mut pauses = Pauses::default();
            [(); 7].map(|()| pauses.next(random).as_secs_f64())
        });
        assert_eq!(ends[0], [0.0; 7]);
        assert_eq!(ends[2], [1.0, 2.0, 4.0, 8.0, 16.0, 16.0, 16.0]);
        for (half, whole) in ends[1].iter().zip(ends[2]) {
            assert!((half * 2.0 - whole).abs() < 0.001, "{half} of {whole}");
        }
    }
}
