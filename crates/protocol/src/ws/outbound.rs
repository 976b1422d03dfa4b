//! The control frames that wait for the socket.
//!
//! A peer decides how many pings it sends and whether it reads what comes back, so the queue is
//! bounded: beyond [`PONGS_MAX`] only the latest ping is answered. It exists only while something
//! waits.

use super::mask_keys::MaskKeys;
use crate::limits::{CONTROL_PAYLOAD_BYTES_MAX, PONGS_MAX};
use frame::{CloseCode, ClosePayload, Header, Opcode};
use std::fmt;

/// What waits, in the order in which it leaves.
#[derive(Clone, Default)]
pub(super) struct Outbound {
    /// Payloads, each after its length byte.
    pongs: Vec<u8>,
    pongs_count: usize,
    ping: Option<Box<[u8]>>,
    /// The payload of the Close.
    close: Option<Box<[u8]>>,
}

/// How much there is, not what: no log is to show a payload.
impl fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outbound")
            .field("pongs", &self.pongs_count)
            .field("ping", &self.ping.is_some())
            .field("close", &self.close.is_some())
            .finish()
    }
}

impl Outbound {
    /// RFC 6455 section 5.5.3: a Pong carries the payload of its Ping, and when several wait, "the
    /// endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame".
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if self.pongs_count == PONGS_MAX {
            self.pongs.clear();
            self.pongs_count = 0;
        }
        self.pongs.push(payload.len() as u8);
        self.pongs.extend_from_slice(payload);
        self.pongs_count += 1;
    }

    /// Queues a ping, in the place of one that still waits.
    pub(super) fn ping(&mut self, payload: &[u8]) {
        self.ping = Some(payload.into());
    }

    pub(super) fn close(&mut self, code: Option<CloseCode>, reason: &str) {
        let mut payload = [0; CONTROL_PAYLOAD_BYTES_MAX];
        let length = ClosePayload { code, reason }.encode(&mut payload);
        self.close = Some(payload[..length].into());
    }

    /// Appends all that waits: true when the Close was among it.
    pub(super) fn write(&self, mut keys: Option<&mut MaskKeys>, out: &mut Vec<u8>) -> bool {
        let mut pongs = self.pongs.as_slice();
        while let Some((&length, rest)) = pongs.split_first() {
            let (payload, rest) = rest.split_at(usize::from(length));
            write_frame(keys.as_deref_mut(), Opcode::Pong, payload, out);
            pongs = rest;
        }
        if let Some(payload) = &self.ping {
            write_frame(keys.as_deref_mut(), Opcode::Ping, payload, out);
        }
        if let Some(payload) = &self.close {
            write_frame(keys, Opcode::Close, payload, out);
        }
        self.close.is_some()
    }
}

/// Appends one frame that is a whole message or a control frame, masked if there are keys.
pub(super) fn write_frame(
    keys: Option<&mut MaskKeys>,
    opcode: Opcode,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    let mask = keys.map(MaskKeys::next);
    let header = Header {
        fin: true,
        rsv: 0,
        opcode,
        mask,
        payload_len: payload.len() as u64,
    };
    let mut bytes = [0; Header::BYTES_MAX];
    let length = header.encode(&mut bytes);
    out.reserve(length + payload.len());
    out.extend_from_slice(&bytes[..length]);
    match mask {
        None => out.extend_from_slice(payload),
        Some(key) => frame::mask::apply_copy(payload, out, key, 0),
    }
}
