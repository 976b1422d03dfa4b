//! What one subscriber has received of one publisher's sequence: finds lost, duplicated and reordered messages.
//!
//! A message in order costs one comparison. Out of order, the sequences still missing are kept as ranges, exactly, so that a
//! late message (reordered) is told from a repeated one (duplicated) however late it is. The number of ranges is bounded: of
//! a stream that is torn to shreds the oldest hole is given up as lost, and its messages would count as duplicates then.

use std::collections::VecDeque;
use std::ops::Range;

/// Holes remembered for one publisher and subscriber.
const HOLES_MAX: usize = 256;

/// No message has this number, so that a closed ledger needs no look of its own as long as messages come in order.
const CLOSED: u64 = u64::MAX;

/// What the arrival of one sequence number was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next one.
    InOrder,
    /// A later one: those between are missing for now.
    Ahead,
    /// One that was missing: a later one overtook it.
    Reordered,
    /// One that had arrived already.
    Duplicate,
}

/// The record of one publisher's messages at one subscriber: 16 bytes while everything is in order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    next: u64,
    missing: Option<Box<Missing>>,
}

#[derive(Clone, Debug, Default)]
struct Missing {
    /// Ascending, none empty, no two touching.
    holes: VecDeque<Range<u64>>,
    given_up: u64,
}

impl Ledger {
    /// The record of messages that are not to come at all: it takes none, and none are lost.
    pub fn closed() -> Ledger {
        Ledger {
            next: CLOSED,
            missing: None,
        }
    }

    /// Whether no message is to come.
    pub fn is_closed(&self) -> bool {
        self.next == CLOSED
    }

    /// Enters the arrival of `sequence`.
    #[inline]
    pub fn enter(&mut self, sequence: u64) -> Arrival {
        if sequence == self.next {
            self.next += 1;
            return Arrival::InOrder;
        }
        self.enter_out_of_order(sequence)
    }

    /// Enters the arrival of `count` consecutive sequences from `first` on, if they are the next ones. Otherwise nothing is
    /// entered and the answer is false.
    #[inline]
    pub fn enter_run(&mut self, first: u64, count: u64) -> bool {
        let is_next = first == self.next;
        if is_next {
            self.next += count;
        }
        is_next
    }

    /// How many of the sequences `0..published` have not arrived.
    pub fn lost(&self, published: u64) -> u64 {
        published.saturating_sub(self.next)
            + self.missing.as_ref().map_or(0, |missing| missing.count())
    }

    #[cold]
    fn enter_out_of_order(&mut self, sequence: u64) -> Arrival {
        if sequence > self.next {
            self.missing
                .get_or_insert_default()
                .add(self.next..sequence);
            self.next = sequence.saturating_add(1);
            return Arrival::Ahead;
        }
        match self
            .missing
            .as_mut()
            .is_some_and(|missing| missing.fill(sequence))
        {
            true => Arrival::Reordered,
            false => Arrival::Duplicate,
        }
    }
}

impl Missing {
    fn count(&self) -> u64 {
        self.given_up
            + self
                .holes
                .iter()
                .map(|hole| hole.end - hole.start)
                .sum::<u64>()
    }

    fn add(&mut self, hole: Range<u64>) {
        if self.holes.len() == HOLES_MAX
            && let Some(oldest) = self.holes.pop_front()
        {
            self.given_up += oldest.end - oldest.start;
        }
        self.holes.push_back(hole);
    }

