//! Leads a run from phase to phase, and looks at the processes exactly where the measured window begins and ends.
//!
//! The first worker calls it at each of its turns. So with one thread the window's ends, the counters and the CPU samples all
//! belong to the same instant.

use std::time::Duration;

use reactor::Driver;

use super::course::{Course, Phase};
use super::processes::Processes;
use crate::evidence::Evidence;
use crate::plan::{Plan, Times};

/// Leads one run.
#[derive(Debug)]
pub(super) struct Conductor {
    times: Times,
    connections: u64,
    /// When the first connection was begun.
    started_ns: Option<u64>,
    /// When the present phase ends by itself.
    until_ns: Option<u64>,
    processes: Processes,
    /// How long opening connections took, when that is over.
    connecting_ns: Option<u64>,
}

impl Conductor {
    /// Leads the run of `plan`.
    pub(super) fn new(plan: &Plan, processes: Processes) -> Conductor {
        Conductor {
            times: plan.times,
            connections: plan.layout.connections(),
            started_ns: None,
            until_ns: None,
            processes,
            connecting_ns: None,
        }
    }

    /// Moves the run on if it is time, and returns when to look again.
    pub(super) fn turn<D: Driver>(&mut self, course: &Course, driver: &D) -> Option<u64> {
        let now_ns = driver.now_ns();
        let is_due = self.until_ns.is_some_and(|until_ns| now_ns >= until_ns);
        let is_ending = course.early_end().is_some();
        match course.phase() {
            Phase::Connect if is_ending => course.begin_close(),
            Phase::Connect if self.started_ns.is_none() => {
                self.processes.begin_connecting();
                self.started_ns = Some(driver.now_ns());
            }
            Phase::Connect if self.until_ns.is_none() && course.all_connected() => {
                self.end_connecting(now_ns);
                self.until_ns = Some(now_ns + nanoseconds(self.times.settle));
            }
            Phase::Connect if is_due => self.begin_publishing(course, driver),
            Phase::WarmUp if is_ending => {
                self.until_ns = None;
                course.begin_drain(0);
            }
            Phase::WarmUp if is_due => self.begin_window(course, driver),
            Phase::Measure if is_due || is_ending => self.end_window(course, driver),
            Phase::Drain if course.all_drained() => course.begin_close(),
            _ => {}
        }
        if course.phase() == Phase::Close {
            self.close_what_is_open(course, now_ns);
        }
        self.until_ns
    }

    /// The run is over, perhaps by being given up in the middle of something.
    fn close_what_is_open(&mut self, course: &Course, now_ns: u64) {
        if self.connecting_ns.is_none() {
            self.end_connecting(now_ns);
        }
        let window_ns = course.window_ns();
        if window_ns.start < u64::MAX && window_ns.end == u64::MAX {
            self.processes.end_window();
            course.cut_window(now_ns);
        }
    }

    fn end_connecting(&mut self, now_ns: u64) {
        self.connecting_ns = Some(now_ns - self.started_ns.unwrap_or(now_ns));
        self.processes.end_connecting();
    }

    fn begin_publishing<D: Driver>(&mut self, course: &Course, driver: &D) {
        self.processes.weigh_connected();
        if self.times.warm_up.is_zero() {
            return self.begin_window(course, driver);
        }
        let now_ns = driver.now_ns();
        self.until_ns = Some(now_ns + nanoseconds(self.times.warm_up));
        course.begin_warm_up(now_ns);
    }

    fn begin_window<D: Driver>(&mut self, course: &Course, driver: &D) {
        self.processes.begin_window();
        let now_ns = driver.now_ns();
        self.until_ns = Some(now_ns + nanoseconds(self.times.measure));
        course.begin_window(now_ns);
    }

    fn end_window<D: Driver>(&mut self, course: &Course, driver: &D) {
        self.processes.end_window();
        course.begin_drain(driver.now_ns());
        self.until_ns = None;
        self.processes.weigh_end();
    }

    /// Writes down what was seen.
    pub(super) fn testify(self, course: &Course, evidence: &mut Evidence) {
        let window = course.window_ns();
        evidence.connections_wanted = self.connections;
        evidence.connecting_ns = self.connecting_ns.unwrap_or(0);
        evidence.window_ns = if window.start == u64::MAX || window.end == u64::MAX {
            0
        } else {
            window.end - window.start
        };
        evidence.cut_short = course.early_end();
        evidence.failure = course.failure();
        self.processes.testify(evidence);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}
