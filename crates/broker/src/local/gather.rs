//! The way of a chunk on one core: it arrives, its subscribers are behind, they gather it; or they lag, and the topic's rule applies.

use bytes::Bytes;

use super::Local;
use crate::broker::Client;
use crate::chunk::{Runs, Span};
use crate::client::{Gap, Membership, Report};
use crate::name::HashedName;
use crate::notice::Notice;
use crate::rules::OnLag;

impl Local {
    /// A chunk came from its topic's home.
    pub(crate) fn arrive(&mut self, home: usize, topic: &HashedName, span: Span, runs: Runs) {
        let known = self.find(topic);
        let id = known.unwrap_or_else(|| self.feed(topic, home));
        self.catch_up(id);
        let feed = &mut self.feeds[id];
        feed.idle = 0;
        if feed.members().is_empty() {
            // Interest outlives the last subscriber by a while. The feed of a watched topic must know where it stands.
            feed.set_last(span.end());
            if known.is_none() {
                self.end_feed(id);
            }
            return;
        }
        self.backlog.change(feed, |feed| feed.push(span, runs));
        self.backlog.came(&self.feeds, id);
        self.announce(id);
        self.bound(id);
    }

    /// Everybody for whom the newest chunk is the next one is behind now. Those who were behind before are listed already.
    fn announce(&mut self, id: u32) {
        let feed = &self.feeds[id];
        let newest = feed.end() - 1;
        for member in feed.members() {
            if member.cursor == newest {
                let slot = &mut self.clients[member.client as usize];
                if !slot.membership(member.slot).held {
                    slot.enqueue(member.slot);
                    if slot.report == Report::Empty {
                        slot.report = Report::Listed;
                        self.ready.push_back(Client {
                            index: member.client,
                            generation: slot.generation,
                        });
                    }
                }
            }
        }
    }

    /// The client is to be named by `next_behind`, unless it is to be already.
    pub(crate) fn list(&mut self, client: u32) {
        let slot = &mut self.clients[client as usize];
        if slot.report == Report::Empty {
            slot.report = Report::Listed;
            self.ready.push_back(Client {
                index: client,
                generation: slot.generation,
            });
        }
    }

    pub(crate) fn next_behind(&mut self) -> Option<Client> {
        while let Some(client) = self.ready.pop_front() {
            let Ok(slot) = self.slot(client) else {
                continue;
            };
            if slot.report != Report::Listed {
                continue;
            }
            if slot.first_queued().is_some() || slot.has_gaps() {
                slot.report = Report::Named;
                return Some(client);
            }
            slot.report = Report::Empty;
        }
        None
    }

    /// Drops the oldest chunks until the topic and the core are within their bounds.
    fn bound(&mut self, id: u32) {
        // A topic's newest chunk stays: a message larger than the bound must still reach those who keep up.
        while self.feeds[id].bytes() > self.feeds[id].backlog_bytes_max
            && self.feeds[id].waiting() > 1
        {
            self.drop_front(id);
        }
        while self.backlog.bytes > self.limits.backlog_bytes_max {
            match self.backlog.oldest(&self.feeds) {
                Some(oldest) => self.drop_front(oldest),
                None => break,
            }
        }
    }

    /// Drops a feed's front chunk; whoever needed it has lagged.
    fn drop_front(&mut self, id: u32) {
        let feed = &mut self.feeds[id];
        let Some(gone) = self.backlog.change(feed, |feed| feed.drop_front()) else {
            return;
        };
        let (front, newest) = (feed.front(), (feed.end() - 1).max(feed.front()));
        let lagging = feed.members().iter().filter(|member| member.cursor < front);
        let lagging: Vec<u32> = lagging.map(|member| member.client).collect();
        let (on_lag, gapless) = (feed.on_lag, self.gapless);
        self.lagged += lagging.len() as u64;
        let target = |format| match on_lag {
            OnLag::Latest => Some(newest),
            OnLag::Skip if !gapless.contains(format) => Some(front),
            OnLag::Skip | OnLag::Disconnect => None,
        };
        // Those who stay are moved before anybody leaves, for that lets go of chunks where nobody stands.
        let leaving = lagging.into_iter().filter(|&client| {
            match target(self.clients[client as usize].format) {
                Some(cursor) => {
                    self.skip(client, id, cursor, gone);
                    false
                }
                None => true,
            }
        });
        for client in leaving.collect::<Vec<_>>() {
            self.lag_out(client, id);
        }
        self.release(id);
    }

