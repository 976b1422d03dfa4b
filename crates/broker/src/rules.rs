//! Rules: how much of a topic is kept, and what happens to a subscriber who cannot keep up.
//!
//! Plain data that the server fills from its configuration. The first rule whose pattern matches a topic is that topic's rule, for its whole life.

use crate::pattern::Pattern;

/// What happens to a subscriber who lags behind a topic's backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLag {
    /// The connection is closed; the client comes back with its position.
    Disconnect,
    /// The subscriber goes on at the oldest chunk that is kept, and is told of the gap.
    Skip,
    /// The subscriber goes on at the newest chunk, and is told of the gap.
    Latest,
}

/// How the broker treats the topics of one pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// At most so many publications are kept for recovery and history; 0 keeps none.
    pub messages_max: u32,
    /// At most so many payload bytes are kept.
    pub bytes_max: usize,
    /// Publications older than this are not kept.
    pub age_max_ms: u64,
    /// At most so many bytes of a topic wait on one core for its slow subscribers; the newest chunk always stays.
    pub backlog_bytes_max: usize,
    /// What happens to subscribers beyond that.
    pub on_lag: OnLag,
}

impl Default for Rule {
    /// A short history for recovery, and the safest answer to lag.
    fn default() -> Self {
        Self {
            messages_max: 100,
            bytes_max: 256 << 10,
            age_max_ms: 5 * 60 * 1000,
            backlog_bytes_max: 1 << 20,
            on_lag: OnLag::Disconnect,
        }
    }
}

impl Rule {
    /// Whether anything is kept at all.
    pub fn retains(&self) -> bool {
        self.messages_max > 0 && self.bytes_max > 0 && self.age_max_ms > 0
    }
}

/// The rules, in order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The first whose pattern matches holds.
    pub ordered: Vec<(Pattern, Rule)>,
    /// Holds where none matches.
    pub default: Rule,
}

impl Rules {
    /// The rule of a topic.
    pub fn of(&self, topic: &str) -> &Rule {
        self.ordered
            .iter()
            .find(|(pattern, _)| pattern.matches(topic))
            .map_or(&self.default, |(_, rule)| rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_rule_holds() {
        let keep = |messages_max| Rule {
            messages_max,
            ..Rule::default()
        };
        let rule = |pattern, messages_max| (Pattern::parse(pattern).unwrap(), keep(messages_max));
        let rules = Rules {
            ordered: vec![rule("a/b", 1), rule("a/*", 2), rule("a/**", 3)],
            default: keep(4),
        };
        for (topic, messages_max) in [("a/b", 1), ("a/c", 2), ("a/c/d", 3), ("a", 3), ("b", 4)] {
            assert_eq!(rules.of(topic).messages_max, messages_max, "{topic}");
        }
    }
}
