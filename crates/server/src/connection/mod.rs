//! One client's connection, from its first byte to its last, without any I/O: bytes and notices
//! in, pieces to send and deadlines out.
//!
//! It begins as HTTP (`http`), may wait for its subscription to stand on the topic's home
//! (`joining`), and goes on as WebSocket (`websocket`). What it wants of its socket is in `pipe`; if
//! that socket speaks TLS, `encryption` stands before all of it. An idle connection owns no buffer.

mod encryption;
mod held;
mod http;
mod outbox;
mod pipe;
#[cfg(test)]
mod tests;
mod websocket;

use broker::{Client, Notice};
use bytes::Bytes;
use reactor::Socket;
use session::{Level, Reason};

use crate::hub::Hub;
use encryption::Encryption;
use held::Held;
use http::Http;
use outbox::Outbox;
use pipe::Pipe;
pub use pipe::Reading;
use websocket::{Joining, WebSocket};

pub use http::refused_handshake;
pub use websocket::{HISTORY_BYTES_MAX, HISTORY_MESSAGES_MAX};

/// Held bytes beyond which a connection is not read from.
const HELD_BYTES_MAX: usize = 16 * 1024;

/// One client's connection.
#[repr(align(64))]
pub struct Connection {
    socket: Socket,
    phase: Phase,
    /// What arrived and could not be looked at yet.
    held: Held,
    outbox: Outbox,
    pipe: Pipe,
    encryption: Option<Box<Encryption>>,
}

// Two cache lines, and all there is of it between two messages.
const _: () = assert!(size_of::<Option<Connection>>() == 128);

enum Phase {
    Http(Box<Http>),
    /// The handshake is accepted; the 101 waits until the subscription stands.
    Joining(Box<Joining>),
    WebSocket(WebSocket),
    /// Whatever comes is discarded.
    Over,
}

/// What a listener's connections speak below everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Nothing: TCP.
    Plain,
    /// TLS.
    Tls,
}

