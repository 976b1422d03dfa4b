//! Where a socket's descriptor lives: in the table of the process, or in one of the ring's own.
//!
//! The process may have `RLIMIT_NOFILE` descriptors, and each ring a table of as many more ("direct descriptors"). A
//! socket is ordinary as long as the process has descriptors left, for an ordinary one can be shut down by a system call at
//! once; when they run short, new ones move into the ring's table, so that the process keeps some to accept with. A send
//! costs the same either way; to move in is two system calls (0.8 us), and to shut down one direction is left to a
//! worker thread of the kernel (4 us). So nothing changes for whoever never comes near the limit.
//!
//! The table is registered with its first socket, at its full size of 8 bytes for each, for it cannot grow.

use crate::{limits, probe};
use io_uring::{IoUring, squeue, types};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// The descriptor of one socket.
#[derive(Debug)]
pub(super) enum Descriptor {
    Ordinary(OwnedFd),
    /// Its place in the ring's table.
    Direct(u32),
}

impl Descriptor {
    /// How an entry names it.
    pub(super) fn target(&self) -> (types::Fd, squeue::Flags) {
        match self {
            Self::Ordinary(descriptor) => {
                (types::Fd(descriptor.as_raw_fd()), squeue::Flags::empty())
            }
            Self::Direct(place) => (types::Fd(*place as RawFd), squeue::Flags::FIXED_FILE),
        }
    }
}

/// The places of one ring's table, and when to use them.
#[derive(Debug)]
pub(super) struct Descriptors {
    /// A descriptor with a higher number than that of the process's is short.
    ordinary_max: u32,
    free: Vec<u32>,
    /// Places that were ever used.
    used: u32,
    /// Places of the table; `None` before it is registered.
    places: Option<u32>,
}

impl Descriptors {
    pub(super) fn new(ordinary_max: u32) -> Self {
        let limit = limits::open_files().unwrap_or(u64::MAX);
        let left = u32::try_from(limits::ordinary_sockets(limit)).unwrap_or(u32::MAX);
        Self {
            ordinary_max: ordinary_max.min(left),
            free: Vec::new(),
            used: 0,
            places: None,
        }
    }

    /// Finds a socket its place.
    pub(super) fn settle(&mut self, ring: &IoUring, descriptor: OwnedFd) -> Descriptor {
        // Descriptors are never negative.
        if (descriptor.as_raw_fd() as u32) < self.ordinary_max {
            return Descriptor::Ordinary(descriptor);
        }
        let Some(place) = self.free_place(ring) else {
            return Descriptor::Ordinary(descriptor);
        };
        let moved = ring
            .submitter()
            .register_files_update(place, &[descriptor.as_raw_fd()]);
        match moved {
            // The table holds the socket now, and the ordinary descriptor is closed.
            Ok(_) => Descriptor::Direct(place),
            Err(_) => {
                self.free.push(place);
                Descriptor::Ordinary(descriptor)
            }
        }
    }

    /// Closes a socket that nothing is in flight of.
    pub(super) fn close(&mut self, ring: &IoUring, descriptor: Descriptor) {
        if let Descriptor::Direct(place) = descriptor {
            ring.submitter()
                .register_files_update(place, &[-1])
                .expect("a place in use can be emptied");
            self.free.push(place);
        }
    }

    fn free_place(&mut self, ring: &IoUring) -> Option<u32> {
        if let Some(place) = self.free.pop() {
            return Some(place);
        }
        let places = *self.places.get_or_insert_with(|| register(ring));
        (self.used < places).then(|| {
            self.used += 1;
            self.used - 1
        })
    }
}

/// Gives the ring its table; returns how many places it has, none if the kernel is too old or short of memory.
fn register(ring: &IoUring) -> u32 {
    let places = limits::open_files()
        .map_or(0, limits::direct_sockets)
        .min(u64::from(u32::MAX)) as u32;
    if probe::has_direct_sockets() && ring.submitter().register_files_sparse(places).is_ok() {
        places
    } else {
        0
    }
}
