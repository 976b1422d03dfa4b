//! What the kernel says about a process: the run time and the context switches of its threads, and its resident memory.
//!
//! Run time is the first field of `/proc/PID/task/*/schedstat`, in nanoseconds: user and kernel time of every thread, kernel
//! workers of its rings included. The second is how long the thread was ready to run and had no CPU. The kernel brings it up to date at each switch and timer tick, so a running thread's figure is
//! up to one tick (1 to 10 ms) old.

use std::collections::HashMap;
use std::fs;
use std::io;

/// The run time of each thread of a process at one moment.
#[derive(Clone, Debug, Default)]
pub struct CpuSample {
    threads: HashMap<u32, ThreadTimes>,
}

#[derive(Clone, Copy, Debug, Default)]
struct ThreadTimes {
    run_ns: u64,
    waited_ns: u64,
}

/// What a process used between two samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuUse {
    /// By all threads.
    pub total_ns: u64,
    /// By the thread that used most.
    pub busiest_thread_ns: u64,
    /// By the thread that ran, or was ready to and had no CPU, for longest.
    pub wanted_thread_ns: u64,
    /// By the thread that was ready to run and had no CPU for longest.
    pub waited_thread_ns: u64,
    /// Threads alive at the end.
    pub threads: usize,
}

/// How often each thread of a process was taken off its CPU, up to one moment.
#[derive(Clone, Debug, Default)]
pub struct SwitchSample {
    switches: HashMap<u32, Switches>,
}

/// Context switches of a process between two samples, from `/proc/PID/task/*/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// Its threads had nothing to do, or waited.
    pub voluntary: u64,
    /// The kernel gave the CPU to somebody else.
    pub involuntary: u64,
}

impl SwitchSample {
    /// Reads the counters of all threads of `pid`.
    pub fn take(pid: u32) -> io::Result<SwitchSample> {
        let switches = of_each_thread(pid, "status", |status| {
            Ok(Switches {
                voluntary: labelled(status, "voluntary_ctxt_switches:")?,
                involuntary: labelled(status, "nonvoluntary_ctxt_switches:")?,
            })
        })?;
        Ok(SwitchSample { switches })
    }

    /// What has happened since `earlier`. A thread that is new counts from its birth.
    pub fn since(&self, earlier: &SwitchSample) -> Switches {
        let mut sum = Switches::default();
        for (thread, now) in &self.switches {
            let before = earlier.switches.get(thread).copied().unwrap_or_default();
            sum.voluntary += now.voluntary.saturating_sub(before.voluntary);
            sum.involuntary += now.involuntary.saturating_sub(before.involuntary);
        }
        sum
    }
}

impl CpuSample {
    /// Reads the present run time of all threads of `pid`.
    pub fn take(pid: u32) -> io::Result<CpuSample> {
        let threads = of_each_thread(pid, "schedstat", ThreadTimes::read)?;
        Ok(CpuSample { threads })
    }

    /// What was used since `earlier`. A thread that is new counts from its birth.
    pub fn since(&self, earlier: &CpuSample) -> CpuUse {
        let used = self.threads.iter().map(|(thread, now)| {
            let before = earlier.threads.get(thread).copied().unwrap_or_default();
            let run_ns = now.run_ns.saturating_sub(before.run_ns);
            let waited_ns = now.waited_ns.saturating_sub(before.waited_ns);
            CpuUse {
                total_ns: run_ns,
                busiest_thread_ns: run_ns,
                wanted_thread_ns: run_ns + waited_ns,
                waited_thread_ns: waited_ns,
                threads: 1,
            }
        });
        used.fold(CpuUse::default(), CpuUse::plus)
    }
}

impl ThreadTimes {
    fn read(schedstat: &str) -> io::Result<ThreadTimes> {
        let mut numbers = schedstat.split_whitespace();
        let mut next = || first_number(numbers.next().unwrap_or_default());
        Ok(ThreadTimes {
            run_ns: next()?,
            waited_ns: next()?,
        })
    }
}

