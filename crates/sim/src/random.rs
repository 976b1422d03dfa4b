//! The one source of chance: a small generator (SplitMix64), the same on every machine.

use std::ops::RangeInclusive;

#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the numbers in `range`. Their slightly uneven likelihood does not matter here.
    pub(crate) fn within(&mut self, range: &RangeInclusive<u64>) -> u64 {
        let span = range.end().saturating_sub(*range.start()).saturating_add(1);
        range.start() + self.next() % span
    }

    /// True so many times in a million.
    pub(crate) fn happens(&mut self, per_million: u32) -> bool {
        self.next() % 1_000_000 < u64::from(per_million)
    }

    /// A length from 1 to `most`, short ones as likely as long ones.
    pub(crate) fn cut(&mut self, most: usize) -> usize {
        if self.happens(250_000) {
            return (self.next() as usize % most.min(8)) + 1;
        }
        (self.next() as usize % most) + 1
    }
}
