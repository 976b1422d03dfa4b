//! The agreement by which a wake-up is never lost and hardly ever sent in vain.
//!
//! ```text
//! the one who sleeps          the one who sends
//! ------------------          -----------------
//! sleeping := true            put a message into the lane
//! fence                       fence
//! lanes empty? sleep          sleeping was true? then wake
//! ```
//!
//! Each side writes one thing and reads the other's, with a sequentially consistent fence between: at least one of them sees
//! what the other wrote. Without either fence both may read the old value, and a message lies before a sleeping core.

use crossbeam::utils::CachePadded;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Whether one port's owner sleeps. On a cache line of its own: it is written twice for each sleep.
#[derive(Debug, Default)]
pub(crate) struct Sleeper(CachePadded<AtomicBool>);

impl Sleeper {
    /// Announces a sleep; true if `nothing_to_do` still holds afterwards and the owner may sleep.
    pub(crate) fn prepare(&self, nothing_to_do: impl FnOnce() -> bool) -> bool {
        self.0.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if nothing_to_do() {
            return true;
        }
        self.awake();
        false
    }

    /// The owner looks at its lanes by itself again.
    pub(crate) fn awake(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the caller, who has just filled a lane and passed a fence, has to wake the owner. Of several callers one is told
    /// so. Reading first keeps the line shared while the owner is awake.
    pub(crate) fn take_over_waking(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}
