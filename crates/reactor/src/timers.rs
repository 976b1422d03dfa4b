//! Deadlines by the hundred thousand: a hierarchical wheel of milliseconds.
//!
//! Four levels of 64 slots; a slot of level *n* spans 64^n ms. Setting a timer appends to one slot; each time a slot
//! of a higher level comes up, its items move one level down. Everything is O(1) amortised, nothing is ever searched.
//!
//! There is no cancelling and no moving. An item that comes up is a hint to look: its user checks whether the real
//! deadline has come, and sets it again if it has moved since. A keepalive deadline that moves with every
//! message therefore costs nothing per message.

use std::collections::VecDeque;

const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = 4;
/// Later deadlines wait in the last slot but one and are placed again when it comes up (about 4.5 hours). A whole
/// round would reach the slot that is current.
const HORIZON_MS: u64 = (SLOTS as u64 - 1) << (SLOT_BITS * (LEVELS as u32 - 1));
/// Room that a slot keeps when its items have left. A crowd that is due in one millisecond (all who came in together)
/// passes through many slots, and each would keep room for all of it.
const SLOT_ROOM_KEPT: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    at_ms: u64,
    item: T,
}

#[derive(Debug)]
struct Level<T> {
    /// One bit for each slot that holds something.
    occupied: u64,
    slots: [Vec<Entry<T>>; SLOTS],
}

/// A set of deadlines, each with an item to hand out when it has passed.
#[derive(Debug)]
pub struct Timers<T> {
    /// Everything due before this millisecond has been moved to `due`.
    now_ms: u64,
    levels: [Level<T>; LEVELS],
    due: VecDeque<T>,
    pending: usize,
}

