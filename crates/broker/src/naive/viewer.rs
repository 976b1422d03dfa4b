//! What the judge knows of one client while it reads the client's view: subscriptions, and how far each topic has come.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::TopicName;
use crate::pattern::Pattern;
use crate::position::Position;

/// What a client receives of one topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The step at which the client knew that it receives the topic.
    pub(super) since: u64,
    /// The step at which it had asked for it.
    pub(super) asked: u64,
    /// The last it got, once that is known.
    pub(super) at: Option<Position>,
}

#[derive(Debug, Default)]
pub(super) struct Viewer {
    pub(super) asked: Vec<(u64, Pattern)>,
    pub(super) patterns: BTreeMap<Pattern, (u64, u64)>,
    pub(super) runs: BTreeMap<TopicName, Run>,
    /// Where runs were whose subscription ended: another one may go on there.
    pub(super) loose: BTreeMap<TopicName, Position>,
    pub(super) got: BTreeSet<(TopicName, Position)>,
    /// Subscriptions that ended, and when: answers on their way may still speak of them.
    pub(super) ended: Vec<(u64, Pattern)>,
}

impl Viewer {
    /// The oldest question about `pattern` is answered; returns when it was asked.
    pub(super) fn answered(&mut self, pattern: &Pattern) -> Result<u64, String> {
        let index = self.asked.iter().position(|(_, asked)| asked == pattern);
        let index = index.ok_or_else(|| format!("{pattern} was answered unasked"))?;
        Ok(self.asked.remove(index).0)
    }

    pub(super) fn is_subscribed(&self, topic: &TopicName) -> bool {
        self.patterns
            .keys()
            .any(|pattern| pattern.matches(topic.as_str()))
    }

    /// Whether another subscription may bring the topic, one on its way or one that ended since `asked` included.
    pub(super) fn may_receive(&self, topic: &TopicName, asked: u64) -> bool {
        let on_their_way = self
            .asked
            .iter()
            .map(|(_, asked)| asked)
            .filter(|asked| !asked.is_exact());
        let ended = self
            .ended
            .iter()
            .filter(|(step, _)| *step > asked)
            .map(|(_, pattern)| pattern);
        self.is_subscribed(topic)
            || on_their_way
                .chain(ended)
                .any(|pattern| pattern.matches(topic.as_str()))
    }

    /// What the client receives of a topic. Where no position was told, the first message shows it; it may be as old as the oldest of the
    /// questions that overlap.
    pub(super) fn run(&self, topic: &TopicName) -> Option<Run> {
        let matching = |pattern: &Pattern| pattern.matches(topic.as_str());
        let stood = self
            .patterns
            .iter()
            .filter(|(pattern, _)| matching(pattern))
            .map(|(_, times)| times);
        let since = stood.clone().map(|&(_, since)| since).min();
        let asked = self
            .asked
            .iter()
            .filter(|(_, pattern)| matching(pattern))
            .map(|&(asked, _)| asked);
        let asked = asked.chain(stood.map(|&(asked, _)| asked)).min();
        let first = since.zip(asked).map(|(since, asked)| Run {
            since,
            asked,
            at: None,
        });
        self.runs.get(topic).copied().or(first)
    }

    pub(super) fn unsubscribe(&mut self, pattern: &Pattern) {
        let gone = self.patterns.remove(pattern);
        if let Some((first, _)) = gone {
            // What the one left behind may come through any of the others.
            let asked = self.asked.iter_mut().map(|(asked, _)| asked);
            let patterns = self.patterns.values_mut().map(|(asked, _)| asked);
            asked
                .chain(patterns)
                .for_each(|asked| *asked = first.min(*asked));
        }
        // With another subscription on its way the run goes on, if that one stood already where the topic lives.
        let patterns = &self.patterns;
        let loose = &mut self.loose;
        self.runs.retain(|topic, run| {
            let goes_on = patterns
                .keys()
                .any(|pattern| pattern.matches(topic.as_str()));
            if let Some(at) = run.at.filter(|_| !goes_on) {
                loose.insert(topic.clone(), at);
            }
            goes_on
        });
    }
}
