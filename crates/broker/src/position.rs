//! Positions: where a publication stands in its topic, and how that is written.
//!
//! `epoch:offset`. Offsets grow by one for each publication of a topic, from 1; offset 0 is the place before the first.
//! The epoch names one life of a topic's log; it is new whenever the log could not be carried over, so that offsets
//! of another life are recognised instead of believed. There is one spelling of each position, and the parser takes no other.

use std::fmt;
use std::str::FromStr;

const EPOCH_BITS: u32 = 40;
const EPOCH_MASK: u64 = (1 << EPOCH_BITS) - 1;
/// Crockford's base 32: lower case, without the letters that are mistaken for others.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Epochs of topics have at most 8 digits; those of publications that passed without a trace come after all of them.
const EPOCH_CHARS_MAX: usize = 12;

/// One life of a topic's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(u64);

/// The place of a publication in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The life of the log that `offset` counts in.
    pub epoch: Epoch,
    /// The publication's number, from 1; 0 is the place before the first.
    pub offset: u64,
}

/// The text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionError;

impl fmt::Display for PositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is written epoch:offset, as the broker gave it")
    }
}

impl std::error::Error for PositionError {}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; EPOCH_CHARS_MAX];
        let mut start = text.len();
        let mut rest = self.0;
        loop {
            start -= 1;
            text[start] = DIGITS[(rest & 31) as usize];
            rest >>= 5;
            if rest == 0 {
                break;
            }
        }
        text[start..]
            .iter()
            .try_for_each(|&digit| fmt::Write::write_char(f, digit.into()))
    }
}

impl FromStr for Epoch {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let leading_zero = text.len() > 1 && text.starts_with('0');
        if text.is_empty() || text.len() > EPOCH_CHARS_MAX || leading_zero {
            return Err(PositionError);
        }
        text.bytes()
            .try_fold(0, |value, byte| {
                let digit = DIGITS.iter().position(|&d| d == byte)?;
                Some(value << 5 | digit as u64)
            })
            .map(Self)
            .ok_or(PositionError)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, offset) = text.split_once(':').ok_or(PositionError)?;
        let leading_zero = offset.len() > 1 && offset.starts_with('0');
        if leading_zero || !offset.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PositionError);
        }
        let offset = offset.parse().map_err(|_| PositionError)?;
        Ok(Self {
            epoch: epoch.parse()?,
            offset,
        })
    }
}

/// Gives each birth of a topic its epoch: a counter that starts at random and is scrambled one to one,
/// so that no epoch repeats before 2^40 births, and none can be guessed from the one before at a glance.
#[derive(Debug)]
pub(crate) struct Epochs {
    next: u64,
    passed: u64,
}

impl Epochs {
    pub(crate) fn new(seed: u64) -> Self {
        // The finaliser of SplitMix64, so that seeds that differ little start far apart.
        let mut start = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        start = (start ^ start >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        start = (start ^ start >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self {
            next: start ^ start >> 31,
            passed: 0,
        }
    }

    /// An epoch for what is kept nowhere: no topic ever has it. There are too many of these to spend births on them.
    pub(crate) fn passing(&mut self) -> Epoch {
        self.passed += 1;
        Epoch(EPOCH_MASK + self.passed)
    }

    pub(crate) fn birth(&mut self) -> Epoch {
        self.next = self.next.wrapping_add(1);
        // Multiplying by an odd number and folding the upper half onto the lower are both one to one in 40 bits.
        let mut epoch = self.next & EPOCH_MASK;
        for factor in [0x9e37_79b9_7f4a_7c15_u64, 0xbf58_476d_1ce4_e5b9] {
            epoch = epoch.wrapping_mul(factor) & EPOCH_MASK;
            epoch ^= epoch >> (EPOCH_BITS / 2);
        }
        Epoch(epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(epoch in 0..1_u64 << 60, offset: u64) {
            let position = Position { epoch: Epoch(epoch), offset };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn there_is_one_spelling(text in "[0-9a-zA-Z:+ ]{0,12}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            ":",
            "k3v9",
            "k3v9:",
            ":4",
            "k3v9:04",
            "k3v9:+4",
            "0k:4",
            "K3V9:4",
            "k3v9:4 ",
            "u:1",
            "1111111111111:1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text:?}");
        }
        assert_eq!(
            "k3v9:18446744073709551616".parse::<Position>(),
            Err(PositionError)
        );
    }

    #[test]
    fn epochs_do_not_repeat() {
        let mut epochs = Epochs::new(7);
        let born: HashSet<_> = (0..100_000).map(|_| epochs.birth()).collect();
        assert_eq!(born.len(), 100_000);
        let longest = born.iter().map(|epoch| epoch.to_string().len()).max();
        assert_eq!(longest, Some(8));
        assert!(!born.contains(&epochs.passing()) && epochs.passing() != epochs.passing());
    }
}
