//! What there is to tell, and the system calls that find it out: a receive or an accept is made when its completion
//! is asked for, so that one buffer serves all sockets and nothing is copied.
//!
//! One receive for each socket and turn, so that a peer that sends without pause delays nobody. A receive that does not
//! fill the buffer has emptied the socket (epoll(7)), and needs no second one to find that out.

use super::super::POISON;
use super::source::Source;
use super::{Answer, EpollDriver};
use crate::{Completion, Driver, ListenerId, Outgoing, Socket, Stream, clock};
use bytes::Bytes;
use rustix::event::epoll::EventFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SocketFlags, accept_with, recv, sockopt};
use std::io;

/// A receive that does not fill the buffer has not emptied the socket: the peer has finished or is gone and the end comes behind the
/// bytes, or it marked one of them as urgent, where a receive stops.
const ENDED: EventFlags = EventFlags::RDHUP
    .union(EventFlags::HUP)
    .union(EventFlags::ERR)
    .union(EventFlags::PRI);
const READABLE: EventFlags = ENDED.union(EventFlags::IN);
/// Room, or an error that a send will find.
const WRITABLE: EventFlags = EventFlags::OUT
    .union(EventFlags::HUP)
    .union(EventFlags::ERR);

/// What comes to the user. Received bytes are counted, not borrowed: the search for something to tell goes on in a loop.
pub(super) enum Outcome {
    Tell(Completion<'static>),
    Lend { socket: Socket, len: usize },
}

impl EpollDriver {
    /// Looks for something to tell: what is known, what the kernel has said, what was left over, newcomers.
    pub(super) fn next_outcome(&mut self) -> Option<Outcome> {
        while self.answers_due > 0 {
            self.answers_due -= 1;
            let answer = self.answers.pop_front()?;
            if let Some(completion) = self.tell(answer) {
                return Some(Outcome::Tell(completion));
            }
        }
        while let Some(&event) = self.events.get(self.events_taken) {
            self.events_taken += 1;
            let outcome = match Source::of(event.data) {
                Source::Socket(socket) => self.on_socket(socket, event.flags),
                Source::Listener(listener) => {
                    if !self.acceptable.contains(&listener) {
                        self.acceptable.push_back(listener);
                    }
                    None
                }
                Source::Event => {
                    self.counters.wakes_received += 1;
                    Some(Outcome::Tell(Completion::Woken))
                }
            };
            if outcome.is_some() {
                return outcome;
            }
        }
        while self.readable_due > 0 {
            self.readable_due -= 1;
            let socket = self.readable.pop_front()?;
            if let Some(slot) = self.table.open_mut(socket) {
                slot.queued = false;
                if let Some(outcome) = self.take_bytes(socket) {
                    return Some(outcome);
                }
            }
        }
        self.accept().map(Outcome::Tell)
    }

    /// `None` if the socket was closed in the meantime: the close has overtaken the answer.
    fn tell(&mut self, answer: Answer) -> Option<Completion<'static>> {
        match answer {
            Answer::Sent(socket, result) => {
                let slot = self.table.open_mut(socket)?;
                slot.sending = false;
                let buffer = slot.outgoing.take().unwrap_or(Outgoing::One(Bytes::new()));
                Some(Completion::Sent {
                    socket,
                    result: result.map_err(io::Error::from),
                    buffer,
                })
            }
            Answer::Connected(socket, result) => {
                self.table.open(socket)?;
                Some(Completion::Connected {
                    socket,
                    result: result.map_err(io::Error::from),
                })
            }
            Answer::Closed(socket) => {
                self.table.remove(socket);
                Some(Completion::Closed { socket })
            }
        }
    }

    fn on_socket(&mut self, socket: Socket, flags: EventFlags) -> Option<Outcome> {
        let slot = self.table.open_mut(socket)?;
        if slot.connecting {
            slot.connecting = false;
            let result = sockopt::socket_error(slot.descriptor()).unwrap_or_else(Err);
            self.answers.push_back(Answer::Connected(socket, result));
        }
        let slot = self.table.open_mut(socket)?;
        slot.ended |= flags.intersects(ENDED);
        slot.readable |= flags.intersects(READABLE);
        let stuck = slot.stuck && flags.intersects(WRITABLE);
        // Before the send, for whichever comes first is told why a connection was reset.
        let outcome = if slot.readable && !slot.queued {
            self.take_bytes(socket)
        } else {
            None
        };
        if stuck {
            self.go_on_sending(socket);
        }
        outcome
    }

    /// One receive, if the socket is to be received from.
    fn take_bytes(&mut self, socket: Socket) -> Option<Outcome> {
        let slot = self.table.open_mut(socket)?;
        if !slot.wants_receive {
            return None;
        }
        self.counters.enters += 1;
        let buffer = &mut self.buffer[..];
        if cfg!(debug_assertions) {
            buffer.fill(POISON);
        }
        let error = match retry_on_intr(|| {
            recv(slot.descriptor(), &mut *buffer, RecvFlags::DONTWAIT).map(|(_, len)| len)
        }) {
            Ok(0) => None,
            Ok(len) => {
                slot.readable = len == buffer.len() || slot.ended;
                if slot.readable {
                    slot.queued = true;
                    self.readable.push_back(socket);
                }
                return Some(Outcome::Lend { socket, len });
            }
            Err(Errno::AGAIN) => {
                slot.readable = false;
                return None;
            }
            Err(error) => Some(error.into()),
        };
        slot.wants_receive = false;
        Some(Outcome::Tell(Completion::ReceiveEnded { socket, error }))
    }

    fn accept(&mut self) -> Option<Completion<'static>> {
        while let Some(&id) = self.acceptable.front() {
            match self.accept_from(id) {
                Some(Ok(descriptor)) => {
                    self.counters.accepted += 1;
                    return Some(Completion::Accepted {
                        listener: id,
                        stream: Stream::from(descriptor),
                    });
                }
                // A newcomer that has left again while it waited.
                Some(Err(Errno::CONNABORTED)) => {}
                Some(Err(Errno::AGAIN)) | None => {
                    self.acceptable.pop_front();
                }
                Some(Err(error)) => {
                    self.acceptable.pop_front();
                    self.counters.accept_failures += 1;
                    let now_ns = clock::monotonic_ns();
                    self.listeners.at_mut(id)?.back_off(now_ns);
                    return Some(Completion::AcceptFailed {
                        listener: id,
                        error: error.into(),
                    });
                }
            }
        }
        None
    }

    /// One accept; `None` if the listener is stopped or rests.
    fn accept_from(&mut self, id: ListenerId) -> Option<Result<std::os::fd::OwnedFd, Errno>> {
        let listener = self.listeners.at_mut(id)?;
        if listener.is_resting() {
            return None;
        }
        let descriptor = listener.descriptor.as_ref()?;
        self.counters.enters += 1;
        let accepted = retry_on_intr(|| accept_with(descriptor, SocketFlags::CLOEXEC));
        if accepted.is_ok() {
            listener.accepted();
        }
        Some(accepted)
    }

    /// Lets listeners that have rested long enough try again.
    pub(super) fn retry_accepts(&mut self) {
        if self.listeners.next_retry_ns().is_none() {
            return;
        }
        let now_ns = self.now_ns();
        while let Some(listener) = self.listeners.take_retry(now_ns) {
            self.acceptable.push_back(listener);
        }
    }
}
