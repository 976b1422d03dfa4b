//! What lies below one core instead of a network: bytes that are about to arrive, sends that are over
//! as soon as they are handed in, and the count of what was sent.
//!
//! Shared by the core's driver and the stage that feeds it, both on one thread.

use std::collections::VecDeque;
use std::rc::Rc;

use reactor::{Outgoing, Socket};

/// What a client sent, and how much of it the core has been given.
struct Arrival {
    socket: Socket,
    bytes: Rc<[u8]>,
    given: usize,
}

/// A completion that is due.
pub(crate) enum Due {
    Accepted,
    Sent(Socket, Outgoing),
    /// So many bytes were copied into the buffer.
    Received(Socket, usize),
    HungUp(Socket),
    Closed(Socket),
}

#[derive(Default)]
pub(crate) struct Wire {
    callers: usize,
    /// Handed in since the last wait; over after it.
    handed_in: VecDeque<(Socket, Outgoing)>,
    over: usize,
    arrivals: VecDeque<Arrival>,
    hung_up: VecDeque<Socket>,
    closed: VecDeque<Socket>,
    /// By socket index.
    generations: Vec<u32>,
    sent_bytes: Vec<u64>,
    free: Vec<u32>,
    newest: Option<Socket>,
    adopted: usize,
    /// The bytes of every send, while somebody wants to read them.
    transcript: Option<Vec<u8>>,
}

/// The stage's side.
impl Wire {
    pub(crate) fn call(&mut self) {
        self.callers += 1;
    }

    /// The socket that the last caller became, and how many there were.
    pub(crate) fn newest(&self) -> (Option<Socket>, usize) {
        (self.newest, self.adopted)
    }

    pub(crate) fn say(&mut self, socket: Socket, bytes: &Rc<[u8]>) {
        self.arrivals.push_back(Arrival {
            socket,
            bytes: bytes.clone(),
            given: 0,
        });
    }

    pub(crate) fn hang_up(&mut self, socket: Socket) {
        self.hung_up.push_back(socket);
    }

    pub(crate) fn sent_bytes(&self, socket: Socket) -> u64 {
        self.sent_bytes[socket.index as usize]
    }

    /// Begins to keep what is sent; what was kept before is returned.
    pub(crate) fn listen_in(&mut self) {
        self.transcript = Some(Vec::new());
    }

    pub(crate) fn transcript(&mut self) -> Vec<u8> {
        self.transcript.take().unwrap_or_default()
    }

    /// Whether nothing is due and nothing is handed in.
    pub(crate) fn is_idle(&self) -> bool {
        self.callers == 0
            && self.handed_in.is_empty()
            && self.arrivals.is_empty()
            && self.hung_up.is_empty()
            && self.closed.is_empty()
    }
}

/// The driver's side.
impl Wire {
    pub(crate) fn adopt(&mut self) -> Socket {
        let index = self.free.pop().unwrap_or_else(|| {
            self.generations.push(0);
            self.sent_bytes.push(0);
            self.generations.len() as u32 - 1
        });
        let generation = self.generations[index as usize];
        self.sent_bytes[index as usize] = 0;
        let socket = Socket { index, generation };
        self.newest = Some(socket);
        self.adopted += 1;
        socket
    }

    pub(crate) fn send(&mut self, socket: Socket, outgoing: Outgoing) {
        self.sent_bytes[socket.index as usize] += outgoing.len() as u64;
        if let Some(transcript) = &mut self.transcript {
            match &outgoing {
                Outgoing::One(bytes) => transcript.extend_from_slice(bytes),
                Outgoing::Many(pieces) => pieces
                    .iter()
                    .for_each(|piece| transcript.extend_from_slice(piece)),
            }
        }
        self.handed_in.push_back((socket, outgoing));
    }

    pub(crate) fn close(&mut self, socket: Socket) {
        self.closed.push_back(socket);
    }

    /// Whatever was handed in is over now.
    pub(crate) fn submit(&mut self) {
        self.over = self.handed_in.len();
    }

    /// The next completion; received bytes are copied to the front of `buffer`.
    pub(crate) fn next_due(&mut self, buffer: &mut [u8]) -> Option<Due> {
        if self.over > 0 {
            self.over -= 1;
            return self
                .handed_in
                .pop_front()
                .map(|(socket, outgoing)| Due::Sent(socket, outgoing));
        }
        if let Some(arrival) = self.arrivals.front_mut() {
            let rest = &arrival.bytes[arrival.given..];
            let (socket, length) = (arrival.socket, rest.len().min(buffer.len()));
            buffer[..length].copy_from_slice(&rest[..length]);
            arrival.given += length;
            if arrival.given == arrival.bytes.len() {
                self.arrivals.pop_front();
            }
            return Some(Due::Received(socket, length));
        }
        if let Some(socket) = self.hung_up.pop_front() {
            return Some(Due::HungUp(socket));
        }
        if let Some(socket) = self.closed.pop_front() {
            self.generations[socket.index as usize] += 1;
            self.free.push(socket.index);
            return Some(Due::Closed(socket));
        }
        (self.callers > 0).then(|| {
            self.callers -= 1;
            Due::Accepted
        })
    }
}
