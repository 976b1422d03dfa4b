//! The processes that take part: their CPU time at both ends of what is looked at, and their resident memory on the way.
//!
//! A simulation has none: there the generator's process does everything, and its figures would say nothing.

use crate::evidence::{Evidence, ServerUse};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::process::{CpuSample, CpuUse, SwitchSample, Switches, resident_bytes};

/// The generator's own process and the server's, as far as they are looked at.
#[derive(Debug, Default)]
pub(super) struct Processes {
    own: Option<Watch>,
    server: Option<Watch>,
    /// The server's context switches: at the beginning of the window, then of the window.
    switches_before: SwitchSample,
    switches: Switches,
}

/// One process.
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

impl Processes {
    /// Takes the first look at this process, and at the server's if it is known.
    pub(super) fn of(plan: &Plan) -> Result<Processes, Failure> {
        let server = plan.server_pid.map(|pid| {
            Watch::new(pid).map_err(|error| {
                Failure::Usage(format!(
                    "--server-pid {pid}: its /proc files cannot be read: {error}"
                ))
            })
        });
        let own = Watch::new(std::process::id())
            .map_err(|error| Failure::Environment(format!("/proc cannot be read: {error}")))?;
        Ok(Processes {
            own: Some(own),
            server: server.transpose()?,
            ..Processes::default()
        })
    }

    /// The first connection is about to be begun.
    pub(super) fn begin_connecting(&mut self) {
        self.look(|watch, sample| watch.before = sample);
    }

    /// All connections stand.
    pub(super) fn end_connecting(&mut self) {
        self.look(|watch, sample| {
            watch.connecting = sample.since(&watch.before);
            watch.before = sample.clone();
            watch.after = sample;
        });
    }

    /// All connections have been silent for a moment.
    pub(super) fn weigh_connected(&mut self) {
        for watch in self.all() {
            watch.resident_bytes_connected = watch.resident_bytes();
        }
    }

    /// The measured window begins.
    pub(super) fn begin_window(&mut self) {
        self.switches_before = self.look_at_switches().unwrap_or_default();
        self.look(|watch, sample| watch.before = sample);
    }

    /// The measured window ends.
    pub(super) fn end_window(&mut self) {
        self.look(|watch, sample| watch.after = sample);
        if let Some(after) = self.look_at_switches() {
            self.switches = after.since(&self.switches_before);
        }
    }

    fn look_at_switches(&self) -> Option<SwitchSample> {
        SwitchSample::take(self.server.as_ref()?.pid).ok()
    }

    /// The measured window has ended.
    pub(super) fn weigh_end(&mut self) {
        for watch in self.all() {
            watch.resident_bytes_end = watch.resident_bytes();
        }
    }

    /// A server that has gone away meanwhile is told by its connections; its figures are then those of the last look.
    fn look(&mut self, keep: impl Fn(&mut Watch, CpuSample)) {
        for watch in self.all() {
            if let Ok(sample) = CpuSample::take(watch.pid) {
                keep(watch, sample);
            }
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Watch> {
        self.server.iter_mut().chain(&mut self.own)
    }

    /// Writes down what was seen.
    pub(super) fn testify(self, evidence: &mut Evidence) {
        if let Some(own) = self.own {
            evidence.own_cpu = own.after.since(&own.before);
            evidence.own_connecting_cpu = own.connecting;
            evidence.own_resident_bytes = own.resident_bytes_before..own.resident_bytes_connected;
        }
        evidence.server = self.server.map(|watch| ServerUse {
            pid: watch.pid,
            cpu: watch.after.since(&watch.before),
            connecting_cpu: watch.connecting,
            switches: self.switches,
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