impl CpuUse {
    /// Both together.
    pub fn plus(self, other: CpuUse) -> CpuUse {
        CpuUse {
            total_ns: self.total_ns + other.total_ns,
            busiest_thread_ns: self.busiest_thread_ns.max(other.busiest_thread_ns),
            wanted_thread_ns: self.wanted_thread_ns.max(other.wanted_thread_ns),
            waited_thread_ns: self.waited_thread_ns.max(other.waited_thread_ns),
            threads: self.threads + other.threads,
        }
    }
}

/// The resident memory of `pid` in bytes, counted page by page. The counter in `/proc/PID/status` is kept for each CPU apart
/// and may be off by some hundred kibibytes, which is much beside ten thousand idle connections; it serves where the kernel
/// does not let this process see the other's pages.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .and_then(|text| labelled(&text, "Rss:"))
        .map(|kibibytes| kibibytes * 1024)
        .or_else(|_| resident_bytes_roughly(pid))
}

/// The same from `/proc/PID/status`: cheap, and nothing waits for it in the other process.
pub fn resident_bytes_roughly(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(labelled(&status, "VmRSS:")? * 1024)
}

/// What `read` finds in this file of each thread.
fn of_each_thread<T>(
    pid: u32,
    file: &str,
    read: impl Fn(&str) -> io::Result<T>,
) -> io::Result<HashMap<u32, T>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let entry = entry?;
        let thread = entry
            .file_name()
            .to_string_lossy()
            .parse()
            .map_err(io::Error::other)?;
        // A thread that ends meanwhile is no error; its share of the window is lost.
        if let Ok(text) = fs::read_to_string(entry.path().join(file)) {
            found.insert(thread, read(&text)?);
        }
    }
    Ok(found)
}

/// The number behind a label; 0 where there is no such line.
fn labelled(text: &str, label: &str) -> io::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    first_number(line.unwrap_or("0"))
}

fn first_number(text: &str) -> io::Result<u64> {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(threads: &[(u32, u64, u64)]) -> CpuSample {
        let times = |&(thread, run_ns, waited_ns)| (thread, ThreadTimes { run_ns, waited_ns });
        CpuSample {
            threads: threads.iter().map(times).collect(),
        }
    }

    #[test]
    fn differences_are_by_thread() {
        let used = sample(&[(1, 500, 0), (2, 90, 970), (4, 30, 10)]).since(&sample(&[
            (1, 100, 0),
            (2, 80, 20),
            (3, 1_000, 0),
        ]));
        assert_eq!(
            used,
            CpuUse {
                total_ns: 440,
                busiest_thread_ns: 400,
                wanted_thread_ns: 960,
                waited_thread_ns: 950,
                threads: 3
            }
        );
    }

    #[test]
    fn this_process_has_used_time_and_memory() {
        let own = CpuSample::take(std::process::id()).expect("Linux");
        assert!(own.since(&CpuSample::default()).threads > 0);
        assert!(resident_bytes(std::process::id()).expect("Linux") > 100_000);
    }

    #[test]
    fn waiting_is_a_voluntary_switch() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let before = SwitchSample::take(std::process::id()).expect("Linux");
        let waiting = std::thread::spawn(move || receiver.recv());
        // The other thread counts from its birth, and is asleep once it was switched away from.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let after = SwitchSample::take(std::process::id()).expect("Linux");
            if after.since(&before).voluntary > 0 {
                break;
            }
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        drop(sender);
        assert!(waiting.join().expect("it only waits").is_err());
    }

    #[test]
    fn switches_are_differences_by_thread() {
        let sample = |switches: &[(u32, u64, u64)]| SwitchSample {
            switches: switches
                .iter()
                .map(|&(thread, voluntary, involuntary)| {
                    (
                        thread,
                        Switches {
                            voluntary,
                            involuntary,
                        },
                    )
                })
                .collect(),
        };
        let since = sample(&[(1, 10, 5), (2, 3, 1)]).since(&sample(&[(1, 4, 5), (3, 100, 100)]));
        assert_eq!((since.voluntary, since.involuntary), (9, 1));
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(CpuSample::take(u32::MAX).is_err());
        assert!(resident_bytes(u32::MAX).is_err());
    }
}