/// What the core does for a ready connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// Send the pieces.
    Send,
    /// Send a FIN.
    Finish,
    /// End both directions.
    Close,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(socket: Socket, transport: Transport, hub: &mut Hub) -> Self {
        hub.broker.open(Client {
            index: socket.index,
            generation: socket.generation,
        });
        let mut connection = Self {
            socket,
            phase: Phase::Http(Box::new(Http::new(hub))),
            held: Held::default(),
            outbox: Outbox::default(),
            pipe: Pipe::new(),
            encryption: None,
        };
        if transport == Transport::Tls {
            connection.encrypt(hub);
        }
        connection
    }

    /// A connection that there is no room for: it is told so before it asks, and ends. Whatever it
    /// sends meanwhile is dropped, for a close over unread bytes would reset the answer away.
    pub fn turned_away(socket: Socket, reason: Reason) -> Self {
        let mut connection = Self {
            socket,
            phase: Phase::Over,
            held: Held::default(),
            outbox: Outbox::default(),
            pipe: Pipe::new(),
            encryption: None,
        };
        connection.refuse_entrance(reason);
        connection
    }

    /// Whether it was never let in.
    pub fn was_turned_away(&self) -> bool {
        matches!(
            self.pipe.reason,
            Some(Reason::ConnectionLimit | Reason::AddressLimit)
        )
    }

    /// Its socket.
    pub fn socket(&self) -> Socket {
        self.socket
    }

    fn client(&self) -> Client {
        Client {
            index: self.socket.index,
            generation: self.socket.generation,
        }
    }

    /// Bytes arrived. They are consumed here or copied.
    pub fn receive(&mut self, hub: &mut Hub, bytes: &mut [u8]) {
        if self.pipe.is_ending() {
            self.pipe.overhear(bytes.len());
        } else if self.encryption.is_some() {
            self.receive_encrypted(hub, bytes);
        } else {
            self.receive_plain(hub, bytes);
        }
    }

    fn receive_plain(&mut self, hub: &mut Hub, bytes: &mut [u8]) {
        let taken = if self.held.is_empty() {
            self.consume(hub, bytes)
        } else {
            0
        };
        self.held.push(&bytes[taken..]);
    }

    /// Looks at bytes until there are none, or the client has to wait for answers, or for its turn;
    /// returns how many.
    fn consume(&mut self, hub: &mut Hub, bytes: &mut [u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.waits(hub) && !self.inflates_no_more(hub) {
            let rest = &mut bytes[taken..];
            taken += match &self.phase {
                Phase::Http(_) => self.receive_http(hub, rest),
                Phase::WebSocket(_) => self.receive_frames(hub, rest),
                Phase::Joining(_) | Phase::Over => rest.len(),
            };
        }
        taken
    }

    /// Whether the turn has no more time for what this client sends: it may be compressed.
    #[inline]
    fn inflates_no_more(&self, hub: &Hub) -> bool {
        hub.has_inflated_enough()
            && matches!(&self.phase, Phase::WebSocket(websocket) if websocket.may_inflate())
    }

    /// Whether what the client sent lies until it has been answered, or has taken its answers: a
    /// few bytes can ask for a thousand times as many.
    #[inline]
    fn waits(&self, hub: &Hub) -> bool {
        let unread = self.outbox.bytes() > hub.settings.outbox_bytes_max;
        match &self.phase {
            Phase::Http(http) => http.is_awaiting() || unread,
            Phase::Joining(_) => true,
            Phase::WebSocket(websocket) => {
                websocket.is_open() && (websocket.awaits_answers() || unread)
            }
            Phase::Over => false,
        }
    }

    /// Whether nothing keeps what is held waiting but the work of this turn.
    #[inline]
    pub fn waits_for_turn(&self, hub: &Hub) -> bool {
        !self.held.is_empty() && self.may_go_on(hub)
    }

    /// Apart, because nearly nobody comes here.
    #[cold]
    fn may_go_on(&self, hub: &Hub) -> bool {
        !self.waits(hub)
    }

    /// Looks at what is held, if nothing keeps it waiting any more.
    #[inline]
    fn proceed(&mut self, hub: &mut Hub) {
        if !self.held.is_empty() && !hub.lanes_are_full {
            self.look_at_held(hub);
        }
    }

    #[cold]
    fn look_at_held(&mut self, hub: &mut Hub) {
        let mut held = std::mem::take(&mut self.held);
        let ended = held.has_ended();
        let taken = self.consume(hub, held.as_mut());
        held.advance(taken);
        self.held = held;
        if ended && self.held.is_empty() {
            if self.is_encrypted() {
                self.take_leave(hub);
            } else {
                self.peer_is_gone(false);
            }
        }
    }

    /// The broker has something for this client.
    pub fn notice(&mut self, hub: &mut Hub, notice: Notice) {
        match &self.phase {
            Phase::Http(_) => self.answer_http(hub, notice),
            Phase::Joining(_) => self.join(hub, notice),
            Phase::WebSocket(_) => self.tell(hub, notice),
            Phase::Over => {}
        }
        self.proceed(hub);
    }

    /// The peer will send nothing more; `broken` if it will not read either.
    pub fn peer_is_gone(&mut self, broken: bool) {
        if !broken && self.held.end() {
            // What it said before it fell silent counts.
            return;
        }
        let still_answers = match &self.phase {
            // TLS has a word for the end, which is due even where nobody waits for an answer.
            Phase::Http(http) => http.is_awaiting() || self.has_unsent() || self.is_encrypted(),
            Phase::WebSocket(websocket) => !websocket.is_open(),
            Phase::Joining(_) => false,
            Phase::Over => true,
        };
        if still_answers && !broken {
            // A client may close its half and still read the answer.
            self.pipe.finish_then_close();
        } else {
            self.pipe.reason.get_or_insert(Reason::PeerGone);
            self.pipe.close();
        }
    }

    /// A deadline came.
    pub fn elapse(&mut self, hub: &mut Hub) {
        if self
            .pipe
            .write_is_overdue(hub.now_ms, hub.settings.write_timeout_ms)
        {
            self.pipe.reason.get_or_insert(Reason::WriteTimeout);
            self.abort();
            return;
        }
        if self
            .pipe
            .finish_is_overdue(hub.now_ms, hub.settings.close_timeout_ms)
        {
            self.abort();
            return;
        }
        let close_waits = self.close_waits();
        match &mut self.phase {
            Phase::Http(http) => {
                if let Err(error) = http.elapse(hub) {
                    self.overdue(error);
                }
            }
            Phase::WebSocket(_) if !close_waits => self.elapse_websocket(hub),
            Phase::WebSocket(_) | Phase::Joining(_) | Phase::Over => {}
        }
    }

    /// Our Close has not left, perhaps behind a send: the peer cannot answer it yet, and should
    /// read it when it reads again. Until then the send's own timeout holds.
    fn close_waits(&self) -> bool {
        matches!(&self.phase, Phase::WebSocket(websocket) if websocket.has_unsent_close())
    }

    /// `u64::MAX` if there is none.
    fn deadline(&self, hub: &Hub) -> u64 {
        let own = match &self.phase {
            Phase::Http(http) => http.deadline(),
            Phase::WebSocket(websocket) if !self.close_waits() => websocket.deadline(hub),
            Phase::WebSocket(_) | Phase::Joining(_) | Phase::Over => None,
        };
        let pipe = self
            .pipe
            .deadline(hub.settings.write_timeout_ms, hub.settings.close_timeout_ms);
        own.unwrap_or(u64::MAX).min(pipe)
    }

    /// The node ends: close as soon as everything that was accepted is sent.
    pub fn drain(&mut self) {
        // TLS has a word for the end.
        let unsent = self.has_unsent() || self.is_encrypted();
        match &mut self.phase {
            // Its answer is its last, as everybody's is whom a draining node answers.
            Phase::Http(http) if http.is_awaiting() => {}
            Phase::Http(_) if unsent => {
                self.phase = Phase::Over;
                self.pipe.finish();
            }
            Phase::Http(_) => self.pipe.close(),
            Phase::Over => self.pipe.finish_then_close(),
            Phase::Joining(_) => self.refuse_joining(Reason::Draining.into()),
            Phase::WebSocket(websocket) => websocket.drain(),
        }
    }

    /// Ends at once, whatever is unsent.
    pub fn abort(&mut self) {
        self.phase = Phase::Over;
        self.pipe.close();
    }

    /// The connection is gone: the broker forgets it, the log says why.
    pub fn end(self, hub: &mut Hub) {
        hub.broker.close(self.client());
        let reason = self.pipe.reason.unwrap_or(Reason::PeerGone);
        let (label, connection) = (reason.label(), self.socket.index);
        let tls = self.encryption.as_ref().and_then(|tls| tls.failure());
        let tls = tls.map(tracing::field::display);
        match reason.level() {
            Level::Debug => tracing::debug!(
                core = hub.core(),
                connection,
                reason = label,
                tls,
                "connection ended"
            ),
            Level::Info => tracing::info!(
                core = hub.core(),
                connection,
                reason = label,
                tls,
                "connection ended"
            ),
            Level::Warn => tracing::warn!(
                core = hub.core(),
                connection,
                reason = label,
                tls,
                "connection ended"
            ),
            Level::Error => tracing::error!(
                core = hub.core(),
                connection,
                reason = label,
                tls,
                "connection ended"
            ),
        }
    }
}

