//! The first half of a turn: completions become what connections do with them.

use reactor::{Completion, Driver, ListenerId, Outgoing, Socket, Stream};

use session::Reason;

use super::{Arrival, COMPLETIONS_PER_TURN, Core, HANDSHAKES_PER_TURN};
use crate::connection::{Connection, Reading, Transport};
use crate::entrance::Guest;

/// Piece lists of vectored sends kept for the next ones.
const SPARE_MAX: usize = 1024;
/// Connections of one core that are told at the same time that there is no room for them. More are
/// closed without a word: telling takes a descriptor for up to `close_timeout`.
const TURNED_AWAY_MAX: usize = 32;

impl<D: Driver> Core<D> {
    pub(super) fn take_completions(&mut self) {
        for _ in 0..COMPLETIONS_PER_TURN {
            let Self {
                driver,
                connections,
                hub,
                ..
            } = self;
            if hub.handshakes >= HANDSHAKES_PER_TURN {
                return;
            }
            let Some(completion) = driver.next_completion() else {
                return;
            };
            match completion {
                Completion::Received { socket, bytes } => {
                    // The bytes lie in the ring's own buffer, so the connection works on them
                    // while they are borrowed; what follows is done after.
                    if let Some(Some(connection)) = connections.get_mut(socket.index as usize) {
                        connection.receive(hub, bytes);
                        self.touched(socket);
                    }
                }
                Completion::Sent {
                    socket,
                    result,
                    buffer,
                } => {
                    self.keep_spare(buffer);
                    self.on_sent(socket, result);
                }
                Completion::Accepted { listener, stream } => self.on_accepted(listener, stream),
                Completion::AcceptFailed { error, .. } => {
                    self.node.accept_failed(&error);
                }
                Completion::ReceiveEnded { socket, error } => {
                    if let Some(connection) = self.connection(socket) {
                        connection.peer_is_gone(error.is_some());
                        self.touched(socket);
                    }
                }
                Completion::Closed { socket } => self.on_closed(socket),
                // The broker connects to nobody; a wake-up has done its work by ending the wait.
                Completion::Connected { .. } | Completion::Woken => {}
            }
        }
    }

    /// A connection came to this core's listener; it stays here or goes to a core that has fewer.
    fn on_accepted(&mut self, listener: ListenerId, stream: Stream) {
        if !self.drain.is_serving() {
            return;
        }
        let transport = self.listeners.transport(listener);
        let peer = || stream.peer().map(|address| address.ip());
        let guest = match self.node.entrance.admit(self.hub.settings.entrance, peer) {
            Ok(guest) => guest,
            Err(reason) => return self.turn_away(stream, transport, reason),
        };
        let arrival = Arrival {
            stream,
            transport,
            guest,
        };
        let core = self.node.place(self.hub.core());
        if core == self.hub.core() {
            self.adopt(arrival);
        } else {
            self.ports.hand_over(core, arrival);
        }
    }

    /// There is no room for a connection: it is told so, unless many are being told already, or
    /// telling would take a TLS handshake.
    fn turn_away(&mut self, stream: Stream, transport: Transport, reason: Reason) {
        self.node.refused(reason);
        if transport == Transport::Plain && self.turned_away < TURNED_AWAY_MAX {
            self.turned_away += 1;
            let socket = self.driver.adopt(stream);
            self.begin(Connection::turned_away(socket, reason));
        }
    }

    /// A connection begins on this core, where it is counted already.
    pub(super) fn adopt(&mut self, arrival: Arrival) {
        let Arrival {
            stream,
            transport,
            guest,
        } = arrival;
        if !self.drain.is_serving() {
            self.node.closed(self.hub.core());
            self.node.entrance.leave(guest);
            return;
        }
        let socket = self.driver.adopt(stream);
        if guest.address.is_some() {
            let index = socket.index as usize;
            self.addresses.reach(index, || None);
            self.addresses[index] = guest.address;
        }
        let connection = Connection::new(socket, transport, &mut self.hub);
        self.begin(connection);
    }

