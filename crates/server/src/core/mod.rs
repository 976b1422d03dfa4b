//! One core: its ring, its connections, its part of the broker, and the turn that ties them.
//!
//! `Core::turn` is the whole program in the order in which a message takes it: lanes and
//! completions -> machines -> sessions -> broker -> ready connections -> one submit. It is generic
//! over the driver, so the simulator runs exactly this code on a virtual network. Nothing here
//! knows a byte of any protocol; that is `connection`'s.

mod deadlines;
mod drain;
mod input;
mod lanes;
mod listeners;
mod output;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use pages::Pages;
use reactor::{Driver, Socket, Timers, Wait};

use crate::connection::Connection;
use crate::hub::Hub;
use crate::node::Node;
use drain::Drain;

pub use lanes::{Arrival, Control, ControlPort, Ports, Share, Shipped, lay};
pub use listeners::Listeners;

/// Completions taken in one turn before what they caused is sent.
const COMPLETIONS_PER_TURN: usize = 4096;
/// TLS handshakes answered in one turn, each of them a signature and a key exchange: a few milliseconds together.
const HANDSHAKES_PER_TURN: u32 = 16;
/// Sends submitted in one turn: a fan-out that is larger goes on in the next, so that it delays
/// nobody else's message for long.
const SENDS_PER_TURN: usize = 1024;
/// How often the broker looks for what has aged, in milliseconds.
const SWEEP_INTERVAL_MS: u64 = 1000;

/// One core.
pub struct Core<D: Driver> {
    driver: D,
    listeners: Listeners,
    hub: Hub,
    /// By socket index; the driver numbers sockets densely.
    connections: Pages<Option<Connection>>,
    open: usize,
    /// Under which addresses they are counted, where addresses are bounded.
    addresses: Pages<Option<IpAddr>>,
    /// Those among them that are only told that there is no room.
    turned_away: usize,
    /// Connections that may have something to send, each at most once.
    ready: VecDeque<Socket>,
    /// Connections not read from until the lanes have room again.
    held_back: Vec<Socket>,
    deadlines: Timers<Socket>,
    ports: Ports,
    node: Arc<Node>,
    drain: Drain,
    next_sweep_ms: u64,
    /// Reused from send to send, and those that came back from the driver.
    pieces: Vec<Bytes>,
    spare: Vec<Vec<Bytes>>,
}

/// Whether the core goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Call `turn` again.
    Continue,
    /// Drained: every connection is gone and nothing is in flight.
    Finished,
}

impl<D: Driver> Core<D> {
    /// A core that accepts what comes to `listeners`.
    pub fn new(
        driver: D,
        listeners: impl Into<Listeners>,
        hub: Hub,
        ports: Ports,
        node: Arc<Node>,
    ) -> Self {
        let now_ms = driver.now_ns() / 1_000_000;
        Self {
            listeners: listeners.into(),
            hub,
            connections: Pages::new(),
            open: 0,
            addresses: Pages::new(),
            turned_away: 0,
            ready: VecDeque::new(),
            held_back: Vec::new(),
            deadlines: Timers::new(now_ms),
            ports,
            node,
            drain: Drain::default(),
            next_sweep_ms: now_ms + SWEEP_INTERVAL_MS,
            pieces: Vec::new(),
            spare: Vec::new(),
            driver,
        }
    }

    /// Waits for something to do (unless something is left over), does it, and prepares all that
    /// follows from it for the next submit.
    ///
    /// # Errors
    /// Only what makes the ring unusable.
    pub fn turn(&mut self) -> io::Result<Flow> {
        self.wait()?;
        self.hub
            .set_time(self.driver.now_ns() / 1_000_000, self.driver.unix_ms());
        self.take_lanes();
        self.hub.lanes_are_full = self.ports.is_backed_up();
        self.take_completions();
        self.take_deadlines();
        // Answers first: a client's next request may have waited for one of them.
        self.take_broker_output();
        self.hub.end_turn();
        self.take_broker_output();
        self.send_ready();
        self.flush_lanes();
        Ok(self.advance_drain())
    }

    /// The one submit of a turn. A core sleeps only with nothing left to do, and only after it
    /// has said so and looked at its lanes once more.
    fn wait(&mut self) -> io::Result<()> {
        if self.has_work() || !self.ports.fall_asleep() {
            self.ports.awake();
            return self.driver.wait(Wait::Poll);
        }
        let deadlines = [self.deadlines.next_deadline(), self.drain.deadline_ms()];
        let next_ms = deadlines
            .into_iter()
            .flatten()
            .fold(self.next_sweep_ms, u64::min);
        let slept = self.driver.wait(Wait::Until(Some(next_ms * 1_000_000)));
        self.ports.awake();
        slept
    }

    /// Something is left over from the last turn.
    fn has_work(&self) -> bool {
        !self.ready.is_empty() || self.hub.has_open_turn() || self.ports.is_backed_up()
    }

    fn connection(&mut self, socket: Socket) -> Option<&mut Connection> {
        self.connections
            .get_mut(socket.index as usize)?
            .as_mut()
            .filter(|connection| connection.socket() == socket)
    }

    /// How many connections this core has.
    pub fn connections(&self) -> usize {
        self.open
    }
}
