//! Leads a run from phase to phase, and looks at the processes exactly where the measured window begins and ends.
//!
//! The first worker calls it at each of its turns. So with one thread the window's ends, the counters and the CPU samples all
//! belong to the same instant.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use reactor::clock::monotonic_ns;

use super::course::{Course, Phase};
use crate::evidence::{Evidence, ServerUse};
use crate::failure::Failure;
use crate::plan::{Plan, Times};
use crate::process::{CpuSample, CpuUse, resident_bytes};
use crate::quantity;

/// Leads one run.
#[derive(Debug)]
pub(super) struct Conductor {
    times: Times,
    connections: u64,
    /// When the first connection was begun.
    started_ns: Option<u64>,
    /// When the present phase ends by itself.
    until_ns: Option<u64>,
    own: Watch,
    server: Option<Watch>,
    connecting_ns: u64,
    tells: bool,
}

/// A process: its CPU time at both ends of the part of the run that is looked at, and its resident memory on the way.
#[derive(Debug)]
struct Watch {
    pid: u32,
    before: CpuSample,
    after: CpuSample,
    connecting: CpuUse,
    resident_bytes_before: u64,
    resident_bytes_connected: u64,
    resident_bytes_end: u64,
}

impl Conductor {
    /// Takes the first look at the server.
    pub(super) fn new(plan: &Plan) -> Result<Conductor, Failure> {
        let server = plan.server_pid.map(|pid| {
            Watch::new(pid).map_err(|error| {
                Failure::Usage(format!(
                    "--server-pid {pid}: its /proc files cannot be read: {error}"
                ))
            })
        });
        let own = Watch::new(std::process::id())
            .map_err(|error| Failure::Environment(format!("/proc cannot be read: {error}")))?;
        let conductor = Conductor {
            times: plan.times,
            connections: u64::from(plan.layout.subscribers) + u64::from(plan.layout.lines()),
            started_ns: None,
            until_ns: None,
            own,
            server: server.transpose()?,
            connecting_ns: 0,
            tells: stderr().is_terminal(),
        };
        conductor.tell(|| format!("connecting {}", quantity::grouped(conductor.connections)));
        Ok(conductor)
    }

    /// Moves the run on if it is time, and returns when to look again.
    pub(super) fn turn(&mut self, course: &Course, now_ns: u64) -> Option<u64> {
        let is_due = self.until_ns.is_some_and(|until_ns| now_ns >= until_ns);
        let is_ending = course.early_end().is_some();
        match course.phase() {
            Phase::Connect if is_ending => course.fail(Failure::Interrupted),
            Phase::Connect if self.started_ns.is_none() => {
                self.look(|watch, sample| watch.before = sample);
                self.started_ns = Some(monotonic_ns());
            }
            Phase::Connect if self.until_ns.is_none() && course.all_connected() => {
                self.end_connecting(now_ns);
            }
            Phase::Connect if is_due => self.begin_warm_up(course),
            Phase::WarmUp if is_ending => {
                self.until_ns = None;
                course.begin_drain(0);
            }
            Phase::WarmUp if is_due => self.begin_window(course),
            Phase::Measure if is_due || is_ending => self.end_window(course),
            Phase::Drain if course.all_drained() => course.begin_close(),
            _ => {}
        }
        self.until_ns
    }

    fn end_connecting(&mut self, now_ns: u64) {
        self.connecting_ns = now_ns - self.started_ns.unwrap_or(now_ns);
        self.look(|watch, sample| {
            watch.connecting = sample.since(&watch.before);
            watch.before = sample.clone();
            watch.after = sample;
        });
        self.until_ns = Some(now_ns + nanoseconds(self.times.settle));
    }

    fn begin_warm_up(&mut self, course: &Course) {
        for watch in self.watches() {
            watch.resident_bytes_connected = watch.resident_bytes();
        }
        let now_ns = monotonic_ns();
        self.until_ns = Some(now_ns + nanoseconds(self.times.warm_up));
        self.tell(|| format!("connected, publishing; warm-up {:?}", self.times.warm_up));
        course.begin_warm_up(now_ns);
    }

    fn begin_window(&mut self, course: &Course) {
        self.tell(|| format!("measuring {:?}", self.times.measure));
        self.look(|watch, sample| watch.before = sample);
        let now_ns = monotonic_ns();
        self.until_ns = Some(now_ns + nanoseconds(self.times.measure));
        course.begin_window(now_ns);
    }

    fn end_window(&mut self, course: &Course) {
        self.look(|watch, sample| watch.after = sample);
        course.begin_drain(monotonic_ns());
        self.until_ns = None;
        for watch in self.watches() {
            watch.resident_bytes_end = watch.resident_bytes();
        }
        self.tell(|| "measured; waiting for what is on its way".to_owned());
    }

    /// A server that has gone away meanwhile is told by its connections; its figures are then those of the last look.
    fn look(&mut self, keep: impl Fn(&mut Watch, CpuSample)) {
        for watch in self.watches() {
            if let Ok(sample) = CpuSample::take(watch.pid) {
                keep(watch, sample);
            }
        }
    }

    fn watches(&mut self) -> impl Iterator<Item = &mut Watch> {
        self.server.iter_mut().chain([&mut self.own])
    }

    fn tell(&self, line: impl FnOnce() -> String) {
        if self.tells {
            eprintln!("{}", line());
        }
    }

    /// Writes down what was seen.
    pub(super) fn testify(self, course: &Course, evidence: &mut Evidence) {
        let window = course.window_ns();
        evidence.connections = self.connections;
        evidence.connecting_ns = self.connecting_ns;
        evidence.window_ns = if window.start == u64::MAX {
            0
        } else {
            window.end - window.start
        };
        evidence.cut_short = course.early_end();
        evidence.own_cpu = self.own.after.since(&self.own.before);
        evidence.own_connecting_cpu = self.own.connecting;
        evidence.own_resident_bytes =
            self.own.resident_bytes_before..self.own.resident_bytes_connected;
        evidence.server = self.server.map(|watch| ServerUse {
            pid: watch.pid,
            cpu: watch.after.since(&watch.before),
            connecting_cpu: watch.connecting,
            resident_bytes_before: watch.resident_bytes_before,
            resident_bytes_connected: watch.resident_bytes_connected,
            resident_bytes_end: watch.resident_bytes_end,
        });
    }
}

impl Watch {
    fn new(pid: u32) -> std::io::Result<Watch> {
        let sample = CpuSample::take(pid)?;
        Ok(Watch {
            pid,
            before: sample.clone(),
            after: sample,
            connecting: CpuUse::default(),
            resident_bytes_before: resident_bytes(pid)?,
            resident_bytes_connected: 0,
            resident_bytes_end: 0,
        })
    }

    /// 0 of a process that has gone away.
    fn resident_bytes(&self) -> u64 {
        resident_bytes(self.pid).unwrap_or(0)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}
