//! What one subscriber has received of one publisher's sequence: finds lost, duplicated and reordered messages.
//!
//! A message in order costs one comparison. Out of order, the sequences still missing are kept as ranges, exactly, so that a
//! late message (reordered) is told from a repeated one (duplicated) however late it is. All ledgers of a thread share the room
//! for such ranges. When it is used up, by streams that are torn to shreds, a ledger forgets its oldest gap: its messages count
//! as lost for good, one that comes after all counts as duplicated, and the report says how many that may concern.

use std::collections::BTreeMap;
use std::ops::Range;

/// Gaps remembered by all ledgers of a thread together: some 40 MiB.
const GAPS_MAX: u32 = 1 << 20;

// No message has these numbers, so that ledgers that expect no certain one need no look of their own while messages come in order.
const CLOSED: u64 = u64::MAX;
const UNBEGUN: u64 = u64::MAX - 1;

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
    /// One from before the record's beginning.
    Early,
}

/// The record of one publisher's messages at one subscriber: 16 bytes while everything is in order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    next: u64,
    missing: Option<Box<Missing>>,
}

/// The gaps in one stream.
#[derive(Clone, Debug, Default)]
struct Missing {
    /// Where the record begins.
    first: u64,
    /// First sequence and the one behind the last; none empty, no two touching.
    gaps: BTreeMap<u64, u64>,
    /// Sequences in them, and in those that were forgotten.
    count: u64,
}

/// The room for gaps that the ledgers of a thread share.
#[derive(Debug)]
pub struct Room {
    left: u32,
    forgotten: u64,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            left: GAPS_MAX,
            forgotten: 0,
        }
    }
}

impl Room {
    /// Missing messages that are not known one by one any more.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
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

    /// The record of a subscriber who comes while others publish: it begins with the first message that arrives.
    pub fn unbegun() -> Ledger {
        Ledger {
            next: UNBEGUN,
            missing: None,
        }
    }

    /// Ends the record with the last message that has arrived. What arrives from now on begins another. Returns how many
    /// messages there were to be from the first one to the last, and how many of them have not arrived.
    pub fn end(&mut self, room: &mut Room) -> (u64, u64) {
        let ended = match self.next {
            CLOSED | UNBEGUN => (0, 0),
            next => (next - self.first(), self.lost(next)),
        };
        if let Some(missing) = &self.missing {
            room.left += missing.gaps.len() as u32;
        }
        if !self.is_closed() {
            *self = Ledger::unbegun();
        }
        ended
    }

    /// How many messages are to have arrived when `published` were published.
    pub fn expected(&self, published: u64) -> u64 {
        match self.next {
            CLOSED | UNBEGUN => 0,
            _ => published.saturating_sub(self.first()),
        }
    }

    fn first(&self) -> u64 {
        self.missing.as_ref().map_or(0, |missing| missing.first)
    }

    /// Enters the arrival of `sequence`.
    #[inline]
    pub fn enter(&mut self, sequence: u64, room: &mut Room) -> Arrival {
        if sequence == self.next {
            self.next += 1;
            return Arrival::InOrder;
        }
        self.enter_out_of_order(sequence, room)
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
            + self.missing.as_ref().map_or(0, |missing| missing.count)
    }

    #[cold]
    fn enter_out_of_order(&mut self, sequence: u64, room: &mut Room) -> Arrival {
        if self.next == UNBEGUN {
            self.next = sequence.saturating_add(1);
            self.missing.get_or_insert_default().first = sequence;
            return Arrival::InOrder;
        }
        if sequence < self.first() {
            return Arrival::Early;
        }
        if sequence > self.next {
            self.missing
                .get_or_insert_default()
                .add(self.next..sequence, room);
            self.next = sequence.saturating_add(1);
            return Arrival::Ahead;
        }
        match self
            .missing
            .as_mut()
            .is_some_and(|missing| missing.fill(sequence, room))
        {
            true => Arrival::Reordered,
            false => Arrival::Duplicate,
        }
    }
}

impl Missing {
    /// A gap above all others.
    fn add(&mut self, gap: Range<u64>, room: &mut Room) {
        self.count += gap.end - gap.start;
        if room.left == 0 {
            match self.gaps.pop_first() {
                None => return room.forgotten += gap.end - gap.start,
                Some((start, end)) => room.forgotten += end - start,
            }
        } else {
            room.left -= 1;
        }
        self.gaps.insert(gap.start, gap.end);
    }

