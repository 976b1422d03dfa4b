//! Pattern subscriptions of one core's clients: from the first answer of a home core to the end.

use super::{Local, LocalPattern};
use crate::broker::Client;
use crate::client::PatternSubscription;
use crate::interest::Watch;
use crate::notice::Refusal;
use crate::pattern::Pattern;
use crate::publication::Format;

use super::joins::Join;

impl Local {
    /// The pattern's number, which it gets if it had none.
    pub(crate) fn pattern(&mut self, pattern: &Pattern) -> Result<u32, Refusal> {
        if let Some(id) = self.patterns.find(pattern) {
            return Ok(id);
        }
        if self.patterns.len() >= self.limits.patterns_max {
            return Err(Refusal::Patterns);
        }
        Ok(self
            .patterns
            .insert(pattern.detached(), LocalPattern::default()))
    }

    /// What the home cores were asked for on behalf of a pattern that is in use.
    pub(crate) fn watch_pattern(&mut self, pattern: u32, format: Format) -> &mut Watch {
        let local = self
            .patterns
            .get_mut(pattern)
            .expect("a pattern in use is in the index");
        local.watches.of(format)
    }

    /// A client begins to subscribe; nothing comes before a home core answers.
    pub(crate) fn add_pattern(&mut self, client: u32, pattern: u32) {
        let slot = &mut self.clients[client as usize];
        let local = self
            .patterns
            .get_mut(pattern)
            .expect("a pattern in use is in the index");
        let subscriber = local.subscribers.len() as u32;
        local.subscribers.push(client);
        local.watches.of(slot.format).members += 1;
        slot.add_pattern(PatternSubscription {
            pattern,
            subscriber,
            homes: 0,
            active: false,
            asked: Vec::new(),
        });
    }

    /// The topics of these home cores come from here on.
    pub(crate) fn open_homes(&mut self, client: Client, pattern: u32, homes: u64) {
        let Some(subscription) = self.client(client.index).pattern(pattern) else {
            return;
        };
        if subscription.homes | homes != subscription.homes {
            subscription.homes |= homes;
            self.joins.push(Join { client, pattern });
        }
    }

    /// All home cores have answered: what was held back is given out.
    pub(crate) fn activate(&mut self, client: u32, pattern: u32) {
        let Some(subscription) = self.client(client).pattern(pattern) else {
            return;
        };
        if std::mem::replace(&mut subscription.active, true) {
            return;
        }
        self.reconsider(client, pattern);
    }

    /// Ends a subscription; the client stays a member where another one matches. Returns it for its unanswered commands.
    pub(crate) fn drop_pattern(
        &mut self,
        client: u32,
        pattern: u32,
    ) -> Option<PatternSubscription> {
        let slot = &mut self.clients[client as usize];
        let gone = slot.take_pattern(pattern)?;
        let local = self
            .patterns
            .get_mut(pattern)
            .expect("a pattern in use is in the index");
        local.watches.of(slot.format).members -= 1;
        local.subscribers.swap_remove(gone.subscriber as usize);
        if let Some(&moved) = local.subscribers.get(gone.subscriber as usize) {
            let moved = self.clients[moved as usize]
                .pattern(pattern)
                .expect("a subscriber has its subscription");
            moved.subscriber = gone.subscriber;
        }
        self.reconsider(client, pattern);
        Some(gone)
    }

    /// After a change to the subscription: memberships that it alone held back are given out, those that it alone justified end.
    fn reconsider(&mut self, client: u32, pattern: u32) {
        let mut place = self.clients[client as usize].memberships().len() as u32;
        while let Some(next) = place.checked_sub(1) {
            place = next;
            let membership = self.clients[client as usize].memberships()[place as usize];
            let feed = &self.feeds[membership.feed];
            let topic = feed.topic.name.as_str();
            if !self.patterns.pattern(pattern).matches(topic) {
                continue;
            }
            match self.through_patterns(client, topic, feed.home) {
                None if !membership.exact => self.leave(client, place),
                Some(false) if !membership.exact => self.hold(client, place),
                Some(false) => {}
                Some(true) | None => self.unhold(client, place),
            }
        }
    }
}
