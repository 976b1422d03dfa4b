//! Where intervals begin, and counting by the interval in which a message was sent.

use std::ops::Range;

/// The boundaries of intervals on the run's clock, the same for all threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// When the first interval begins.
    pub from_ns: u64,
    /// How long each is.
    pub interval_ns: u64,
}

impl Grid {
    /// The interval that a moment belongs to; what is before the first one belongs to that.
    pub fn number(self, at_ns: u64) -> u64 {
        at_ns.saturating_sub(self.from_ns) / self.interval_ns
    }

    /// When an interval begins.
    pub fn begin_ns(self, number: u64) -> u64 {
        self.from_ns
            .saturating_add(number.saturating_mul(self.interval_ns))
    }
}

/// Counts what belongs to messages by the interval in which these were sent.
///
/// What one thread sees in a row was mostly sent in one interval, so nothing is divided for it.
#[derive(Clone, Debug)]
pub struct BySending {
    grid: Grid,
    /// The sending times that the last entry is for.
    last_ns: Range<u64>,
    entries: Vec<(u64, u64)>,
}

impl BySending {
    /// Nothing counted yet.
    pub fn new(grid: Grid) -> BySending {
        BySending {
            grid,
            last_ns: 0..0,
            entries: Vec::new(),
        }
    }

    /// Counts `count` for a message that was sent at `sent_ns`.
    #[inline]
    pub fn note(&mut self, sent_ns: u64, count: u64) {
        if !self.last_ns.contains(&sent_ns) {
            self.turn_to(sent_ns);
        }
        if let Some((_, sum)) = self.entries.last_mut() {
            *sum += count;
        }
    }

    /// Makes the entry of this time's interval the last one.
    fn turn_to(&mut self, sent_ns: u64) {
        let number = self.grid.number(sent_ns);
        self.last_ns = self.grid.begin_ns(number)..self.grid.begin_ns(number + 1);
        match self.entries.iter().position(|(known, _)| *known == number) {
            Some(at) => {
                let last = self.entries.len() - 1;
                self.entries.swap(at, last);
            }
            None => self.entries.push((number, 0)),
        }
    }

    /// What was counted since the last call, each interval once.
    pub fn take(&mut self) -> Vec<(u64, u64)> {
        self.last_ns = 0..0;
        std::mem::take(&mut self.entries)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_interval_is_counted_once_whatever_the_order(notes in prop::collection::vec((1_000_u64..2_000, 1_u64..4), 0..60)) {
            let grid = Grid { from_ns: 1_000, interval_ns: 100 };
            let mut by_sending = BySending::new(grid);
            let mut expected = BTreeMap::new();
            for (sent_ns, count) in notes {
                by_sending.note(sent_ns, count);
                *expected.entry((sent_ns - 1_000) / 100).or_insert(0) += count;
            }
            let mut told = by_sending.take();
            told.sort_unstable();
            prop_assert_eq!(told, expected.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(by_sending.take(), vec![]);
        }
    }
}
