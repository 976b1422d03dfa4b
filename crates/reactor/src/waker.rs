//! How one thread ends another core's sleep.
//!
//! A [`Waker`] may outlive its driver: waking a driver that is gone does nothing. It carries no message; the lane
//! that was filled before is the truth, a wake-up only says "look".

use std::fmt;
use std::os::fd::RawFd;
use std::sync::Arc;

/// What stands behind a [`Waker`]; each driver brings its own.
pub trait Wake: Send + Sync {
    /// Ends the driver's present or next sleep. Callable from any thread, at any time.
    fn wake(&self);

    /// The ring that another ring can send a message to. The descriptor lives as long as `self`.
    fn ring(&self) -> Option<RawFd> {
        None
    }
}

/// A handle to one driver's sleep.
#[derive(Clone)]
pub struct Waker(Arc<dyn Wake>);

impl Waker {
    /// Wraps a driver's own way of being woken.
    #[must_use]
    pub fn new(wake: Arc<dyn Wake>) -> Self {
        Self(wake)
    }

    /// Ends the driver's present or next sleep. Callable from any thread, also after the driver is gone.
    pub fn wake(&self) {
        self.0.wake();
    }

    /// The ring that another ring can send a message to, if there is one. Valid while this waker lives.
    #[must_use]
    pub fn ring(&self) -> Option<RawFd> {
        self.0.ring()
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Waker")
            .field("ring", &self.ring())
            .finish_non_exhaustive()
    }
}