/// The socket's side.
impl Connection {
    /// Whether the connection joins the ready list now; it then is in it until `next_step`.
    #[inline]
    pub fn becomes_ready(&mut self, hub: &Hub) -> bool {
        let has_work = !self.outbox.is_empty()
            || matches!(&self.phase, Phase::WebSocket(websocket) if websocket.wants_step())
            || matches!(&self.encryption, Some(encryption) if encryption.has_unsent());
        self.pipe.becomes_ready(has_work, self.waits_for_turn(hub))
    }

    /// A topic has something that this client has not been sent.
    pub fn falls_behind(&mut self) -> bool {
        self.pipe.behind = true;
        self.pipe.becomes_ready(true, false)
    }

    /// A send is over. Whether anything else has changed: if not, no deadline comes sooner and nothing more
    /// is in the outbox.
    pub fn sent(&mut self, hub: &mut Hub, whole: bool) -> bool {
        self.pipe.end_send();
        if !whole {
            self.pipe.reason.get_or_insert(Reason::PeerGone);
            self.abort();
            return true;
        }
        let proceeds = !self.held.is_empty();
        self.proceed(hub);
        proceeds
    }

    /// What to do now that the socket is free: own bytes first, then the topics' up to the bounds,
    /// then the end if there is one.
    pub fn next_step(
        &mut self,
        hub: &mut Hub,
        pieces: &mut Vec<Bytes>,
        pieces_max: usize,
        bytes_max: usize,
    ) -> Step {
        self.pipe.ready = false;
        self.proceed(hub);
        if self.pipe.take_close() {
            return Step::Close;
        }
        if self.pipe.is_sending() {
            return Step::Wait;
        }
        if let Phase::WebSocket(websocket) = &mut self.phase {
            websocket.transmit(&mut self.outbox);
            self.settle(hub);
        }
        let bytes_max = self.take_rest(pieces, bytes_max);
        let moved = self.outbox.drain_into(pieces, pieces_max, bytes_max);
        if self.pipe.behind && self.may_deliver() && pieces.len() < pieces_max && moved < bytes_max
        {
            self.pipe.behind = hub.broker.gather(
                self.client(),
                pieces,
                pieces_max - pieces.len(),
                bytes_max - moved,
            );
        }
        // Behind the last byte, and not only once there is none: a client that goes on asking would
        // put that off for ever.
        let all = !self.pipe.behind && self.outbox.is_empty();
        if all && pieces.len() < pieces_max && self.say_goodbye(hub) {
            let room = pieces_max - pieces.len();
            self.outbox.drain_into(pieces, room, bytes_max);
        }
        if self.encryption.is_some() && !self.seal(hub, pieces) {
            return Step::Close;
        }
        if !pieces.is_empty() {
            self.pipe.begin_send(hub.now_ms);
            return Step::Send;
        }
        if !self.owes_answers() && self.pipe.take_finish(hub.now_ms) {
            Step::Finish
        } else {
            Step::Wait
        }
    }

