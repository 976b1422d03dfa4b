//! Handing operations to the ring: each function builds one entry and says why its memory is safe until the end.

use super::RingDriver;
use super::buffers::GROUP;
use super::ring::Ring;
use super::table::Slot;
use super::token::{Operation, Token};
use crate::{Counters, ListenerId, Outgoing, SEND_BYTES_MAX, SEND_PIECES_MAX, Socket, Waker};
use io_uring::{opcode, squeue, types};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::ptr;

/// `IORING_RECVSEND_POLL_FIRST`: do not try before the socket is readable. Spares a try that mostly fails, and
/// a receive armed while all buffers are out does not fail for want of one.
const POLL_FIRST: u16 = 1;
/// `IORING_RECV_MULTISHOT`.
const MULTISHOT: u16 = 2;

/// WAITALL: the kernel goes on until the last byte, with one completion at the end.
const SEND_FLAGS: i32 = libc::MSG_WAITALL | libc::MSG_NOSIGNAL;

fn token(operation: Operation, socket: Socket) -> u64 {
    Token::new(operation, socket.generation, socket.index).to_bits()
}

/// Arms a multishot receive.
pub(super) fn receive(ring: &mut Ring, counters: &mut Counters, socket: Socket, slot: &mut Slot) {
    debug_assert!(!slot.receiving, "one receive at a time");
    slot.receiving = true;
    let (target, flags) = slot.descriptor().target();
    let entry = opcode::Recv::new(target, ptr::null_mut(), 0)
        .ioprio(MULTISHOT | POLL_FIRST)
        .buf_group(GROUP)
        .build()
        .flags(flags | squeue::Flags::BUFFER_SELECT)
        .user_data(token(Operation::Receive, socket));
    // SAFETY: the entry names no memory; the buffers are registered with the ring. The descriptor stays open
    // while `receiving` is set.
    unsafe { ring.push(&entry, counters) };
}

/// Starts the one send of a socket and moves what it sends into the slot.
pub(super) fn send(
    ring: &mut Ring,
    counters: &mut Counters,
    socket: Socket,
    slot: &mut Slot,
    outgoing: Outgoing,
) {
    assert!(!slot.sending, "one send in flight per socket");
    assert!(!slot.finishing, "a send after the last one");
    let user_data = token(Operation::Send, socket);
    let (target, flags) = slot.descriptor().target();
    let bytes = outgoing.len();
    assert!(bytes <= SEND_BYTES_MAX, "a send of {bytes} bytes");
    let entry = match &outgoing {
        Outgoing::One(piece) => opcode::Send::new(target, piece.as_ptr(), piece.len() as u32)
            .flags(SEND_FLAGS)
            .build(),
        Outgoing::Many(pieces) => {
            assert!(
                pieces.len() <= SEND_PIECES_MAX,
                "a send of {} pieces",
                pieces.len()
            );
            let message = ring.place_message(pieces, counters);
            opcode::SendMsg::new(target, message)
                .flags(SEND_FLAGS as u32)
                .build()
        }
    };
    slot.sending = true;
    slot.send_bytes = bytes as u32;
    // Moves the handles, not the bytes that the entry points to.
    slot.outgoing = Some(outgoing);
    counters.sends += 1;
    // SAFETY: the bytes are held by the slot, and the descriptor stays open, until the send's completion clears
    // `sending`; the message header came from this ring.
    unsafe { ring.push(&entry.flags(flags).user_data(user_data), counters) };
}

/// Starts connecting.
pub(super) fn connect(
    ring: &mut Ring,
    counters: &mut Counters,
    socket: Socket,
    slot: &mut Slot,
    address: SocketAddr,
) {
    slot.connecting = true;
    let (target, flags) = slot.descriptor().target();
    let address = ring.place_address(address, counters);
    let entry = opcode::Connect::new(target, address.as_ptr(), address.len())
        .build()
        .flags(flags)
        .user_data(token(Operation::Connect, socket));
    // SAFETY: the address came from this ring; the descriptor stays open while `connecting` is set.
    unsafe { ring.push(&entry, counters) };
}

/// Sends the FIN of a direct descriptor, which no system call can name.
pub(super) fn shutdown(ring: &mut Ring, counters: &mut Counters, socket: Socket, slot: &mut Slot) {
    slot.shutting = true;
    let (target, flags) = slot.descriptor().target();
    let entry = opcode::Shutdown::new(target, libc::SHUT_WR)
        .build()
        .flags(flags)
        .user_data(token(Operation::Shutdown, socket));
    // SAFETY: the entry names no memory; the descriptor stays open while `shutting` is set.
    unsafe { ring.push(&entry, counters) };
}

