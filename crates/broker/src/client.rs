//! What a core knows of one client: its memberships in feeds, which of them have something for it, and its commands under way.
//!
//! Small on purpose: an idle client with one subscription owns no allocation. What few clients need, and needed only for
//! moments by most, stands in one box that goes when it is empty.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::lane::{Answer, Budget};
use crate::name::TopicName;
use crate::notice::{Echo, Loss, Recovery, Refusal, Standing};
use crate::position::Position;
use crate::publication::Format;
use crate::slab::NONE;

/// One feed that the client is a member of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) feed: u32,
    /// The client's place among the feed's members.
    pub(crate) member: u32,
    /// Neighbours in the queue of those that have something.
    previous: u32,
    next: u32,
    queued: bool,
    /// Subscribed by name, not only through a pattern.
    pub(crate) exact: bool,
    /// A member for the sake of pattern subscriptions alone that are not answered yet: nothing is given out.
    pub(crate) held: bool,
}

/// A subscription by name that its home core has not answered.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) command: u32,
    pub(crate) topic: TopicName,
    pub(crate) echo: Echo,
    /// Whether a past was asked for.
    pub(crate) past: bool,
    /// Whether it was given up. It is answered in its turn all the same.
    pub(crate) cancelled: bool,
}

/// A subscription to a pattern with wildcards.
#[derive(Debug)]
pub(crate) struct PatternSubscription {
    /// The pattern's number in this core's index.
    pub(crate) pattern: u32,
    /// The client's place among the pattern's subscribers.
    pub(crate) subscriber: u32,
    /// The home cores, a bit each, whose topics come: those that answered.
    pub(crate) homes: u64,
    /// Whether all have answered, so that messages are given out.
    pub(crate) active: bool,
    /// Commands for this subscription that are not answered by all cores yet, oldest first.
    pub(crate) asked: Vec<AskedPattern>,
}

/// A command that subscribes to a pattern, while the cores answer.
#[derive(Debug)]
pub(crate) struct AskedPattern {
    pub(crate) command: u32,
    pub(crate) echo: Echo,
    pub(crate) answered: u64,
    pub(crate) standings: Vec<Standing>,
    pub(crate) replay: Vec<Bytes>,
    /// What is left for the cores that have not answered.
    budget: Budget,
    /// Some core refused. It is said when all have answered, so that answers keep their order.
    pub(crate) refusal: Option<Refusal>,
}

impl AskedPattern {
    pub(crate) fn new(command: u32, echo: Echo, budget: Budget) -> Self {
        Self {
            command,
            echo,
            budget,
            answered: 0,
            standings: Vec::new(),
            replay: Vec::new(),
            refusal: None,
        }
    }

    /// One core's answers. What all cores together bring is no more than what one may.
    pub(crate) fn add(&mut self, answers: Vec<Answer>) {
        for mut answer in answers {
            if self.budget.spend(answer.cost) {
                self.replay.append(&mut answer.replay);
            } else if answer.standing.recovery == Recovery::Recovered {
                answer.standing.recovery = Recovery::Lost(Loss::Limit);
            } else {
                // It was only there for its past.
                continue;
            }
            self.standings.push(answer.standing);
        }
    }
}

/// A hole that the client has still to be told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    pub(crate) feed: u32,
    pub(crate) after: Position,
}

#[derive(Debug, Default)]
struct Rare {
    asked: Vec<Asked>,
    patterns: Vec<PatternSubscription>,
    gaps: Vec<Gap>,
}

/// How the server knows that the client has something to gather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// There is no client.
    Closed,
    /// It has nothing.
    Empty,
    /// It is to be named.
    Listed,
    /// It was named, and has not been gathered empty since.
    Named,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    pub(crate) report: Report,
    /// The format of all its subscriptions.
    pub(crate) format: Format,
    /// How many memberships are exact.
    pub(crate) exact: u32,
    /// Commands that lanes have not answered.
    pub(crate) pending: u16,
    next_command: u32,
    head: u32,
    tail: u32,
    memberships: SmallVec<[Membership; 1]>,
    rare: Option<Box<Rare>>,
}

// One cache line: a chunk that arrives touches that of each subscriber.
const _: () = assert!(size_of::<Slot>() <= 64);

