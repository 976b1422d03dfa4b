//! What the cores of one process share: a few counters, never on the way of a message.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use session::Reason;

use crate::entrance::Entrance;

/// Shared by every core and the control thread.
#[derive(Debug)]
pub struct Node {
    /// Who may come in.
    pub entrance: Entrance,
    connections: Box<[AtomicUsize]>,
    accept_failures: AtomicU64,
    started: Instant,
    /// Second of the last log line about a failed accept.
    accept_logged_s: AtomicU64,
    /// Second of the last log line about a refused connection.
    refusal_logged_s: AtomicU64,
}

impl Node {
    /// A node of so many cores.
    pub fn new(cores: usize) -> Self {
        Self {
            entrance: Entrance::default(),
            connections: (0..cores).map(|_| AtomicUsize::new(0)).collect(),
            accept_failures: AtomicU64::new(0),
            started: Instant::now(),
            accept_logged_s: AtomicU64::new(0),
            refusal_logged_s: AtomicU64::new(0),
        }
    }

    /// Chooses the core for a connection that `own` accepted, and counts it there. The kernel
    /// spreads connections by a hash, which leaves cores uneven by as much as chance will have it,
    /// for as long as those connections live. A small difference is not worth the way.
    pub fn place(&self, own: usize) -> usize {
        let load = |core: usize| self.connections[core].load(Ordering::Relaxed);
        let least = (0..self.connections.len())
            .min_by_key(|core| load(*core))
            .unwrap_or(own);
        let chosen = if load(own) > load(least) + 1 + load(least) / 64 {
            least
        } else {
            own
        };
        self.connections[chosen].fetch_add(1, Ordering::Relaxed);
        chosen
    }

    /// A connection of `core` is gone.
    pub fn closed(&self, core: usize) {
        self.connections[core].fetch_sub(1, Ordering::Relaxed);
    }

    /// Connections of all cores.
    pub fn connections(&self) -> usize {
        self.connections
            .iter()
            .map(|core| core.load(Ordering::Relaxed))
            .sum()
    }

    /// How long the node has run.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// An accept failed, mostly for want of descriptors; said once a second at most.
    pub fn accept_failed(&self, error: &io::Error) {
        let failures = self.accept_failures.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_first_in_its_second(&self.accept_logged_s) {
            tracing::warn!(
                failures,
                connections = self.connections(),
                "cannot accept a connection: {error}; more descriptors: `ulimit -n`, LimitNOFILE= in a unit"
            );
        }
    }

    /// A connection was refused at the entrance; said once a second at most.
    pub fn refused(&self, reason: Reason) {
        let refused = self.entrance.refused();
        if self.is_first_in_its_second(&self.refusal_logged_s) {
            tracing::warn!(
                refused,
                connections = self.connections(),
                reason = reason.label(),
                "connections are refused: {}",
                reason.message()
            );
        }
    }

    fn is_first_in_its_second(&self, logged_s: &AtomicU64) -> bool {
        let now_s = self.started.elapsed().as_secs() + 1;
        logged_s.swap(now_s, Ordering::Relaxed) != now_s
    }
}
