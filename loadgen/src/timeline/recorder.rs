//! Times the deliveries of one thread, interval by interval.
//!
//! This is done for each delivery. Deliveries with the same sending and arrival time (those of one message, within a batch of
//! reads) are entered together, and everything that is asked of a sending time is asked then.

use std::ops::Range;

use super::grid::{BySending, Grid};
use crate::tally::Distribution;

/// Times deliveries.
#[derive(Debug)]
pub struct Recorder {
    /// Sending times that are measured.
    pub window_ns: Range<u64>,
    sent_ns: u64,
    arrived_ns: u64,
    /// Deliveries with these two times that are not yet entered.
    count: u64,
    timed: Timed,
    received: BySending,
}

/// What arrived in one interval.
#[derive(Clone, Debug, Default)]
pub struct Timed {
    /// Latency of messages sent within the measured window; `None` if there were none.
    pub inside: Option<Distribution>,
    /// Latency of the others.
    pub outside: Option<Distribution>,
    /// How many deliveries there were, by the interval of their sending.
    pub sent_received: Vec<(u64, u64)>,
}

impl Default for Recorder {
    /// Nothing is measured until a window is set, and everything belongs to the first interval until a grid is.
    fn default() -> Recorder {
        Recorder {
            window_ns: u64::MAX..u64::MAX,
            sent_ns: 0,
            arrived_ns: 0,
            count: 0,
            timed: Timed::default(),
            received: BySending::new(Grid {
                from_ns: u64::MAX,
                interval_ns: 1,
            }),
        }
    }
}

impl Recorder {
    /// Intervals begin.
    pub fn begin(&mut self, grid: Grid) {
        self.received = BySending::new(grid);
    }

    /// Takes deliveries of one message, or of several with one sending time, that came for the first time.
    #[inline]
    pub fn record(&mut self, sent_ns: u64, arrived_ns: u64, count: u64) {
        if (sent_ns, arrived_ns) != (self.sent_ns, self.arrived_ns) {
            self.enter();
            (self.sent_ns, self.arrived_ns) = (sent_ns, arrived_ns);
        }
        self.count += count;
    }

    fn enter(&mut self) {
        if self.count == 0 {
            return;
        }
        let distribution = match self.window_ns.contains(&self.sent_ns) {
            true => &mut self.timed.inside,
            false => &mut self.timed.outside,
        };
        let latency_ns = self.arrived_ns.saturating_sub(self.sent_ns);
        distribution
            .get_or_insert_default()
            .record(latency_ns, self.count);
        self.received.note(self.sent_ns, self.count);
        self.count = 0;
    }

    /// What was taken since the last call.
    pub fn take(&mut self) -> Timed {
        self.enter();
        Timed {
            sent_received: self.received.take(),
            ..std::mem::take(&mut self.timed)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_recorder_takes_what_it_is_given(values in prop::collection::vec((0_u64..40, 0_u64..3, 1_u64..4), 0..60)) {
            let mut recorder = Recorder { window_ns: 10..30, ..Recorder::default() };
            recorder.begin(Grid { from_ns: 0, interval_ns: 10 });
            let (mut inside, mut outside) = (Distribution::default(), Distribution::default());
            let mut received = [0; 4];
            for (sent_ns, latency_ns, count) in values {
                recorder.record(sent_ns, sent_ns + latency_ns, count);
                if (10..30).contains(&sent_ns) { &mut inside } else { &mut outside }.record(latency_ns, count);
                received[sent_ns as usize / 10] += count;
            }
            let timed = recorder.take();
            for (told, expected) in [(timed.inside, inside), (timed.outside, outside)] {
                prop_assert_eq!(told.is_some(), expected.count() > 0);
                prop_assert!(told.unwrap_or_default().values().eq(expected.values()));
            }
            let mut told = [0; 4];
            timed.sent_received.into_iter().for_each(|(number, count)| told[number as usize] += count);
            prop_assert_eq!(told, received);
            prop_assert!(recorder.take().inside.is_none());
        }
    }
}
