//! How this driver is woken: by a message into its ring from other rings, by an event from other threads.
//!
//! Both are held by every waker, so that neither descriptor's number can be used again by something else while
//! somebody may still name it. A message into a ring whose driver is gone comes to nothing.

use crate::sys;
use crate::waker::Wake;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

pub(super) struct WakeTarget {
    event: OwnedFd,
    ring: OwnedFd,
}

impl WakeTarget {
    pub(super) fn new(ring: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self {
            event: sys::event()?,
            ring: ring.try_clone_to_owned()?,
        })
    }

    pub(super) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Lets the next wake-up be noticed again.
    pub(super) fn reset(&self) {
        sys::reset_event(&self.event);
    }
}

impl Wake for WakeTarget {
    fn wake(&self) {
        sys::raise_event(&self.event);
    }

    fn ring(&self) -> Option<RawFd> {
        Some(self.ring.as_raw_fd())
    }
}
