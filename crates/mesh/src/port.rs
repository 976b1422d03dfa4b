//! One thread's end of the mesh: a lane to every other port, a lane from every other port.

use crate::sleep::Sleeper;
use crossbeam::queue::ArrayQueue;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

type Lane<T> = Arc<ArrayQueue<T>>;

/// A lane had no room: the message comes back to its sender.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Full(..)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the lane is full")
    }
}

impl<T> std::error::Error for Full<T> {}

/// What has gone through one port, for the metrics page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages put into lanes.
    pub sent: u64,
    /// Messages refused by full lanes.
    pub refused: u64,
    /// Messages taken out of lanes.
    pub received: u64,
    /// Ports found asleep and named to be woken.
    pub wakes: u64,
    /// Sleeps given up because a message had come in the meantime.
    pub sleeps_given_up: u64,
}

/// One thread's end of the mesh. The thread that owns it is the only one to use it.
#[derive(Debug)]
pub struct Port<T> {
    id: usize,
    /// By receiving port; the place of the port itself holds a lane that nobody uses.
    outgoing: Vec<Lane<T>>,
    /// By sending port.
    incoming: Vec<Lane<T>>,
    sleepers: Arc<[Sleeper]>,
    /// Whose turn it is to be received from.
    next_source: usize,
    /// Ports that were sent to since the last `take_wakes`.
    touched: Vec<usize>,
    is_touched: Vec<bool>,
    counters: Counters,
}

/// Makes `count` ports, each connected to every other by lanes of `lane_messages_max`.
///
/// # Panics
/// If either is 0.
#[must_use]
pub fn ports<T>(count: usize, lane_messages_max: usize) -> Vec<Port<T>> {
    assert!(count > 0, "a mesh of no ports");
    let sleepers: Arc<[Sleeper]> = (0..count).map(|_| Sleeper::default()).collect();
    let lanes: Vec<Vec<Lane<T>>> = (0..count)
        .map(|from| {
            let lane_to = |to| {
                let messages_max = if to == from { 1 } else { lane_messages_max };
                Arc::new(ArrayQueue::new(messages_max))
            };
            (0..count).map(lane_to).collect()
        })
        .collect();
    (0..count)
        .map(|id| Port {
            id,
            outgoing: lanes[id].clone(),
            incoming: lanes.iter().map(|from| from[id].clone()).collect(),
            sleepers: sleepers.clone(),
            next_source: 0,
            touched: Vec::with_capacity(count),
            is_touched: vec![false; count],
            counters: Counters::default(),
        })
        .collect()
}

impl<T> Port<T> {
    /// This port's number: its place in what [`ports`] returned.
    #[must_use]
    pub fn id(&self) -> usize {
        self.id
    }