    /// A lagging client goes on at `cursor`, and is told of the gap before it gets anything more.
    fn skip(&mut self, client: u32, feed: u32, cursor: u64, gone: Span) {
        let Some(place) = self.membership(client, feed) else {
            return;
        };
        let slot = &mut self.clients[client as usize];
        let Membership { member, held, .. } = slot.memberships()[place as usize];
        self.feeds[feed].skip_to(member, cursor);
        slot.add_gap(Gap {
            feed,
            after: gone.before(),
        });
        if self.feeds[feed].next(member).is_none() {
            slot.dequeue(place);
        }
        if !held {
            self.list(client);
        }
    }

    fn lag_out(&mut self, client: u32, feed: u32) {
        let generation = self.clients[client as usize].generation;
        let topic = self.feeds[feed].topic.name.clone();
        self.notify(
            Client {
                index: client,
                generation,
            },
            Notice::Lagged { topic },
        );
        self.forget(client);
    }

    /// Lets go of chunks that nobody needs any more.
    pub(crate) fn release(&mut self, id: u32) {
        let feed = &mut self.feeds[id];
        if feed.has_released() {
            self.backlog.change(feed, |feed| feed.release());
        }
    }

    pub(crate) fn gather(
        &mut self,
        client: Client,
        pieces: &mut Vec<Bytes>,
        pieces_max: usize,
        bytes_max: usize,
    ) -> bool {
        let Ok(slot) = self.slot(client) else {
            return false;
        };
        if slot.has_gaps() && self.tell_gaps(client) {
            let slot = self.client(client.index);
            return slot.first_queued().is_some() || self.gathered(client.index);
        }
        let start = pieces.len();
        let mut bytes = 0;
        loop {
            let slot = &mut self.clients[client.index as usize];
            let Some(place) = slot.first_queued() else {
                return self.gathered(client.index);
            };
            let Membership {
                feed: id, member, ..
            } = slot.memberships()[place as usize];
            let feed = &mut self.feeds[id];
            let chunk = feed
                .next(member)
                .expect("a queued membership has a next chunk");
            let piece = chunk.run(slot.format);
            debug_assert!(
                piece.is_some(),
                "a chunk has every format that was in interest"
            );
            if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
                let taken = pieces.len() - start;
                if taken > 0 && (taken >= pieces_max || bytes + piece.len() > bytes_max) {
                    return true;
                }
                bytes += piece.len();
                pieces.push(piece.clone());
            }
            let more = feed.advance(member);
            slot.dequeue(place);
            if more {
                // To the end of the queue: one busy topic does not keep the others waiting.
                slot.enqueue(place);
            }
            self.release(id);
        }
    }

    /// The client has nothing more.
    fn gathered(&mut self, client: u32) -> bool {
        let slot = &mut self.clients[client as usize];
        if slot.report == Report::Named {
            slot.report = Report::Empty;
        }
        false
    }

    /// Tells the gaps there are. The bytes after a gap wait for the next call, for notices go out first. Whether there was one.
    fn tell_gaps(&mut self, client: Client) -> bool {
        let mut told = false;
        while let Some(gap) = self
            .client(client.index)
            .take_gap(|membership| !membership.held)
        {
            let place = self
                .membership(client.index, gap.feed)
                .expect("a gap goes with its membership");
            let until = self
                .position(client.index, place)
                .expect("a feed that dropped a chunk has a position");
            let topic = self.feeds[gap.feed].topic.name.clone();
            self.notify(
                client,
                Notice::Gap {
                    topic,
                    after: gap.after,
                    until,
                },
            );
            told = true;
        }
        told
    }

    /// Whether some member is still to be told where it stands: of a gap, or in the answer to a subscription that is on its way.
    pub(crate) fn owes_position(&self, id: u32) -> bool {
        let members = self.feeds[id].members().iter();
        members
            .map(|member| &self.clients[member.client as usize])
            .any(|slot| slot.has_gaps() || slot.patterns().iter().any(|own| !own.asked.is_empty()))
    }
}
