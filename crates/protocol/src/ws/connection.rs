//! The connection: what its frames mean, and how it lives and ends.
//!
//! [`Reader`] tells what arrived, [`Outbound`] keeps what must leave; here stand the rules between
//! them: pings are answered, silence is probed, a Close is answered with its own code, and the
//! first broken rule is answered with one Close, after which nothing is read.

use super::control_rate::ControlRate;
use super::event::{Event, Failure, Kind};
use super::history::History;
use super::inflater::Inflater;
use super::mask_keys::MaskKeys;
use super::outbound::{Outbound, write_frame};
use super::reader::{Read, Reader, Rules};
use super::{Config, Input, Role};
use crate::handshake::deflate::Agreed;
use crate::limits::{CONNECTION_BYTES_MAX, CONTROL_PAYLOAD_BYTES_MAX};
use frame::{CloseCode, ClosePayload, Opcode, Utf8Stream};
use std::borrow::Cow;

/// One WebSocket connection after the opening handshake.
///
/// # Order of calls
/// When bytes arrive: [`receive`](Self::receive) until it yields `None`. When
/// [`deadline`](Self::deadline) has come: [`elapse`](Self::elapse). After either:
/// [`transmit`](Self::transmit), if [`wants_transmit`](Self::wants_transmit). When
/// [`is_finished`](Self::is_finished), the transport may be shut as soon as what was transmitted
/// is written.
#[derive(Clone, Debug)]
pub struct Connection {
    reader: Reader,
    outbound: Option<Box<Outbound>>,
    /// What a server's connection usually has none of.
    unusual: Option<Box<Unusual>>,
    /// When a byte was last received; while a ping waits for an answer, when that was queued; and
    /// once closing has begun, when it did.
    since_ms: u64,
    control_rate: ControlRate,
    role: Role,
    phase: Phase,
    /// Messages may be compressed.
    deflate: Option<Agreed>,
}

/// What few connections have.
#[derive(Clone, Debug, Default)]
struct Unusual {
    /// A client's. A server masks nothing.
    mask_keys: Option<MaskKeys>,
    /// Where the peer's compressed messages may refer to those before.
    history: Option<History>,
}

const _: () = assert!(size_of::<Connection>() <= CONNECTION_BYTES_MAX);

/// How far the closing handshake is (RFC 6455 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The same, and a keepalive ping waits for an answer.
    Pinged,
    /// Our Close is queued or sent, the peer's is awaited.
    Closing,
    /// Our Close is queued, and nothing more is read.
    Ending,
    /// Nothing more is read or sent.
    Finished,
}

impl Connection {
    /// An open connection. A client needs a `mask_seed` from the operating system's randomness,
    /// its own for each connection; a server masks nothing.
    pub fn new(role: Role, now_ms: u64, mask_seed: u64) -> Self {
        Self {
            reader: Reader::default(),
            outbound: None,
            unusual: (role == Role::Client).then(|| {
                Box::new(Unusual {
                    mask_keys: Some(MaskKeys::new(mask_seed)),
                    history: None,
                })
            }),
            since_ms: now_ms,
            control_rate: ControlRate::default(),
            role,
            phase: Phase::Open,
            deflate: None,
        }
    }

    /// The same connection, on which the handshake agreed to permessage-deflate. It holds nothing
    /// more for that, unless the peer may refer to what it sent before.
    #[must_use]
    pub fn with_deflate(mut self, agreed: Agreed) -> Self {
        let peer = match self.role {
            Role::Server => agreed.client,
            Role::Client => agreed.server,
        };
        if peer.context_takeover {
            let history = History::new(peer.context_bytes());
            self.unusual.get_or_insert_default().history = Some(history);
        }
        self.deflate = Some(agreed);
        self
    }

    /// The same connection, whose context, if the peer has one, counts among those of `inflater`
    /// for as long as the connection lives.
    #[must_use]
    pub fn counted_by(mut self, inflater: &Inflater) -> Self {
        if let Some(history) = self.history() {
            history.count(inflater.contexts());
        }
        self
    }

    /// What was agreed on about compression.
    pub fn deflate(&self) -> Option<Agreed> {
        self.deflate
    }

