//! Lets subscribers leave at their times and come back, while others publish.
//!
//! Whoever is replaced one by one says goodbye; those that are cut off do not. Opening connections is the business of `opening`,
//! what a subscriber hears that of `reception`: here is who goes when, and what came of it.

use std::collections::VecDeque;
use std::ops::Range;

use frame::CloseCode;
use reactor::{Driver, Socket};

use super::arrivals::Arrivals;
use super::homecoming::Change;
use super::links::{Approach, Cause, Member, Stage};
use super::worker::Share;
use crate::dialect::Talk;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::turnover::{Churned, Cut, Outcome, Reconnected};

/// How long a server may take to answer a Close.
const CLOSE_PATIENCE_NS: u64 = 1_000_000_000;

/// The comings and goings of one thread's subscribers.
#[derive(Debug)]
pub(super) struct Turnover {
    share: Share,
    /// Where each subscriber is, if it stands.
    places: Vec<Option<Socket>>,
    connections: Option<Beat>,
    subscriptions: Option<Beat>,
    /// Until it has come.
    cut: Option<Cut>,
    cut_ns: u64,
    /// Those that have said goodbye and may not have been answered, and since when.
    leaving: VecDeque<(u64, Socket)>,
    outcome: Outcome,
}

/// Something that is due `per_second` times a second in all threads together.
#[derive(Debug)]
struct Beat {
    per_second: f64,
    number: u64,
    /// Whose turn it is.
    subscriber: usize,
}

impl Beat {
    fn new(per_second: f64) -> Beat {
        Beat {
            per_second,
            number: 0,
            subscriber: 0,
        }
    }

    fn due_ns(&self, share: Share, from_ns: u64) -> u64 {
        let place = self.number * u64::from(share.threads) + u64::from(share.thread);
        from_ns + (place as f64 * 1e9 / self.per_second) as u64
    }

    /// The next subscriber that stands.
    fn take_turn(&mut self, places: &[Option<Socket>]) -> Option<(u32, Socket)> {
        self.number += 1;
        for _ in 0..places.len() {
            let at = self.subscriber % places.len();
            self.subscriber = at + 1;
            if let Some(socket) = places[at] {
                return Some((at as u32, socket));
            }
        }
        None
    }
}

impl Turnover {
    /// For `subscribers` subscribers; `None` if the plan lets everybody stay.
    pub(super) fn new(plan: &Plan, share: Share, subscribers: usize) -> Option<Turnover> {
        let wanted = plan.turnover;
        (!wanted.is_none()).then(|| Turnover {
            share,
            places: vec![None; subscribers],
            connections: wanted.connections_per_second.map(Beat::new),
            subscriptions: wanted.subscriptions_per_second.map(Beat::new),
            cut: wanted.cut,
            cut_ns: 0,
            leaving: VecDeque::new(),
            outcome: Outcome {
                connections: wanted.connections_per_second.map(|_| Churned::default()),
                subscriptions: wanted.subscriptions_per_second.map(|_| Churned::default()),
                reconnect: wanted.cut.map(|_| Reconnected::default()),
                ..Outcome::default()
            },
        })
    }

    pub(super) fn attach(&mut self, subscriber: u32, socket: Socket) {
        self.places[subscriber as usize] = Some(socket);
    }

    pub(super) fn detach(&mut self, subscriber: u32) {
        self.places[subscriber as usize] = None;
    }

    /// Takes the next change that is due, and the subscriber whose turn it is.
    fn take_due(&mut self, window_ns: &Range<u64>, now_ns: u64) -> Option<(Change, u32, Socket)> {
        for (beat, change) in [
            (&mut self.connections, Change::Connection),
            (&mut self.subscriptions, Change::Subscription),
        ] {
            let Some(beat) = beat else { continue };
            while beat.due_ns(self.share, window_ns.start) <= now_ns {
                if let Some((subscriber, socket)) = beat.take_turn(&self.places) {
                    return Some((change, subscriber, socket));
                }
            }
        }
        None
    }

    /// Takes those that are to be cut off now, evenly from among all that stand.
    fn take_cut(&mut self, window_ns: &Range<u64>, now_ns: u64) -> Vec<(u32, Socket)> {
        let is_due = |cut: &Cut| now_ns >= window_ns.start + cut.after.as_nanos() as u64;
        let Some(cut) = self.cut.take_if(|cut| is_due(cut)) else {
            return Vec::new();
        };
        self.cut_ns = now_ns;
        let reached = |number: usize| (number as f64 * cut.share).round();
        let standing = (0..).zip(&self.places);
        standing
            .filter_map(|(subscriber, place)| Some((subscriber, (*place)?)))
            .enumerate()
            .filter(|(number, _)| reached(number + 1) > reached(*number))
            .map(|(_, cut_off)| cut_off)
            .collect()
    }

