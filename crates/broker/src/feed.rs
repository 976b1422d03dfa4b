//! Feeds: on each core, the chunks of a topic that some subscriber of that core has not been given yet, and those subscribers.
//!
//! A subscriber is a cursor, the sequence number of the next chunk to give it, in one dense array. Each waiting chunk counts the cursors that
//! stand *at* it: the front goes when nobody stands there, without a scan, and moving a cursor from anywhere to the end is two additions.
//! Clients are numbers here; what they own is in `client.rs`.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::chunk::{Runs, Span, cost};
use crate::interest::Watches;
use crate::name::HashedName;
use crate::position::Position;
use crate::publication::Format;
use crate::rules::{OnLag, Rule};

/// A chunk that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) span: Span,
    runs: Runs,
    /// How many cursors stand here.
    standing: u32,
}

impl Waiting {
    /// The bytes for one format. A chunk has every format that was in anybody's interest when it was begun.
    pub(crate) fn run(&self, format: Format) -> Option<&Bytes> {
        self.runs
            .iter()
            .find(|(own, _)| *own == format)
            .map(|(_, bytes)| bytes)
    }
}

/// One subscriber.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// The next chunk to give it.
    pub(crate) cursor: u64,
    /// Which client.
    pub(crate) client: u32,
    /// Which of its memberships leads back here.
    pub(crate) slot: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) topic: HashedName,
    /// The topic's home core.
    pub(crate) home: usize,
    pub(crate) watches: Watches,
    pub(crate) backlog_bytes_max: usize,
    pub(crate) on_lag: OnLag,
    /// How far in the list of new pattern subscribers this feed has read.
    pub(crate) joins_seen: u64,
    /// Sweeps since the last chunk.
    pub(crate) idle: u8,
    /// The newest position that arrived.
    last: Option<Position>,
    chunks: VecDeque<Waiting>,
    /// The sequence number of the first waiting chunk.
    front: u64,
    bytes: usize,
    members: Vec<Member>,
    /// How many cursors stand at the end.
    up_to_date: u32,
}

impl Feed {
    /// A feed without members, whose chunks are numbered from `front`.
    pub(crate) fn new(topic: HashedName, home: usize, rule: &Rule, front: u64) -> Self {
        Self {
            topic,
            home,
            watches: Watches::default(),
            backlog_bytes_max: rule.backlog_bytes_max,
            on_lag: rule.on_lag,
            joins_seen: 0,
            idle: 0,
            last: None,
            chunks: VecDeque::new(),
            front,
            bytes: 0,
            members: Vec::new(),
            up_to_date: 0,
        }
    }

    pub(crate) fn set_last(&mut self, last: Position) {
        self.last = Some(last);
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(crate) fn front(&self) -> u64 {
        self.front
    }

    pub(crate) fn waiting(&self) -> usize {
        self.chunks.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The sequence number that the next chunk gets.
    pub(crate) fn end(&self) -> u64 {
        self.front + self.chunks.len() as u64
    }

    /// What a cursor has behind it: the last publication before the chunk that it points to.
    pub(crate) fn position_before(&self, cursor: u64) -> Option<Position> {
        match self.chunks.get((cursor - self.front) as usize) {
            Some(chunk) => Some(chunk.span.before()),
            None => self.last,
        }
    }

    /// Appends a chunk, for the members there are.
    pub(crate) fn push(&mut self, span: Span, runs: Runs) {
        self.last = Some(span.end());
        self.bytes += cost(&runs);
        let standing = std::mem::take(&mut self.up_to_date);
        self.chunks.push_back(Waiting {
            span,
            runs,
            standing,
        });
    }

    /// Lets go of the front chunk, whoever stands there: their cursors are to be moved with [`Feed::skip_to`]. Returns its span.
    pub(crate) fn drop_front(&mut self) -> Option<Span> {
        let gone = self.chunks.pop_front()?;
        self.front += 1;
        self.bytes -= cost(&gone.runs);
        Some(gone.span)
    }

    /// Whether the front chunk is needed by nobody.
    pub(crate) fn has_released(&self) -> bool {
        self.chunks.front().is_some_and(|chunk| chunk.standing == 0)
    }

    /// Lets go of what nobody needs any more.
    pub(crate) fn release(&mut self) {
        while self.has_released() {
            self.drop_front();
        }
        if self.chunks.is_empty() && self.chunks.capacity() > 4 {
            // A feed that caught up after a long backlog does not keep its room.
            self.chunks = VecDeque::new();
        }
    }

    /// A new subscriber, at the end. Returns its place.
    pub(crate) fn join(&mut self, client: u32, slot: u32) -> u32 {
        self.members.push(Member {
            cursor: self.end(),
            client,
            slot,
        });
        self.up_to_date += 1;
        (self.members.len() - 1) as u32
    }

    /// A subscriber goes; the last one takes its place, and is returned if it moved.
    pub(crate) fn leave(&mut self, member: u32) -> Option<Member> {
        let gone = self.members.swap_remove(member as usize);
        if gone.cursor >= self.front {
            *self.standing(gone.cursor) -= 1;
        }
        if self.members.is_empty() {
            self.members = Vec::new();
        }
        self.members.get(member as usize).copied()
    }

    pub(crate) fn set_slot(&mut self, member: u32, slot: u32) {
        self.members[member as usize].slot = slot;
    }

    /// The chunk that a member is to get next.
    pub(crate) fn next(&self, member: u32) -> Option<&Waiting> {
        self.chunks
            .get((self.members[member as usize].cursor - self.front) as usize)
    }

    /// The member got its next chunk. Whether there is another.
    pub(crate) fn advance(&mut self, member: u32) -> bool {
        let cursor = self.members[member as usize].cursor;
        *self.standing(cursor) -= 1;
        self.stand(member, cursor + 1);
        cursor + 1 < self.end()
    }

    /// Moves a member whose chunk was dropped.
    pub(crate) fn skip_to(&mut self, member: u32, cursor: u64) {
        debug_assert!(self.members[member as usize].cursor < self.front && cursor >= self.front);
        self.stand(member, cursor);
    }

    fn stand(&mut self, member: u32, cursor: u64) {
        self.members[member as usize].cursor = cursor;
        *self.standing(cursor) += 1;
    }

    /// How many stand at `cursor`, which is a waiting chunk or the end.
    fn standing(&mut self, cursor: u64) -> &mut u32 {
        match self.chunks.get_mut((cursor - self.front) as usize) {
            Some(chunk) => &mut chunk.standing,
            None => &mut self.up_to_date,
        }
    }
}
