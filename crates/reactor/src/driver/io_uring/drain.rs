//! The driver's end: nothing is freed while the kernel may still write to it or read from it.
//!
//! Closing a ring cancels its operations some time later, in the background. So everything is ended and awaited
//! before. If the kernel does not let go within the time given here, the memory is leaked: that is a defect
//! somewhere, but not a corruption.

use super::RingDriver;
use super::completions::Outcome;
use crate::clock;
use crate::{Completion, Driver};
use std::time::Duration;

/// Far longer than cancelling takes (well under a millisecond for a thousand sockets).
const DRAIN_NS: u64 = 2_000_000_000;

const DRAIN_STEP: Duration = Duration::from_millis(5);

impl RingDriver {
    /// Ends everything in flight and waits until nothing is, or the time is over.
    fn drain(&mut self) {
        self.ending = true;
        self.buffers.reclaim();
        self.listeners
            .ids()
            .for_each(|listener| self.stop_listening(listener));
        let sockets = self.table.sockets();
        sockets.into_iter().for_each(|socket| self.close(socket));
        let deadline_ns = clock::monotonic_ns() + DRAIN_NS;
        loop {
            self.take_the_rest();
            if !self.in_flight() {
                return;
            }
            // Repeated, for a cancellation may miss an operation that is just being run.
            self.cancel_everything();
            let waited = self.ring.sleep(Some(DRAIN_STEP), &mut self.counters);
            if waited.is_err() || clock::monotonic_ns() > deadline_ns {
                return;
            }
        }
    }

    /// Takes completions as a user would, who closes whatever arrives.
    fn take_the_rest(&mut self) {
        while let Some(outcome) = self.next_outcome() {
            match outcome {
                Outcome::Lend { buffer, .. } => self.buffers.give_back(buffer),
                Outcome::Tell(Completion::Accepted { stream, .. }) => drop(stream),
                Outcome::Tell(_) => {}
            }
        }
    }

    fn in_flight(&self) -> bool {
        self.event_armed || self.table.in_flight() || self.listeners.in_flight()
    }
}

impl Drop for RingDriver {
    fn drop(&mut self) {
        self.drain();
        if !self.in_flight() && self.buffers.unregister(self.ring.uring()).is_ok() {
            self.ring.release();
            return;
        }
        std::mem::forget(std::mem::take(&mut self.table));
        self.buffers.leak();
    }
}
