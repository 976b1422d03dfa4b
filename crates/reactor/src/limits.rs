//! The resource limits that decide how many connections fit, and how large a ring may be.

use std::fs::File;
use std::io;

/// Most sockets that one ring's own table can hold, whatever the limit: the kernel's `IORING_MAX_FIXED_FILES`.
const DIRECT_SOCKETS_MAX: u64 = 1 << 20;

/// Descriptors that are kept for what was accepted and not adopted yet (all of a full backlog, where the limit is large)
/// and for all that is no socket.
const SPARE_MAX: u64 = 4096;

/// Raises the soft limit of open descriptors to the hard one, and the hard one to what the system allows any process if
/// this process may (`CAP_SYS_RESOURCE`). Returns what then holds.
///
/// Linux starts processes with a soft limit of 1024 for the sake of programs that use `select`; we do not.
///
/// # Errors
/// If the kernel refuses, which it does for no ordinary reason.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = crate::sys::resource_limit(libc::RLIMIT_NOFILE)?;
    let system = crate::probe::open_files_max().unwrap_or(hard);
    if hard < system && crate::sys::set_resource_limit(libc::RLIMIT_NOFILE, system, system).is_ok()
    {
        return Ok(system);
    }
    // A hard limit from before the system's was lowered cannot be used whole.
    let most = hard.min(system);
    if soft < most {
        crate::sys::set_resource_limit(libc::RLIMIT_NOFILE, most, most)?;
    }
    Ok(soft.max(most))
}

/// Lets the process's table of descriptors grow to `count` entries of 8 bytes, while there is one thread. Later each doubling of it
/// would stop a thread in the middle of accepting or connecting until all CPUs have passed a quiet moment, for 5 to 20 ms:
/// 10,000 connections took 260 ms and take 230. Where this fails, that is all that happens.
pub fn make_room(count: u64) {
    let highest = i32::try_from(count.saturating_sub(1)).unwrap_or(i32::MAX);
    if let Ok(file) = File::open("/dev/null") {
        drop(rustix::io::fcntl_dupfd_cloexec(&file, highest));
    }
}

/// How many descriptors this process may have open now.
///
/// # Errors
/// If the kernel does not know the limit.
pub fn open_files() -> io::Result<u64> {
    let (soft, _) = crate::sys::resource_limit(libc::RLIMIT_NOFILE)?;
    Ok(soft)
}

/// How many sockets the drivers of one process can have together, if it may have `open_files` descriptors: those that the
/// process has room for, and as many in the own table of each of its `rings`.
#[must_use]
pub fn sockets(open_files: u64, rings: u64) -> u64 {
    let direct = if crate::probe::has_direct_sockets() {
        rings * direct_sockets(open_files)
    } else {
        0
    };
    ordinary_sockets(open_files) + direct
}

/// How many of a process's descriptors are for sockets.
pub(crate) fn ordinary_sockets(open_files: u64) -> u64 {
    open_files - (open_files / 8).min(SPARE_MAX)
}

/// How many sockets a ring's own table has room for.
pub(crate) fn direct_sockets(open_files: u64) -> u64 {
    open_files.min(DIRECT_SOCKETS_MAX)
}

/// How much memory this user's processes may lock, in bytes; `None` is no limit. Rings and buffer rings are charged to
/// it, unless the process has `CAP_IPC_LOCK`.
///
/// # Errors
/// If the kernel does not know the limit.
pub fn locked_memory_bytes() -> io::Result<Option<u64>> {
    let (soft, _) = crate::sys::resource_limit(libc::RLIMIT_MEMLOCK)?;
    Ok((soft != libc::RLIM_INFINITY).then_some(soft))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_end_at_the_hard_limit() {
        let raised = raise_open_files().unwrap();
        let (soft, hard) = crate::sys::resource_limit(libc::RLIMIT_NOFILE).unwrap();
        assert_eq!((soft, hard), (raised, raised));
        assert_eq!(open_files().unwrap(), raised);
    }

    #[test]
    fn some_descriptors_are_never_used_for_sockets() {
        assert_eq!(ordinary_sockets(1_024), 896);
        assert_eq!(ordinary_sockets(20_000), 17_500);
        assert_eq!(ordinary_sockets(1 << 20), (1 << 20) - SPARE_MAX);
    }
}
