//! A topic that a client named: checked, and borrowed from its message unless escapes made a copy necessary.

use crate::Cause;
use broker::{Pattern, TopicName, TopicRef};
use std::borrow::Cow;

/// A checked topic name. A publish of the ordinary kind makes one without allocating.
#[derive(Debug, Clone)]
pub enum Topic<'a> {
    /// As it stands in the message or the URL.
    Borrowed(TopicRef<'a>),
    /// Freed of escapes.
    Owned(TopicName),
}

impl<'a> Topic<'a> {
    /// Checks the topic of a publish.
    pub fn parse(text: Cow<'a, str>) -> Result<Topic<'a>, Cause> {
        Ok(match text {
            Cow::Borrowed(text) => Topic::Borrowed(TopicRef::parse(text)?),
            Cow::Owned(text) => Topic::Owned(TopicName::parse(&text)?),
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        TopicRef::from(self).as_str()
    }
}

impl<'t> From<&'t Topic<'_>> for TopicRef<'t> {
    fn from(topic: &'t Topic<'_>) -> TopicRef<'t> {
        match topic {
            Topic::Borrowed(name) => *name,
            Topic::Owned(name) => name.into(),
        }
    }
}

impl PartialEq for Topic<'_> {
    fn eq(&self, other: &Topic<'_>) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Topic<'_> {}

/// Checks a topic that is to be read: unlike one to publish to, it may be one of the broker's own.
pub(crate) fn readable(text: &str) -> Result<TopicName, Cause> {
    Pattern::parse(text)?.topic().ok_or(Cause::bad_topic(
        "a pattern stands where one topic is wanted",
    ))
}
