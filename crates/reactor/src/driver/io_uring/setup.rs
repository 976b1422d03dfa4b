//! Making a ring: which features are asked for, what is given up when the machine is short of something, and what to
//! tell the operator when there is no way.
//!
//! Asked for: a single issuer with deferred task work (completions run inside our own enter, in batches, without
//! interrupting anything), its flag (so that a busy core can skip the system call), no submission array, and
//! a batch that one bad entry does not stop. No kernel polling thread: it costs a core for each ring and
//! excludes deferred task work. Short of lockable memory, smaller rings are tried; on a kernel before 6.6 the ring
//! does without NO_SQARRAY. Kernels before 6.1 are refused.

use super::buffers::{COUNT_MAX, ReceiveBuffers};
use crate::{limits, probe};
use io_uring::{IoUring, Probe, opcode};
use std::fmt;
use std::io;

/// Sizes of one core's ring. Rounded up to powers of two where the kernel wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSettings {
    /// Operations per submission; a turn with more submits more than once. Small enough to be used again while still in
    /// a near cache, and with it the kernel's requests: a thousand sends of 64 bytes took 1,361 ns each by 128
    /// entries, 1,375 by 256, 1,471 by 1,024 (medians of 300 interleaved rounds; an enter more is 250 ns).
    pub submission_entries: u32,
    /// Completions that fit before the kernel has to put them aside. At least eight times `submission_entries`,
    /// and more than multishots may fire in a turn.
    pub completion_entries: u32,
    /// Receive buffers shared by all sockets: about as many as become readable in one turn. More only pass
    /// more memory through the cache; with fewer, a socket that finds none has to be armed again. One is enough to work.
    pub receive_buffers: u16,
    /// Size of each; a longer read comes in several pieces, each of which costs the kernel another look at the socket.
    /// 17 KiB take a payload of 16 KiB with its header in one. 128 of them instead of 1,024 of 2 KiB: 84 against 114 ns for a delivery of 512
    /// bytes to a hundred with 64 under way, 34 against 40 us for one of 16 KiB to one; 64 of 32 KiB: a hundred publishers at
    /// once cost 123 against 85 ns (`cargo xtask peers` under RINGWIRE_IO_RECEIVE_BUFFERS=1024 RINGWIRE_IO_RECEIVE_BUFFER_BYTES=2KiB).
    pub receive_buffer_bytes: u32,
    /// Lockable memory that this ring may take; larger sizes are not even tried. The limit is the user's, not the
    /// ring's: without this the first core of several takes what the last one needs.
    pub locked_kib_max: u64,
    /// Descriptors of the process beyond which sockets live in the ring's own table; at most, and unless given, what the
    /// process may have less a reserve for accepting.
    pub ordinary_descriptors_max: u32,
}

impl Default for RingSettings {
    fn default() -> Self {
        Self {
            submission_entries: 128,
            completion_entries: 8192,
            receive_buffers: 128,
            receive_buffer_bytes: 17 << 10,
            locked_kib_max: u64::MAX,
            ordinary_descriptors_max: u32::MAX,
        }
    }
}

impl RingSettings {
    /// The same with nothing larger than given.
    fn at_most(self, submissions: u32, completions: u32, receive_buffers: u16) -> Self {
        Self {
            submission_entries: self.submission_entries.min(submissions),
            completion_entries: self.completion_entries.min(completions),
            receive_buffers: self.receive_buffers.min(receive_buffers),
            ..self
        }
    }

    /// What the ring, its completions and the buffer ring's header ask to be locked, whole pages counted.
    fn locked_kib(&self) -> u64 {
        const PAGES_BYTES: u64 = 8 << 10;
        let bytes = PAGES_BYTES
            + u64::from(self.submission_entries) * 64
            + u64::from(self.completion_entries) * 16
            + u64::from(self.receive_buffers) * 16;
        bytes.div_ceil(1024)
    }
}

/// Why there is no ring, in one line that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// `kernel.io_uring_disabled` forbids it.
    Disabled {
        /// The value of that setting.
        setting: u32,
    },
    /// Refused although the setting allows it: a seccomp profile.
    Blocked,
    /// The kernel has never heard of it.
    Absent {
        /// Its release.
        kernel: String,
    },
    /// The kernel is too old.
    Lacks {
        /// Its release.
        kernel: String,
        /// What it would need.
        feature: &'static str,
    },
    /// Not even a small ring could be locked in memory.
    LockedMemory {
        /// What the smallest attempt asked for.
        wanted_kib: u64,
        /// The limit, if there is one.
        limit_kib: Option<u64>,
    },
    /// No descriptor left for the ring.
    Descriptors,
    /// The settings themselves are impossible.
    Settings(&'static str),
    /// Anything else.
    Other {
        /// The call that failed.
        step: &'static str,
        /// How.
        error: io::Error,
    },
}

