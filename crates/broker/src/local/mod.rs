//! The subscribers of one core: its clients, the feeds of the topics they listen to, and their patterns.
//!
//! Nothing here knows which topics have their home on this core: chunks and answers arrive the same way from everywhere.

mod backlog;
mod gather;
mod joins;
mod membership;
mod pattern;

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;
use pages::Pages;

use crate::broker::Client;
use crate::client::{Report, Slot};
use crate::feed::Feed;
use crate::interest::Watches;
use crate::limits::Limits;
use crate::name::HashedName;
use crate::notice::{Notice, Refusal};
use crate::publication::Formats;
use crate::rules::Rules;
use crate::slab::Slab;
use crate::trie::Trie;

use backlog::Backlog;
use joins::Joins;

/// A pattern that clients of this core subscribe to.
#[derive(Debug, Default)]
pub(crate) struct LocalPattern {
    pub(crate) watches: Watches,
    /// Its subscribers, by client number.
    pub(crate) subscribers: Vec<u32>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) limits: Limits,
    rules: Arc<Rules>,
    gapless: Formats,
    clients: Pages<Slot>,
    /// Clients that are to be named by `next_behind`.
    ready: VecDeque<Client>,
    pub(crate) notices: VecDeque<(Client, Notice)>,
    pub(crate) feeds: Slab<Feed>,
    table: HashTable<u32>,
    pub(crate) patterns: Trie<LocalPattern>,
    joins: Joins,
    pub(crate) backlog: Backlog,
    /// The newest resolution of patterns, and for each client the last one that came across it.
    mark: u64,
    marks: Vec<u64>,
    pub(crate) feed_hand: u32,
    pub(crate) pattern_hand: u32,
    pub(crate) lagged: u64,
    pub(crate) match_steps: u64,
}

impl Local {
    pub(crate) fn new(
        limits: Limits,
        rules: Arc<Rules>,
        gapless: Formats,
        hash_key: [u64; 2],
    ) -> Self {
        Self {
            limits,
            rules,
            gapless,
            clients: Pages::new(),
            ready: VecDeque::new(),
            notices: VecDeque::new(),
            feeds: Slab::new(),
            table: HashTable::new(),
            patterns: Trie::new(hash_key),
            joins: Joins::new(),
            backlog: Backlog::default(),
            mark: 0,
            marks: Vec::new(),
            feed_hand: 0,
            pattern_hand: 0,
            lagged: 0,
            match_steps: 0,
        }
    }

    pub(crate) fn open(&mut self, client: Client) {
        let index = client.index as usize;
        self.clients.reach(index, Slot::new);
        if self.clients[index].is_open() {
            self.forget(client.index);
        }
        self.clients[index].reset(client.generation, Report::Empty);
    }

    pub(crate) fn close(&mut self, client: Client) {
        if self.slot(client).is_ok() {
            self.forget(client.index);
        }
    }

    /// The client, if it is open and not another one on the same place.
    pub(crate) fn slot(&mut self, client: Client) -> Result<&mut Slot, Refusal> {
        let slot = self.clients.get_mut(client.index as usize);
        slot.filter(|slot| slot.is_open() && slot.generation == client.generation)
            .ok_or(Refusal::Closed)
    }

    pub(crate) fn client(&mut self, index: u32) -> &mut Slot {
        &mut self.clients[index as usize]
    }

    /// Everything of a client goes: memberships, subscriptions, what it waits for.
    fn forget(&mut self, index: u32) {
        while let Some(last) = self.clients[index as usize]
            .memberships()
            .len()
            .checked_sub(1)
        {
            self.leave(index, last as u32);
        }
        while let Some(subscription) = self.clients[index as usize].patterns().last() {
            let pattern = subscription.pattern;
            self.drop_pattern(index, pattern);
        }
        let slot = &mut self.clients[index as usize];
        slot.reset(slot.generation, Report::Closed);
    }

    pub(crate) fn notify(&mut self, client: Client, notice: Notice) {
        if self.slot(client).is_ok() {
            self.notices.push_back((client, notice));
        }
    }

    /// A command that went through lanes is answered.
    pub(crate) fn answered(&mut self, client: Client) {
        if let Ok(slot) = self.slot(client) {
            slot.pending -= 1;
        }
    }

    pub(crate) fn find(&self, topic: &HashedName) -> Option<u32> {
        let same = |&id: &u32| {
            let own = &self.feeds[id].topic;
            own.hash == topic.hash && own.name == topic.name
        };
        self.table.find(topic.hash, same).copied()
    }

    /// The topic's feed, which begins if there was none. It goes in a sweep if nobody needs it.
    pub(crate) fn feed(&mut self, topic: &HashedName, home: usize) -> u32 {
        if let Some(id) = self.find(topic) {
            return id;
        }
        let rule = self.rules.of(topic.name.as_str());
        let front = self.backlog.first_number();
        let id = self
            .feeds
            .insert(Feed::new(topic.detached(), home, rule, front));
        self.table
            .insert_unique(topic.hash, id, |&id| self.feeds[id].topic.hash);
        id
    }

    /// A feed that nobody needs goes, with the members who are there through patterns alone: the next chunk finds them again.
    pub(crate) fn end_feed(&mut self, id: u32) {
        while let Some(&last) = self.feeds[id].members().last() {
            self.leave(last.client, last.slot);
        }
        let feed = self.feeds.remove(id).expect("a feed ends once");
        debug_assert_eq!(feed.waiting(), 0);
        let entry = self.table.find_entry(feed.topic.hash, |&other| other == id);
        entry.expect("each feed is in the table").remove();
    }

    pub(crate) fn members(&self) -> usize {
        self.clients
            .iter()
            .map(|slot| slot.memberships().len())
            .sum()
    }
}
