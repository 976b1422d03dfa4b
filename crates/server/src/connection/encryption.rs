//! TLS at a connection's socket edge: what arrives is opened here, what leaves is sealed here, and everything above sees
//! plain bytes.
//!
//! A message for many clients is shared by all of them until it comes here: each has keys of its own, so each needs a copy
//! of its own. That copy is made when it is sent, never earlier, and is a few records long at most.

use bytes::Bytes;
use session::Reason;
use tls::{Error, Server, ServerConnection};

use super::outbox::Outbox;
use super::{Connection, Phase};
use crate::hub::Hub;

/// Plain bytes in one send: four records. So much of our own memory can a client hold that does not read, beside what it
/// shares with others.
pub(super) const BYTES_PER_SEND: usize = 64 * 1024;

/// One connection's keys, and what is between the two sides of them.
pub(super) struct Encryption {
    tls: ServerConnection,
    /// Gathered for a send that it was too long for.
    rest: Vec<Bytes>,
    /// We have sent something: the peer speaks TLS.
    answered: bool,
    failure: Option<Error>,
}

impl Encryption {
    /// The server's end of a connection that somebody has opened.
    fn new(server: &Server) -> Result<Box<Self>, Error> {
        Ok(Box::new(Self {
            tls: server.accept()?,
            rest: Vec::new(),
            answered: false,
            failure: None,
        }))
    }

    /// Appends to `plain` what the bytes say.
    ///
    /// # Errors
    /// The connection cannot go on; there may be an alert to send.
    fn open(&mut self, bytes: &mut [u8], plain: &mut Vec<u8>) -> Result<(), Error> {
        let opened = self.tls.receive(bytes, plain);
        if let Err(error) = &opened {
            self.failure = Some(error.clone());
        }
        opened
    }

    /// Seals the first [`BYTES_PER_SEND`] of `pieces` into one, behind whatever TLS itself has to say, and keeps the rest. If
    /// nothing is left and `last` says that nothing will follow, the peer is told so.
    ///
    /// # Errors
    /// The keys are used up.
    fn seal(
        &mut self,
        pieces: &mut Vec<Bytes>,
        scratch: &mut Vec<u8>,
        last: bool,
    ) -> Result<(), Error> {
        let sealed = match &mut pieces[..] {
            [] => Ok(()),
            [only] if only.len() <= BYTES_PER_SEND => {
                let sealed = self.tls.seal(only);
                pieces.clear();
                sealed
            }
            _ => {
                self.rest = split(pieces, scratch);
                self.tls.seal(scratch)
            }
        };
        if let Err(error) = sealed {
            self.failure = Some(error.clone());
            return Err(error);
        }
        if last && self.rest.is_empty() {
            self.tls.close();
        }
        if self.tls.wants_transmit() {
            self.answered = true;
            pieces.push(self.tls.transmit().into());
        }
        Ok(())
    }

    /// Whether there is something to send.
    pub(super) fn has_unsent(&self) -> bool {
        self.tls.wants_transmit() || !self.rest.is_empty()
    }

    /// Why it could not go on.
    pub(super) fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }
}

