//! The open loop's timetable: who sends next, and when it should have been sent.
//!
//! Message `k` of the run is due at `start + k / rate` and belongs to publisher `k mod publishers`. Nothing that the server
//! does moves it: a generator that is late sends what is due, each message stamped with the time at which it was due.

/// One thread's part of the timetable: the turns of its own publishers.
#[derive(Debug)]
pub struct Schedule {
    /// The places of this thread's publishers among all, ascending.
    places: Vec<u32>,
    publishers: u32,
    interval_ns: f64,
    start_ns: u64,
    round: u64,
    at: usize,
}

impl Schedule {
    /// The timetable of the publishers at `places` among `publishers`, which together publish `rate_per_second` from `start_ns` on.
    pub fn new(places: Vec<u32>, publishers: u32, rate_per_second: f64, start_ns: u64) -> Schedule {
        Schedule {
            places,
            publishers,
            interval_ns: 1e9 / rate_per_second,
            start_ns,
            round: 0,
            at: 0,
        }
    }

    /// When the next message is due; `None` if this thread has no publishers.
    pub fn next_due_ns(&self) -> Option<u64> {
        let place = *self.places.get(self.at)?;
        let number = self.round * u64::from(self.publishers) + u64::from(place);
        // 2^53 messages are far beyond any run, and the rounding is by less than a nanosecond until 2^53 ns, 104 days.
        Some(self.start_ns + (number as f64 * self.interval_ns) as u64)
    }

    /// If a message is due at `now_ns`, moves on and returns whose it is (an index into the places given) and its time.
    pub fn take_due(&mut self, now_ns: u64) -> Option<(usize, u64)> {
        let due_ns = self.next_due_ns().filter(|&due_ns| due_ns <= now_ns)?;
        let whose = self.at;
        self.at += 1;
        if self.at == self.places.len() {
            self.at = 0;
            self.round += 1;
        }
        Some((whose, due_ns))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the publishers are dealt out to threads, together they send every message of the run once, at its time.
        #[test]
        fn threads_share_one_timetable(
            publishers in 1_u32..12,
            threads in 1_u32..5,
            rate in 1.0_f64..1e5,
            messages in 0_u64..400,
        ) {
            let due_ns = |number: u64| 1_000 + (number as f64 * (1e9 / rate)) as u64;
            let mut sent = Vec::new();
            for thread in 0..threads {
                let places: Vec<u32> = (0..publishers).filter(|place| place % threads == thread).collect();
                let mut schedule = Schedule::new(places.clone(), publishers, rate, 1_000);
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
        let mut schedule = Schedule::new(vec![0], 1, 1_000.0, 0);
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
