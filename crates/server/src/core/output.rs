//! The second half of a turn: what the broker decided reaches connections and lanes, and every
//! ready connection gets one send.

use broker::{Client, Output};
use reactor::{Driver, Outgoing, Socket};

use super::{Core, SENDS_PER_TURN};
use crate::connection::{Reading, Step};

/// Pieces of one vectored send, and their bytes: what one connection can have in flight.
const PIECES_PER_SEND: usize = 64;
const BYTES_PER_SEND: usize = 256 * 1024;

impl<D: Driver> Core<D> {
    /// Notices to their connections, lane messages into their lanes, and the clients that the
    /// turn's chunks left behind into the ready list.
    pub(super) fn take_broker_output(&mut self) {
        while let Some(output) = self.hub.broker.next_output() {
            match output {
                Output::Request { to, request } => self.ports.request(to, request),
                Output::Delivery { to, delivery } => self.ports.delivery(to, delivery),
                Output::Notice { client, notice } => {
                    let socket = socket_of(client);
                    let index = socket.index as usize;
                    if let Some(Some(connection)) = self.connections.get_mut(index)
                        && connection.socket() == socket
                    {
                        connection.notice(&mut self.hub, notice);
                        self.touched(socket);
                    }
                }
            }
        }
        while let Some(client) = self.hub.broker.next_behind() {
            let socket = socket_of(client);
            if let Some(connection) = self.connection(socket)
                && connection.falls_behind()
            {
                self.ready.push_back(socket);
            }
        }
    }

    /// One send for each ready connection that has none in flight, as many as one turn may.
    pub(super) fn send_ready(&mut self) {
        self.hub.begin_half();
        for _ in 0..self.ready.len().min(SENDS_PER_TURN) {
            let Some(socket) = self.ready.pop_front() else {
                break;
            };
            self.send_one(socket);
        }
        // Gathering may have found gaps to tell of.
        self.take_broker_output();
        self.resume_reading();
    }

    fn send_one(&mut self, socket: Socket) {
        let Self {
            driver,
            connections,
            hub,
            pieces,
            spare,
            deadlines,
            ..
        } = self;
        let Some(Some(connection)) = connections.get_mut(socket.index as usize) else {
            return;
        };
        if connection.socket() != socket {
            return;
        }
        pieces.clear();
        match connection.next_step(hub, pieces, PIECES_PER_SEND, BYTES_PER_SEND) {
            Step::Wait if connection.reading() != Reading::On || connection.waits_for_turn(hub) => {
                self.touched(socket)
            }
            Step::Wait => {}
            Step::Send => {
                let outgoing = match pieces.len() {
                    1 => Outgoing::One(pieces.pop().expect("one piece")),
                    _ => Outgoing::Many(std::mem::replace(pieces, spare.pop().unwrap_or_default())),
                };
                driver.send(socket, outgoing);
                if let Some(at_ms) = connection.arm(hub) {
                    deadlines.set(at_ms, socket);
                }
            }
            Step::Finish => {
                driver.finish(socket);
                // A close may follow at once.
                self.touched(socket);
            }
            Step::Close => driver.close(socket),
        }
    }
}

pub(super) fn socket_of(client: Client) -> Socket {
    Socket {
        index: client.index,
        generation: client.generation,
    }
}