    /// Takes `sequence` out of the hole it lies in, if there is one.
    fn fill(&mut self, sequence: u64) -> bool {
        let at = self.holes.partition_point(|hole| hole.end <= sequence);
        let Some(hole) = self
            .holes
            .get_mut(at)
            .filter(|hole| hole.contains(&sequence))
        else {
            return false;
        };
        let above = sequence + 1..hole.end;
        hole.end = sequence;
        let is_below_empty = hole.is_empty();
        if !above.is_empty() {
            self.holes.insert(at + 1, above);
        }
        if is_below_empty {
            self.holes.remove(at);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The obviously right ledger: the set of everything that came.
    #[derive(Default)]
    struct Naive {
        seen: BTreeSet<u64>,
    }

    impl Naive {
        fn enter(&mut self, sequence: u64) -> Arrival {
            let next = self.seen.last().map_or(0, |last| last + 1);
            if !self.seen.insert(sequence) {
                Arrival::Duplicate
            } else if sequence < next {
                Arrival::Reordered
            } else if sequence == next {
                Arrival::InOrder
            } else {
                Arrival::Ahead
            }
        }

        fn lost(&self, published: u64) -> u64 {
            (0..published)
                .filter(|sequence| !self.seen.contains(sequence))
                .count() as u64
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_ledger(sequences in prop::collection::vec(0_u64..60, 0..200)) {
            let (mut ledger, mut naive) = (Ledger::default(), Naive::default());
            for sequence in sequences {
                prop_assert_eq!(ledger.enter(sequence), naive.enter(sequence), "sequence {}", sequence);
                prop_assert_eq!(ledger.lost(60), naive.lost(60));
            }
        }

        #[test]
        fn a_run_is_its_messages_one_by_one(runs in prop::collection::vec((0_u64..40, 1_u64..6), 0..60)) {
            let (mut ledger, mut each) = (Ledger::default(), Ledger::default());
            for (first, count) in runs {
                let in_order = ledger.enter_run(first, count);
                let arrivals: Vec<Arrival> = (first..first + count).map(|sequence| each.enter(sequence)).collect();
                prop_assert_eq!(in_order, arrivals.iter().all(|arrival| *arrival == Arrival::InOrder));
                if !in_order {
                    (first..first + count).for_each(|sequence| { ledger.enter(sequence); });
                }
                prop_assert_eq!(ledger.lost(50), each.lost(50));
            }
        }

        /// A stream with known faults injected is billed for exactly those.
        #[test]
        fn injected_faults_are_counted_exactly(faults in prop::collection::vec(0_u8..10, 1..300)) {
            let mut ledger = Ledger::default();
            let (mut dropped, mut doubled, mut swapped) = (0, 0, 0);
            let (mut duplicates, mut reordered) = (0, 0);
            let mut enter = |sequence| match ledger.enter(sequence) {
                Arrival::Duplicate => duplicates += 1,
                Arrival::Reordered => reordered += 1,
                Arrival::InOrder | Arrival::Ahead => {}
            };
            let mut sequence = 0;
            for fault in &faults {
                match fault {
                    0 => dropped += 1,
                    1 => { enter(sequence); enter(sequence); doubled += 1; }
                    2 => { enter(sequence + 1); enter(sequence); sequence += 1; swapped += 1; }
                    _ => enter(sequence),
                }
                sequence += 1;
            }
            prop_assert_eq!((duplicates, reordered), (doubled, swapped));
            prop_assert_eq!(ledger.lost(sequence), dropped);
        }
    }

    #[test]
    fn a_shredded_stream_stays_bounded_and_its_losses_counted() {
        let mut ledger = Ledger::default();
        let holes = HOLES_MAX as u64 + 50;
        for sequence in (1..=holes * 2).step_by(2) {
            ledger.enter(sequence);
        }
        assert_eq!(ledger.lost(holes * 2), holes);
        assert_eq!(
            ledger.missing.as_ref().map(|missing| missing.holes.len()),
            Some(HOLES_MAX)
        );
        assert_eq!(ledger.enter(holes * 2 - 2), Arrival::Reordered);
        assert_eq!(
            ledger.enter(0),
            Arrival::Duplicate,
            "given up, so it cannot be told from a repeated one"
        );
    }

    #[test]
    fn a_closed_ledger_awaits_nothing() {
        let mut ledger = Ledger::closed();
        assert!(ledger.is_closed() && !Ledger::default().is_closed());
        assert!(!ledger.enter_run(0, 3));
        assert_eq!(ledger.lost(100), 0);
    }

    #[test]
    fn an_undisturbed_ledger_is_small() {
        assert_eq!(size_of::<Ledger>(), 16);
    }
}
