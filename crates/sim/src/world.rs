//! Everything that exists in one simulation: the ends of connections, the drivers, and what is going to happen when.
//!
//! A plain discrete-event simulation. Whatever takes time is an [`Event`] in a queue ordered by time and, within one
//! nanosecond, by the order of its making; nothing depends on the order of a hash table or on the machine.

use crate::conditions::Conditions;
use crate::end::{End, EndId, Owner, Packet};
use crate::random::Random;
use crate::sockets::{DriverState, Notice};
use reactor::{ListenerId, Socket};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};

/// How long a refused accept is put off, as the driver on io_uring does it.
const ACCEPT_RETRY_NS: u64 = 10_000_000;

/// How long a starved receive waits if no buffer comes back earlier.
const STARVED_NS: u64 = 200_000;

/// Time that passes in a wait that finds another driver able to run.
const STEP_NS: u64 = 1_000;

#[derive(Debug)]
enum Event {
    /// A connection from `from` arrives at an address.
    Call {
        from: EndId,
        to: SocketAddr,
    },
    Arrive {
        end: EndId,
        packet: Packet,
    },
    /// An armed receive looks at what is there.
    Look {
        driver: usize,
        socket: Socket,
    },
    /// A send goes on.
    Push {
        driver: usize,
        socket: Socket,
    },
    Tell {
        driver: usize,
        notice: Notice,
    },
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now_ns: u64,
    pub(crate) conditions: Conditions,
    random: Random,
    events: BTreeMap<(u64, u64), Event>,
    events_made: u64,
    pub(crate) ends: Vec<End>,
    /// `None` for drivers that are gone.
    pub(crate) drivers: Vec<Option<DriverState>>,
    listeners: BTreeMap<SocketAddr, Vec<(usize, ListenerId)>>,
    next_port: u16,
    pub(crate) dropped_sender: Sender<u64>,
    dropped: Receiver<u64>,
}

impl World {
    pub(crate) fn new(seed: u64, conditions: Conditions) -> Self {
        let (dropped_sender, dropped) = channel();
        Self {
            // Not zero, so that a mixed-up absolute and relative time shows.
            now_ns: 1_000_000_000,
            conditions,
            random: Random::new(seed),
            events: BTreeMap::new(),
            events_made: 0,
            ends: Vec::new(),
            drivers: Vec::new(),
            listeners: BTreeMap::new(),
            next_port: 10_000,
            dropped_sender,
            dropped,
        }
    }

    pub(crate) fn driver(&mut self, driver: usize) -> &mut DriverState {
        self.drivers[driver].as_mut().expect("the driver exists")
    }

    fn schedule(&mut self, at_ns: u64, event: Event) {
        self.events_made += 1;
        self.events.insert((at_ns, self.events_made), event);
    }

    fn soon_ns(&mut self) -> u64 {
        self.now_ns + self.random.within(&self.conditions.completion_ns)
    }

    /// Tells a driver something after the delay that completions have.
    pub(crate) fn tell(&mut self, driver: usize, notice: Notice) {
        let at_ns = self.soon_ns();
        self.schedule(at_ns, Event::Tell { driver, notice });
    }

    fn free_port(&mut self) -> u16 {
        self.next_port = self.next_port.checked_add(1).unwrap_or(10_000);
        self.next_port
    }
}

/// Making connections.
impl World {
    pub(crate) fn listen(
        &mut self,
        driver: usize,
        id: ListenerId,
        mut address: SocketAddr,
        reuse_port: bool,
    ) -> Result<SocketAddr, ErrorKind> {
        if address.port() == 0 {
            address.set_port(self.free_port());
        }
        let here = self.listeners.entry(address).or_default();
        if !here.is_empty() && !reuse_port {
            return Err(ErrorKind::AddrInUse);
        }
        here.push((driver, id));
        Ok(address)
    }

    pub(crate) fn stop_listening(&mut self, driver: usize, id: ListenerId) {
        self.listeners
            .values_mut()
            .for_each(|here| here.retain(|entry| *entry != (driver, id)));
        self.listeners.retain(|_, here| !here.is_empty());
    }

