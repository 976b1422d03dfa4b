//! The driver on epoll and plain system calls: where io_uring is refused, and where little is ready at one time.
//!
//! Each socket is registered once, edge-triggered and for everything, and never again: a pause, a full socket and a reader
//! that stalls cost no system call, and nothing that waits for its user can make the loop spin. A send is tried when it is
//! handed in, a receive is made when its completion is asked for. No operation is ever in flight in the kernel, so a
//! closed socket is gone at once.

mod completions;
mod sending;
mod source;
mod table;
mod wake;

use self::completions::Outcome;
use self::source::Source;
use self::table::Table;
use self::wake::WakeTarget;
use super::listeners::{self, Listeners};
use crate::{
    Completion, Counters, Driver, ListenOptions, ListenerId, Outgoing, Socket, SocketOptions,
    Stream, Wait, Waker, clock, probe, sys,
};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventFlags};
use rustix::io::{Errno, ioctl_fionbio};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// Size of the one receive buffer: what is read at once is sent at once. `ringwire-load -s 100 -w 8 --payload 16384` cost
/// the broker 3,980 ns of processor time a delivery by 16 KiB, 2,470 by 64 KiB and 2,268 by 256 KiB; messages of 512 bytes
/// by 64 at a time 128, 84 and 83; single ones the same (medians of 4 interleaved rounds).
const RECEIVE_BYTES: usize = 256 << 10;

/// Most that one wait brings; what is left comes with the next.
const EVENTS_MAX: usize = 1024;

/// The longest sleep, for the kernel counts milliseconds in 31 bits: a day.
const SLEEP_MS_MAX: u64 = 86_400_000;

/// Everything there is to hear of a connection.
const INTEREST: EventFlags = EventFlags::IN
    .union(EventFlags::OUT)
    .union(EventFlags::RDHUP)
    .union(EventFlags::PRI)
    .union(EventFlags::ET);

/// [`Driver`] on epoll.
pub struct EpollDriver {
    epoll: OwnedFd,
    /// What the kernel said last, and how much of it has been taken.
    events: Vec<Event>,
    events_taken: usize,
    /// What is known without the kernel, oldest first.
    answers: VecDeque<Answer>,
    /// Sockets that may hold more than was received from them.
    readable: VecDeque<Socket>,
    /// Listeners that may hold newcomers.
    acceptable: VecDeque<ListenerId>,
    /// How many of `answers` and `readable` this turn takes. What is added to them during a turn waits for the next one,
    /// or a user who sends whenever a send is over would never come to the end of a turn.
    answers_due: usize,
    readable_due: usize,
    /// The last wait had enough to tell and did not ask the kernel.
    has_skipped: bool,
    buffer: Box<[u8]>,
    table: Table,
    listeners: Listeners,
    target: Arc<WakeTarget>,
    counters: Counters,
    description: String,
}

/// A completion that only waits for its turn.
enum Answer {
    Sent(Socket, Result<(), Errno>),
    Connected(Socket, Result<(), Errno>),
    Closed(Socket),
}

impl EpollDriver {
    /// A driver with the receive buffer that serves best.
    ///
    /// # Errors
    /// If there is no descriptor left for it.
    pub fn new() -> io::Result<Self> {
        Self::with_receive_buffer(RECEIVE_BYTES)
    }

