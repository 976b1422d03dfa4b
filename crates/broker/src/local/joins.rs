//! The pattern subscriptions that began most recently on one core, in order.
//!
//! A feed finds its pattern subscribers when it is born; those who come later stand here until it has a chunk for them. So a new
//! pattern subscription costs nothing for the topics that are silent, and a busy topic never looks through all of its subscribers again.

use std::collections::VecDeque;

use crate::broker::Client;
use crate::limits::JOINS_MAX;

/// A client that gets a pattern's topics from some home cores from here on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Join {
    pub(crate) client: Client,
    pub(crate) pattern: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Joins {
    recent: VecDeque<Join>,
    /// The number of the oldest that is kept. Feeds that have seen fewer resolve their patterns anew; the first is 1, so that 0 means never.
    start: u64,
}

impl Joins {
    pub(crate) const fn new() -> Self {
        Self {
            recent: VecDeque::new(),
            start: 1,
        }
    }

    pub(crate) fn end(&self) -> u64 {
        self.start + self.recent.len() as u64
    }

    pub(crate) fn push(&mut self, join: Join) {
        if self.recent.len() == JOINS_MAX {
            self.recent.pop_front();
            self.start += 1;
        }
        self.recent.push_back(join);
    }

    /// The join with this number, if it is kept.
    pub(crate) fn at(&self, number: u64) -> Option<Join> {
        self.recent
            .get(number.checked_sub(self.start)? as usize)
            .copied()
    }

    pub(crate) fn keeps(&self, number: u64) -> bool {
        number >= self.start
    }
}