    pub(crate) fn stop_all_listening(&mut self, driver: usize) {
        self.listeners
            .values_mut()
            .for_each(|here| here.retain(|entry| entry.0 != driver));
        self.listeners.retain(|_, here| !here.is_empty());
    }

    /// A new end that calls `to`.
    pub(crate) fn call(&mut self, owner: Owner, source: Option<IpAddr>, to: SocketAddr) -> EndId {
        let from = SocketAddr::new(source.unwrap_or(to.ip()), self.free_port());
        self.ends.push(End::new(owner, from, to));
        let end = self.ends.len() - 1;
        let at_ns = self.now_ns + self.random.within(&self.conditions.travel_ns);
        self.schedule(at_ns, Event::Call { from: end, to });
        end
    }

    fn on_call(&mut self, from: EndId, to: SocketAddr) {
        if self.ends[from].closed {
            return;
        }
        let any_address: IpAddr = if to.is_ipv4() {
            [0; 4].into()
        } else {
            [0_u16; 8].into()
        };
        let here = self
            .listeners
            .get(&to)
            .or_else(|| self.listeners.get(&SocketAddr::new(any_address, to.port())));
        let Some(here) = here else {
            self.ends[from].refused = true;
            return self.tell_connected(from, Err(ErrorKind::ConnectionRefused));
        };
        let chosen = self.random.within(&(0..=here.len() as u64 - 1)) as usize;
        let (driver, listener) = here[chosen];
        if self
            .random
            .happens(self.conditions.accept_failures_per_million)
        {
            self.tell(driver, Notice::AcceptFailed(listener));
            return self.schedule(self.now_ns + ACCEPT_RETRY_NS, Event::Call { from, to });
        }
        let mut accepted = End::new(Owner::Nobody, to, self.ends[from].address);
        accepted.pair = Some(from);
        self.ends.push(accepted);
        let end = self.ends.len() - 1;
        self.ends[from].pair = Some(end);
        self.tell(driver, Notice::Accepted(listener, end));
        self.tell_connected(from, Ok(()));
    }

    fn tell_connected(&mut self, end: EndId, result: Result<(), ErrorKind>) {
        if let Owner::Driver { driver, socket } = self.ends[end].owner {
            self.tell(driver, Notice::Connected(socket, result));
        }
    }
}

/// Bytes and endings on their way.
impl World {
    fn travel(&mut self, to: EndId, packet: Packet) {
        let at_ns = self.now_ns + self.random.within(&self.conditions.travel_ns);
        let at_ns = at_ns.max(self.ends[to].last_arrival_ns);
        self.ends[to].last_arrival_ns = at_ns;
        self.schedule(at_ns, Event::Arrive { end: to, packet });
    }

    /// Sends what fits of `bytes`, in packets of any length, and tells how much that was.
    pub(crate) fn transmit(&mut self, from: EndId, bytes: &[u8]) -> usize {
        let Some(to) = self.ends[from].pair else {
            return 0;
        };
        let mut sent = 0;
        while sent < bytes.len() {
            let room = self.ends[to].room_bytes(self.conditions.window_bytes);
            let most = (bytes.len() - sent)
                .min(room)
                .min(self.conditions.piece_bytes_max);
            if most == 0 || self.ends[from].reset {
                break;
            }
            if self.random.happens(self.conditions.resets_per_million) {
                self.travel(from, Packet::Reset);
                self.travel(to, Packet::Reset);
                break;
            }
            let len = self.random.cut(most);
            self.ends[to].travelling_bytes += len;
            self.travel(to, Packet::Bytes(bytes[sent..sent + len].to_vec()));
            sent += len;
        }
        sent
    }

    pub(crate) fn finish(&mut self, end: EndId) {
        let this = &mut self.ends[end];
        let Some(pair) = this.pair.filter(|_| !this.finished && !this.reset) else {
            return;
        };
        this.finished = true;
        self.travel(pair, Packet::Fin);
    }