    /// When the next of all these is due.
    fn next_due_ns(&self, window_ns: &Range<u64>) -> Option<u64> {
        let beats = [&self.connections, &self.subscriptions]
            .into_iter()
            .flatten();
        let cut = self.cut.map(|cut| cut.after.as_nanos() as u64);
        beats
            .map(|beat| beat.due_ns(self.share, window_ns.start))
            .chain(cut.map(|after_ns| window_ns.start + after_ns))
            .min()
    }

    fn churned(&mut self, change: Change) -> Option<&mut Churned> {
        match change {
            Change::Connection => self.outcome.connections.as_mut(),
            Change::Subscription => self.outcome.subscriptions.as_mut(),
        }
    }

    /// Somebody has come back.
    fn note_standing(&mut self, approach: &Approach, talk: &Talk, now_ns: u64) {
        let until_standing_ns = now_ns - approach.due_ns;
        match approach.cause {
            Cause::First => {}
            Cause::Churn(change) => {
                if let Some(churned) = self.churned(change) {
                    churned.stood += 1;
                    churned.until_standing.record(until_standing_ns, 1);
                }
            }
            Cause::Cut => {
                let since_cut_ns = now_ns - self.cut_ns;
                if let Some(reconnect) = &mut self.outcome.reconnect {
                    reconnect.stood += 1;
                    reconnect.until_standing.record(until_standing_ns, 1);
                    reconnect.until_all_stood_ns = since_cut_ns;
                    reconnect.recovered += u64::from(talk.recovered() == Some(true));
                    reconnect.position_lost += u64::from(talk.recovered() == Some(false));
                }
            }
        }
    }
}