    fn begin(&mut self, connection: Connection) {
        let socket = connection.socket();
        let index = socket.index as usize;
        self.connections.reach(index, || None);
        self.connections[index] = Some(connection);
        self.open += 1;
        self.driver.receive(socket);
        self.touched(socket);
    }

    fn on_sent(&mut self, socket: Socket, result: std::io::Result<()>) {
        let Self {
            connections, hub, ..
        } = self;
        let Some(Some(connection)) = connections.get_mut(socket.index as usize) else {
            return;
        };
        if connection.socket() != socket {
            return;
        }
        let is_held_back = connection.reading() != Reading::On;
        if connection.sent(hub, result.is_ok()) || is_held_back {
            self.touched(socket);
        } else if connection.becomes_ready(hub) {
            self.ready.push_back(socket);
        }
    }

    fn keep_spare(&mut self, buffer: Outgoing) {
        if let Outgoing::Many(mut pieces) = buffer
            && self.spare.len() < SPARE_MAX
        {
            pieces.clear();
            self.spare.push(pieces);
        }
    }

    fn on_closed(&mut self, socket: Socket) {
        if let Some(connection) = self
            .connections
            .get_mut(socket.index as usize)
            .and_then(Option::take)
        {
            self.open -= 1;
            if connection.was_turned_away() {
                self.turned_away -= 1;
            } else {
                self.forget(socket);
            }
            connection.end(&mut self.hub);
        }
    }

    /// The place of a connection is free again.
    fn forget(&mut self, socket: Socket) {
        self.node.closed(self.hub.core());
        let address = self.addresses.get_mut(socket.index as usize);
        let address = address.and_then(Option::take);
        self.node.entrance.leave(Guest { address });
    }

    /// Something happened on the connection: it may have something to send, a deadline that comes
    /// sooner, have to be read from no longer, or be at its end.
    pub(super) fn touched(&mut self, socket: Socket) {
        let Self {
            connections, hub, ..
        } = self;
        let Some(Some(connection)) = connections.get_mut(socket.index as usize) else {
            return;
        };
        if connection.socket() != socket {
            return;
        }
        if connection.becomes_ready(hub) {
            self.ready.push_back(socket);
        }
        if let Some(at_ms) = connection.arm(hub) {
            self.deadlines.set(at_ms, socket);
        }
        // A client that does not take its answers, or whose commands find no room in the lanes, is
        // not read from: TCP tells it to wait.
        let is_full = connection.is_full(hub.settings.outbox_bytes_max);
        let calls = self.ports.is_backed_up() && connection.has_called();
        match connection.reading() {
            Reading::On if is_full || calls => {
                self.driver.pause(socket);
                let waits_for_lanes = calls && !is_full;
                self.hold_back(socket, waits_for_lanes);
            }
            Reading::Full if !is_full => self.read_again(socket),
            _ => {}
        }
    }

    /// It is not read from until its own answers are taken, which an event of its own tells, or until
    /// there is room in the lanes, which concerns all who wait for it.
    #[cold]
    fn hold_back(&mut self, socket: Socket, waits_for_lanes: bool) {
        let Some(connection) = self.connection(socket) else {
            return;
        };
        if waits_for_lanes {
            connection.set_reading(Reading::Lanes);
            self.held_back.push(socket);
        } else {
            connection.set_reading(Reading::Full);
        }
    }

    /// It has taken something of what it asked for.
    #[cold]
    fn read_again(&mut self, socket: Socket) {
        if self.ports.is_backed_up() {
            self.hold_back(socket, true);
        } else if let Some(connection) = self.connection(socket) {
            connection.set_reading(Reading::On);
            self.driver.receive(socket);
        }
    }

    /// There may be room in the lanes again: reads from those who waited for it.
    pub(super) fn resume_reading(&mut self) {
        if self.held_back.is_empty() || self.ports.is_backed_up() {
            return;
        }
        let outbox_bytes_max = self.hub.settings.outbox_bytes_max;
        for socket in std::mem::take(&mut self.held_back) {
            match self.connection(socket) {
                Some(connection) if connection.is_full(outbox_bytes_max) => {
                    connection.set_reading(Reading::Full);
                }
                Some(_) => self.read_again(socket),
                None => {}
            }
        }
    }
}
