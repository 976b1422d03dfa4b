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
use crate::process::{CpuSample, resident_bytes};
use crate::quantity;

/// Leads one run.
#[derive(Debug)]
pub(super) struct Conductor {
    times: Times,
    connections: u64,
    started_ns: u64,
    /// When the present phase ends by itself.
    until_ns: Option<u64>,
    own: Watch,
    server: Option<Watch>,
    memory: Memory,
    connecting_ns: u64,
    tells: bool,
}

/// A process, looked at twice.
#[derive(Debug)]
struct Watch {
    pid: u32,
    before: CpuSample,
    after: CpuSample,
}

#[derive(Debug, Default)]
struct Memory {
    before: u64,
    connected: u64,
    end: u64,
}

impl Conductor {
    /// Takes the first look at the server.
    pub(super) fn new(plan: &Plan) -> Result<Conductor, Failure> {
        let mut memory = Memory::default();
        let server = match plan.server_pid {
            None => None,
            Some(pid) => {
                let watch = Watch::new(pid)
                    .and_then(|watch| resident_bytes(pid).map(|bytes| (watch, bytes)));
                let (watch, bytes) = watch.map_err(|error| {
                    Failure::Usage(format!(
                        "--server-pid {pid}: its /proc files cannot be read: {error}"
                    ))
                })?;
                memory.before = bytes;
                Some(watch)
            }
        };
        let own = Watch::new(std::process::id())
            .map_err(|error| Failure::Environment(format!("/proc cannot be read: {error}")))?;
        let conductor = Conductor {
            times: plan.times,
            connections: u64::from(plan.layout.subscribers) + u64::from(plan.layout.lines()),
            started_ns: monotonic_ns(),
            until_ns: None,
            own,
            server,
            memory,
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
            Phase::Connect if self.until_ns.is_none() && course.all_connected() => {
                self.connecting_ns = now_ns - self.started_ns;
                self.until_ns = Some(now_ns + nanoseconds(self.times.settle));
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

    fn begin_warm_up(&mut self, course: &Course) {
        self.memory.connected = self.server_memory();
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
        self.memory.end = self.server_memory();
        self.tell(|| "measured; waiting for what is on its way".to_owned());
    }

    /// A server that has gone away meanwhile is told by its connections; its figures are then those of the last look.
    fn look(&mut self, keep: impl Fn(&mut Watch, CpuSample)) {
        for watch in self.server.iter_mut().chain([&mut self.own]) {
            if let Ok(sample) = CpuSample::take(watch.pid) {
                keep(watch, sample);
            }
        }
    }

    fn server_memory(&self) -> u64 {
        self.server
            .as_ref()
            .and_then(|watch| resident_bytes(watch.pid).ok())
            .unwrap_or(0)
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
        evidence.server = self.server.map(|watch| ServerUse {
            pid: watch.pid,
            cpu: watch.after.since(&watch.before),
            resident_bytes_before: self.memory.before,
            resident_bytes_connected: self.memory.connected,
            resident_bytes_end: self.memory.end,
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
        })
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}
