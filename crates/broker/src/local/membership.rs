//! Joining and leaving feeds, and how a feed finds its pattern subscribers.
//!
//! A client is a member of a feed once, however many of its subscriptions match. Both sides know each other's place, so leaving is O(1).

use super::Local;
use crate::client::{Membership, PatternSubscription};
use crate::position::Position;

impl Local {
    /// A client that is no member becomes one, at the feed's end.
    pub(crate) fn join(&mut self, client: u32, feed: u32, exact: bool, held: bool) -> u32 {
        let slot = &mut self.clients[client as usize];
        let place = slot.join(feed, exact, held);
        let feed = &mut self.feeds[feed];
        if exact {
            feed.watches.of(slot.format).members += 1;
        }
        slot.membership(place).member = feed.join(client, place);
        place
    }

    pub(crate) fn leave(&mut self, client: u32, place: u32) {
        let slot = &mut self.clients[client as usize];
        let gone = slot.leave(place);
        if let Some(moved) = slot.memberships().get(place as usize) {
            self.feeds[moved.feed].set_slot(moved.member, place);
        }
        let feed = &mut self.feeds[gone.feed];
        if gone.exact {
            feed.watches.of(slot.format).members -= 1;
        }
        if let Some(moved) = feed.leave(gone.member) {
            self.clients[moved.client as usize]
                .membership(moved.slot)
                .member = gone.member;
        }
        self.release(gone.feed);
    }

    /// The client's place in the feed, those included to whom it became due with a pattern.
    pub(crate) fn member(&mut self, client: u32, feed: u32) -> Option<u32> {
        self.catch_up(feed);
        self.membership(client, feed)
    }

    /// Whether the client is a member: looked for on the shorter side.
    pub(super) fn membership(&self, client: u32, feed: u32) -> Option<u32> {
        let memberships = self.clients[client as usize].memberships();
        let members = self.feeds[feed].members();
        if memberships.len() <= members.len() {
            let found = memberships
                .iter()
                .position(|membership| membership.feed == feed);
            found.map(|place| place as u32)
        } else {
            members
                .iter()
                .find(|member| member.client == client)
                .map(|member| member.slot)
        }
    }

    /// A membership is by name from now on.
    pub(crate) fn set_exact(&mut self, client: u32, place: u32, exact: bool) {
        let slot = &mut self.clients[client as usize];
        let format = slot.format;
        let membership = slot.membership(place);
        if membership.exact == exact {
            return;
        }
        membership.exact = exact;
        let feed = membership.feed;
        let watch = self.feeds[feed].watches.of(format);
        if exact {
            slot.exact += 1;
            watch.members += 1;
        } else {
            slot.exact -= 1;
            watch.members -= 1;
        }
    }

    /// What the client has of the feed, as far as it knows: the last publication before its cursor, or before a gap that it is still to be told of.
    pub(crate) fn position(&self, client: u32, place: u32) -> Option<Position> {
        let slot = &self.clients[client as usize];
        let Membership { feed, member, .. } = slot.memberships()[place as usize];
        let cursor = self.feeds[feed].members()[member as usize].cursor;
        slot.gap(feed)
            .or_else(|| self.feeds[feed].position_before(cursor))
    }

    /// Nothing is given out until a pattern subscription on its way, the only one that is left, is answered.
    pub(crate) fn hold(&mut self, client: u32, place: u32) {
        let slot = &mut self.clients[client as usize];
        slot.membership(place).held = true;
        slot.dequeue(place);
    }

    /// What a held membership has collected is given out now.
    pub(crate) fn unhold(&mut self, client: u32, place: u32) {
        let membership = self.clients[client as usize].membership(place);
        if std::mem::take(&mut membership.held) {
            let Membership { feed, member, .. } = *membership;
            let slot = &mut self.clients[client as usize];
            if self.feeds[feed].next(member).is_some() {
                slot.enqueue(place);
            }
            self.list(client);
        }
    }

    /// Lets those pattern subscribers join who came since the feed last looked. Must come before anything is appended.
    pub(super) fn catch_up(&mut self, feed: u32) {
        let end = self.joins.end();
        let seen = std::mem::replace(&mut self.feeds[feed].joins_seen, end);
        if seen == end {
            return;
        }
        if !self.joins.keeps(seen) {
            return self.resolve(feed);
        }
        for join in (seen..end)
            .filter_map(|number| self.joins.at(number))
            .collect::<Vec<_>>()
        {
            let open = self.slot(join.client).is_ok();
            if open && self.patterns.get(join.pattern).is_some() {
                let own = &self.feeds[feed].topic.name;
                if self.patterns.pattern(join.pattern).matches(own.as_str()) {
                    let place = self.membership(join.client.index, feed);
                    self.admit(join.client.index, join.pattern, feed, place);
                }
            }
        }
    }

    /// Looks through all subscribers of all patterns that match.
    fn resolve(&mut self, feed: u32) {
        self.mark += 1;
        self.marks.resize(self.clients.len(), 0);
        for member in self.feeds[feed].members() {
            self.marks[member.client as usize] = self.mark;
        }
        let mut matching = Vec::new();
        let topic = &self.feeds[feed].topic;
        self.match_steps += self
            .patterns
            .matches(topic.name.as_str(), |id, _| matching.push(id));
        for pattern in matching {
            let subscribers = self
                .patterns
                .get(pattern)
                .map_or(0, |local| local.subscribers.len());
            for subscriber in 0..subscribers {
                let client =
                    self.patterns.get(pattern).expect("found above").subscribers[subscriber];
                let known = self.marks[client as usize] == self.mark;
                let place = if known {
                    self.membership(client, feed)
                } else {
                    None
                };
                if self.admit(client, pattern, feed, place) {
                    self.marks[client as usize] = self.mark;
                }
            }
        }
    }

    /// A client with a matching pattern becomes a member, if the topic's home has answered it. Whether it is one now.
    fn admit(&mut self, client: u32, pattern: u32, feed: u32, place: Option<u32>) -> bool {
        let home = 1 << self.feeds[feed].home;
        let subscription = self.clients[client as usize].pattern(pattern);
        let Some(&mut PatternSubscription { active, homes, .. }) = subscription else {
            return place.is_some();
        };
        match place {
            _ if homes & home == 0 => return place.is_some(),
            None => {
                self.join(client, feed, false, !active);
            }
            Some(place) if active => self.unhold(client, place),
            Some(_) => {}
        }
        true
    }

    /// Whether the client gets the topic's messages through a pattern, once there are any, and whether at once.
    pub(crate) fn through_patterns(&self, client: u32, topic: &str, home: usize) -> Option<bool> {
        let subscriptions = self.clients[client as usize].patterns().iter();
        subscriptions
            .filter(|subscription| subscription.homes & 1 << home != 0)
            .filter(|subscription| self.patterns.pattern(subscription.pattern).matches(topic))
            .map(|subscription| subscription.active)
            .max()
    }
}