    fn may_deliver(&self) -> bool {
        matches!(&self.phase, Phase::WebSocket(websocket) if websocket.is_open())
    }

    /// Whether requests wait that a client may have sent before it closed its half.
    fn owes_answers(&self) -> bool {
        matches!(&self.phase, Phase::Http(http) if http.is_awaiting() || !self.held.is_empty())
    }

    /// Whether something is on its way to the socket, or will be.
    fn has_unsent(&self) -> bool {
        self.pipe.is_sending()
            || !self.outbox.is_empty()
            || matches!(&self.encryption, Some(encryption) if encryption.has_unsent())
    }

    /// Whether it has asked for more than it takes, or goes on where nobody listens: then it is not to be read from.
    pub fn is_full(&self, outbox_bytes_max: usize) -> bool {
        self.outbox.bytes() > outbox_bytes_max
            || self.held.len() > HELD_BYTES_MAX
            || self.pipe.has_heard_enough()
    }

    /// Whether it is read from, and if not, what it waits for.
    pub fn reading(&self) -> Reading {
        self.pipe.reading
    }

    /// From now on it is, or waits for this.
    pub fn set_reading(&mut self, reading: Reading) {
        self.pipe.reading = reading;
    }

    /// Whether this client has called the broker since it was last asked.
    pub fn has_called(&mut self) -> bool {
        match &mut self.phase {
            Phase::WebSocket(websocket) => websocket.has_called(),
            _ => false,
        }
    }

    /// The next deadline, if it comes before the one that the timers know.
    pub fn arm(&mut self, hub: &Hub) -> Option<u64> {
        self.pipe.arm(self.deadline(hub))
    }

    /// A timer fired; whether it was this connection's present one.
    pub fn disarm(&mut self, now_ms: u64) -> bool {
        self.pipe.disarm(now_ms)
    }
}
