//! The driver on io_uring: one ring, one buffer ring and one table of sockets for each core.
//!
//! The kernel owns an operation's memory and descriptor from the moment the operation is queued to its last completion;
//! everything here is built around keeping that promise. Ordinary descriptors while there are any, because `shutdown(2)` can
//! name them: it is how a socket with operations in flight is ended. No zero-copy sends, no bundles, no linked operations: each was
//! measured to lose or to break frames on the connections that a broker has.

#![allow(unsafe_code)]

mod buffers;
mod completions;
mod descriptors;
mod drain;
mod operations;
mod ring;
mod setup;
mod table;
mod token;
mod wake;

use self::buffers::ReceiveBuffers;
use self::completions::Outcome;
use self::descriptors::{Descriptor, Descriptors};
use self::ring::Ring;
pub use self::setup::{RingSettings, SetupError};
use self::table::{State, Table};
use self::wake::WakeTarget;
use super::listeners::{self, Listeners};
use crate::waker::Wake;
use crate::{
    Completion, Counters, Driver, ListenOptions, ListenerId, Outgoing, Socket, SocketOptions,
    Stream, Wait, Waker, clock, probe, sys,
};
use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// [`Driver`] on io_uring.
///
/// It cannot be sent to another thread:
///
/// ```compile_fail
/// fn must_be_send<T: Send>() {}
/// must_be_send::<ringwire_reactor::RingDriver>();
/// ```
pub struct RingDriver {
    ring: Ring,
    buffers: ReceiveBuffers,
    table: Table,
    descriptors: Descriptors,
    listeners: Listeners,
    /// Sockets that found no receive buffer, in the order in which they did.
    starved: VecDeque<Socket>,
    /// Sockets closed with nothing in flight, to be told of.
    closed: VecDeque<Socket>,
    /// This driver woke itself.
    woken: bool,
    target: Arc<WakeTarget>,
    event_armed: bool,
    ending: bool,
    counters: Counters,
    description: String,
    /// The ring belongs to the thread that made it: the kernel refuses any other.
    not_send: PhantomData<*const ()>,
}

impl RingDriver {
    /// Makes the ring, on the thread that will use it.
    ///
    /// # Errors
    /// One line for the operator: what is missing and how to provide it.
    pub fn new(settings: RingSettings) -> Result<Self, SetupError> {
        let built = setup::build(settings)?;
        let parameters = built.ring.params();
        let description = format!(
            "io_uring on kernel {}: {}, {} submission and {} completion entries, {} receive buffers of {} bytes{}",
            probe::kernel_release(),
            built.flags,
            parameters.sq_entries(),
            parameters.cq_entries(),
            built.buffers.count(),
            built.buffers.buffer_bytes(),
            if built.settings == settings {
                ""
            } else {
                " (reduced: locked memory is short)"
            },
        );
        // SAFETY: the ring is open for the length of the borrow.
        let descriptor = unsafe { BorrowedFd::borrow_raw(built.ring.as_raw_fd()) };
        let target = WakeTarget::new(descriptor).map_err(|error| SetupError::Other {
            step: "eventfd",
            error,
        })?;
        let mut driver = Self {
            ring: Ring::new(built.ring),
            buffers: built.buffers,
            table: Table::default(),
            descriptors: Descriptors::new(settings.ordinary_descriptors_max),
            listeners: Listeners::default(),
            starved: VecDeque::new(),
            closed: VecDeque::new(),
            woken: false,
            target: Arc::new(target),
            event_armed: false,
            ending: false,
            counters: Counters::default(),
            description,
            not_send: PhantomData,
        };
        driver.arm_event();
        Ok(driver)
    }

    /// One line on the kernel, the ring's features and its sizes, for the start-up banner.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    fn insert(&mut self, descriptor: OwnedFd) -> Socket {
        let descriptor = self.descriptors.settle(self.ring.uring(), descriptor);
        self.table.insert(descriptor)
    }

    /// Arms the receives that had found no buffer, at most as many as there are buffers: with one buffer and a thousand
    /// readable sockets each turn serves one of them, instead of turning all of them away again.
    fn rearm_starved(&mut self) {
        for _ in 0..self.buffers.count() {
            let Some(socket) = self.starved.pop_front() else {
                return;
            };
            let Some(slot) = self.table.open_mut(socket) else {
                continue;
            };
            slot.starved = false;
            if slot.wants_receive && !slot.receiving {
                self.counters.rearms += 1;
                operations::receive(&mut self.ring, &mut self.counters, socket, slot);
            }
        }
    }

    fn retry_accepts(&mut self) {
        if self.listeners.next_retry_ns().is_none() {
            return;
        }
        let now_ns = self.now_ns();
        while let Some(listener) = self.listeners.take_retry(now_ns) {
            self.arm_accept(listener);
        }
    }

    /// Whether there is something to tell or to do before sleeping.
    fn has_work(&self) -> bool {
        self.ring.has_arrived() || !self.closed.is_empty() || self.woken || !self.starved.is_empty()
    }

    /// How long to sleep so as to be awake at the earlier of `deadline_ns` and the next accept's retry.
    fn timeout(&self, deadline_ns: Option<u64>) -> Option<Duration> {
        let retry_ns = self.listeners.next_retry_ns();
        let end_ns = deadline_ns.into_iter().chain(retry_ns).min()?;
        Some(Duration::from_nanos(end_ns.saturating_sub(self.now_ns())))
    }
}

