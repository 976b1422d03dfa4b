//! The broker's errors in the words that clients read. Each has its own fixed text; what the client sent is never part of it.

use crate::{Cause, Reason};
use broker::{Loss, NameError, Refusal};

impl From<NameError> for Cause {
    fn from(error: NameError) -> Cause {
        Cause::bad_topic(match error {
            NameError::Reserved => return Reason::ReservedTopic.into(),
            NameError::Empty => "a topic cannot be empty",
            NameError::TooLong => "a topic has at most 256 bytes",
            NameError::TooManyLevels => "a topic has at most 16 levels",
            NameError::EmptyLevel => "a topic has no empty level",
            NameError::DotLevel => "a level of a topic cannot be . or ..",
            NameError::Character(_) => "a character that cannot stand in a topic",
            NameError::Wildcard => "* is a whole level of a pattern, and ** its last one",
        })
    }
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Cause {
        match refusal {
            Refusal::Subscriptions => Reason::SubscriptionLimit.into(),
            Refusal::PatternSubscriptions => Reason::PatternLimit.into(),
            Refusal::Pending => {
                Cause::new(Reason::RateLimit, "too many commands without an answer yet")
            }
            Refusal::Format => Cause::new(
                Reason::Policy,
                "this connection gets its messages in another format",
            ),
            Refusal::Start => {
                Cause::new(Reason::BadPosition, "the subscription cannot begin there")
            }
            Refusal::Payload => Reason::TooBig.into(),
            Refusal::Topics => Cause::new(Reason::TryAgainLater, "too many topics are in use"),
            Refusal::Patterns => Cause::new(Reason::TryAgainLater, "too many patterns are in use"),
            Refusal::Cancelled => Reason::Cancelled.into(),
            Refusal::Closed => Reason::PeerGone.into(),
        }
    }
}

/// The word for a loss in an answer's `reason`.
pub(crate) const fn loss_label(loss: Loss) -> &'static str {
    match loss {
        Loss::Epoch => "epoch",
        Loss::Retention => "retention",
        Loss::Limit => "limit",
        Loss::Ahead => "ahead",
        Loss::Live => "live",
    }
}

/// Why a raw connection is closed whose position is lost: a raw client has no other place to read it.
pub(crate) const fn loss_cause(loss: Loss) -> Cause {
    let message = match loss {
        Loss::Epoch => "the position cannot be recovered: epoch",
        Loss::Retention => "the position cannot be recovered: retention",
        Loss::Limit => "the position cannot be recovered: limit",
        Loss::Ahead => "the position cannot be recovered: ahead",
        Loss::Live => "the position cannot be recovered: live",
    };
    Cause::new(Reason::PositionLost, message)
}
