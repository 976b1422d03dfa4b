//! What each completion means, and what it leaves for the driver's user to know.
//!
//! Every multishot may end with any completion, also with a good one: the MORE flag alone says whether the operation is
//! still armed. A slot that is closing swallows everything and is gone with its last completion.

use super::RingDriver;
use super::descriptors::Descriptor;
use super::operations;
use super::table::State;
use super::token::{Operation, Token};
use crate::{Completion, ListenerId, Outgoing, Socket, Stream, sys};
use bytes::Bytes;
use io_uring::cqueue;
use std::io;
use std::net::Shutdown;
use std::os::fd::{FromRawFd, OwnedFd};

/// What a completion comes to for the user. Received bytes are named, not borrowed: the search for something to tell
/// goes on in a loop.
pub(super) enum Outcome {
    Tell(Completion<'static>),
    Lend {
        socket: Socket,
        buffer: u16,
        len: usize,
    },
}

impl RingDriver {
    /// Handles completions until one of them is worth telling.
    pub(super) fn next_outcome(&mut self) -> Option<Outcome> {
        if let Some(socket) = self.closed.pop_front() {
            return Some(self.gone(socket));
        }
        if std::mem::take(&mut self.woken) {
            return Some(Outcome::Tell(Completion::Woken));
        }
        while let Some(entry) = self.ring.next_arrived() {
            let token = Token::from_bits(entry.user_data()).expect("a token of ours");
            if let Some(outcome) = self.handle(token, entry.result(), entry.flags()) {
                return Some(outcome);
            }
        }
        None
    }

    fn handle(&mut self, token: Token, result: i32, flags: u32) -> Option<Outcome> {
        let socket = Socket {
            index: token.index,
            generation: token.generation,
        };
        match token.operation {
            Operation::Receive => self.on_receive(socket, result, flags),
            Operation::Send => self.on_send(socket, result),
            Operation::Connect => self.on_connect(socket, result),
            Operation::Accept => self.on_accept(ListenerId(token.index), result, flags),
            Operation::CancelReceive => self.on_receive_not_cancelled(socket),
            Operation::CancelAccept => self.on_accept_not_cancelled(ListenerId(token.index)),
            Operation::Event => self.on_event(flags),
            Operation::Wake => {
                self.counters.wakes_received += 1;
                Some(Outcome::Tell(Completion::Woken))
            }
            Operation::Shutdown => self.on_shutdown(socket),
            Operation::CancelClosing => self.on_closing_not_cancelled(socket),
            Operation::Unheard => None,
        }
    }

    fn on_receive(&mut self, socket: Socket, result: i32, flags: u32) -> Option<Outcome> {
        let buffer = cqueue::buffer_select(flags);
        let slot = self
            .table
            .used_mut(socket)
            .expect("a slot is kept while it receives");
        slot.receiving = cqueue::more(flags);
        if slot.state == State::Closing {
            if let Some(buffer) = buffer {
                self.buffers.give_back(buffer);
            }
            return self.gone_if_idle(socket);
        }
        if let (1.., Some(buffer)) = (result, buffer) {
            if slot.wants_receive && !slot.receiving {
                self.counters.rearms += 1;
                operations::receive(&mut self.ring, &mut self.counters, socket, slot);
            }
            let len = result as usize;
            return Some(Outcome::Lend {
                socket,
                buffer,
                len,
            });
        }
        if let Some(buffer) = buffer {
            self.buffers.give_back(buffer);
        }
        self.on_receive_over(socket, result)
    }

    /// A receive that brought no bytes: it is disarmed now.
    fn on_receive_over(&mut self, socket: Socket, result: i32) -> Option<Outcome> {
        let slot = self.table.open_mut(socket)?;
        let error = match -result {
            0 => None,
            libc::ENOBUFS => {
                self.counters.starved += 1;
                if slot.wants_receive && !slot.starved {
                    slot.starved = true;
                    self.starved.push_back(socket);
                }
                return None;
            }
            // Cancelled by `pause`, and perhaps wanted again since; or interrupted.
            libc::ECANCELED | libc::EINTR | libc::EAGAIN => {
                if slot.wants_receive {
                    self.counters.rearms += 1;
                    operations::receive(&mut self.ring, &mut self.counters, socket, slot);
                }
                return None;
            }
            code => Some(io::Error::from_raw_os_error(code)),
        };
        slot.wants_receive = false;
        Some(Outcome::Tell(Completion::ReceiveEnded { socket, error }))
    }

    /// The cancellation came at a moment when the receive could not be found. Unless it has ended by itself, again.
    fn on_receive_not_cancelled(&mut self, socket: Socket) -> Option<Outcome> {
        let slot = self.table.open_mut(socket)?;
        if slot.receiving && !slot.wants_receive {
            operations::cancel_receive(&mut self.ring, &mut self.counters, socket);
        }
        None
    }

