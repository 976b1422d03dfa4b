//! The sockets of one driver: a dense table of one cache line each.
//!
//! The kernel never refers to a slot's memory, so a slot is empty as soon as it is closed; it is used again
//! after its user has been told, and the generation then goes up by one.

use crate::{Outgoing, Socket};
use std::os::fd::OwnedFd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Open,
    /// `close` was called and its user is still to be told.
    Closing,
}

/// All that is known of one socket.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Slot {
    /// What a send holds until its user has been told that it is over.
    pub(super) outgoing: Option<Outgoing>,
    descriptor: Option<OwnedFd>,
    generation: u32,
    /// How many bytes of `outgoing` the kernel has taken.
    pub(super) sent_bytes: u32,
    state: State,
    /// The user wants bytes.
    pub(super) wants_receive: bool,
    /// The kernel has, or may have, something to receive: bytes or the end. Its next word comes only after we have
    /// found nothing.
    pub(super) readable: bool,
    /// Waits in the queue of those that are to be received from.
    pub(super) queued: bool,
    /// The kernel has said that no more than what it has now will ever come.
    pub(super) ended: bool,
    /// From `send` until its user has been told that it is over.
    pub(super) sending: bool,
    /// The kernel had no room for all of `outgoing`; it will say when there is some.
    pub(super) stuck: bool,
    pub(super) connecting: bool,
    /// `finish` was called.
    pub(super) finishing: bool,
}

const _: () = assert!(size_of::<Slot>() == 64);

impl Slot {
    fn empty(generation: u32, state: State, descriptor: Option<OwnedFd>) -> Self {
        Self {
            outgoing: None,
            descriptor,
            generation,
            sent_bytes: 0,
            state,
            wants_receive: false,
            readable: false,
            queued: false,
            ended: false,
            sending: false,
            stuck: false,
            connecting: false,
            finishing: false,
        }
    }

    /// The descriptor of an open slot.
    pub(super) fn descriptor(&self) -> &OwnedFd {
        self.descriptor
            .as_ref()
            .expect("an open slot owns a descriptor")
    }
}

/// The slots, and which of them are free.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Table {
    /// Gives a descriptor a slot: the one that was freed last, for its line is the likeliest to be in a cache.
    pub(super) fn insert(&mut self, descriptor: OwnedFd) -> Socket {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::empty(0, State::Free, None));
            u32::try_from(self.slots.len() - 1).expect("descriptors are numbered by 31 bits")
        });
        let slot = &mut self.slots[index as usize];
        let generation = slot.generation;
        *slot = Slot::empty(generation, State::Open, Some(descriptor));
        Socket { index, generation }
    }

    /// The slot of a socket that its user has not closed.
    pub(super) fn open(&self, socket: Socket) -> Option<&Slot> {
        let slot = self.slots.get(socket.index as usize)?;
        (slot.generation == socket.generation && slot.state == State::Open).then_some(slot)
    }

    /// The same, to be changed.
    pub(super) fn open_mut(&mut self, socket: Socket) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(socket.index as usize)?;
        (slot.generation == socket.generation && slot.state == State::Open).then_some(slot)
    }

    /// Closes the descriptor and lets go of what was being sent. False if its user had done so before.
    pub(super) fn close(&mut self, socket: Socket) -> bool {
        let Some(slot) = self.open_mut(socket) else {
            return false;
        };
        *slot = Slot::empty(socket.generation, State::Closing, None);
        true
    }

    /// Takes back the slot of a socket that was closed.
    pub(super) fn remove(&mut self, socket: Socket) {
        let slot = &mut self.slots[socket.index as usize];
        assert!(slot.generation == socket.generation && slot.state == State::Closing);
        *slot = Slot::empty(socket.generation.wrapping_add(1), State::Free, None);
        self.free.push(socket.index);
    }

    /// How many slots are in use.
    pub(super) fn used(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