    /// Takes `sequence` out of the gap it lies in, if there is one.
    fn fill(&mut self, sequence: u64, room: &mut Room) -> bool {
        let below = self.gaps.range(..=sequence).next_back();
        let Some((&start, &end)) = below.filter(|(_, end)| sequence < **end) else {
            return false;
        };
        self.count -= 1;
        self.gaps.remove(&start);
        room.left += 1;
        for part in [start..sequence, sequence + 1..end] {
            if part.is_empty() {
                continue;
            }
            if room.left == 0 {
                // The upper part of a gap that was cut in two.
                room.forgotten += part.end - part.start;
                continue;
            }
            room.left -= 1;
            self.gaps.insert(part.start, part.end);
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
            let mut room = Room::default();
            for sequence in sequences {
                prop_assert_eq!(ledger.enter(sequence, &mut room), naive.enter(sequence), "sequence {}", sequence);
                prop_assert_eq!(ledger.lost(60), naive.lost(60));
            }
            prop_assert_eq!(room.forgotten(), 0);
        }

        #[test]
        fn a_run_is_its_messages_one_by_one(runs in prop::collection::vec((0_u64..40, 1_u64..6), 0..60)) {
            let (mut ledger, mut each) = (Ledger::default(), Ledger::default());
            let mut room = Room::default();
            for (first, count) in runs {
                let in_order = ledger.enter_run(first, count);
                let arrivals: Vec<Arrival> = (first..first + count).map(|sequence| each.enter(sequence, &mut room)).collect();
                prop_assert_eq!(in_order, arrivals.iter().all(|arrival| *arrival == Arrival::InOrder));
                if !in_order {
                    (first..first + count).for_each(|sequence| { ledger.enter(sequence, &mut room); });
                }
                prop_assert_eq!(ledger.lost(50), each.lost(50));
            }
        }

        /// A stream with known faults injected is billed for exactly those.
        #[test]
        fn injected_faults_are_counted_exactly(faults in prop::collection::vec(0_u8..10, 1..300)) {
            let (mut ledger, mut room) = (Ledger::default(), Room::default());
            let (mut dropped, mut doubled, mut swapped) = (0, 0, 0);
            let (mut duplicates, mut reordered) = (0, 0);
            let mut enter = |sequence| match ledger.enter(sequence, &mut room) {
                Arrival::Duplicate => duplicates += 1,
                Arrival::Reordered => reordered += 1,
                Arrival::InOrder | Arrival::Ahead | Arrival::Early => {}
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

    proptest! {
        /// With hardly any room, two ledgers beside two that are obviously right: nothing is counted twice or not at all, the room is
        /// never overdrawn, and what differs is at most what was forgotten.
        #[test]
        fn what_is_forgotten_bounds_what_is_wrong(left in 0_u32..4, entries in prop::collection::vec((0_usize..2, 0_u64..40), 0..200)) {
            let mut room = Room { left, forgotten: 0 };
            let (mut ledgers, mut naive) = (<[Ledger; 2]>::default(), <[Naive; 2]>::default());
            let (mut duplicates, mut real_duplicates) = (0, 0);
            for (whose, sequence) in entries {
                duplicates += u64::from(ledgers[whose].enter(sequence, &mut room) == Arrival::Duplicate);
                real_duplicates += u64::from(naive[whose].enter(sequence) == Arrival::Duplicate);
                let lost: u64 = ledgers.iter().map(|ledger| ledger.lost(40)).sum();
                let really_lost: u64 = naive.iter().map(|naive| naive.lost(40)).sum();
                prop_assert_eq!(lost - really_lost, duplicates - real_duplicates);
                prop_assert!(lost - really_lost <= room.forgotten());
                let gaps = |ledger: &Ledger| ledger.missing.as_ref().map_or(0, |missing| missing.gaps.len());
                prop_assert_eq!(ledgers.iter().map(gaps).sum::<usize>() + room.left as usize, left as usize);
            }
        }
    }

    #[test]
    fn a_stream_torn_to_shreds_is_still_counted_exactly() {
        let (mut ledger, mut room) = (Ledger::default(), Room::default());
        let published = 1_000_000;
        for sequence in (1..published).step_by(2) {
            ledger.enter(sequence, &mut room);
        }
        assert_eq!(ledger.lost(published), published / 2);
        for sequence in (0..published / 2).rev().map(|half| half * 2) {
            assert_eq!(ledger.enter(sequence, &mut room), Arrival::Reordered);
        }
        assert_eq!((ledger.lost(published), room.forgotten()), (0, 0));
        assert_eq!(room.left, GAPS_MAX);
        assert_eq!(ledger.enter(7, &mut room), Arrival::Duplicate);
    }

    proptest! {
        /// Beside the naive ledger of the same messages, counted from the first that came.
        #[test]
        fn a_late_ledger_begins_with_its_first_message(sequences in prop::collection::vec(0_u64..60, 1..100)) {
            let (mut ledger, mut naive, mut room) = (Ledger::unbegun(), Naive::default(), Room::default());
            let first = sequences[0];
            for &sequence in &sequences {
                let arrival = ledger.enter(sequence, &mut room);
                match sequence.checked_sub(first) {
                    None => prop_assert_eq!(arrival, Arrival::Early),
                    Some(counted) => prop_assert_eq!(arrival, naive.enter(counted)),
                }
            }
            prop_assert_eq!(ledger.expected(60), 60 - first);
            prop_assert_eq!(ledger.lost(60), naive.lost(60 - first));
            let last = naive.seen.last().expect("the first at least") + 1;
            prop_assert_eq!(ledger.end(&mut room), (last, naive.lost(last)));
            prop_assert_eq!(room.left, GAPS_MAX);
            prop_assert_eq!((ledger.expected(60), ledger.lost(60)), (0, 0));
        }
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
