//! The resource limits that decide how many connections fit, and how large a ring may be.

use std::io;

/// Raises the soft limit of open descriptors to the hard one and returns what then holds.
///
/// Linux starts processes with a soft limit of 1024 for the sake of programs that use `select`; we do not.
///
/// # Errors
/// If the kernel refuses, which it does for no ordinary reason.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = crate::sys::resource_limit(libc::RLIMIT_NOFILE)?;
    if soft < hard {
        crate::sys::set_resource_limit(libc::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
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
    }
}