    /// How many ports the mesh has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.outgoing.len()
    }

    /// Puts a message into the lane to another port. Its owner, if asleep, is named by the next [`Port::take_wakes`].
    ///
    /// # Errors
    /// The message itself, if the lane is full.
    ///
    /// # Panics
    /// If `to` is this port, or none.
    pub fn send(&mut self, to: usize, message: T) -> Result<(), Full<T>> {
        assert_ne!(to, self.id, "a port has no lane to itself");
        if let Err(message) = self.outgoing[to].push(message) {
            self.counters.refused += 1;
            return Err(Full(message));
        }
        self.counters.sent += 1;
        if !std::mem::replace(&mut self.is_touched[to], true) {
            self.touched.push(to);
        }
        Ok(())
    }

    /// Whether the lane to `to` would take one more message. Only this port fills it, so a yes stays true.
    #[must_use]
    pub fn has_room(&self, to: usize) -> bool {
        !self.outgoing[to].is_full()
    }

    /// How many messages wait in the lane to `to`.
    #[must_use]
    pub fn backlog(&self, to: usize) -> usize {
        self.outgoing[to].len()
    }

    /// Takes one message and tells who sent it; senders have their turns. How many to take in one go is the caller's
    /// budget.
    pub fn receive(&mut self) -> Option<(usize, T)> {
        let count = self.incoming.len();
        for _ in 0..count {
            let from = self.next_source;
            self.next_source = if from + 1 == count { 0 } else { from + 1 };
            if let Some(message) = self.incoming[from].pop() {
                self.counters.received += 1;
                return Some((from, message));
            }
        }
        None
    }

    /// The ports that were sent to since the last call and sleep. They have to be woken now, all of them: nobody else will.
    /// To be called at
    /// the end of each turn in which anything was sent.
    pub fn take_wakes(&mut self) -> impl Iterator<Item = usize> + '_ {
        if !self.touched.is_empty() {
            fence(Ordering::SeqCst);
        }
        let (sleepers, is_touched) = (&self.sleepers, &mut self.is_touched);
        self.touched.retain(|&port| {
            is_touched[port] = false;
            sleepers[port].take_over_waking()
        });
        self.counters.wakes += self.touched.len() as u64;
        self.touched.drain(..)
    }

    /// Announces that this port's owner is about to sleep. False if a message has come: then it must not. After a sleep, and
    /// whatever ended it, [`Port::awake`] has to be called.
    #[must_use]
    pub fn prepare_to_sleep(&mut self) -> bool {
        let incoming = &self.incoming;
        let may_sleep =
            self.sleepers[self.id].prepare(|| incoming.iter().all(|lane| lane.is_empty()));
        self.counters.sleeps_given_up += u64::from(!may_sleep);
        may_sleep
    }

    /// The owner is awake and will look at its lanes before it sleeps again: spares senders a wake-up.
    pub fn awake(&self) {
        self.sleepers[self.id].awake();
    }

    /// What has gone through this port so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(lane_messages_max: usize) -> [Port<u32>; 3] {
        ports(3, lane_messages_max).try_into().unwrap()
    }

    #[test]
    fn each_sender_keeps_its_order_and_senders_take_turns() {
        let [mut a, mut b, mut c] = three(8);
        for number in 0..4 {
            a.send(2, number).unwrap();
            b.send(2, 10 + number).unwrap();
        }
        let received: Vec<_> = std::iter::from_fn(|| c.receive()).collect();
        assert_eq!(
            received,
            [
                (0, 0),
                (1, 10),
                (0, 1),
                (1, 11),
                (0, 2),
                (1, 12),
                (0, 3),
                (1, 13)
            ]
        );
        assert_eq!(a.receive(), None);
    }

    #[test]
    fn a_full_lane_gives_the_message_back_and_the_other_lanes_are_free() {
        let [mut a, mut b, mut c] = three(2);
        a.send(1, 1).unwrap();
        assert!(a.has_room(1));
        a.send(1, 2).unwrap();
        assert!(!a.has_room(1));
        assert_eq!(a.send(1, 3), Err(Full(3)));
        assert!(a.has_room(2));
        c.send(1, 4).unwrap();
        assert_eq!(b.receive(), Some((0, 1)));
        a.send(1, 3).unwrap();
        assert_eq!(
            (a.counters().sent, a.counters().refused, a.backlog(1)),
            (3, 1, 2)
        );
    }

    #[test]
    fn only_sleeping_ports_are_named_and_each_by_one_sender() {
        let [mut a, mut b, mut c] = three(8);
        a.send(1, 1).unwrap();
        assert_eq!(a.take_wakes().count(), 0, "b is awake");
        assert_eq!(b.receive(), Some((0, 1)));
        assert!(b.prepare_to_sleep());
        assert!(c.prepare_to_sleep());
        a.send(1, 2).unwrap();
        a.send(1, 3).unwrap();
        a.send(2, 4).unwrap();
        assert_eq!(a.take_wakes().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(a.take_wakes().count(), 0);
        c.awake();
        c.send(1, 5).unwrap();
        assert_eq!(c.take_wakes().count(), 0, "a wakes b already");
    }

    #[test]
    fn a_message_in_a_lane_forbids_sleep() {
        let [mut a, mut b, _] = three(8);
        a.send(1, 1).unwrap();
        assert!(!b.prepare_to_sleep());
        assert_eq!(a.take_wakes().count(), 0, "b has given up its sleep");
        b.receive().unwrap();
        assert!(b.prepare_to_sleep());
        b.awake();
        assert_eq!(b.counters().sleeps_given_up, 1);
    }
}