    /// Ends both directions. Unread bytes make it a reset, as in TCP.
    pub(crate) fn close(&mut self, end: EndId) {
        let this = &mut self.ends[end];
        if std::mem::replace(&mut this.closed, true) {
            return;
        }
        this.owner = Owner::Nobody;
        let unread = !std::mem::take(&mut this.ready).is_empty();
        if unread {
            self.reset(end)
        } else {
            self.finish(end)
        }
    }

    /// Breaks a connection from one end.
    pub(crate) fn reset(&mut self, end: EndId) {
        let this = &mut self.ends[end];
        if let Some(pair) = this.pair.filter(|_| !this.reset) {
            this.reset = true;
            self.travel(pair, Packet::Reset);
        }
    }

    fn on_arrival(&mut self, end: EndId, packet: Packet) {
        let this = &mut self.ends[end];
        match packet {
            Packet::Bytes(bytes) => {
                this.travelling_bytes -= bytes.len();
                if this.closed {
                    return self.reset(end);
                }
                if !this.reset {
                    this.ready.extend(bytes);
                }
            }
            Packet::Fin => this.fin_arrived = true,
            Packet::Reset if this.reset => {}
            Packet::Reset => {
                this.reset = true;
                this.untold_error = Some(ErrorKind::ConnectionReset);
            }
        }
        if let Owner::Driver { driver, socket } = this.owner {
            self.look_soon(driver, socket);
            if self.ends[end].reset {
                self.push(driver, socket);
            }
        }
    }

    /// The reader has made room: the other end's send goes on.
    pub(crate) fn consumed(&mut self, end: EndId) {
        let Some(pair) = self.ends[end].pair else {
            return;
        };
        if let Owner::Driver { driver, socket } = self.ends[pair].owner {
            let at_ns = self.now_ns + self.random.within(&self.conditions.travel_ns);
            self.schedule(at_ns, Event::Push { driver, socket });
        }
    }
}

/// The drivers' operations.
impl World {
    /// Lets an armed receive look, if there is anything to see and no look is on its way.
    pub(crate) fn look_soon(&mut self, driver: usize, socket: Socket) {
        let Some(slot) = self.driver(driver).open_mut(socket) else {
            return;
        };
        let (end, idle) = (slot.end, slot.wants_receive && !slot.look_pending);
        if !idle || !self.ends[end].is_readable() {
            return;
        }
        let starves = self.random.happens(self.conditions.starvations_per_million);
        let at_ns = self.soon_ns() + if starves { STARVED_NS } else { 0 };
        let state = self.driver(driver);
        state.counters.starved += u64::from(starves);
        state.open_mut(socket).expect("found above").look_pending = true;
        self.schedule(at_ns, Event::Look { driver, socket });
    }

    fn on_look(&mut self, driver: usize, socket: Socket) {
        let piece_bytes_max = self.conditions.piece_bytes_max;
        let state = self.drivers[driver]
            .as_mut()
            .expect("looks of a driver that is gone are dropped");
        let buffers_free = state.buffers_free;
        let Some(slot) = state.open_mut(socket) else {
            return;
        };
        slot.look_pending = false;
        if !slot.wants_receive {
            return;
        }
        let end = &mut self.ends[slot.end];
        let end_id = slot.end;
        if end.ready.is_empty() {
            if !end.is_readable() {
                return;
            }
            slot.wants_receive = false;
            let error = end.untold_error.take();
            return state.notices.push_back(Notice::ReceiveEnded(socket, error));
        }
        if buffers_free == 0 {
            slot.look_pending = true;
            state.counters.starved += 1;
            return state.starved.push_back(socket);
        }
        let len = self.random.cut(end.ready.len().min(piece_bytes_max));
        let bytes = end.ready.drain(..len).collect();
        state.buffers_free -= 1;
        state.notices.push_back(Notice::Received(socket, bytes));
        self.consumed(end_id);
        self.look_soon(driver, socket);
    }

    /// A receive buffer came back: whoever waits for one looks again.
    pub(crate) fn buffer_came_back(&mut self, driver: usize) {
        self.driver(driver).buffers_free += 1;
        while let Some(socket) = self.driver(driver).starved.pop_front() {
            if let Some(slot) = self.driver(driver).open_mut(socket) {
                slot.look_pending = false;
                if slot.wants_receive {
                    return self.look_soon(driver, socket);
                }
            }
        }
    }

