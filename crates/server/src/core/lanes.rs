//! The lanes between this core and the others, and what waits when one of them is full.
//!
//! Requests go to a topic's home, deliveries come from it. Handling a delivery produces nothing
//! for any lane, so deliveries are always taken; requests are taken only while this core's own
//! deliveries find room. So no two cores can wait for each other, and what waits is bounded: a
//! core that is backed up does not read from its publishers.

use std::collections::VecDeque;
use std::sync::Arc;

use broker::{Delivery, Request};
use mesh::Port;
use reactor::{Driver, Stream, Waker};

use super::Core;
use crate::connection::Transport;
use crate::entrance::Guest;
use crate::hub::Settings;

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
    /// A connection that its receiver has room for.
    Connection(Arrival),
}

/// A connection that was let in, on its way to the core that serves it.
#[derive(Debug)]
pub struct Arrival {
    pub(super) stream: Stream,
    pub(super) transport: Transport,
    pub(super) guest: Guest,
}

/// What the control thread asks of a core.
#[derive(Clone, Debug)]
pub enum Control {
    /// Stop: send what was accepted, close every connection, finish.
    Drain,
    /// Finish now.
    Abort,
    /// Go on with these limits and timers.
    Reload(Arc<Settings>),
}

/// One core's share of the lanes of a node that is being made.
pub struct Share {
    requests: Port<Shipped<Request>>,
    deliveries: Port<Shipped<Delivery>>,
}

/// The control thread's end: it sends to every core, and receives nothing.
pub type ControlPort = Port<Shipped<Request>>;

/// A lane has room for this many messages however many lanes there are.
const LANE_MESSAGES_MIN: usize = 32;

/// Lays the lanes of a node of so many cores. All lanes that lead to one core share `capacity`: their memory grows
/// with the cores, not with their square.
pub fn lay(cores: usize, capacity: usize) -> (Vec<Share>, ControlPort) {
    let capacity = (capacity / cores).max(capacity.min(LANE_MESSAGES_MIN));
    let mut requests = mesh::ports(cores + 1, capacity);
    let control = requests.pop().expect("one port more than cores");
    let deliveries = mesh::ports(cores, capacity);
    let share = |(requests, deliveries)| Share {
        requests,
        deliveries,
    };
    (
        requests.into_iter().zip(deliveries).map(share).collect(),
        control,
    )
}

/// One class of lanes: this core's port, and what found its lane full.
struct Class<T> {
    port: Port<Shipped<T>>,
    /// By receiving core; always sent before anything newer.
    waiting: Vec<VecDeque<Shipped<T>>>,
    waiting_messages: usize,
}

impl<T> Class<T> {
    fn new(port: Port<Shipped<T>>, cores: usize) -> Self {
        Self {
            port,
            waiting: (0..cores).map(|_| VecDeque::new()).collect(),
            waiting_messages: 0,
        }
    }

    fn ship(&mut self, to: usize, message: Shipped<T>) {
        let message = if self.waiting[to].is_empty() {
            match self.port.send(to, message) {
                Ok(()) => return,
                Err(full) => full.0,
            }
        } else {
            message
        };
        self.waiting[to].push_back(message);
        self.waiting_messages += 1;
    }

    fn fence(&mut self) {
        let own = self.port.id();
        for to in (0..self.waiting.len()).filter(|to| *to != own) {
            self.ship(to, Shipped::Fence);
        }
    }

    fn retry_waiting(&mut self) {
        for (to, waiting) in self.waiting.iter_mut().enumerate() {
            while let Some(message) = waiting.pop_front() {
                if let Err(full) = self.port.send(to, message) {
                    waiting.push_front(full.0);
                    break;
                }
                self.waiting_messages -= 1;
            }
        }
    }
}

/// One core's ends of all lanes.
pub struct Ports {
    requests: Class<Request>,
    deliveries: Class<Delivery>,
    wakers: Vec<Waker>,
}

impl Ports {
    /// The ends of one core; `wakers` has one entry for each core.
    pub fn new(share: Share, wakers: Vec<Waker>) -> Self {
        Self {
            requests: Class::new(share.requests, wakers.len()),
            deliveries: Class::new(share.deliveries, wakers.len()),
            wakers,
        }
    }

    /// Whether something waits for room in a lane.
    pub fn is_backed_up(&self) -> bool {
        self.requests.waiting_messages + self.deliveries.waiting_messages > 0
    }

    pub(super) fn request(&mut self, to: usize, request: Request) {
        self.requests.ship(to, Shipped::Broker(request));
    }

    pub(super) fn hand_over(&mut self, to: usize, arrival: Arrival) {
        self.requests.ship(to, Shipped::Connection(arrival));
    }

    pub(super) fn delivery(&mut self, to: usize, delivery: Delivery) {
        self.deliveries.ship(to, Shipped::Broker(delivery));
    }

    /// Tells every other core that no request follows.
    pub(super) fn fence_requests(&mut self) {
        self.requests.fence();
    }

    /// Tells every other core that no delivery follows.
    pub(super) fn fence_deliveries(&mut self) {
        self.deliveries.fence();
    }

    /// Other cores of this node.
    pub(super) fn others(&self) -> usize {
        self.wakers.len() - 1
    }

    /// Announces sleep on both classes of lanes; false if something arrived meanwhile. `awake` is
    /// due after either.
    pub(super) fn fall_asleep(&mut self) -> bool {
        self.requests.port.prepare_to_sleep() && self.deliveries.port.prepare_to_sleep()
    }

    pub(super) fn awake(&mut self) {
        self.requests.port.awake();
        self.deliveries.port.awake();
    }
}

impl<D: Driver> Core<D> {
    /// First thing in a turn: what other cores sent.
    pub(super) fn take_lanes(&mut self) {
        if self.ports.is_backed_up() {
            self.ports.requests.retry_waiting();
            self.ports.deliveries.retry_waiting();
        }
        while let Some((from, shipped)) = self.ports.deliveries.port.receive() {
            match shipped {
                Shipped::Broker(delivery) => self.hub.broker.take_delivery(from, delivery),
                Shipped::Fence => self.drain.delivery_fence_arrived(),
                Shipped::Control(_) | Shipped::Connection(..) => {}
            }
        }
        for _ in 0..REQUESTS_PER_TURN {
            // Requests of this core's own that wait are no reason: two cores whose requests to
            // each other wait would both stop taking them, for ever.
            if self.ports.deliveries.waiting_messages > 0 {
                break;
            }
            let Some((from, shipped)) = self.ports.requests.port.receive() else {
                break;
            };
            match shipped {
                Shipped::Broker(request) => self.hub.take_request(from, request),
                Shipped::Fence => self.drain.request_fence_arrived(),
                Shipped::Control(control) => self.obey(control),
                Shipped::Connection(arrival) => self.adopt(arrival),
            }
        }
    }

    /// Last thing in a turn: wake-ups for the cores that sleep over something new.
    pub(super) fn flush_lanes(&mut self) {
        let Self { ports, driver, .. } = self;
        let Ports {
            requests,
            deliveries,
            wakers,
        } = ports;
        for core in requests
            .port
            .take_wakes()
            .chain(deliveries.port.take_wakes())
        {
            driver.wake(&wakers[core]);
        }
    }
}
