//! The clocks of the machine.
//!
//! One for deadlines, which never jumps; one for stamping publications, which may; and one that tells what a thread costs.

use std::time::{SystemTime, UNIX_EPOCH};

/// Monotonic nanoseconds; the same clock for every thread of the machine.
#[must_use]
pub fn monotonic_ns() -> u64 {
    crate::sys::monotonic_ns()
}

/// Milliseconds since the Unix epoch; 0 on a machine whose clock stands before it.
#[must_use]
pub fn unix_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0, |duration| duration.as_millis() as u64)
}

/// Nanoseconds of processor time that the calling thread has used.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    crate::sys::thread_cpu_ns()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_never_goes_back_and_does_move() {
        let start = monotonic_ns();
        let mut last = start;
        while last == start {
            let now = monotonic_ns();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn a_thread_that_works_uses_processor_time_and_not_more_than_passes() {
        let (start_ns, start_cpu_ns) = (monotonic_ns(), thread_cpu_ns());
        while thread_cpu_ns() < start_cpu_ns + 1_000_000 {}
        let used_ns = thread_cpu_ns() - start_cpu_ns;
        assert!(used_ns <= monotonic_ns() - start_ns);
    }

    #[test]
    fn unix_time_is_in_this_century() {
        assert!((946_684_800_000..4_102_444_800_000).contains(&unix_ms()));
    }
}