impl fmt::Display for SetupError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled { setting } => write!(
                out,
                "io_uring is disabled on this host (kernel.io_uring_disabled={setting}). \
                 Enable it with `sudo sysctl kernel.io_uring_disabled=0`."
            ),
            Self::Blocked => out.write_str(
                "io_uring is blocked by the container's seccomp profile. Use a profile that allows io_uring_setup, \
                 io_uring_enter and io_uring_register, or run with `--security-opt seccomp=unconfined`.",
            ),
            Self::Absent { kernel } => write!(
                out,
                "this kernel has no io_uring, or a sandbox hides it; need Linux 6.1 or later (found {kernel})."
            ),
            Self::Lacks { kernel, feature } => write!(
                out,
                "kernel {kernel} lacks {feature}; need Linux 6.1 or later (6.6 recommended)."
            ),
            Self::LockedMemory { wanted_kib, limit_kib } => {
                write!(out, "could not lock {wanted_kib} KiB for the rings (RLIMIT_MEMLOCK is ")?;
                match limit_kib {
                    Some(limit) => write!(out, "{limit} KiB")?,
                    None => out.write_str("unlimited, so memory itself is short")?,
                }
                out.write_str(
                    "): raise it with `ulimit -l unlimited`, systemd `LimitMEMLOCK=infinity` or Docker \
                     `--ulimit memlock=-1:-1`, or make the rings smaller.",
                )
            }
            Self::Descriptors => out.write_str(
                "no file descriptor left for a ring: raise the limit with `ulimit -n`, systemd `LimitNOFILE=` or \
                 Docker `--ulimit nofile=`.",
            ),
            Self::Settings(what) => out.write_str(what),
            Self::Other { step, error } => write!(out, "{step}: {error}"),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Other { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// A ring, its buffers, and the sizes that they ended up with.
pub(super) struct Built {
    pub(super) ring: IoUring,
    pub(super) buffers: ReceiveBuffers,
    pub(super) settings: RingSettings,
    pub(super) flags: &'static str,
}

/// Builds the largest ring that the machine grants, up to `settings`.
pub(super) fn build(settings: RingSettings) -> Result<Built, SetupError> {
    check(&settings)?;
    let sizes = [
        settings,
        settings.at_most(128, 1024, 256),
        settings.at_most(64, 512, 64),
    ];
    let smallest = sizes[sizes.len() - 1];
    let fits =
        |size: &RingSettings| size.locked_kib() <= settings.locked_kib_max || *size == smallest;
    for size in sizes.into_iter().filter(fits) {
        match build_sized(size) {
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {}
            Err(error) => return Err(explain(error)),
            Ok((ring, buffers, flags)) => {
                check_features(&ring)?;
                return Ok(Built {
                    ring,
                    buffers,
                    settings: size,
                    flags,
                });
            }
        }
    }
    Err(SetupError::LockedMemory {
        wanted_kib: smallest.locked_kib(),
        limit_kib: limits::locked_memory_bytes()
            .ok()
            .flatten()
            .map(|bytes| bytes / 1024),
    })
}

fn check(settings: &RingSettings) -> Result<(), SetupError> {
    if settings.submission_entries == 0 || settings.completion_entries < settings.submission_entries
    {
        return Err(SetupError::Settings(
            "a ring has fewer completion entries than submission entries",
        ));
    }
    if !(1..=COUNT_MAX).contains(&settings.receive_buffers) {
        return Err(SetupError::Settings(
            "the number of receive buffers is not between 1 and 32768",
        ));
    }
    if !(16..=1 << 20).contains(&settings.receive_buffer_bytes) {
        return Err(SetupError::Settings(
            "the size of receive buffers is not between 16 bytes and 1 MiB",
        ));
    }
    Ok(())
}

fn build_sized(settings: RingSettings) -> io::Result<(IoUring, ReceiveBuffers, &'static str)> {
    let (ring, flags) = build_ring(&settings)?;
    // Nothing on our path runs in the kernel's worker threads; the cap bounds a mistake. A kernel that does
    // not know the call has no such cap, and that is all.
    let _ = ring.submitter().register_iowq_max_workers(&mut [2, 2]);
    let buffers = ReceiveBuffers::register(
        &ring,
        settings.receive_buffers,
        settings.receive_buffer_bytes,
    )?;
    Ok((ring, buffers, flags))
}

fn build_ring(settings: &RingSettings) -> io::Result<(IoUring, &'static str)> {
    let mut builder = IoUring::builder();
    builder
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .setup_submit_all()
        .setup_clamp()
        .setup_cqsize(settings.completion_entries);
    let plain = builder.clone();
    match builder
        .setup_no_sqarray()
        .build(settings.submission_entries)
    {
        Ok(ring) => Ok((ring, "single_issuer defer_taskrun no_sqarray")),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            let ring = plain.build(settings.submission_entries)?;
            Ok((ring, "single_issuer defer_taskrun"))
        }
        Err(error) => Err(error),
    }
}

