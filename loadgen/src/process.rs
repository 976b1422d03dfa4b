//! What the kernel says about a process: the run time of each of its threads, and its resident memory.
//!
//! Run time is the first field of `/proc/PID/task/*/schedstat`, in nanoseconds: user and kernel time of every thread, kernel
//! workers of its rings included. The kernel brings it up to date at each switch and timer tick, so a running thread's figure is
//! up to one tick (1 to 10 ms) old.

use std::collections::HashMap;
use std::fs;
use std::io;

/// The run time of each thread of a process at one moment.
#[derive(Clone, Debug, Default)]
pub struct CpuSample {
    run_ns: HashMap<u32, u64>,
}

/// What a process used between two samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuUse {
    /// By all threads.
    pub total_ns: u64,
    /// By the thread that used most.
    pub busiest_thread_ns: u64,
    /// Threads alive at the end.
    pub threads: usize,
}

impl CpuSample {
    /// Reads the present run time of all threads of `pid`.
    pub fn take(pid: u32) -> io::Result<CpuSample> {
        let mut run_ns = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let entry = entry?;
            let thread = entry
                .file_name()
                .to_string_lossy()
                .parse()
                .map_err(io::Error::other)?;
            // A thread that ends meanwhile is no error; its share of the window is lost.
            if let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) {
                run_ns.insert(thread, first_number(&text)?);
            }
        }
        Ok(CpuSample { run_ns })
    }

    /// What was used since `earlier`. A thread that is new counts from its birth.
    pub fn since(&self, earlier: &CpuSample) -> CpuUse {
        let used = self.run_ns.iter().map(|(thread, now_ns)| {
            now_ns.saturating_sub(earlier.run_ns.get(thread).copied().unwrap_or(0))
        });
        used.fold(CpuUse::default(), |sum, used_ns| {
            sum.plus(CpuUse {
                total_ns: used_ns,
                busiest_thread_ns: used_ns,
                threads: 1,
            })
        })
    }
}

impl CpuUse {
    /// Both together.
    pub fn plus(self, other: CpuUse) -> CpuUse {
        CpuUse {
            total_ns: self.total_ns + other.total_ns,
            busiest_thread_ns: self.busiest_thread_ns.max(other.busiest_thread_ns),
            threads: self.threads + other.threads,
        }
    }
}

/// The resident memory of `pid` in bytes, counted page by page. The counter in `/proc/PID/status` is kept for each CPU apart
/// and may be off by some hundred kibibytes, which is much beside ten thousand idle connections; it serves where the kernel
/// does not let this process see the other's pages.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    labelled(&format!("/proc/{pid}/smaps_rollup"), "Rss:")
        .map(|kibibytes| kibibytes * 1024)
        .or_else(|_| resident_bytes_roughly(pid))
}

/// The same from `/proc/PID/status`: cheap, and nothing waits for it in the other process.
pub fn resident_bytes_roughly(pid: u32) -> io::Result<u64> {
    Ok(labelled(&format!("/proc/{pid}/status"), "VmRSS:")? * 1024)
}

/// The number behind a label; 0 where there is no such line.
fn labelled(file: &str, label: &str) -> io::Result<u64> {
    let text = fs::read_to_string(file)?;
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

    fn sample(threads: &[(u32, u64)]) -> CpuSample {
        CpuSample {
            run_ns: threads.iter().copied().collect(),
        }
    }

    #[test]
    fn differences_are_by_thread() {
        let used =
            sample(&[(1, 500), (2, 90), (4, 30)]).since(&sample(&[(1, 100), (2, 80), (3, 1_000)]));
        assert_eq!(
            used,
            CpuUse {
                total_ns: 440,
                busiest_thread_ns: 400,
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
    fn a_process_that_is_not_there_is_an_error() {
        assert!(CpuSample::take(u32::MAX).is_err());
        assert!(resident_bytes(u32::MAX).is_err());
    }
}
