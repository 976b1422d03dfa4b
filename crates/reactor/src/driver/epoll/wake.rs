//! How this driver is woken: by an event that any thread can raise.
//!
//! It is never put back to zero. Each raise is an edge of its own to the kernel, so a wake-up costs its sender one system
//! call and its receiver none; the count that it holds would take centuries to fill.

use crate::sys;
use crate::waker::Wake;
use std::io;
use std::os::fd::OwnedFd;

pub(super) struct WakeTarget {
    pub(super) event: OwnedFd,
}

impl WakeTarget {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            event: sys::event()?,
        })
    }
}

impl Wake for WakeTarget {
    fn wake(&self) {
        sys::raise_event(&self.event);
    }
}
