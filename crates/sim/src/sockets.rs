//! One simulated driver's sockets and what it has to tell, as far as the network knows them.

use crate::end::EndId;
use reactor::{Counters, ListenerId, Outgoing, Socket};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A completion before it is told.
#[derive(Debug)]
pub(crate) enum Notice {
    Accepted(ListenerId, EndId),
    AcceptFailed(ListenerId),
    Connected(Socket, Result<(), ErrorKind>),
    Received(Socket, Vec<u8>),
    ReceiveEnded(Socket, Option<ErrorKind>),
    Sent(Socket, Result<(), ErrorKind>),
    Closed(Socket),
    Woken,
}

/// A send and how far it has come.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) outgoing: Outgoing,
    pub(crate) flat: Vec<u8>,
    pub(crate) sent_bytes: usize,
    /// Its completion is on the way.
    pub(crate) over: bool,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) end: EndId,
    pub(crate) closing: bool,
    pub(crate) wants_receive: bool,
    /// A look at what has arrived is on the way, or waits for a buffer.
    pub(crate) look_pending: bool,
    pub(crate) sending: Option<Sending>,
    pub(crate) finishing: bool,
}

/// One driver, seen from the network.
#[derive(Debug)]
pub(crate) struct DriverState {
    slots: Vec<(u32, Option<Slot>)>,
    free: Vec<u32>,
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) buffers_free: u16,
    /// Sockets that found no buffer, in the order in which they did.
    pub(crate) starved: VecDeque<Socket>,
    pub(crate) wake: Arc<AtomicBool>,
    /// Until when the driver sleeps, if it does.
    pub(crate) asleep_until_ns: u64,
    pub(crate) counters: Counters,
}

impl DriverState {
    pub(crate) fn new(receive_buffers: u16, wake: Arc<AtomicBool>) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            notices: VecDeque::new(),
            buffers_free: receive_buffers,
            starved: VecDeque::new(),
            wake,
            asleep_until_ns: 0,
            counters: Counters::default(),
        }
    }

    pub(crate) fn insert(&mut self, end: EndId) -> Socket {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            self.slots.len() as u32 - 1
        });
        let (generation, slot) = &mut self.slots[index as usize];
        *slot = Some(Slot {
            end,
            closing: false,
            wants_receive: false,
            look_pending: false,
            sending: None,
            finishing: false,
        });
        Socket {
            index,
            generation: *generation,
        }
    }

    /// The slot of a socket, closing or not.
    pub(crate) fn used_mut(&mut self, socket: Socket) -> Option<&mut Slot> {
        let (generation, slot) = self.slots.get_mut(socket.index as usize)?;
        slot.as_mut().filter(|_| *generation == socket.generation)
    }

    /// The slot of a socket that its user has not closed.
    pub(crate) fn open_mut(&mut self, socket: Socket) -> Option<&mut Slot> {
        self.used_mut(socket).filter(|slot| !slot.closing)
    }

    pub(crate) fn open(&self, socket: Socket) -> Option<&Slot> {
        let (generation, slot) = self.slots.get(socket.index as usize)?;
        slot.as_ref()
            .filter(|slot| *generation == socket.generation && !slot.closing)
    }

    pub(crate) fn remove(&mut self, socket: Socket) {
        let (generation, slot) = &mut self.slots[socket.index as usize];
        *slot = None;
        *generation = generation.wrapping_add(1);
        self.free.push(socket.index);
    }

    pub(crate) fn used(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn ends(&self) -> Vec<EndId> {
        let slots = self.slots.iter().filter_map(|(_, slot)| slot.as_ref());
        slots.map(|slot| slot.end).collect()
    }
}
