//! Closes one thread's intervals and hands each over to where those of all threads are put together (see `timeline`).
//!
//! An interval is closed at the first turn after its end, so its last messages may have come up to one turn later. Handing over
//! takes no lock and copies no histogram.

use std::sync::mpsc::Sender;

use super::arrivals::Arrivals;
use crate::tally::Counts;
use crate::timeline::{Grid, Part};

/// One thread's intervals, from the first publish on.
#[derive(Debug)]
pub(super) struct Intervals {
    parts: Sender<Part>,
    interval_ns: u64,
    grid: Option<Grid>,
    /// The interval that is open.
    number: u64,
    before: Counts,
}

impl Intervals {
    pub(super) fn new(parts: Sender<Part>, interval_ns: u64) -> Intervals {
        Intervals {
            parts,
            interval_ns,
            grid: None,
            number: 0,
            before: Counts::default(),
        }
    }

    /// The first interval begins.
    pub(super) fn begin(&mut self, from_ns: u64, arrivals: &mut Arrivals<'_>) {
        let grid = Grid {
            from_ns,
            interval_ns: self.interval_ns,
        };
        arrivals.reception.recorder.begin(grid);
        arrivals.publishing.count_intervals(grid);
        self.grid = Some(grid);
    }

    /// When the interval that is open ends, if there is one.
    pub(super) fn end_ns(&self) -> Option<u64> {
        Some(self.grid?.begin_ns(self.number + 1))
    }

    /// Closes the intervals that are over.
    #[inline]
    pub(super) fn close_until(&mut self, now_ns: u64, arrivals: &mut Arrivals<'_>) {
        while let Some(end_ns) = self.end_ns().filter(|&end_ns| now_ns >= end_ns) {
            self.close(end_ns, arrivals);
        }
    }

    /// Closes the last interval, whose end is the run's.
    pub(super) fn end(&mut self, now_ns: u64, arrivals: &mut Arrivals<'_>) {
        self.close_until(now_ns, arrivals);
        if self.grid.is_some() {
            self.close(now_ns, arrivals);
        }
        self.grid = None;
    }

    #[cold]
    fn close(&mut self, end_ns: u64, arrivals: &mut Arrivals<'_>) {
        let Some(grid) = self.grid else { return };
        let counts = arrivals.counts();
        let part = Part {
            number: self.number,
            end_ns: end_ns.saturating_sub(grid.from_ns),
            counts: counts.since(&self.before),
            sent_expected: arrivals.publishing.take_expected(),
            timed: arrivals.reception.recorder.take(),
            late: arrivals.publishing.take_late(),
            connections: arrivals.standing(),
        };
        self.before = counts;
        self.number += 1;
        // Whoever puts the parts together outlives the threads, unless it panicked; the run is then told so by its end.
        let _ = self.parts.send(part);
    }
}
