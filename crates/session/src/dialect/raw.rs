//! The raw dialect: each message of the client is a publication to the topic of its URL, and each publication reaches it as one message, nothing added.
//!
//! There is no room for answers, so whatever cannot be done ends the connection, with the reason in the Close frame. With `envelope=1` messages arrive in
//! the JSON dialect's form, which also has room for gaps and for the announcement of a drain; what the client sends stays raw.

use crate::from_broker::loss_cause;
use crate::{Cause, Query, Reason};
use broker::{Format, Outcome, Pattern, Recovery, TopicName, TopicRef};

/// One raw connection's terms.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    /// Where the client's messages go, or why nowhere.
    publishes: Result<TopicName, &'static Cause>,
    envelope: bool,
}

static SUB_ONLY: Cause = Cause::new(
    Reason::Forbidden,
    "this connection only subscribes (mode=sub)",
);
static PATTERN: Cause = Cause::new(Reason::Forbidden, "a pattern cannot be published to");
static RESERVED: Cause = Cause::new(Reason::ReservedTopic, Reason::ReservedTopic.message());

impl Raw {
    /// The terms that a URL asks for; refused if they leave nothing that the connection could do.
    pub(crate) fn new(pattern: &Pattern, query: &Query) -> Result<Raw, Cause> {
        let publishes = if query.mode.publishes() {
            publishable(pattern)
        } else {
            Err(&SUB_ONLY)
        };
        match publishes {
            Err(cause) if !query.mode.subscribes() => Err(*cause),
            publishes => Ok(Raw {
                publishes,
                envelope: query.envelope,
            }),
        }
    }

    pub(crate) fn format(&self) -> Format {
        if self.envelope {
            Format::JSON
        } else {
            Format::RAW
        }
    }

    /// Whether the client understands events between its messages.
    pub(crate) fn has_envelope(&self) -> bool {
        self.envelope
    }

    /// Where the client's messages go; the error ends the connection.
    pub(crate) fn publishes_to(&self) -> Result<&TopicName, Cause> {
        self.publishes.as_ref().map_err(|cause| **cause)
    }
}

/// The topic that a pattern names, if a client may publish to it: no wildcard, and none of the broker's own, which is all
/// that a topic that may be subscribed to can lack.
fn publishable(pattern: &Pattern) -> Result<TopicName, &'static Cause> {
    let topic = pattern.topic().ok_or(&PATTERN)?;
    match TopicRef::parse(topic.as_str()) {
        Ok(_) => Ok(topic),
        Err(_) => Err(&RESERVED),
    }
}

/// Why a subscription that stands is no use to a raw client: it asked for a past that is gone, wholly or in one topic.
pub(crate) fn lost(outcome: &Outcome) -> Option<Cause> {
    let standings = match outcome {
        Outcome::Topic(standing) => std::slice::from_ref(standing),
        Outcome::Pattern(standings) => standings,
    };
    standings
        .iter()
        .find_map(|standing| match standing.recovery {
            Recovery::Lost(loss) => Some(loss_cause(loss)),
            _ => None,
        })
}
