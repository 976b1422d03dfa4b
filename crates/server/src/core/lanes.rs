//! The lanes between this core and the others, and what waits when one of them is full.
//!
//! Requests go to a topic's home, deliveries come from it. Handling a delivery produces nothing
//! for any lane, so deliveries are always taken; requests are taken only while this core's own
//! deliveries find room. So no two cores can wait for each other, and what waits is bounded: a
//! core that is backed up does not read from its publishers.

use std::collections::VecDeque;

use broker::{Delivery, Request};
use mesh::Port;
use reactor::{Driver, Waker};

use super::Core;

/// Lane messages taken in one turn.
const REQUESTS_PER_TURN: usize = 1024;

/// What a lane carries.
#[derive(Debug)]
pub enum Shipped<T> {
    /// The broker's own message.
    Broker(T),
    /// Everything that the sender had for this lane class came before (see `drain`).
    Fence,
    /// From the control thread.
    Control(Control),
}

/// What the control thread asks of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Stop: send what was accepted, close every connection, finish.
    Drain,
    /// Finish now.
    Abort,
}

/// One core's ends of all lanes.
pub struct Ports {
    core: usize,
    requests: Port<Shipped<Request>>,
    deliveries: Port<Shipped<Delivery>>,
    /// What found its lane full, by receiving core; always sent before anything newer.
    waiting_requests: Vec<VecDeque<Shipped<Request>>>,
    waiting_deliveries: Vec<VecDeque<Shipped<Delivery>>>,
    waiting: usize,
    wakers: Vec<Waker>,
}

impl Ports {
    /// The ends of core `core`; `wakers` has one entry for each core.
    pub fn new(
        core: usize,
        requests: Port<Shipped<Request>>,
        deliveries: Port<Shipped<Delivery>>,
        wakers: Vec<Waker>,
    ) -> Self {
        let empty = |_| VecDeque::new();
        Self {
            core,
            waiting_requests: (0..wakers.len()).map(empty).collect(),
            waiting_deliveries: (0..wakers.len()).map(|_| VecDeque::new()).collect(),
            waiting: 0,
            requests,
            deliveries,
            wakers,
        }
    }

    /// Whether something waits for room in a lane.
    pub fn is_backed_up(&self) -> bool {
        self.waiting > 0
    }

    pub(super) fn request(&mut self, to: usize, request: Request) {
        ship(
            &mut self.requests,
            &mut self.waiting_requests[to],
            to,
            Shipped::Broker(request),
            &mut self.waiting,
        );
    }

    pub(super) fn delivery(&mut self, to: usize, delivery: Delivery) {
        ship(
            &mut self.deliveries,
            &mut self.waiting_deliveries[to],
            to,
            Shipped::Broker(delivery),
            &mut self.waiting,
        );
    }

    /// Tells every other core that no request follows.
    pub(super) fn fence_requests(&mut self) {
        for to in (0..self.wakers.len()).filter(|to| *to != self.core) {
            ship(
                &mut self.requests,
                &mut self.waiting_requests[to],
                to,
                Shipped::Fence,
                &mut self.waiting,
            );
        }
    }

    /// Tells every other core that no delivery follows.
    pub(super) fn fence_deliveries(&mut self) {
        for to in (0..self.wakers.len()).filter(|to| *to != self.core) {
            ship(
                &mut self.deliveries,
                &mut self.waiting_deliveries[to],
                to,
                Shipped::Fence,
                &mut self.waiting,
            );
        }
    }

    /// Other cores of this node.
    pub(super) fn others(&self) -> usize {
        self.wakers.len() - 1
    }

    /// Announces sleep on both classes of lanes; false if something arrived meanwhile.
    pub(super) fn fall_asleep(&mut self) -> bool {
        self.requests.prepare_to_sleep() && self.deliveries.prepare_to_sleep()
    }

    pub(super) fn awake(&mut self) {
        self.requests.awake();
        self.deliveries.awake();
    }

    fn retry_waiting(&mut self) {
        for to in 0..self.wakers.len() {
            retry(
                &mut self.requests,
                &mut self.waiting_requests[to],
                to,
                &mut self.waiting,
            );
            retry(
                &mut self.deliveries,
                &mut self.waiting_deliveries[to],
                to,
                &mut self.waiting,
            );
        }
    }
}

fn ship<T>(
    port: &mut Port<T>,
    waiting: &mut VecDeque<T>,
    to: usize,
    message: T,
    count: &mut usize,
) {
    if waiting.is_empty() {
        match port.send(to, message) {
            Ok(()) => return,
            Err(full) => waiting.push_back(full.0),
        }
    } else {
        waiting.push_back(message);
    }
    *count += 1;
}

fn retry<T>(port: &mut Port<T>, waiting: &mut VecDeque<T>, to: usize, count: &mut usize) {
    while let Some(message) = waiting.pop_front() {
        match port.send(to, message) {
            Ok(()) => *count -= 1,
            Err(full) => {
                waiting.push_front(full.0);
                return;
            }
        }
    }
}

impl<D: Driver> Core<D> {
    /// First thing in a turn: what other cores sent.
    pub(super) fn take_lanes(&mut self) {
        if self.ports.is_backed_up() {
            self.ports.retry_waiting();
        }
        while let Some((from, shipped)) = self.ports.deliveries.receive() {
            match shipped {
                Shipped::Broker(delivery) => self.hub.broker.take_delivery(from, delivery),
                Shipped::Fence => self.drain.delivery_fence_arrived(),
                Shipped::Control(_) => {}
            }
        }
        for _ in 0..REQUESTS_PER_TURN {
            if self.ports.is_backed_up() {
                break;
            }
            let Some((from, shipped)) = self.ports.requests.receive() else {
                break;
            };
            match shipped {
                Shipped::Broker(request) => self.hub.take_request(from, request),
                Shipped::Fence => self.drain.request_fence_arrived(),
                Shipped::Control(control) => self.obey(control),
            }
        }
    }

    /// Last thing in a turn: wake-ups for the cores that sleep over something new.
    pub(super) fn flush_lanes(&mut self) {
        let Self { ports, driver, .. } = self;
        for core in ports
            .requests
            .take_wakes()
            .chain(ports.deliveries.take_wakes())
        {
            driver.wake(&ports.wakers[core]);
        }
    }
}
