//! All chunks that wait on one core: their bytes, and in which order they came.
//!
//! The order is a list of what was pushed; what has gone since is recognised by its number and skipped, and the list is compacted
//! before such entries outnumber the others, so each push costs O(1) in the long run.

use std::collections::VecDeque;

use crate::feed::Feed;
use crate::slab::Slab;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    pub(crate) chunks: usize,
    pub(crate) bytes: usize,
    order: VecDeque<(u32, u64)>,
    births: u64,
}

impl Backlog {
    /// Where a new feed begins to number its chunks: apart from all others, so that a chunk is known by its feed's place and its number
    /// even when the place is used again.
    pub(crate) fn first_number(&mut self) -> u64 {
        self.births += 1;
        (self.births & 0x7fff_ffff) << 32
    }

    /// Changes a feed, and keeps the sums.
    pub(crate) fn change<R>(&mut self, feed: &mut Feed, change: impl FnOnce(&mut Feed) -> R) -> R {
        self.chunks -= feed.waiting();
        self.bytes -= feed.bytes();
        let result = change(feed);
        self.chunks += feed.waiting();
        self.bytes += feed.bytes();
        result
    }

    /// Notes that a feed's newest chunk came.
    pub(crate) fn came(&mut self, feeds: &Slab<Feed>, id: u32) {
        self.order.push_back((id, feeds[id].end() - 1));
        if self.order.len() > 2 * self.chunks + 64 {
            self.order.retain(|&entry| waits(feeds, entry));
        }
    }

    /// The feed whose front is the oldest chunk of all.
    pub(crate) fn oldest(&mut self, feeds: &Slab<Feed>) -> Option<u32> {
        while let Some(entry) = self.order.pop_front() {
            if waits(feeds, entry) {
                return Some(entry.0);
            }
        }
        None
    }
}

fn waits(feeds: &Slab<Feed>, (id, number): (u32, u64)) -> bool {
    feeds
        .get(id)
        .is_some_and(|feed| (feed.front()..feed.end()).contains(&number))
}