impl<T: Copy> Timers<T> {
    /// An empty set whose time begins at `now_ms`.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self {
            now_ms,
            levels: std::array::from_fn(|_| Level {
                occupied: 0,
                slots: std::array::from_fn(|_| Vec::new()),
            }),
            due: VecDeque::new(),
            pending: 0,
        }
    }

    /// Items that have been set and not handed out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending + self.due.len()
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands `item` out once `at_ms` has come; at the next occasion if it has passed already.
    pub fn set(&mut self, at_ms: u64, item: T) {
        if at_ms < self.now_ms {
            self.due.push_back(item);
            return;
        }
        self.place(Entry { at_ms, item });
        self.pending += 1;
    }

    /// Hands out at most `budget` of the items that are due, in the order in which they came up. What is
    /// left stays due.
    pub fn expire(&mut self, now_ms: u64, budget: usize) -> impl Iterator<Item = T> + '_ {
        self.advance(now_ms);
        let count = budget.min(self.due.len());
        self.due.drain(..count)
    }

    /// Hands out one item that is due, for loops that set timers as they go.
    pub fn next_expired(&mut self, now_ms: u64) -> Option<T> {
        self.advance(now_ms);
        self.due.pop_front()
    }

    /// When to look again: never later than the earliest deadline, sometimes a little earlier.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        if !self.due.is_empty() {
            return Some(self.now_ms);
        }
        self.next_slot().map(|(start_ms, _, _)| start_ms)
    }

    /// The next slot that holds anything: when it comes up, its level and its number.
    fn next_slot(&self) -> Option<(u64, usize, usize)> {
        (0..LEVELS).find_map(|level| {
            let shift = SLOT_BITS * level as u32;
            let current = (self.now_ms >> shift) as u32 % SLOTS as u32;
            // Rotated so that the current slot stands at bit 0; a lower level always comes up before a higher one.
            let distance = match self.levels[level].occupied.rotate_right(current) {
                0 => return None,
                rotated => u64::from(rotated.trailing_zeros()),
            };
            let start_ms = ((self.now_ms >> shift) + distance) << shift;
            let slot = (current as usize + distance as usize) % SLOTS;
            Some((start_ms.max(self.now_ms), level, slot))
        })
    }

    /// Moves everything that is due at `now_ms` to `due`.
    fn advance(&mut self, now_ms: u64) {
        while let Some((start_ms, level, slot)) = self.next_slot() {
            if start_ms > now_ms {
                break;
            }
            self.now_ms = start_ms;
            self.levels[level].occupied &= !(1 << slot);
            let mut entries = std::mem::take(&mut self.levels[level].slots[slot]);
            for entry in entries.drain(..) {
                if level == 0 {
                    self.due.push_back(entry.item);
                    self.pending -= 1;
                } else {
                    self.place(entry);
                }
            }
            // The slot keeps a little room for the next time round.
            if self.levels[level].slots[slot].is_empty() && entries.capacity() <= SLOT_ROOM_KEPT {
                self.levels[level].slots[slot] = entries;
            }
        }
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// Puts an entry into the lowest level whose present round contains it.
    fn place(&mut self, entry: Entry<T>) {
        let at_ms = entry
            .at_ms
            .clamp(self.now_ms, self.now_ms.saturating_add(HORIZON_MS));
        let differing_bits = u64::BITS - (at_ms ^ self.now_ms).leading_zeros();
        let level = (differing_bits.saturating_sub(1) / SLOT_BITS).min(LEVELS as u32 - 1);
        let slot = (at_ms >> (SLOT_BITS * level)) as usize % SLOTS;
        let level = &mut self.levels[level as usize];
        level.occupied |= 1 << slot;
        level.slots[slot].push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator with a fixed seed: the same deadlines in every run.
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }

    #[test]
    fn every_item_comes_up_at_its_time_and_once() {
        for start_ms in [0, 63, 4_095, (1 << 24) - 1, 1_700_000_000_123] {
            let mut draw = Draw(start_ms + 7);
            let mut timers = Timers::new(start_ms);
            let spans = [1, 70, 5_000, 300_000, 20_000_000, 60_000_000];
            let deadlines: Vec<u64> = (0..3_000)
                .map(|index| start_ms + draw.below(spans[index % spans.len()]))
                .collect();
            for (item, &at_ms) in deadlines.iter().enumerate() {
                timers.set(at_ms, item);
            }
            let mut expired = vec![false; deadlines.len()];
            let mut previous_ms = start_ms;
            while let Some(look_ms) = timers.next_deadline() {
                assert!(look_ms >= previous_ms);
                for item in timers.expire(look_ms, usize::MAX) {
                    assert!(!std::mem::replace(&mut expired[item], true), "twice");
                    assert_eq!(deadlines[item], look_ms, "not at its time");
                }
                previous_ms = look_ms;
            }
            assert!(expired.iter().all(|&done| done));
            assert!(timers.is_empty());
        }
    }

    #[test]
    fn a_late_look_finds_everything_that_is_due_and_nothing_else() {
        let mut draw = Draw(3);
        let mut timers = Timers::new(1_000);
        let deadlines: Vec<u64> = (0..2_000).map(|_| 1_000 + draw.below(100_000)).collect();
        for (item, &at_ms) in deadlines.iter().enumerate() {
            timers.set(at_ms, item);
        }
        let mut now_ms = 1_000;
        let mut handed_out = 0;
        while handed_out < deadlines.len() {
            now_ms += 1 + draw.below(9_000);
            let expired: Vec<usize> = timers.expire(now_ms, usize::MAX).collect();
            assert!(expired.iter().all(|&item| deadlines[item] <= now_ms));
            handed_out += expired.len();
            assert_eq!(
                handed_out,
                deadlines.iter().filter(|&&at_ms| at_ms <= now_ms).count()
            );
        }
    }

    #[test]
    fn what_the_budget_leaves_stays_due() {
        let mut timers = Timers::new(0);
        (0..10).for_each(|item| timers.set(5, item));
        assert_eq!(timers.expire(5, 4).count(), 4);
        assert_eq!(timers.next_deadline(), Some(5), "due at once");
        assert_eq!(timers.expire(5, 100).count(), 6);
        assert_eq!(timers.next_deadline(), None);
    }

    #[test]
    fn a_deadline_in_the_past_is_due_at_once() {
        let mut timers = Timers::new(0);
        assert_eq!(timers.next_expired(1_000), None);
        timers.set(10, 'x');
        assert_eq!(timers.next_deadline(), Some(1_000));
        assert_eq!(timers.next_expired(1_000), Some('x'));
    }

    #[test]
    fn a_crowd_that_has_left_leaves_no_room_behind() {
        let mut timers = Timers::new(0);
        for round in 0..20 {
            (0..5_000).for_each(|item| timers.set(round * 777 + 30_000, item));
            assert_eq!(
                timers.expire(round * 777 + 30_000, usize::MAX).count(),
                5_000
            );
        }
        let slots = timers.levels.iter().flat_map(|level| &level.slots);
        let kept: usize = slots.map(Vec::capacity).sum();
        assert!(kept <= LEVELS * SLOTS * SLOT_ROOM_KEPT, "{kept}");
        assert!(kept < 5_000, "{kept}");
    }

    #[test]
    fn a_timer_that_is_set_again_while_others_expire_is_kept() {
        let mut timers = Timers::new(0);
        timers.set(1, 0);
        let mut times = Vec::new();
        for now_ms in 1..500 {
            while let Some(round) = timers.next_expired(now_ms) {
                times.push(now_ms);
                timers.set(now_ms + 100, round + 1);
            }
        }
        assert_eq!(times, [1, 101, 201, 301, 401]);
    }
}
