//! What the two processes use while a run goes on, read from `/proc` about once a second.

use std::time::{Duration, Instant};

use crate::process::{self, CpuSample};

/// How far apart two looks are: each reads a file for every thread.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// One process.
#[derive(Debug)]
pub(super) struct Usage {
    pid: u32,
    looked: Instant,
    sample: CpuSample,
    /// Of one CPU, by all threads and by the busiest, between the last two looks. `None` before the second.
    pub(super) cpu_share: Option<f64>,
    pub(super) busiest_share: Option<f64>,
    pub(super) resident_bytes: u64,
}

impl Usage {
    /// Takes the first look. `None` of a process that cannot be seen.
    pub(super) fn of(pid: u32) -> Option<Usage> {
        Some(Usage {
            pid,
            looked: Instant::now(),
            sample: CpuSample::take(pid).ok()?,
            cpu_share: None,
            busiest_share: None,
            resident_bytes: process::resident_bytes_roughly(pid).ok()?,
        })
    }

    /// Looks again if it is time. A process that has gone away keeps its last figures.
    pub(super) fn look(&mut self) {
        let elapsed = self.looked.elapsed();
        if elapsed < LOOK_INTERVAL {
            return;
        }
        let (Ok(sample), Ok(resident_bytes)) = (
            CpuSample::take(self.pid),
            process::resident_bytes_roughly(self.pid),
        ) else {
            return;
        };
        let used = sample.since(&self.sample);
        let share = |used_ns: u64| Some(used_ns as f64 / elapsed.as_nanos() as f64);
        self.cpu_share = share(used.total_ns);
        self.busiest_share = share(used.busiest_thread_ns);
        self.resident_bytes = resident_bytes;
        self.sample = sample;
        self.looked = Instant::now();
    }
}
