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

/// How many descriptors the system lets any process have (`fs.nr_open`).
pub(crate) fn open_files_max() -> Option<u64> {
    let setting = fs::read_to_string("/proc/sys/fs/nr_open").ok()?;
    setting.trim().parse().ok()
}

/// Whether a ring's own table of files is fit for sockets. Before 6.13 a file that was taken out stayed open, without a
/// FIN, as long as any operation on an older one was in flight; a receive that is armed for days is one.
pub(crate) fn has_direct_sockets() -> bool {
    version(&kernel_release()) >= Some((6, 13))
}

/// The first two numbers of a release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_an_order() {
        assert_eq!(version("6.18.44-fc"), Some((6, 18)));
        assert_eq!(version("6.9-rc1"), Some((6, 9)));
        assert!(version("6.9.3") < version("6.13.0") && version("5.19.0") < version("6.1"));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn a_release_starts_with_a_number() {
        assert!(kernel_release().starts_with(|first: char| first.is_ascii_digit()));
    }
}
