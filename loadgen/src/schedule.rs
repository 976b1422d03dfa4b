//! The open loop's timetable: who sends next, and when it should have been sent.
//!
//! Message `k` of the run belongs to publisher `k mod publishers` and is due when the rate, added up from the start, reaches `k`
//! (see `stages`; at a constant rate at `start + k / rate`). Nothing that the server does moves it: a generator that is late
//! sends what is due, each message stamped with the time at which it was due.

use crate::stages::Curve;

/// One thread's part of the timetable: the turns of its own publishers.
#[derive(Debug)]
pub struct Schedule {
    /// The places of this thread's publishers among all, ascending.
    places: Vec<u32>,
    publishers: u32,
    curve: Curve,
    start_ns: u64,
    round: u64,
    at: usize,
    /// Where on the curve the next message is.
    piece: usize,
    next_due_ns: Option<u64>,
}

impl Schedule {
    /// The timetable of the publishers at `places` among `publishers`, which together publish what `curve` says from `start_ns` on.
    pub fn new(places: Vec<u32>, publishers: u32, curve: Curve, start_ns: u64) -> Schedule {
        let mut schedule = Schedule {
            places,
            publishers,
            curve,
            start_ns,
            round: 0,
            at: 0,
            piece: 0,
            next_due_ns: None,
        };
        schedule.next_due_ns = schedule.find_next();
        schedule
    }

    /// When the next message is due; `None` if this thread has no publishers, or nothing more to publish.
    pub fn next_due_ns(&self) -> Option<u64> {
        self.next_due_ns
    }

    /// If a message is due at `now_ns`, moves on and returns whose it is (an index into the places given) and its time.
    pub fn take_due(&mut self, now_ns: u64) -> Option<(usize, u64)> {
        let due_ns = self.next_due_ns.filter(|&due_ns| due_ns <= now_ns)?;
        let whose = self.at;
        self.at += 1;
        if self.at == self.places.len() {
            self.at = 0;
            self.round += 1;
        }
        self.next_due_ns = self.find_next();
        Some((whose, due_ns))
    }

    fn find_next(&mut self) -> Option<u64> {
        let place = *self.places.get(self.at)?;
        let number = self.round * u64::from(self.publishers) + u64::from(place);
        let since_start_ns = self.curve.due_ns(number, &mut self.piece)?;
        Some(self.start_ns + since_start_ns)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::stages::Stage;

    proptest! {
        /// However the publishers are dealt out to threads, together they send every message of the run once, at its time.
        #[test]
        fn threads_share_one_timetable(
            publishers in 1_u32..12,
            threads in 1_u32..5,
            rate in 1.0_f64..1e5,
            ramp in prop::option::of((0.0_f64..1e5, 1_u64..100)),
            messages in 0_u64..400,
        ) {
            let stages = ramp.map(|(from_per_second, ms)| Stage {
                from_per_second,
                to_per_second: rate,
                length: Duration::from_millis(ms),
            });
            let curve = Curve::new(rate, Duration::from_millis(1), stages.as_slice());
            let due_ns = |number: u64| 1_000 + curve.due_ns(number, &mut 0).expect("it goes on for ever");
            let mut sent = Vec::new();
            for thread in 0..threads {
                let places: Vec<u32> = (0..publishers).filter(|place| place % threads == thread).collect();
                let mut schedule = Schedule::new(places.clone(), publishers, curve.clone(), 1_000);
                while let Some((whose, due_ns)) = schedule.take_due(due_ns(messages)) {
                    sent.push((due_ns, places[whose]));
                }
            }
            sent.sort_unstable();
            let expected: Vec<(u64, u32)> =
                (0..=messages).map(|number| (due_ns(number), (number % u64::from(publishers)) as u32)).collect();
            prop_assert_eq!(sent, expected);
        }
    }

    #[test]
    fn lateness_moves_nothing() {
        let mut schedule = Schedule::new(vec![0], 1, Curve::new(1_000.0, Duration::ZERO, &[]), 0);
        assert_eq!(
            schedule.take_due(5_500_000).map(|(_, due_ns)| due_ns),
            Some(0)
        );
        let due: Vec<u64> = std::iter::from_fn(|| schedule.take_due(5_500_000))
            .map(|(_, due_ns)| due_ns)
            .collect();
        assert_eq!(due, [1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000]);
        assert_eq!(schedule.next_due_ns(), Some(6_000_000));
    }
}