impl Slot {
    pub(crate) fn new() -> Self {
        Self {
            generation: 0,
            report: Report::Closed,
            format: Format::RAW,
            exact: 0,
            pending: 0,
            next_command: 0,
            head: NONE,
            tail: NONE,
            memberships: SmallVec::new(),
            rare: None,
        }
    }

    /// Forgets a client whose memberships are gone, or begins another.
    pub(crate) fn reset(&mut self, generation: u32, report: Report) {
        debug_assert!(self.memberships.is_empty());
        *self = Self {
            generation,
            report,
            ..Self::new()
        };
    }

    pub(crate) fn is_open(&self) -> bool {
        self.report != Report::Closed
    }

    /// How many subscriptions there are, those on their way included.
    pub(crate) fn subscriptions(&self) -> usize {
        self.exact as usize
            + self
                .rare
                .as_ref()
                .map_or(0, |rare| rare.asked.len() + rare.patterns.len())
    }

    pub(crate) fn command(&mut self) -> u32 {
        self.next_command = self.next_command.wrapping_add(1);
        self.next_command
    }

    pub(crate) fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    pub(crate) fn membership(&mut self, slot: u32) -> &mut Membership {
        &mut self.memberships[slot as usize]
    }

    pub(crate) fn patterns(&self) -> &[PatternSubscription] {
        self.rare.as_ref().map_or(&[], |rare| &rare.patterns)
    }

    pub(crate) fn pattern(&mut self, pattern: u32) -> Option<&mut PatternSubscription> {
        self.rare
            .as_mut()?
            .patterns
            .iter_mut()
            .find(|subscription| subscription.pattern == pattern)
    }

    pub(crate) fn add_pattern(&mut self, subscription: PatternSubscription) {
        self.rare
            .get_or_insert_default()
            .patterns
            .push(subscription);
    }

    pub(crate) fn ask_pattern(&mut self, pattern: u32, asked: AskedPattern) {
        if let Some(own) = self.pattern(pattern) {
            own.asked.push(asked);
        }
    }

    pub(crate) fn take_pattern(&mut self, pattern: u32) -> Option<PatternSubscription> {
        let rare = self.rare.as_mut()?;
        let index = rare
            .patterns
            .iter()
            .position(|subscription| subscription.pattern == pattern)?;
        let taken = rare.patterns.swap_remove(index);
        self.tidy();
        Some(taken)
    }

    pub(crate) fn add_asked(&mut self, asked: Asked) {
        self.rare.get_or_insert_default().asked.push(asked);
    }

    /// A command that is answered.
    pub(crate) fn take_asked(&mut self, command: u32) -> Option<Asked> {
        let rare = self.rare.as_mut()?;
        let index = rare
            .asked
            .iter()
            .position(|asked| asked.command == command)?;
        let taken = rare.asked.remove(index);
        self.tidy();
        Some(taken)
    }

    /// Gives up what is on its way for a topic. Whether there was anything.
    pub(crate) fn cancel(&mut self, topic: &TopicName) -> bool {
        let asked = self.rare.iter_mut().flat_map(|rare| &mut rare.asked);
        let own = asked.filter(|asked| asked.topic == *topic && !asked.cancelled);
        own.map(|asked| asked.cancelled = true).count() > 0
    }

    /// Remembers a hole; one that is not told yet grows.
    pub(crate) fn add_gap(&mut self, gap: Gap) {
        let gaps = &mut self.rare.get_or_insert_default().gaps;
        if !gaps.iter().any(|known| known.feed == gap.feed) {
            gaps.push(gap);
        }
    }

    /// After what a hole in this feed begins, if there is one to be told.
    pub(crate) fn gap(&self, feed: u32) -> Option<Position> {
        let gaps = self.rare.as_ref()?.gaps.iter();
        gaps.clone()
            .find(|gap| gap.feed == feed)
            .map(|gap| gap.after)
    }