impl Connection {
    /// Whether nobody can read it on its way.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encryption.is_some()
    }

    pub(super) fn is_shaking_hands(&self) -> bool {
        matches!(&self.encryption, Some(encryption) if encryption.tls.is_handshaking())
    }

    /// From now on everything on this socket is TLS.
    pub(super) fn encrypt(&mut self, hub: &Hub) {
        let server = hub.settings.tls.as_ref();
        self.encryption = server.and_then(|server| Encryption::new(server).ok());
        if self.encryption.is_none() {
            // Nothing plain where TLS was promised.
            self.pipe.reason = Some(Reason::Internal);
            self.abort();
        }
    }

    /// Bytes arrived, and are TLS.
    pub(super) fn receive_encrypted(&mut self, hub: &mut Hub, bytes: &mut [u8]) {
        let Some(encryption) = &mut self.encryption else {
            return;
        };
        if matches!(self.phase, Phase::Over) {
            // Nobody would look at what they say.
            return;
        }
        let was_handshaking = encryption.tls.is_handshaking();
        let mut plain = std::mem::take(&mut hub.opened);
        plain.clear();
        let opened = encryption.open(bytes, &mut plain);
        let answers = was_handshaking && encryption.tls.wants_transmit();
        let goodbye = encryption.tls.has_peer_closed();
        hub.handshakes += u32::from(answers);
        self.receive_plain(hub, &mut plain);
        hub.opened = plain;
        match opened {
            Err(error) => self.refuse_tls(hub, &error),
            Ok(()) if goodbye => self.take_leave(hub),
            Ok(()) => {}
        }
    }

    /// The peer broke TLS, or speaks something else.
    fn refuse_tls(&mut self, hub: &mut Hub, error: &Error) {
        let unanswered = matches!(&self.encryption, Some(encryption) if !encryption.answered);
        if *error == Error::NotTls && unanswered {
            // An answer in plain HTTP is what most of them understand.
            self.encryption = None;
            self.refuse_protocol("this port speaks TLS: use https:// or wss://");
        } else {
            self.pipe.reason.get_or_insert(Reason::TlsError);
            self.give_up(hub);
            // Behind the alert.
            self.pipe.finish();
        }
    }

    /// The peer has closed its direction: what was accepted is answered, and it hears the end in TLS as well. A handshake has
    /// no such end: there rustls takes it for a failure.
    pub(super) fn take_leave(&mut self, hub: &mut Hub) {
        if self.held.end() {
            // What it said before counts.
            return;
        }
        if matches!(&self.phase, Phase::WebSocket(websocket) if websocket.is_open()) {
            self.pipe.reason.get_or_insert(Reason::PeerGone);
            self.give_up(hub);
        }
        self.peer_is_gone(false);
    }

    /// Nothing more is read, and nothing more is delivered.
    fn give_up(&mut self, hub: &mut Hub) {
        hub.broker.close(self.client());
        self.phase = Phase::Over;
        self.outbox = Outbox::default();
        self.pipe.behind = false;
    }

    /// Begins a send with what the last one left over; returns how many bytes this one may have.
    pub(super) fn take_rest(&mut self, pieces: &mut Vec<Bytes>, bytes_max: usize) -> usize {
        let Some(encryption) = &mut self.encryption else {
            return bytes_max;
        };
        pieces.append(&mut std::mem::take(&mut encryption.rest));
        let taken: usize = pieces.iter().map(Bytes::len).sum();
        bytes_max.min(BYTES_PER_SEND).saturating_sub(taken)
    }

    /// Makes one sealed piece of the plain ones. False if that is the end.
    pub(super) fn seal(&mut self, hub: &mut Hub, pieces: &mut Vec<Bytes>) -> bool {
        let is_last = self.pipe.is_finishing()
            && !self.pipe.behind
            && self.outbox.is_empty()
            && !self.owes_answers();
        let Some(encryption) = &mut self.encryption else {
            return true;
        };
        let sealed = encryption.seal(pieces, &mut hub.scratch, is_last);
        if sealed.is_err() {
            self.pipe.reason.get_or_insert(Reason::TlsError);
            self.abort();
            self.pipe.take_close();
        }
        sealed.is_ok()
    }
}

/// Copies the first [`BYTES_PER_SEND`] of `pieces` to `scratch`, empties `pieces`, and returns the others.
fn split(pieces: &mut Vec<Bytes>, scratch: &mut Vec<u8>) -> Vec<Bytes> {
    scratch.clear();
    let mut whole = 0;
    for piece in &mut *pieces {
        let room = BYTES_PER_SEND - scratch.len();
        let part = piece.split_to(piece.len().min(room));
        scratch.extend_from_slice(&part);
        if !piece.is_empty() {
            break;
        }
        whole += 1;
    }
    let rest = pieces.split_off(whole);
    pieces.clear();
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_takes_what_it_may_and_leaves_the_rest_in_order() {
        let bytes: Vec<u8> = (0..200_000).map(|at| (at % 251) as u8).collect();
        let mut left: Vec<Bytes> = bytes.chunks(70_001).map(Bytes::copy_from_slice).collect();
        let (mut scratch, mut sent) = (Vec::new(), Vec::new());
        while !left.is_empty() {
            let mut pieces = left;
            left = split(&mut pieces, &mut scratch);
            assert!(pieces.is_empty() && !scratch.is_empty() && scratch.len() <= BYTES_PER_SEND);
            sent.extend_from_slice(&scratch);
        }
        assert_eq!(sent, bytes);
    }
}
