//! The sockets of one driver: a dense table of one cache line each.
//!
//! A slot is the owner of its descriptor and of whatever its send has in flight. It is used again only after
//! nothing of it is in flight and its user has been told so; the generation then goes up by one.

use super::descriptors::Descriptor;
use super::token::GENERATION_MASK;
use crate::{Outgoing, Socket};
use pages::Pages;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Open,
    /// `close` was called: completions still come in, but nobody is told of them.
    Closing,
}

/// All that is known of one socket.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Slot {
    /// The memory that the send in flight refers to.
    pub(super) outgoing: Option<Outgoing>,
    pub(super) descriptor: Option<Descriptor>,
    pub(super) generation: u32,
    /// How many bytes a complete send has; the kernel reports a send cut short as a success.
    pub(super) send_bytes: u32,
    pub(super) state: State,
    /// The user wants bytes; the operation behind it comes and goes.
    pub(super) wants_receive: bool,
    /// A multishot receive is in flight.
    pub(super) receiving: bool,
    /// Waits in the queue of those that found no buffer.
    pub(super) starved: bool,
    pub(super) sending: bool,
    pub(super) connecting: bool,
    /// The FIN of a direct descriptor is on its way.
    pub(super) shutting: bool,
    /// `finish` was called.
    pub(super) finishing: bool,
}

// One line for each socket: a send touches its slot, its submission entry and nothing else.
const _: () = assert!(size_of::<Slot>() == 64);

impl Slot {
    fn free() -> Self {
        Self {
            outgoing: None,
            descriptor: None,
            generation: 0,
            send_bytes: 0,
            state: State::Free,
            wants_receive: false,
            receiving: false,
            starved: false,
            sending: false,
            connecting: false,
            shutting: false,
            finishing: false,
        }
    }

    /// Whether the kernel may still refer to this slot's descriptor or memory.
    pub(super) fn in_flight(&self) -> bool {
        self.receiving || self.sending || self.connecting || self.shutting
    }

    /// The descriptor of a slot that is not free.
    pub(super) fn descriptor(&self) -> &Descriptor {
        self.descriptor
            .as_ref()
            .expect("a slot in use owns a descriptor")
    }
}

/// The slots, and which of them are free.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Pages<Slot>,
    /// How many slots were ever in use: the numbers below.
    numbered: u32,
    free: Vec<u32>,
}

impl Table {
    /// Gives a descriptor a slot: the one that was freed last, for its line is the likeliest to be in a cache.
    pub(super) fn insert(&mut self, descriptor: Descriptor) -> Socket {
        let index = self.free.pop().unwrap_or_else(|| {
            let index = self.numbered;
            self.slots.reach(index as usize, Slot::free);
            self.numbered += 1;
            index
        });
        let slot = &mut self.slots[index as usize];
        let generation = slot.generation;
        *slot = Slot {
            descriptor: Some(descriptor),
            generation,
            state: State::Open,
            ..Slot::free()
        };
        Socket { index, generation }
    }

    /// The slot of a socket that its user has not closed.
    pub(super) fn open_mut(&mut self, socket: Socket) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(socket.index as usize)?;
        (slot.generation == socket.generation && slot.state == State::Open).then_some(slot)
    }

    /// The slot that a completion is about, open or closing; `None` if its user has gone.
    pub(super) fn used_mut(&mut self, socket: Socket) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(socket.index as usize)?;
        (slot.generation == socket.generation && slot.state != State::Free).then_some(slot)
    }

    /// Takes the slot back; its descriptor is the caller's to close.
    pub(super) fn remove(&mut self, socket: Socket) -> Descriptor {
        let slot = self
            .used_mut(socket)
            .expect("only a slot in use is removed");
        assert!(
            !slot.in_flight(),
            "a slot was removed with operations in flight"
        );
        let descriptor = slot.descriptor.take();
        let generation = slot.generation.wrapping_add(1) & GENERATION_MASK;
        *slot = Slot {
            generation,
            ..Slot::free()
        };
        self.free.push(socket.index);
        descriptor.expect("a slot in use owns a descriptor")
    }

    /// How many slots are in use.
    pub(super) fn used(&self) -> usize {
        self.numbered as usize - self.free.len()
    }

    /// Everything that is not free, for the driver's end.
    pub(super) fn sockets(&self) -> Vec<Socket> {
        let numbered = self.slots.iter().zip(0_u32..);
        numbered
            .filter(|(slot, _)| slot.state != State::Free)
            .map(|(slot, index)| Socket {
                index,
                generation: slot.generation,
            })
            .collect()
    }

    /// Whether the kernel may still refer to anything in here.
    pub(super) fn in_flight(&self) -> bool {
        self.slots.iter().any(Slot::in_flight)
    }
}