    pub(crate) fn has_gaps(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.gaps.is_empty())
    }

    /// A hole that may be told now.
    pub(crate) fn take_gap(&mut self, may: impl Fn(&Membership) -> bool) -> Option<Gap> {
        let memberships = &self.memberships;
        let open = |gap: &Gap| {
            memberships
                .iter()
                .any(|membership| membership.feed == gap.feed && may(membership))
        };
        let rare = self.rare.as_mut()?;
        let index = rare.gaps.iter().position(open)?;
        let gap = rare.gaps.remove(index);
        self.tidy();
        Some(gap)
    }

    fn tidy(&mut self) {
        if self.rare.as_ref().is_some_and(|rare| {
            rare.asked.is_empty() && rare.patterns.is_empty() && rare.gaps.is_empty()
        }) {
            self.rare = None;
        }
    }

    /// Becomes a member; returns the membership's place. The feed's side is not known yet.
    pub(crate) fn join(&mut self, feed: u32, exact: bool, held: bool) -> u32 {
        let membership = Membership {
            feed,
            member: NONE,
            previous: NONE,
            next: NONE,
            queued: false,
            exact,
            held,
        };
        self.memberships.push(membership);
        self.exact += u32::from(exact);
        (self.memberships.len() - 1) as u32
    }

    /// Leaves a feed. The last membership takes the place, if it is another; the feed's side is the caller's.
    pub(crate) fn leave(&mut self, slot: u32) -> Membership {
        self.dequeue(slot);
        let gone = self.memberships.swap_remove(slot as usize);
        self.exact -= u32::from(gone.exact);
        if let Some(moved) = self
            .memberships
            .get(slot as usize)
            .filter(|moved| moved.queued)
        {
            let (previous, next) = (moved.previous, moved.next);
            *self.link_after(previous) = slot;
            *self.link_before(next) = slot;
        }
        if self.memberships.is_empty() {
            self.memberships = SmallVec::new();
        }
        if let Some(rare) = &mut self.rare {
            rare.gaps.retain(|gap| gap.feed != gone.feed);
            self.tidy();
        }
        gone
    }

    /// The membership whose turn it is.
    pub(crate) fn first_queued(&self) -> Option<u32> {
        (self.head != NONE).then_some(self.head)
    }

    /// The feed has something: it waits for its turn, if it does not yet.
    pub(crate) fn enqueue(&mut self, slot: u32) {
        let tail = self.tail;
        let membership = &mut self.memberships[slot as usize];
        if membership.queued {
            return;
        }
        membership.queued = true;
        membership.previous = tail;
        membership.next = NONE;
        *self.link_after(tail) = slot;
        self.tail = slot;
    }

    pub(crate) fn dequeue(&mut self, slot: u32) {
        let membership = &mut self.memberships[slot as usize];
        if !std::mem::take(&mut membership.queued) {
            return;
        }
        let (previous, next) = (membership.previous, membership.next);
        *self.link_after(previous) = next;
        *self.link_before(next) = previous;
    }

    /// The link that leads on from a place; from nowhere, the queue's head.
    fn link_after(&mut self, slot: u32) -> &mut u32 {
        match slot {
            NONE => &mut self.head,
            slot => &mut self.memberships[slot as usize].next,
        }
    }

    fn link_before(&mut self, slot: u32) -> &mut u32 {
        match slot {
            NONE => &mut self.tail,
            slot => &mut self.memberships[slot as usize].previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_queue_survives_memberships_that_move(commands in prop::collection::vec((0..4u8, 0..8u32), 0..60)) {
            let mut slot = Slot::new();
            let mut queue: Vec<u32> = Vec::new();
            let mut next_feed = 0;
            for (verb, at) in commands {
                let there = (at as usize) < slot.memberships().len();
                match verb {
                    0 => {
                        slot.join(next_feed, false, false);
                        next_feed += 1;
                    }
                    1 if there => {
                        let gone = slot.leave(at).feed;
                        queue.retain(|&feed| feed != gone);
                    }
                    2 if there => {
                        slot.enqueue(at);
                        let feed = slot.memberships()[at as usize].feed;
                        if !queue.contains(&feed) {
                            queue.push(feed);
                        }
                    }
                    3 if there => {
                        slot.dequeue(at);
                        let feed = slot.memberships()[at as usize].feed;
                        queue.retain(|&other| other != feed);
                    }
                    _ => {}
                }
                let next = |&at: &u32| Some(slot.memberships[at as usize].next).filter(|&next| next != NONE);
                let order = std::iter::successors(slot.first_queued(), next);
                let feeds: Vec<_> = order.map(|at| slot.memberships[at as usize].feed).collect();
                prop_assert_eq!(&feeds, &queue);
            }
        }
    }
}
