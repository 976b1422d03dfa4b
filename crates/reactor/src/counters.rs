//! What a driver has done, as plain numbers for the metrics page.
//!
//! Counted by the one thread that owns the driver, so nothing here is atomic; whoever publishes them copies.

/// Totals since the driver was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls of [`crate::Driver::wait`].
    pub turns: u64,
    /// Times the kernel was entered: to submit, to wait, or both. On epoll every send, receive, accept and wait is one.
    pub enters: u64,
    /// Completions taken from the kernel, those that end inside the driver included.
    pub completions: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Accepts that failed; each is followed by a pause.
    pub accept_failures: u64,
    /// Receives armed again because the kernel had ended the operation behind them.
    pub rearms: u64,
    /// Receives that found no free buffer and had to wait for one.
    pub starved: u64,
    /// Times the completion queue was found to have overflowed. Nothing is lost by it, but time is.
    pub overflows: u64,
    /// Submissions in the middle of a turn, because the submission queue was full.
    pub early_submits: u64,
    /// Sends handed in.
    pub sends: u64,
    /// Sends that ended in an error or short.
    pub sends_failed: u64,
    /// Wake-ups sent to other drivers.
    pub wakes_sent: u64,
    /// Wake-ups received.
    pub wakes_received: u64,
    /// Sockets that are open now, those on their way out included.
    pub sockets: u64,
}
