//! Looking on while a run goes on: what a live view and an interval log are told.
//!
//! Observers run on a thread of their own, off the CPUs that threads of the generator are pinned to, and are told of intervals
//! that those have closed: nothing that they do is seen in the figures.

use std::time::Duration;

use crate::timeline::{Complete, Timeline};

/// The parts of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Connections are opened; nothing is published.
    Connect,
    /// Publishing, not yet measured.
    WarmUp,
    /// Publishing, measured.
    Measure,
    /// Nothing is published any more; what is on its way is waited for.
    Drain,
    /// Connections are closed.
    Close,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'m> {
    /// The part of the run.
    pub phase: Phase,
    /// How long publishing has gone on; zero before it has begun.
    pub since_first_publish: Duration,
    /// Connections that stand.
    pub standing: u64,
    /// What has happened, up to the last interval that all threads have closed.
    pub timeline: &'m Timeline,
}

/// Who looks on.
pub trait Observer: Send + Sync {
    /// All threads have closed an interval.
    fn interval(&mut self, complete: &Complete);

    /// Comes four times a second.
    fn look(&mut self, moment: &Moment<'_>);
}
