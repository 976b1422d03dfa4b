//! Patterns: what a subscription names.
//!
//! A pattern is a topic name in which `*` may stand for exactly one level, and `**`, as the last
//! level, for zero or more: `chat/**` matches `chat` and `chat/a/b`. A wildcard in the first level does not match the
//! broker's own topics (first level `$...`); a pattern must name that level to get them. A pattern without wildcards
//! names one topic. This file is one pattern against one name; the index over all patterns is `trie.rs`.

use std::fmt;
use std::sync::Arc;

use crate::name::{self, NameError, TopicName};

/// A pattern that passed the validator. Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    text: Arc<str>,
    exact: bool,
}

impl Pattern {
    /// Checks a pattern that came from outside. Unlike a topic name it may start with `$`: reading is not publishing.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        name::check(text, true)?;
        Ok(Self {
            text: text.into(),
            exact: !text.contains('*'),
        })
    }

    /// Whether the pattern has no wildcard, and so names one topic.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The topic that a pattern without wildcards names.
    pub fn topic(&self) -> Option<TopicName> {
        self.exact.then(|| TopicName::trusted(self.text.clone()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `topic` is one of those the pattern stands for.
    pub fn matches(&self, topic: &str) -> bool {
        if self.exact {
            return *self.text == *topic;
        }
        let mut levels = self.text.split('/');
        let mut names = topic.split('/');
        if topic.starts_with('$') && self.text.starts_with('*') {
            return false;
        }
        loop {
            match (levels.next(), names.next()) {
                (Some("**"), _) | (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(level), Some(name)) if level == name => {}
                _ => return false,
            }
        }
    }

    /// A copy with its own allocation, so that two cores never share its reference count.
    pub(crate) fn detached(&self) -> Self {
        Self {
            text: Arc::from(&*self.text),
            exact: self.exact,
        }
    }
}

impl From<TopicName> for Pattern {
    fn from(topic: TopicName) -> Self {
        Self {
            text: Arc::from(topic.as_str()),
            exact: true,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_levels() {
        let cases = [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/*", "a/b", true),
            ("a/*", "a", false),
            ("a/*", "a/b/c", false),
            ("a/**", "a", true),
            ("a/**", "a/b/c", true),
            ("a/**", "ab", false),
            ("*/b", "a/b", true),
            ("**", "a/b/c", true),
            ("*", "a", true),
            ("*/*", "a", false),
            ("**", "$SYS/x", false),
            ("*/x", "$SYS/x", false),
            ("$SYS/*", "$SYS/x", true),
            ("$SYS/**", "$SYS", true),
        ];
        for (pattern, topic, expected) in cases {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(topic),
                expected,
                "{pattern} on {topic}"
            );
        }
    }

    #[test]
    fn misplaced_wildcards_are_refused() {
        for pattern in ["a*", "a/b*/c", "**/a", "a/**/b", "***", "a/***"] {
            assert_eq!(
                Pattern::parse(pattern),
                Err(NameError::Wildcard),
                "{pattern}"
            );
        }
        for pattern in ["a/+", "#", "", "a//b"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