/// Cancels an operation by its token. Success is silent; a miss is answered under the token `answer`.
fn cancel(ring: &mut Ring, counters: &mut Counters, target: u64, answer: u64) {
    let entry = opcode::AsyncCancel::new(target)
        .build()
        .flags(squeue::Flags::SKIP_SUCCESS)
        .user_data(answer);
    // SAFETY: the entry names no memory.
    unsafe { ring.push(&entry, counters) };
}

/// Ends a socket's multishot receive.
pub(super) fn cancel_receive(ring: &mut Ring, counters: &mut Counters, socket: Socket) {
    let target = token(Operation::Receive, socket);
    cancel(
        ring,
        counters,
        target,
        token(Operation::CancelReceive, socket),
    );
}

/// Ends whatever a closing socket has in flight, where a shutdown does not.
pub(super) fn cancel_all_of(ring: &mut Ring, counters: &mut Counters, socket: Socket, slot: &Slot) {
    let answer = token(Operation::CancelClosing, socket);
    let in_flight = [
        (slot.receiving, Operation::Receive),
        (slot.sending, Operation::Send),
        (slot.connecting, Operation::Connect),
    ];
    for (_, operation) in in_flight.into_iter().filter(|(present, _)| *present) {
        cancel(ring, counters, token(operation, socket), answer);
    }
}

impl RingDriver {
    /// Arms a listener's multishot accept, unless it is stopped.
    pub(super) fn arm_accept(&mut self, id: ListenerId) {
        let Some(listener) = self.listeners.at_mut(id) else {
            return;
        };
        let Some(descriptor) = listener.descriptor.as_ref().filter(|_| !listener.stopped) else {
            return;
        };
        listener.accepting = true;
        let entry = opcode::AcceptMulti::new(types::Fd(descriptor.as_raw_fd()))
            .flags(libc::SOCK_CLOEXEC)
            .build()
            .user_data(Token::new(Operation::Accept, 0, id.0).to_bits());
        // SAFETY: the entry names no memory; the descriptor stays open while `accepting` is set.
        unsafe { self.ring.push(&entry, &mut self.counters) };
    }

    /// Ends a listener's accept.
    pub(super) fn cancel_accept(&mut self, id: ListenerId) {
        let target = Token::new(Operation::Accept, 0, id.0).to_bits();
        let answer = Token::new(Operation::CancelAccept, 0, id.0).to_bits();
        cancel(&mut self.ring, &mut self.counters, target, answer);
    }

    /// Watches the event that other threads raise.
    pub(super) fn arm_event(&mut self) {
        self.event_armed = true;
        let event = types::Fd(self.target.event().as_raw_fd());
        let entry = opcode::PollAdd::new(event, libc::POLLIN as u32)
            .multi(true)
            .build()
            .user_data(Token::of_ring(Operation::Event).to_bits());
        // SAFETY: the entry names no memory; the event is open as long as the driver.
        unsafe { self.ring.push(&entry, &mut self.counters) };
    }

    /// Sends another ring the message "look".
    pub(super) fn message_ring(&mut self, ring: i32, waker: &Waker) {
        self.counters.wakes_sent += 1;
        self.ring.keep(waker.clone(), &mut self.counters);
        let look = Token::of_ring(Operation::Wake).to_bits();
        let entry = opcode::MsgRingData::new(types::Fd(ring), 0, look, None)
            .build()
            .flags(squeue::Flags::SKIP_SUCCESS)
            .user_data(Token::of_ring(Operation::Unheard).to_bits());
        // SAFETY: the entry names no memory; the ring's descriptor is open until the entry is taken, for `keep`
        // holds its waker.
        unsafe { self.ring.push(&entry, &mut self.counters) };
    }

    /// Cancels everything that this ring has in flight.
    pub(super) fn cancel_everything(&mut self) {
        let entry = opcode::AsyncCancel2::new(types::CancelBuilder::any().all())
            .build()
            .user_data(Token::of_ring(Operation::Unheard).to_bits());
        // SAFETY: the entry names no memory.
        unsafe { self.ring.push(&entry, &mut self.counters) };
    }
}