    /// Goes on with a socket's send; tells when it is over.
    pub(crate) fn push(&mut self, driver: usize, socket: Socket) {
        let Some(slot) = self.driver(driver).open_mut(socket) else {
            return;
        };
        let end = slot.end;
        let Some(mut sending) = slot.sending.take_if(|sending| !sending.over) else {
            return;
        };
        sending.sent_bytes += self.transmit(end, &sending.flat[sending.sent_bytes..]);
        let result = if self.ends[end].reset && sending.sent_bytes > 0 {
            Some(Err(ErrorKind::WriteZero))
        } else if let Some(error) = self.ends[end].take_send_error() {
            Some(Err(error))
        } else {
            (sending.sent_bytes == sending.flat.len()).then_some(Ok(()))
        };
        sending.over = result.is_some();
        self.driver(driver)
            .open_mut(socket)
            .expect("found above")
            .sending = Some(sending);
        if let Some(result) = result {
            self.tell(driver, Notice::Sent(socket, result));
        }
    }
}

/// Time.
impl World {
    fn handle(&mut self, event: Event) {
        let gone = |drivers: &[Option<DriverState>], driver: usize| drivers[driver].is_none();
        match event {
            Event::Call { from, to } => self.on_call(from, to),
            Event::Arrive { end, packet } => self.on_arrival(end, packet),
            Event::Look { driver, .. } | Event::Push { driver, .. }
                if gone(&self.drivers, driver) => {}
            Event::Look { driver, socket } => self.on_look(driver, socket),
            Event::Push { driver, socket } => self.push(driver, socket),
            Event::Tell { driver, notice } => match &mut self.drivers[driver] {
                Some(state) => state.notices.push_back(notice),
                None => self.nobody_hears(notice),
            },
        }
    }

    fn nobody_hears(&mut self, notice: Notice) {
        if let Notice::Accepted(_, end) = notice {
            self.close(end);
        }
    }

    /// Closes the ends whose streams were dropped.
    pub(crate) fn close_dropped(&mut self) {
        while let Ok(end) = self.dropped.try_recv() {
            self.close(end as EndId);
        }
    }

    /// Lets time pass until `until_ns`, or until a driver has something to hear.
    pub(crate) fn advance(&mut self, until_ns: u64) {
        while let Some(first) = self.events.first_entry() {
            let (at_ns, _) = *first.key();
            if at_ns > until_ns {
                break;
            }
            let event = first.remove();
            self.now_ns = self.now_ns.max(at_ns);
            self.handle(event);
            if self
                .drivers
                .iter()
                .flatten()
                .any(|state| !state.notices.is_empty())
            {
                return;
            }
        }
        self.now_ns = self.now_ns.max(until_ns);
    }

    /// Until when time may pass while `driver` sleeps: not beyond what another driver waits for, and hardly at all
    /// while another one could run. If nothing at all is going to happen, hardly at all either.
    pub(crate) fn sleep_end_ns(&self, driver: usize, deadline_ns: u64) -> u64 {
        let mut end_ns = deadline_ns;
        let others = self
            .drivers
            .iter()
            .enumerate()
            .filter(|(id, _)| *id != driver);
        for state in others.filter_map(|(_, state)| state.as_ref()) {
            let awake = !state.notices.is_empty()
                || state.wake.load(Ordering::SeqCst)
                || state.asleep_until_ns <= self.now_ns;
            end_ns = end_ns.min(if awake {
                self.now_ns + STEP_NS
            } else {
                state.asleep_until_ns
            });
        }
        if end_ns == u64::MAX && self.events.is_empty() {
            end_ns = self.now_ns + STEP_NS;
        }
        end_ns
    }

    /// Whether nothing is going to happen any more by itself.
    pub(crate) fn is_quiet(&self) -> bool {
        let nothing_to_hear = |state: &DriverState| state.notices.is_empty();
        self.events.is_empty() && self.drivers.iter().flatten().all(nothing_to_hear)
    }
}