impl Arrivals<'_> {
    /// Lets those leave whose time it is, while the window lasts. Says when to look again.
    pub(super) fn let_leave<D: Driver>(
        &mut self,
        driver: &mut D,
        window_ns: &Range<u64>,
        now_ns: u64,
    ) -> Option<u64> {
        while let Some((change, subscriber, socket)) =
            self.turnover.as_mut()?.take_due(window_ns, now_ns)
        {
            match change {
                Change::Connection => self.replace(subscriber, socket, now_ns),
                Change::Subscription => self.resubscribe(subscriber, socket, now_ns),
            }
        }
        let cut = self.turnover.as_mut()?.take_cut(window_ns, now_ns);
        for (number, (subscriber, socket)) in (0..).zip(cut) {
            self.cut_off(driver, number, subscriber, socket, now_ns);
        }
        self.turnover.as_ref()?.next_due_ns(window_ns)
    }

    /// Ends what has been on its way, or not been answered, for too long.
    pub(super) fn hurry(&mut self, now_ns: u64) -> Result<(), Failure> {
        let Some(turnover) = &mut self.turnover else {
            return Ok(());
        };
        let before_ns = now_ns.saturating_sub(CLOSE_PATIENCE_NS);
        while let Some(&(since_ns, socket)) = turnover.leaving.front()
            && since_ns <= before_ns
        {
            turnover.leaving.pop_front();
            if let Some(link) = self.links.at(socket) {
                link.stage = Stage::Broken;
                self.links.mark(socket);
            }
        }
        while let Some(socket) = self.opening.take_overdue(now_ns) {
            let Some(link) = self.links.at(socket) else {
                continue;
            };
            if link.ends.approach.is_some() {
                let failure = self.opening.silence_of(link);
                self.abandon(socket, failure, now_ns)?;
            }
        }
        Ok(())
    }

    /// What came of it all.
    pub(super) fn turnover_outcome(&self) -> Option<Outcome> {
        let mut outcome = self.turnover.as_ref()?.outcome.clone();
        if let Some(homecoming) = &self.reception.homecoming {
            homecoming.testify(&mut outcome);
        }
        outcome.setbacks = self.opening.setbacks.clone();
        Some(outcome)
    }

    /// Closes a connection as a client should, and opens another in its place.
    fn replace(&mut self, subscriber: u32, socket: Socket, now_ns: u64) {
        let Some(link) = self.links.at(socket) else {
            return;
        };
        link.ends
            .machine
            .close(now_ns / 1_000_000, CloseCode::NORMAL, "");
        link.stage = Stage::Leaving;
        link.member = Member::Away(subscriber);
        self.links.mark(socket);
        self.standing -= 1;
        self.reception.leave(subscriber);
        let cause = Cause::Churn(Change::Connection);
        self.opening.come_again(subscriber, cause, now_ns);
        if let Some(turnover) = &mut self.turnover {
            turnover.detach(subscriber);
            turnover.leaving.push_back((now_ns, socket));
            if let Some(churned) = turnover.churned(Change::Connection) {
                churned.ended += 1;
            }
        }
    }

    /// Ends a subscription and begins it again, on its connection.
    fn resubscribe(&mut self, subscriber: u32, socket: Socket, now_ns: u64) {
        let topic = self.opening.topic_of(subscriber);
        let Some(link) = self.links.at(socket) else {
            return;
        };
        link.ends.talk.resubscribe(topic, &mut self.aside);
        link.ends.approach = Some(Box::new(Approach {
            response: None,
            due_ns: now_ns,
            cause: Cause::Churn(Change::Subscription),
        }));
        link.stage = Stage::Greeting;
        link.member = Member::Away(subscriber);
        self.say_aside(socket);
        self.standing -= 1;
        self.reception.leave(subscriber);
        if let Some(turnover) = &mut self.turnover {
            turnover.detach(subscriber);
            if let Some(churned) = turnover.churned(Change::Subscription) {
                churned.ended += 1;
            }
        }
    }

    /// Loses a connection without a word, and lets the subscriber come back.
    fn cut_off<D: Driver>(
        &mut self,
        driver: &mut D,
        number: u64,
        subscriber: u32,
        socket: Socket,
        now_ns: u64,
    ) {
        let Some(link) = self.links.at(socket) else {
            return;
        };
        let position = link.ends.talk.position().cloned();
        link.close(driver);
        self.standing -= 1;
        let due_ns = self.opening.due_ns(number, now_ns);
        self.opening.come_again(subscriber, Cause::Cut, due_ns);
        if let Some(turnover) = &mut self.turnover {
            turnover.detach(subscriber);
            if let Some(reconnect) = &mut turnover.outcome.reconnect {
                reconnect.cut += 1;
                reconnect.resumed += u64::from(position.is_some());
            }
        }
        if let Some(position) = position {
            self.opening.resume(subscriber, position);
            // What it missed may come in one read with the answer that lets it stand.
            self.reception.come_back(subscriber, u64::MAX);
        }
    }

    /// A connection or a subscription stands that did not before.
    pub(super) fn stand(&mut self, socket: Socket, approach: &Approach, now_ns: u64) {
        let Some(link) = self.links.at(socket) else {
            return;
        };
        let cause = approach.cause;
        if cause != Cause::Churn(Change::Subscription) {
            self.opening.complete(approach, now_ns);
        }
        if let Member::Away(subscriber) = link.member {
            link.member = Member::Subscriber(subscriber);
        }
        let (Some(subscriber), Some(turnover)) = (link.member.subscriber(), &mut self.turnover)
        else {
            return;
        };
        turnover.attach(subscriber, socket);
        turnover.note_standing(approach, &link.ends.talk, now_ns);
        match cause {
            Cause::First => {}
            Cause::Churn(change) => self.reception.come(subscriber, change, now_ns),
            Cause::Cut if link.ends.talk.position().is_some() => {
                self.reception.come_back(subscriber, now_ns);
            }
            Cause::Cut => {}
        }
    }

    /// What kept a connection from standing, or the failure of the run if it was one that had not been there before.
    #[cold]
    pub(super) fn abandon(
        &mut self,
        socket: Socket,
        failure: Failure,
        now_ns: u64,
    ) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Err(failure);
        };
        let Some(approach) = link.ends.approach.take() else {
            return Err(failure);
        };
        link.stage = Stage::Broken;
        let member = link.member;
        self.links.mark(socket);
        match (member, approach.cause) {
            // Its connection is lost with it, and replaced like one.
            (Member::Away(subscriber), cause) => {
                self.opening.come_again(subscriber, cause, now_ns);
                self.opening.setbacks.note(failure.what(), 1);
                Ok(())
            }
            _ => self.opening.abandon(member, &approach, failure, now_ns),
        }
    }
}