    /// Takes bytes up to the next event; `None` when the input is used up. A connection that
    /// failed, or that has the peer's Close, discards all input.
    #[inline]
    pub fn receive<'i>(
        &mut self,
        config: &Config,
        inflater: &mut Inflater,
        now_ms: u64,
        input: &mut Input<'i>,
    ) -> Option<Event<'i>> {
        if !input.is_empty() && self.is_open() {
            // Any byte shows that the peer is alive, not only a Pong.
            self.note_time(now_ms);
            self.phase = Phase::Open;
        }
        while matches!(self.phase, Phase::Open | Phase::Closing) {
            let rules = Rules {
                role: self.role,
                limits: &config.limits,
                deflate: self.deflate.is_some(),
                discard_messages: self.phase == Phase::Closing,
            };
            let event = match self.reader.next(rules, input) {
                Ok(Some(Read::Message(kind, payload))) => Some(Event::Message { kind, payload }),
                Ok(Some(Read::Compressed(kind, payload))) => {
                    Some(self.inflate(config, inflater, now_ms, kind, &payload))
                }
                Ok(Some(Read::Control(opcode, payload))) => {
                    self.control(config, now_ms, opcode, payload)
                }
                Ok(Some(Read::Nothing)) => None,
                Ok(None) => return None,
                Err(failure) => Some(Event::Failed(self.fail(now_ms, failure))),
            };
            if event.is_some() {
                return event;
            }
        }
        input.discard();
        None
    }

    /// Time has passed: a ping is queued, or the connection failed because an answer is overdue.
    pub fn elapse(&mut self, config: &Config, now_ms: u64) -> Option<Failure> {
        if self
            .deadline(config)
            .is_none_or(|deadline_ms| now_ms < deadline_ms)
        {
            return None;
        }
        match self.phase {
            Phase::Pinged => Some(self.fail(now_ms, Failure::PongTimeout)),
            Phase::Open => {
                self.outbound().ping(&[]);
                self.phase = Phase::Pinged;
                self.note_time(now_ms);
                None
            }
            Phase::Closing | Phase::Ending | Phase::Finished => {
                self.outbound = None;
                self.reader.discard();
                self.phase = Phase::Finished;
                Some(Failure::CloseTimeout)
            }
        }
    }

    /// When to call [`elapse`](Self::elapse), in milliseconds of the caller's clock.
    pub fn deadline(&self, config: &Config) -> Option<u64> {
        match self.phase {
            Phase::Open | Phase::Pinged if config.ping_interval_ms == 0 => None,
            Phase::Pinged => Some(self.since_ms.saturating_add(config.pong_timeout_ms)),
            Phase::Open => Some(self.since_ms.saturating_add(config.ping_interval_ms)),
            Phase::Closing | Phase::Ending => {
                Some(self.since_ms.saturating_add(config.close_timeout_ms))
            }
            Phase::Finished => None,
        }
    }

    /// Whether [`transmit`](Self::transmit) has something to write.
    #[inline]
    pub fn wants_transmit(&self) -> bool {
        self.outbound.is_some()
    }

    /// Appends the pongs, the ping and the Close that wait, as frames: true if there were any.
    /// After the Close, this end sends nothing more.
    pub fn transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(outbound) = self.outbound.take() else {
            return false;
        };
        let closed = outbound.write(self.mask_keys(), out);
        if closed && self.phase == Phase::Ending {
            self.phase = Phase::Finished;
        }
        true
    }

    /// Appends one message as one frame, after what waits to be transmitted: a pong that was due
    /// before this message also leaves before it. Nothing is written once closing has begun, for
    /// RFC 6455 section 5.5.1 forbids data after a Close.
    pub fn send(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
        if !self.is_open() {
            return;
        }
        let opcode = match kind {
            Kind::Text => Opcode::Text,
            Kind::Binary => Opcode::Binary,
        };
        self.transmit(out);
        write_frame(self.mask_keys(), opcode, payload, out);
    }

    /// Queues a ping, in the place of one that was not transmitted yet.
    ///
    /// # Panics
    /// If the payload is longer than 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) {
        assert!(
            payload.len() <= CONTROL_PAYLOAD_BYTES_MAX,
            "RFC 6455 section 5.5"
        );
        if self.is_open() {
            self.outbound().ping(payload);
        }
    }

    /// Begins the closing handshake, unless it has begun. A long reason is cut.
    ///
    /// # Panics
    /// If the code must not appear in a frame.
    pub fn close(&mut self, now_ms: u64, code: CloseCode, reason: &str) {
        if self.is_open() {
            self.begin_close(now_ms, Some(code), reason);
            self.reader.discard_message();
        }
    }

    /// Whether data may still be sent.
    #[inline]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Pinged)
    }

    /// Whether both sides have closed, or this one failed, and our Close was transmitted: the
    /// transport may be shut.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    fn outbound(&mut self) -> &mut Outbound {
        self.outbound.get_or_insert_default()
    }

    fn history(&mut self) -> Option<&mut History> {
        self.unusual.as_mut()?.history.as_mut()
    }

    fn mask_keys(&mut self) -> Option<&mut MaskKeys> {
        self.unusual.as_mut()?.mask_keys.as_mut()
    }

    /// A whole compressed message to a plain one.
    #[inline(never)]
    fn inflate(
        &mut self,
        config: &Config,
        inflater: &mut Inflater,
        now_ms: u64,
        kind: Kind,
        compressed: &[u8],
    ) -> Event<'static> {
        let history = self.history();
        let bytes_max = usize::try_from(config.limits.message_bytes_max).unwrap_or(usize::MAX);
        let plain = history.as_ref().map_or(&[][..], |history| history.plain());
        let inflated = inflater
            .inflate(compressed, plain, bytes_max)
            .and_then(|message| {
                if kind == Kind::Text {
                    let mut utf8 = Utf8Stream::new();
                    utf8.push(&message)?;
                    utf8.finish()?;
                }
                Ok(message)
            });
        match inflated {
            Ok(message) => {
                if let Some(history) = history {
                    history.push(&message);
                }
                let payload = Cow::Owned(message);
                Event::Message { kind, payload }
            }
            Err(failure) => Event::Failed(self.fail(now_ms, failure)),
        }
    }

    /// Sets the time of an open connection; with it, frames beyond the rate wear off.
    #[inline]
    fn note_time(&mut self, now_ms: u64) {
        self.control_rate.pass(now_ms.saturating_sub(self.since_ms));
        self.since_ms = now_ms;
    }

    fn control<'i>(
        &mut self,
        config: &Config,
        now_ms: u64,
        opcode: Opcode,
        payload: Cow<'i, [u8]>,
    ) -> Option<Event<'i>> {
        match opcode {
            Opcode::Close => Some(self.peer_closed(now_ms, payload)),
            _ if self.is_open() && !self.control_rate.count(config.control_frames_per_s_max) => {
                Some(Event::Failed(self.fail(now_ms, Failure::ControlFlood)))
            }
            // RFC 6455 section 5.5.2: a Pong is due "unless it already received a Close frame", and
            // section 5.5.1 lets nothing follow our own.
            Opcode::Ping if self.is_open() => {
                self.outbound().pong(&payload);
                None
            }
            Opcode::Pong if self.is_open() => Some(Event::Pong(payload)),
            _ => None,
        }
    }

    fn peer_closed<'i>(&mut self, now_ms: u64, payload: Cow<'i, [u8]>) -> Event<'i> {
        let decoded = match &payload {
            Cow::Borrowed(payload) => {
                ClosePayload::decode(payload).map(|close| (close.code, Cow::Borrowed(close.reason)))
            }
            Cow::Owned(payload) => ClosePayload::decode(payload)
                .map(|close| (close.code, Cow::Owned(close.reason.to_owned()))),
        };
        let (code, reason) = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Event::Failed(self.fail(now_ms, error.into())),
        };
        if self.is_open() {
            // RFC 6455 section 5.5.1: "the endpoint typically echos the status code it received".
            self.begin_close(now_ms, code, "");
        }
        self.stop_reading();
        Event::PeerClosed { code, reason }
    }

    fn fail(&mut self, now_ms: u64, failure: Failure) -> Failure {
        if self.is_open() {
            self.begin_close(now_ms, failure.close_code(), &failure.to_string());
        }
        self.stop_reading();
        failure
    }

    fn begin_close(&mut self, now_ms: u64, code: Option<CloseCode>, reason: &str) {
        self.outbound().close(code, reason);
        self.phase = Phase::Closing;
        self.since_ms = now_ms;
    }

    /// Nothing that the peer sends matters any more. Our Close may still wait for the socket.
    fn stop_reading(&mut self) {
        self.reader.discard();
        self.phase = if self.wants_transmit() {
            Phase::Ending
        } else {
            Phase::Finished
        };
    }
}
