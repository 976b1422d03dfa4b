//! The system calls that the standard library has no name for.
//!
//! One thin function for each, with the error as `io::Error`; nothing here decides anything. Together with
//! `driver/io_uring/` this is the only place in the crate where unsafe code may stand.

#![allow(unsafe_code)]

use std::io;
use std::mem::{self, ManuallyDrop};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};

/// Turns the C convention, -1 and `errno`, into a result.
fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// Wraps a descriptor that a system call has just made.
///
/// # Safety
/// `descriptor` is open and belongs to nobody else.
unsafe fn owned(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the caller's promise.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// An address as the kernel wants it, family and length included.
pub(crate) struct RawAddress {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl RawAddress {
    pub(crate) fn new(address: SocketAddr) -> Self {
        // SAFETY: all-zero is a valid `sockaddr_storage` (plain integers).
        let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
        let len = match address {
            SocketAddr::V4(v4) => {
                let raw = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(v4.ip().octets()),
                    },
                    sin_zero: [0; 8],
                };
                // SAFETY: `sockaddr_storage` is large and aligned enough for every address family.
                unsafe {
                    ptr::from_mut(&mut storage)
                        .cast::<libc::sockaddr_in>()
                        .write(raw)
                };
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(v6) => {
                let raw = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: v6.ip().octets(),
                    },
                    sin6_scope_id: v6.scope_id(),
                };
                // SAFETY: as above.
                unsafe {
                    ptr::from_mut(&mut storage)
                        .cast::<libc::sockaddr_in6>()
                        .write(raw)
                };
                size_of::<libc::sockaddr_in6>()
            }
        };
        Self {
            storage,
            len: len as libc::socklen_t,
        }
    }

    pub(crate) fn as_ptr(&self) -> *const libc::sockaddr {
        ptr::from_ref(&self.storage).cast()
    }

    pub(crate) fn len(&self) -> libc::socklen_t {
        self.len
    }
}

/// A TCP socket for the family of `address`.
pub(crate) fn stream_socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    // SAFETY: no pointers involved.
    let descriptor =
        checked(unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: just made.
    Ok(unsafe { owned(descriptor) })
}

/// Sets one integer option.
pub(crate) fn set_option(
    socket: &OwnedFd,
    level: libc::c_int,
    name: libc::c_int,
    value: u32,
) -> io::Result<()> {
    let value =
        libc::c_int::try_from(value).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    checked(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_ref(&value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    })?;
    Ok(())
}

/// Gives the socket its own address.
pub(crate) fn bind(socket: &OwnedFd, address: SocketAddr) -> io::Result<()> {
    let raw = RawAddress::new(address);
    // SAFETY: the pointer and the length describe `raw`, which outlives the call.
    checked(unsafe { libc::bind(socket.as_raw_fd(), raw.as_ptr(), raw.len()) })?;
    Ok(())
}

/// Gives the socket a source address and leaves its port open until it connects, so that one address can have one
/// connection per port *and destination*.
pub(crate) fn bind_source(socket: &OwnedFd, source: IpAddr) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)?;
    bind(socket, SocketAddr::new(source, 0))
}

/// Starts listening.
pub(crate) fn listen(socket: &OwnedFd, backlog: u32) -> io::Result<()> {
    let backlog = libc::c_int::try_from(backlog).unwrap_or(libc::c_int::MAX);
    // SAFETY: no pointers involved.
    checked(unsafe { libc::listen(socket.as_raw_fd(), backlog) })?;
    Ok(())
}

/// The address that the kernel gave a listener.
pub(crate) fn listener_address(socket: &OwnedFd) -> io::Result<SocketAddr> {
    // SAFETY: the descriptor is open for the length of the borrow, and `ManuallyDrop` keeps the
    // listener from closing it.
    let listener = ManuallyDrop::new(unsafe { TcpListener::from_raw_fd(socket.as_raw_fd()) });
    listener.local_addr()
}

/// The address of the other end; `None` if the socket is not connected any more.
pub(crate) fn peer_address(socket: &OwnedFd) -> Option<SocketAddr> {
    // SAFETY: as in `listener_address`.
    let stream = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(socket.as_raw_fd()) });
    stream.peer_addr().ok()
}

/// Ends the sending direction, or both.
pub(crate) fn shutdown(socket: &OwnedFd, how: std::net::Shutdown) -> io::Result<()> {
    // SAFETY: as in `listener_address`.
    let stream = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(socket.as_raw_fd()) });
    stream.shutdown(how)
}

/// A counter that a ring can poll and any thread can raise.
pub(crate) fn event() -> io::Result<OwnedFd> {
    // SAFETY: no pointers involved.
    let descriptor = checked(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
    // SAFETY: just made.
    Ok(unsafe { owned(descriptor) })
}

/// Raises an event. Raising it when it is at its maximum changes nothing, and that is as good.
pub(crate) fn raise_event(event: &OwnedFd) {
    let one = 1_u64;
    // SAFETY: the pointer and the length describe `one`, which outlives the call.
    unsafe {
        libc::write(
            event.as_raw_fd(),
            ptr::from_ref(&one).cast(),
            size_of::<u64>(),
        )
    };
}

/// Puts an event back to zero.
pub(crate) fn reset_event(event: &OwnedFd) {
    let mut count = 0_u64;
    // SAFETY: the pointer and the length describe `count`, which outlives the call.
    unsafe {
        libc::read(
            event.as_raw_fd(),
            ptr::from_mut(&mut count).cast(),
            size_of::<u64>(),
        )
    };
}

/// Nanoseconds of `CLOCK_MONOTONIC`, the same for every thread of the machine.
pub(crate) fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds that the calling thread has had of a processor.
pub(crate) fn thread_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` outlives the call. The call cannot fail: every Linux has the clocks named here.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The CPUs that the calling thread may run on, in ascending order.
pub(crate) fn allowed_cpus() -> io::Result<Vec<usize>> {
    // SAFETY: all-zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the pointer and the size describe `set`; 0 is the calling thread.
    checked(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) })?;
    let all = 0..libc::CPU_SETSIZE as usize;
    // SAFETY: every index is below CPU_SETSIZE.
    Ok(all
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect())
}

/// Keeps the calling thread on these CPUs.
pub(crate) fn stay_on_cpus(cpus: &[usize]) -> io::Result<()> {
    // SAFETY: all-zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    for &cpu in cpus {
        if cpu >= libc::CPU_SETSIZE as usize {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        // SAFETY: `cpu` is below CPU_SETSIZE.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    // SAFETY: the pointer and the size describe `set`; 0 is the calling thread.
    checked(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) })?;
    Ok(())
}

/// The soft and the hard value of a resource limit; `u64::MAX` is no limit.
pub(crate) fn resource_limit(resource: libc::__rlimit_resource_t) -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` outlives the call.
    checked(unsafe { libc::getrlimit(resource, &mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// Sets the soft and the hard value of a resource limit.
pub(crate) fn set_resource_limit(
    resource: libc::__rlimit_resource_t,
    soft: u64,
    hard: u64,
) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: `limit` outlives the call.
    checked(unsafe { libc::setrlimit(resource, &limit) })?;
    Ok(())
}

/// Private anonymous memory, page-aligned and zero; given back on drop.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
    leaked: bool,
}

impl Mapping {
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        // SAFETY: a fresh anonymous mapping touches no memory of ours.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            start,
            bytes,
            leaked: false,
        })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Keeps the memory for ever.
    pub(crate) fn leak(&mut self) {
        self.leaked = true;
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.leaked {
            return;
        }
        // SAFETY: exactly the range that `mmap` returned; whoever dropped us holds no pointer into it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}