    /// A driver that receives at most `bytes` at a time, at least one.
    ///
    /// # Errors
    /// If there is no descriptor left for it.
    pub fn with_receive_buffer(bytes: usize) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let target = WakeTarget::new()?;
        let edges = EventFlags::IN.union(EventFlags::ET);
        epoll::add(&epoll, &target.event, Source::Event.to_data(), edges)?;
        Ok(Self {
            epoll,
            events: Vec::with_capacity(EVENTS_MAX),
            events_taken: 0,
            answers: VecDeque::new(),
            readable: VecDeque::new(),
            acceptable: VecDeque::new(),
            answers_due: 0,
            readable_due: 0,
            has_skipped: false,
            buffer: vec![0; bytes.max(1)].into_boxed_slice(),
            table: Table::default(),
            listeners: Listeners::default(),
            target: Arc::new(target),
            counters: Counters::default(),
            description: format!(
                "epoll on kernel {}: edge-triggered, one receive buffer of {} KiB",
                probe::kernel_release(),
                bytes.div_ceil(1024),
            ),
        })
    }

    /// One line on the kernel and the driver's sizes, for the start-up banner.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Lets the kernel report on a socket from now on. A socket that it has no memory to watch is shut down: its
    /// user then finds its end.
    fn watch(&mut self, socket: Socket) {
        let slot = self.table.open_mut(socket).expect("just inserted");
        let data = Source::Socket(socket).to_data();
        if let Err(error) = epoll::add(&self.epoll, slot.descriptor(), data, INTEREST) {
            let _ = sys::shutdown(slot.descriptor(), Shutdown::Both);
            slot.readable = true;
            slot.ended = true;
            if std::mem::take(&mut slot.connecting) {
                self.answers
                    .push_back(Answer::Connected(socket, Err(error)));
            }
        }
    }

    /// How long to sleep so as to be awake at the earlier of `deadline_ns` and the next accept's retry, in whole
    /// milliseconds and never too short: who wakes up early for a deadline spins until it comes.
    fn timeout(&self, deadline_ns: Option<u64>) -> Option<Timespec> {
        let retry_ns = self.listeners.next_retry_ns();
        let end_ns = deadline_ns.into_iter().chain(retry_ns).min()?;
        let sleep_ns = end_ns.saturating_sub(self.now_ns());
        let sleep_ms = sleep_ns.div_ceil(1_000_000).min(SLEEP_MS_MAX);
        Some(Timespec {
            tv_sec: (sleep_ms / 1000) as i64,
            tv_nsec: (sleep_ms % 1000 * 1_000_000) as _,
        })
    }

    /// Asks the kernel what has happened.
    fn collect(&mut self, timeout: Option<Timespec>) -> io::Result<()> {
        self.events.clear();
        self.events_taken = 0;
        self.counters.enters += 1;
        let events = spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, events, timeout.as_ref()) {
            Ok(count) => self.counters.completions += count as u64,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// No sleep at all.
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

impl Driver for EpollDriver {
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
        ioctl_fionbio(&descriptor, true)?;
        let listener = self.listeners.insert(descriptor);
        let entry = self.listeners.at_mut(listener).expect("just inserted");
        let watched = epoll::add(
            &self.epoll,
            entry.descriptor.as_ref().expect("just inserted").as_fd(),
            Source::Listener(listener).to_data(),
            EventFlags::IN.union(EventFlags::ET),
        );
        if watched.is_err() {
            // Nobody would accept what the kernel hands to it.
            entry.stop();
        }
        watched?;
        Ok((listener, bound))
    }

    fn stop_listening(&mut self, id: ListenerId) {
        if let Some(listener) = self.listeners.at_mut(id) {
            listener.stop();
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
        ioctl_fionbio(&descriptor, true)?;
        let begun = rustix::net::connect(&descriptor, &address);
        let socket = self.table.insert(descriptor);
        match begun {
            Err(Errno::INPROGRESS) => {
                let slot = self.table.open_mut(socket).expect("just inserted");
                slot.connecting = true;
            }
            result => self.answers.push_back(Answer::Connected(socket, result)),
        }
        // Not before the connection has begun: what has not begun counts as ended.
        self.watch(socket);
        Ok(socket)
    }

    fn adopt(&mut self, stream: Stream) -> Socket {
        let descriptor = stream.into_descriptor();
        let socket = self
            .table
            .insert(descriptor.expect("a stream of the kernel's, not a simulated one"));
        self.watch(socket);
        socket
    }

    fn receive(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        slot.wants_receive = true;
        if slot.readable && !slot.queued {
            slot.queued = true;
            self.readable.push_back(socket);
        }
    }

    fn pause(&mut self, socket: Socket) {
        if let Some(slot) = self.table.open_mut(socket) {
            slot.wants_receive = false;
        }
    }

    fn send(&mut self, socket: Socket, outgoing: Outgoing) {
        self.start_send(socket, outgoing);
    }

    fn finish(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        // The last byte of a send that is stuck is followed by the FIN.
        if !std::mem::replace(&mut slot.finishing, true) && !slot.stuck {
            sending::finish(slot);
        }
    }

    fn close(&mut self, socket: Socket) {
        if self.table.close(socket) {
            self.answers.push_back(Answer::Closed(socket));
        }
    }

    fn waker(&self) -> Waker {
        Waker::new(self.target.clone())
    }

    fn wake(&mut self, waker: &Waker) {
        self.counters.wakes_sent += 1;
        waker.wake();
    }

    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        self.counters.turns += 1;
        self.answers_due = self.answers.len();
        self.readable_due = self.readable.len();
        if self.events_taken < self.events.len() {
            return Ok(());
        }
        self.retry_accepts();
        // Sends that are over need no system call to be told of, but not twice in a row: they may be over for ever.
        self.has_skipped = self.answers_due > 0 && !self.has_skipped;
        if self.has_skipped {
            self.events.clear();
            self.events_taken = 0;
            return Ok(());
        }
        let has_work = self.answers_due > 0 || self.readable_due > 0 || !self.acceptable.is_empty();
        self.collect(match wait {
            Wait::Until(deadline_ns) if !has_work => self.timeout(deadline_ns),
            _ => Some(AT_ONCE),
        })
    }

    fn next_completion(&mut self) -> Option<Completion<'_>> {
        Some(match self.next_outcome()? {
            Outcome::Tell(completion) => completion,
            Outcome::Lend { socket, len } => Completion::Received {
                socket,
                bytes: &mut self.buffer[..len],
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
