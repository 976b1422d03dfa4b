//! What a process costs, read from `/proc`: CPU time of all its threads, resident memory and its peak.
//!
//! The same for every server, whatever it is written in. CPU time has the scheduler's resolution, not that of ticks.

use std::fs;
use std::io;
use std::time::Duration;

/// A process, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub u32);

impl Process {
    /// How long its threads have run, those that ended not counted.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn cpu(&self) -> io::Result<Duration> {
        let mut total = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // A thread may end between the two looks.
            if let Ok(statistics) = fs::read_to_string(task?.path().join("schedstat")) {
                total += run_time(&statistics);
            }
        }
        Ok(total)
    }

    /// Resident bytes.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        self.status("VmRSS:")
    }

    /// Most resident bytes since [`forget_peak`](Self::forget_peak).
    ///
    /// # Errors
    /// If there is no such process.
    pub fn peak_bytes(&self) -> io::Result<u64> {
        self.status("VmHWM:")
    }

    /// Starts the peak anew.
    ///
    /// # Errors
    /// If there is no such process, or it is somebody else's.
    pub fn forget_peak(&self) -> io::Result<()> {
        fs::write(format!("/proc/{}/clear_refs", self.0), "5")
    }

    fn status(&self, name: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .map(|kib| kib * 1024)
            .ok_or_else(|| io::Error::other(format!("no {name} in its status")))
    }
}

/// How long this thread has run.
pub fn own_cpu() -> Duration {
    fs::read_to_string("/proc/thread-self/schedstat")
        .map_or(Duration::ZERO, |statistics| run_time(&statistics))
}

fn run_time(schedstat: &str) -> Duration {
    let first = schedstat.split(' ').next();
    Duration::from_nanos(first.and_then(|ns| ns.parse().ok()).unwrap_or_default())
}

/// What an attack cost both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The server's CPU time; `None` if its process is not known.
    pub server: Option<Duration>,
    /// The CPU time of the thread that attacked.
    pub attacker: Duration,
    /// By how much the server's memory was larger at its largest than before.
    pub memory_bytes: Option<u64>,
}

/// An attack under way.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    process: Option<Process>,
    server: Option<Duration>,
    attacker: Duration,
    resident_bytes: Option<u64>,
}

impl Meter {
    /// From now; the attack is this thread's.
    pub fn start(process: Option<Process>) -> Self {
        let resident_bytes = process.and_then(|process| {
            process.forget_peak().ok()?;
            process.resident_bytes().ok()
        });
        Self {
            process,
            server: process.and_then(|process| process.cpu().ok()),
            attacker: own_cpu(),
            resident_bytes,
        }
    }

    /// Until now.
    pub fn stop(&self) -> Cost {
        let attacker = own_cpu().saturating_sub(self.attacker);
        let server = self.process.and_then(|process| process.cpu().ok());
        let peak = self.process.and_then(|process| process.peak_bytes().ok());
        Cost {
            server: server
                .zip(self.server)
                .map(|(after, before)| after.saturating_sub(before)),
            attacker,
            memory_bytes: peak
                .zip(self.resident_bytes)
                .map(|(peak, before)| peak.saturating_sub(before)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_of_a_process_are_seen() {
        let own = Process(std::process::id());
        let meter = Meter::start(Some(own));
        let touched = vec![1u8; 32 << 20];
        assert_eq!(
            touched.iter().map(|&byte| u64::from(byte)).sum::<u64>(),
            32 << 20
        );
        drop(touched);
        let cost = meter.stop();
        assert!(cost.memory_bytes.is_some_and(|bytes| bytes >= 16 << 20));
        assert!(cost.attacker > Duration::ZERO && cost.server >= Some(Duration::ZERO));
    }
}
