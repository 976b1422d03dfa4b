//! The count of one client's own mistakes. A few are answered; a client that goes on making them is closed, for each costs an answer.
//!
//! Strikes wear off with time, so that a connection of many days is not closed for one mistake a day.

use crate::Reason;
use crate::limits::{STRIKE_FORGIVEN_MS, STRIKES_MAX};

/// Strikes that have not worn off yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strikes {
    count: u8,
    /// The time up to which strikes have been forgiven, in Unix milliseconds.
    forgiven_until_ms: u64,
}

impl Strikes {
    /// Notes a mistake; `true` when it was one too many. Reasons that are not of the client's making count nothing.
    pub(crate) fn count(&mut self, time_ms: u64, reason: Reason) -> bool {
        if !is_strike(reason) {
            return false;
        }
        self.forgive(time_ms);
        self.count += 1;
        self.count >= STRIKES_MAX
    }

    fn forgive(&mut self, time_ms: u64) {
        if self.count == 0 {
            self.forgiven_until_ms = time_ms;
            return;
        }
        let worn_off = time_ms.saturating_sub(self.forgiven_until_ms) / STRIKE_FORGIVEN_MS;
        self.count = self
            .count
            .saturating_sub(u8::try_from(worn_off).unwrap_or(u8::MAX));
        self.forgiven_until_ms += worn_off * STRIKE_FORGIVEN_MS;
    }
}

/// The 45xx codes say that the client should change before it comes back: these are its own mistakes.
fn is_strike(reason: Reason) -> bool {
    matches!(reason.close_code(), Some(4500..=4599))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: u64 = 1_700_000_000_000;

    /// How many mistakes in a row, one each `interval_ms`, end the connection; `None` if a thousand do not.
    fn survived(interval_ms: u64, reason: Reason) -> Option<usize> {
        let mut strikes = Strikes::default();
        (0..1000u64)
            .position(|index| strikes.count(START_MS + index * interval_ms, reason))
            .map(|index| index + 1)
    }

    #[test]
    fn mistakes_in_a_row_end_the_connection_at_the_limit() {
        assert_eq!(
            survived(0, Reason::BadCommand),
            Some(usize::from(STRIKES_MAX))
        );
        assert_eq!(
            survived(1, Reason::SubscriptionLimit),
            Some(usize::from(STRIKES_MAX))
        );
    }

    #[test]
    fn rare_mistakes_wear_off() {
        assert_eq!(survived(STRIKE_FORGIVEN_MS, Reason::BadTopic), None);
        assert_eq!(
            survived(STRIKE_FORGIVEN_MS / 2, Reason::BadTopic),
            Some(2 * usize::from(STRIKES_MAX) - 2)
        );
    }

    #[test]
    fn what_is_not_the_clients_mistake_counts_nothing() {
        for reason in [
            Reason::Internal,
            Reason::RateLimit,
            Reason::NotSubscribed,
            Reason::Cancelled,
            Reason::TryAgainLater,
        ] {
            assert_eq!(survived(0, reason), None, "{reason:?}");
        }
    }

    #[test]
    fn a_clock_that_jumps_back_breaks_nothing() {
        let mut strikes = Strikes::default();
        for index in 1..STRIKES_MAX {
            assert!(!strikes.count(START_MS - u64::from(index) * 1000, Reason::BadCommand));
        }
        assert!(strikes.count(0, Reason::BadCommand));
    }
}