    fn on_send(&mut self, socket: Socket, result: i32) -> Option<Outcome> {
        let slot = self
            .table
            .used_mut(socket)
            .expect("a slot is kept while it sends");
        slot.sending = false;
        let buffer = slot.outgoing.take().unwrap_or(Outgoing::One(Bytes::new()));
        let result = sent(result, slot.send_bytes);
        self.counters.sends_failed += u64::from(result.is_err());
        if slot.state == State::Closing {
            return self.gone_if_idle(socket);
        }
        if slot.finishing {
            self.send_fin(socket);
        }
        Some(Outcome::Tell(Completion::Sent {
            socket,
            result,
            buffer,
        }))
    }

    /// Sends the FIN. A connection that the peer has reset needs none.
    pub(super) fn send_fin(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        match slot.descriptor() {
            Descriptor::Ordinary(descriptor) => {
                let _ = sys::shutdown(descriptor, Shutdown::Write);
            }
            Descriptor::Direct(_) => {
                operations::shutdown(&mut self.ring, &mut self.counters, socket, slot);
            }
        }
    }

    fn on_shutdown(&mut self, socket: Socket) -> Option<Outcome> {
        let slot = self
            .table
            .used_mut(socket)
            .expect("a slot is kept while it is shut down");
        slot.shutting = false;
        if slot.state == State::Closing {
            return self.gone_if_idle(socket);
        }
        None
    }

    /// A cancellation came at a moment when its operation could not be found. Unless that has ended by itself, again.
    fn on_closing_not_cancelled(&mut self, socket: Socket) -> Option<Outcome> {
        let slot = self.table.used_mut(socket)?;
        operations::cancel_all_of(&mut self.ring, &mut self.counters, socket, slot);
        None
    }

    fn on_connect(&mut self, socket: Socket, result: i32) -> Option<Outcome> {
        let slot = self
            .table
            .used_mut(socket)
            .expect("a slot is kept while it connects");
        slot.connecting = false;
        if slot.state == State::Closing {
            return self.gone_if_idle(socket);
        }
        let result = match result {
            0.. => Ok(()),
            code => Err(io::Error::from_raw_os_error(-code)),
        };
        Some(Outcome::Tell(Completion::Connected { socket, result }))
    }

    fn on_accept(&mut self, id: ListenerId, result: i32, flags: u32) -> Option<Outcome> {
        // SAFETY: the kernel has just made this descriptor for us.
        let accepted = (result >= 0).then(|| unsafe { OwnedFd::from_raw_fd(result) });
        let listener = self.listeners.at_mut(id)?;
        listener.accepting = cqueue::more(flags);
        if listener.stopped {
            if !listener.accepting {
                listener.descriptor = None;
            }
            return None;
        }
        let disarmed = !listener.accepting;
        let Some(stream) = accepted else {
            listener.back_off(crate::clock::monotonic_ns());
            self.counters.accept_failures += 1;
            return Some(Outcome::Tell(Completion::AcceptFailed {
                listener: id,
                error: io::Error::from_raw_os_error(-result),
            }));
        };
        listener.accepted();
        self.counters.accepted += 1;
        if disarmed {
            self.arm_accept(id);
        }
        Some(Outcome::Tell(Completion::Accepted {
            listener: id,
            stream: Stream::from(stream),
        }))
    }

    fn on_accept_not_cancelled(&mut self, id: ListenerId) -> Option<Outcome> {
        if self
            .listeners
            .at_mut(id)
            .is_some_and(|listener| listener.accepting)
        {
            self.cancel_accept(id);
        }
        None
    }

    fn on_event(&mut self, flags: u32) -> Option<Outcome> {
        self.target.reset();
        self.event_armed = cqueue::more(flags);
        if self.ending {
            return None;
        }
        if !self.event_armed {
            self.arm_event();
        }
        self.counters.wakes_received += 1;
        Some(Outcome::Tell(Completion::Woken))
    }

    /// The last of a closing socket, if this was its last completion.
    fn gone_if_idle(&mut self, socket: Socket) -> Option<Outcome> {
        let slot = self.table.used_mut(socket)?;
        if slot.in_flight() {
            return None;
        }
        Some(self.gone(socket))
    }

    fn gone(&mut self, socket: Socket) -> Outcome {
        let descriptor = self.table.remove(socket);
        self.descriptors.close(self.ring.uring(), descriptor);
        Outcome::Tell(Completion::Closed { socket })
    }
}

/// Whether a send sent everything. One that was cut short (by a reset, a timeout, a shutdown) reports what it managed.
fn sent(result: i32, bytes: u32) -> io::Result<()> {
    match u32::try_from(result) {
        Ok(count) if count == bytes => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::WriteZero,
            "the send was cut short",
        )),
        Err(_) => Err(io::Error::from_raw_os_error(-result)),
    }
}