/// Turns what `io_uring_setup` says into what the operator can do.
fn explain(error: io::Error) -> SetupError {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => match probe::io_uring_disabled() {
            Some(setting @ 1..) => SetupError::Disabled { setting },
            _ => SetupError::Blocked,
        },
        Some(libc::ENOSYS) => SetupError::Absent {
            kernel: probe::kernel_release(),
        },
        Some(libc::EINVAL) => SetupError::Lacks {
            kernel: probe::kernel_release(),
            feature: "deferred task work or provided buffer rings",
        },
        Some(libc::EMFILE | libc::ENFILE) => SetupError::Descriptors,
        _ => SetupError::Other {
            step: "io_uring_setup",
            error,
        },
    }
}

/// Refuses a kernel that would fail later, one operation at a time.
fn check_features(ring: &IoUring) -> Result<(), SetupError> {
    let parameters = ring.params();
    let mut operations = Probe::new();
    ring.submitter()
        .register_probe(&mut operations)
        .map_err(|error| SetupError::Other {
            step: "io_uring_register (probe)",
            error,
        })?;
    let needs = [
        (
            parameters.is_feature_nodrop(),
            "completions that are never dropped",
        ),
        (parameters.is_feature_ext_arg(), "waiting with a timeout"),
        (parameters.is_feature_submit_stable(), "stable submissions"),
        (
            parameters.is_feature_skip_cqe_on_success(),
            "skipping completions",
        ),
        (operations.is_supported(opcode::AcceptMulti::CODE), "accept"),
        (operations.is_supported(opcode::Connect::CODE), "connect"),
        (operations.is_supported(opcode::Recv::CODE), "receive"),
        (operations.is_supported(opcode::Send::CODE), "send"),
        (
            operations.is_supported(opcode::SendMsg::CODE),
            "vectored send",
        ),
        (operations.is_supported(opcode::PollAdd::CODE), "poll"),
        (
            operations.is_supported(opcode::AsyncCancel::CODE),
            "cancellation",
        ),
        (
            operations.is_supported(opcode::MsgRingData::CODE),
            "messages between rings",
        ),
    ];
    match needs.iter().find(|(present, _)| !present) {
        None => Ok(()),
        Some(&(_, feature)) => Err(SetupError::Lacks {
            kernel: probe::kernel_release(),
            feature,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_names_its_remedy_in_one_line() {
        let refusals = [
            (
                SetupError::Disabled { setting: 2 },
                "sysctl kernel.io_uring_disabled=0",
            ),
            (SetupError::Blocked, "seccomp"),
            (
                SetupError::Absent {
                    kernel: "5.0".into(),
                },
                "6.1",
            ),
            (
                SetupError::Lacks {
                    kernel: "5.4".into(),
                    feature: "poll",
                },
                "kernel 5.4 lacks poll",
            ),
            (
                SetupError::LockedMemory {
                    wanted_kib: 9,
                    limit_kib: Some(8),
                },
                "ulimit -l unlimited",
            ),
            (
                SetupError::LockedMemory {
                    wanted_kib: 9,
                    limit_kib: None,
                },
                "unlimited",
            ),
            (SetupError::Descriptors, "ulimit -n"),
        ];
        for (refusal, remedy) in refusals {
            let line = refusal.to_string();
            assert!(line.contains(remedy), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn errors_of_setup_are_told_apart() {
        let explained = |code| explain(io::Error::from_raw_os_error(code));
        assert!(matches!(explained(libc::ENOSYS), SetupError::Absent { .. }));
        assert!(matches!(explained(libc::EINVAL), SetupError::Lacks { .. }));
        assert!(matches!(explained(libc::EMFILE), SetupError::Descriptors));
        assert!(matches!(explained(libc::EFAULT), SetupError::Other { .. }));
        let refused = explained(libc::EPERM);
        match probe::io_uring_disabled() {
            Some(1..) => assert!(matches!(refused, SetupError::Disabled { .. })),
            _ => assert!(matches!(refused, SetupError::Blocked)),
        }
    }

    #[test]
    fn impossible_settings_are_refused_before_the_kernel_is_asked() {
        let good = RingSettings::default();
        let impossible = [
            RingSettings {
                receive_buffers: 0,
                ..good
            },
            RingSettings {
                receive_buffers: 40_000,
                ..good
            },
            RingSettings {
                receive_buffer_bytes: 1,
                ..good
            },
            RingSettings {
                submission_entries: 0,
                ..good
            },
            RingSettings {
                completion_entries: 16,
                ..good
            },
        ];
        for settings in impossible {
            assert!(
                matches!(build(settings), Err(SetupError::Settings(_))),
                "{settings:?}"
            );
        }
    }
}
