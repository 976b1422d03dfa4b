//! What kernel this is and what it says about io_uring, for the start-up banner and for refusals.

use std::fs;

/// The kernel's release, as `uname -r` prints it.
#[must_use]
pub fn kernel_release() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    release.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// The setting `kernel.io_uring_disabled`: 0 is allowed, 1 for a privileged group only, 2 not at all. `None` where the
/// kernel has no such setting (before 6.6).
#[must_use]
pub fn io_uring_disabled() -> Option<u32> {
    let setting = fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok()?;
    setting.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_starts_with_a_number() {
        assert!(kernel_release().starts_with(|first: char| first.is_ascii_digit()));
    }
}
