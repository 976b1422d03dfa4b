//! The WebSocket part of a connection: frames through the machine, messages through the session,
//! what they ask for to the broker, and the way back.

use broker::{Client, Format, Notice, Publisher, Start};
use frame::{CloseCode, Opcode};
use protocol::handshake::server::{self, Accepted};
use protocol::ws::{self, Event, Failure, Input, Kind};
use session::dialect::json::{Id, answer};
use session::{Ask, Cause, Message, Reason, Received, Reply, Request, Session};

use super::outbox::Outbox;
use super::{Connection, Phase};
use crate::hub::Hub;
use crate::routes;
use crate::wire::{self, write_frame};

/// Messages in one answer to a `history` command.
pub const HISTORY_MESSAGES_MAX: u32 = 1000;
/// Bytes of their payloads, unless it is one message: all that a topic keeps, unless it is told to
/// keep more.
pub const HISTORY_BYTES_MAX: usize = 256 * 1024;

/// Commands of one client that wait for their answers; fewer than the broker refuses.
const UNANSWERED_MAX: u16 = 512;

/// An open WebSocket.
pub(super) struct WebSocket {
    machine: ws::Connection,
    session: Session,
    /// It is closed as soon as it has been sent everything.
    draining: bool,
    /// It called the broker since the core last asked.
    called: bool,
    /// One of the unanswered commands asks for a past. The answer may be large, so nothing else is
    /// asked until it is there.
    awaits_past: bool,
    /// Commands that the broker has not answered.
    unanswered: u16,
}

/// A raw connection whose subscription does not stand yet.
pub(super) struct Joining {
    accepted: Accepted,
    machine: ws::Connection,
    session: Session,
}

impl Joining {
    pub(super) fn new(hub: &Hub, accepted: Accepted, session: Session) -> Self {
        Self {
            machine: hub.machine(&accepted),
            accepted,
            session,
        }
    }
}

impl WebSocket {
    fn new(machine: ws::Connection, session: Session) -> Self {
        Self {
            machine,
            session,
            draining: false,
            called: false,
            awaits_past: false,
            unanswered: 0,
        }
    }

    /// A connection that carries many subscriptions; it is greeted.
    pub(super) fn multiplexed(hub: &mut Hub, accepted: &Accepted, outbox: &mut Outbox) -> Self {
        hub.scratch.clear();
        answer::hello(&mut hub.scratch, &hub.settings.greeting);
        write_frame(Opcode::Text, &hub.scratch, outbox.tail());
        Self::new(hub.machine(accepted), Session::json())
    }

    pub(super) fn is_open(&self) -> bool {
        self.machine.is_open()
    }

    pub(super) fn wants_step(&self) -> bool {
        self.machine.wants_transmit() || (self.draining && self.machine.is_open())
    }

    pub(super) fn has_called(&mut self) -> bool {
        std::mem::take(&mut self.called)
    }

    /// Whether what it is sent may be compressed.
    pub(super) fn may_inflate(&self) -> bool {
        self.machine.deflate().is_some()
    }

    /// Whether so many of its commands wait that the next message has to wait as well.
    pub(super) fn awaits_answers(&self) -> bool {
        self.awaits_past || self.unanswered >= UNANSWERED_MAX
    }

    /// The broker accepted a command that it will answer.
    fn asked(&mut self, past: bool) {
        self.unanswered += 1;
        self.awaits_past |= past;
    }

    /// The broker answered one. The subscription of a raw connection was not counted.
    fn answered(&mut self, notice: &Notice) {
        match notice {
            Notice::Subscribed { .. }
            | Notice::Unsubscribed { .. }
            | Notice::Published { .. }
            | Notice::History { .. }
            | Notice::Refused { .. } => self.unanswered = self.unanswered.saturating_sub(1),
            Notice::Unpublished { .. } | Notice::Gap { .. } | Notice::Lagged { .. } => {}
        }
        // Which of them was answered does not matter: once all are, the past is there.
        self.awaits_past &= self.unanswered > 0;
    }

    /// Whether its Close has not left the machine.
    pub(super) fn has_unsent_close(&self) -> bool {
        !self.machine.is_open() && self.machine.wants_transmit()
    }

    pub(super) fn deadline(&self, hub: &Hub) -> Option<u64> {
        self.machine.deadline(&hub.settings.ws)
    }

    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    /// Pongs, pings and the Close go behind what is in the outbox.
    pub(super) fn transmit(&mut self, outbox: &mut Outbox) {
        if self.machine.wants_transmit() {
            self.machine.transmit(outbox.tail());
        }
    }

