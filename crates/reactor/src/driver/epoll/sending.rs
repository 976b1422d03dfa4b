//! Sending: at once where the kernel has room, the rest when it says that it has some again.
//!
//! Most sends are over before `send` returns; their users are told in the next turn, without a system call.

use super::table::Slot;
use super::{Answer, EpollDriver};
use crate::{Outgoing, SEND_BYTES_MAX, SEND_PIECES_MAX, Socket, sys};
use rustix::io::{Errno, IoSlice, retry_on_intr};
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
use smallvec::SmallVec;
use std::net::Shutdown;

/// Whatever mode a descriptor came in, nothing here sleeps.
const FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// Pieces whose list needs no memory of its own.
const PIECES_AT_HAND: usize = 64;

impl EpollDriver {
    /// Starts the one send of a socket.
    pub(super) fn start_send(&mut self, socket: Socket, outgoing: Outgoing) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        assert!(!slot.sending, "one send in flight per socket");
        assert!(!slot.finishing, "a send after the last one");
        let bytes = outgoing.len();
        assert!(bytes <= SEND_BYTES_MAX, "a send of {bytes} bytes");
        if let Outgoing::Many(pieces) = &outgoing {
            let count = pieces.len();
            assert!(count <= SEND_PIECES_MAX, "a send of {count} pieces");
        }
        slot.sending = true;
        slot.sent_bytes = 0;
        slot.outgoing = Some(outgoing);
        self.counters.sends += 1;
        self.go_on_sending(socket);
    }

    /// Sends what the kernel has room for. What comes of it is told in the next turn.
    pub(super) fn go_on_sending(&mut self, socket: Socket) {
        let Some(slot) = self.table.open_mut(socket) else {
            return;
        };
        let Some(outgoing) = &slot.outgoing else {
            return;
        };
        let unsent_bytes = outgoing.len() - slot.sent_bytes as usize;
        let result = if unsent_bytes == 0 {
            Ok(())
        } else {
            self.counters.enters += 1;
            match send_from(slot, outgoing) {
                Ok(sent_bytes) if sent_bytes == unsent_bytes => Ok(()),
                // A short send has filled the socket, and so armed the event that tells of room.
                Ok(sent_bytes) => {
                    slot.sent_bytes += sent_bytes as u32;
                    slot.stuck = true;
                    return;
                }
                Err(Errno::AGAIN) => {
                    slot.stuck = true;
                    return;
                }
                Err(error) => Err(error),
            }
        };
        slot.stuck = false;
        if slot.finishing {
            finish(slot);
        }
        self.counters.sends_failed += u64::from(result.is_err());
        self.answers.push_back(Answer::Sent(socket, result));
    }
}

/// One try to send what is unsent.
fn send_from(slot: &Slot, outgoing: &Outgoing) -> Result<usize, Errno> {
    let sent_bytes = slot.sent_bytes as usize;
    match outgoing {
        Outgoing::One(bytes) => {
            retry_on_intr(|| send(slot.descriptor(), &bytes[sent_bytes..], FLAGS))
        }
        Outgoing::Many(pieces) => {
            let mut passed_bytes = sent_bytes;
            let mut list = SmallVec::<[IoSlice<'_>; PIECES_AT_HAND]>::new();
            for piece in pieces {
                let passed = passed_bytes.min(piece.len());
                passed_bytes -= passed;
                if passed < piece.len() {
                    list.push(IoSlice::new(&piece[passed..]));
                }
            }
            let mut control = SendAncillaryBuffer::default();
            retry_on_intr(|| sendmsg(slot.descriptor(), &list, &mut control, FLAGS))
        }
    }
}

/// Sends the FIN. A connection that the peer has reset needs none.
pub(super) fn finish(slot: &Slot) {
    let _ = sys::shutdown(slot.descriptor(), Shutdown::Write);
}