impl Driver for RingDriver {
    fn now_ns(&self) -> u64 {
        clock::monotonic_ns()
    }

    fn unix_ms(&self) -> u64 {
        clock::unix_ms()
    }

    fn listen(
        &mut self,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> io::Result<(ListenerId, SocketAddr)> {
        let (descriptor, bound) = listeners::open(address, options)?;
        let listener = self.listeners.insert(descriptor);
        self.arm_accept(listener);
        Ok((listener, bound))
    }

    fn stop_listening(&mut self, id: ListenerId) {
        let Some(listener) = self.listeners.at_mut(id) else {
            return;
        };
        listener.stop();
        if listener.accepting {
            self.cancel_accept(id);
        }
    }

    fn connect(
        &mut self,
        address: SocketAddr,
        source: Option<IpAddr>,
        options: &SocketOptions,
    ) -> io::Result<Socket> {
        let descriptor = sys::stream_socket(address)?;
        listeners::apply(&descriptor, options)?;
        if let Some(source) = source {
            sys::bind_source(&descriptor, source)?;
        }
        let socket = self.insert(descriptor);
        let slot = self.table.open_mut(socket).expect("just inserted");
        operations::connect(&mut self.ring, &mut self.counters, socket, slot, address);
        Ok(socket)
    }

    fn adopt(&mut self, stream: Stream) -> Socket {
        let descriptor = stream.into_descriptor();
        self.insert(descriptor.expect("a stream of the kernel's, not a simulated one"))
    }

    fn receive(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        slot.wants_receive = true;
        if !slot.receiving && !slot.starved {
            operations::receive(&mut self.ring, &mut self.counters, socket, slot);
        }
    }

    fn pause(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        if std::mem::take(&mut slot.wants_receive) && slot.receiving {
            operations::cancel_receive(&mut self.ring, &mut self.counters, socket);
        }
    }

    fn send(&mut self, socket: Socket, outgoing: Outgoing) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        operations::send(&mut self.ring, &mut self.counters, socket, slot, outgoing);
    }

    fn finish(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        // With a send in flight its completion sends the FIN.
        if !std::mem::replace(&mut slot.finishing, true) && !slot.sending {
            self.send_fin(socket);
        }
    }

    fn close(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        slot.state = State::Closing;
        slot.wants_receive = false;
        if !slot.in_flight() {
            // Closing the descriptor is enough then. It happens when the user is told.
            self.closed.push_back(socket);
            return;
        }
        // Ends the receive, and the send with what it managed. A connection that does not stand (yet, or any more)
        // cannot be shut down, and neither can a direct descriptor, whose FIN follows when nothing is in flight.
        let shut = match slot.descriptor() {
            Descriptor::Ordinary(descriptor) => sys::shutdown(descriptor, Shutdown::Both).is_ok(),
            Descriptor::Direct(_) => false,
        };
        if !shut || slot.connecting {
            operations::cancel_all_of(&mut self.ring, &mut self.counters, socket, slot);
        }
    }

    fn waker(&self) -> Waker {
        Waker::new(self.target.clone())
    }

    fn wake(&mut self, waker: &Waker) {
        match waker.ring() {
            ring if ring == self.target.ring() => self.woken = true,
            Some(ring) => self.message_ring(ring, waker),
            None => waker.wake(),
        }
    }

    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        self.counters.turns += 1;
        self.buffers.reclaim();
        self.buffers.publish();
        self.rearm_starved();
        self.retry_accepts();
        let timeout = match wait {
            Wait::Until(deadline_ns) if !self.has_work() => self.timeout(deadline_ns),
            _ => Some(Duration::ZERO),
        };
        if timeout == Some(Duration::ZERO) {
            self.ring.poll(&mut self.counters)
        } else {
            self.ring.sleep(timeout, &mut self.counters)
        }
    }

    fn next_completion(&mut self) -> Option<Completion<'_>> {
        self.buffers.reclaim();
        Some(match self.next_outcome()? {
            Outcome::Tell(completion) => completion,
            Outcome::Lend {
                socket,
                buffer,
                len,
            } => Completion::Received {
                socket,
                bytes: self.buffers.lend(buffer, len),
            },
        })
    }

    fn counters(&self) -> Counters {
        Counters {
            sockets: self.table.used() as u64,
            ..self.counters
        }
    }
}