    /// One message for this client alone: what is written in the hub's scratch.
    fn say(&mut self, hub: &mut Hub, opcode: Opcode, outbox: &mut Outbox) {
        if self.is_open() {
            // A pong that is due leaves before the answer to a later message.
            self.transmit(outbox);
            let (agreed, out) = (self.machine.deflate(), outbox.tail());
            hub.encoder.answer(agreed, opcode, &hub.scratch, out);
        }
    }

    /// What publications are written in for this client.
    fn format(&self) -> Format {
        wire::format(self.session.format(), self.machine.deflate())
    }

    /// Passes one message to the session, and what it asks for to the broker.
    fn message(&mut self, hub: &mut Hub, client: Client, kind: Kind, payload: &[u8]) -> Reply {
        let message = match kind {
            Kind::Text => Message::Text(payload),
            Kind::Binary => Message::Binary(payload),
        };
        hub.scratch.clear();
        let request = match self.session.receive(hub.time_ms, message, &mut hub.scratch) {
            Received::Reply(reply) => return reply,
            Received::Request(request) => request,
        };
        self.called = true;
        let Request { id, ask } = request;
        let past = match &ask {
            Ask::History { .. } => true,
            Ask::Subscribe { start, .. } => *start != Start::Live,
            Ask::Publish { .. } | Ask::Unsubscribe { .. } => false,
        };
        let answered = id.is_some() || !matches!(ask, Ask::Publish { .. });
        let called = if hub.draining {
            Err(Reason::Draining.into())
        } else {
            call(hub, client, self.format(), id, ask)
        };
        match called {
            Ok(()) => {
                if answered {
                    self.asked(past);
                }
                Reply::Nothing
            }
            Err(cause) => self.session.refuse(
                hub.time_ms,
                id.map(|id| id.as_json()),
                cause,
                &mut hub.scratch,
            ),
        }
    }

    fn close(&mut self, hub: &Hub, cause: Cause) {
        if let Some(code) = cause.reason.close_code() {
            self.machine
                .close(hub.now_ms, CloseCode(code), cause.message);
        }
    }
}

/// Makes the call to the broker that a message asks for. What has an id is confirmed.
fn call(
    hub: &mut Hub,
    client: Client,
    format: Format,
    id: Option<Id<'_>>,
    ask: Ask<'_>,
) -> Result<(), Cause> {
    let echo = id.map(Id::to_echo);
    match ask {
        Ask::Publish { topic, payload } => {
            let publisher = match echo {
                Some(echo) => Publisher::Confirmed(client, Some(echo)),
                None => Publisher::Unconfirmed(client),
            };
            hub.publish(publisher, (&topic).into(), payload.kind, &payload.bytes)?;
        }
        Ask::Subscribe { pattern, start } => {
            routes::subscribe(hub, client, echo, &pattern, format, start)?;
        }
        Ask::Unsubscribe { pattern } => hub.broker.unsubscribe(client, echo, &pattern)?,
        Ask::History { topic, start } => {
            hub.broker.history(
                client,
                echo,
                &topic,
                start,
                HISTORY_MESSAGES_MAX,
                hub.time_ms,
            )?;
        }
    }
    Ok(())
}

impl Connection {
    /// Takes frames until the client has to wait for answers; returns how many bytes it took.
    pub(super) fn receive_frames(&mut self, hub: &mut Hub, bytes: &mut [u8]) -> usize {
        let client = self.client();
        let arrived = bytes.len();
        let mut input = Input::new(bytes);
        while !self.waits(hub) && !self.inflates_no_more(hub) {
            let Phase::WebSocket(websocket) = &mut self.phase else {
                break;
            };
            let Some(event) = websocket.machine.receive(
                &hub.settings.ws,
                &mut hub.inflater,
                hub.now_ms,
                &mut input,
            ) else {
                break;
            };
            match event {
                Event::Message { kind, payload } => {
                    let reply = websocket.message(hub, client, kind, &payload);
                    obey(
                        websocket,
                        hub,
                        &mut self.outbox,
                        &mut self.pipe.reason,
                        reply,
                    );
                }
                Event::Pong(_) => {}
                Event::PeerClosed { .. } => {
                    self.pipe.reason.get_or_insert(Reason::Normal);
                }
                Event::Failed(failure) => {
                    self.pipe.reason.get_or_insert(reason_of(failure));
                }
            }
        }
        let taken = arrived - input.len();
        self.settle(hub);
        taken
    }

