//! How fast a peer's pings and pongs come.
//!
//! Each costs its share of a second, and time pays for it: what is not paid yet is how far the peer
//! is ahead of the rate. An honest peer is not ahead for long, whatever held its bytes up on the
//! way, since the time in which they did not come pays too. Two bytes for each connection.

use crate::limits::CONTROL_AHEAD_MS_MAX;

/// The control frames of one peer that its time has not paid for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ControlRate {
    ahead_ms: u16,
}

impl ControlRate {
    /// Time has passed.
    #[inline]
    pub(super) fn pass(&mut self, elapsed_ms: u64) {
        if self.ahead_ms > 0 {
            let elapsed_ms = u16::try_from(elapsed_ms).unwrap_or(u16::MAX);
            self.ahead_ms = self.ahead_ms.saturating_sub(elapsed_ms);
        }
    }

    /// Counts one frame; false when it was one too many. A `per_s_max` of 0 bounds nothing.
    pub(super) fn count(&mut self, per_s_max: u16) -> bool {
        // Rounded to whole milliseconds in the peer's favour.
        let Some(cost_ms) = 1000_u16.checked_div(per_s_max) else {
            return true;
        };
        self.ahead_ms = self.ahead_ms.saturating_add(cost_ms);
        self.ahead_ms <= CONTROL_AHEAD_MS_MAX
    }
}