    /// The broker's news for this client.
    pub(super) fn tell(&mut self, hub: &mut Hub, notice: Notice) {
        let Phase::WebSocket(websocket) = &mut self.phase else {
            return;
        };
        if !websocket.is_open() {
            return;
        }
        websocket.answered(&notice);
        hub.scratch.clear();
        let reply = websocket
            .session
            .notice(hub.time_ms, &notice, &mut hub.scratch);
        obey(
            websocket,
            hub,
            &mut self.outbox,
            &mut self.pipe.reason,
            reply,
        );
        if let Notice::Subscribed { replay, .. } = notice
            && websocket.is_open()
        {
            replay.into_iter().for_each(|bytes| self.outbox.push(bytes));
        }
        self.settle(hub);
    }

    /// The broker's answer to a raw subscription: now the handshake can be answered.
    pub(super) fn join(&mut self, hub: &mut Hub, notice: Notice) {
        match &notice {
            Notice::Subscribed { .. } => {
                self.open_raw();
                self.tell(hub, notice);
            }
            Notice::Refused { refusal, .. } => self.refuse_joining(Cause::from(*refusal)),
            Notice::Lagged { .. } => self.refuse_joining(Reason::SlowConsumer.into()),
            _ => {}
        }
    }

    /// Answers the handshake.
    pub(super) fn open_raw(&mut self) {
        let Phase::Joining(joining) = std::mem::replace(&mut self.phase, Phase::Over) else {
            unreachable!("only a joining connection is opened")
        };
        let Joining {
            accepted,
            machine,
            session,
        } = *joining;
        server::write_accept(&accepted, self.outbox.tail());
        self.phase = Phase::WebSocket(WebSocket::new(machine, session));
    }

    pub(super) fn elapse_websocket(&mut self, hub: &mut Hub) {
        let Phase::WebSocket(websocket) = &mut self.phase else {
            return;
        };
        if let Some(failure) = websocket.machine.elapse(&hub.settings.ws, hub.now_ms) {
            self.pipe.reason.get_or_insert(reason_of(failure));
        }
        self.settle(hub);
    }

    /// A draining connection that has been sent everything is told so and closed: true if there
    /// is something to send for it.
    pub(super) fn say_goodbye(&mut self, hub: &mut Hub) -> bool {
        let Phase::WebSocket(websocket) = &mut self.phase else {
            return false;
        };
        if !websocket.draining || !websocket.is_open() {
            return false;
        }
        hub.scratch.clear();
        let reconnect_ms = hub.reconnect_ms();
        let reply = websocket.session.draining(reconnect_ms, &mut hub.scratch);
        obey(
            websocket,
            hub,
            &mut self.outbox,
            &mut self.pipe.reason,
            reply,
        );
        obey(
            websocket,
            hub,
            &mut self.outbox,
            &mut self.pipe.reason,
            Reply::Close(Reason::GoingAway.into()),
        );
        websocket.transmit(&mut self.outbox);
        true
    }

    /// When both sides have closed, the socket may go.
    pub(super) fn settle(&mut self, hub: &mut Hub) {
        let Phase::WebSocket(websocket) = &self.phase else {
            return;
        };
        if !websocket.is_open() {
            // Nothing more is delivered, so nothing more needs to be kept for this client.
            hub.broker.close(self.client());
            self.pipe.behind = false;
        }
        let Phase::WebSocket(websocket) = &self.phase else {
            return;
        };
        if websocket.machine.is_finished() {
            self.pipe.finish();
        }
    }
}

/// Does what the session says: frames its message, or begins to close.
fn obey(
    websocket: &mut WebSocket,
    hub: &mut Hub,
    outbox: &mut Outbox,
    reason: &mut Option<Reason>,
    reply: Reply,
) {
    match reply {
        Reply::Nothing => {}
        Reply::Text => websocket.say(hub, Opcode::Text, outbox),
        Reply::Binary => websocket.say(hub, Opcode::Binary, outbox),
        Reply::Close(cause) => {
            reason.get_or_insert(cause.reason);
            websocket.close(hub, cause);
        }
    }
}

fn reason_of(failure: Failure) -> Reason {
    match failure {
        Failure::PongTimeout => Reason::PongTimeout,
        Failure::ControlFlood => Reason::ControlFlood,
        other => other
            .close_code()
            .map_or(Reason::PeerGone, |code| Reason::of_close_code(code.0)),
    }
}
