//! What comes to one thread from its driver, and what that changes: a connection stands, bytes arrived, one is gone.
//!
//! The clock is read when a batch of completions has come and again after some of them, so that a delivery is timed close to
//! when this process could first see it, and never before.

use std::collections::BTreeMap;

use frame::{CloseCode, Opcode};
use protocol::ws::{self, Inflater, Kind};
use reactor::{Completion, Driver, Outgoing, Socket};

use super::buffers::BUFFER_BYTES_MAX;
use super::course::Course;
use super::hearing::{Ear, End};
use super::links::{Link, Links, Member, Stage};
use super::obstacle;
use super::opening::Opening;
use super::posting::Post;
use super::publishing::{BACKLOG_BYTES_MAX, Publishing};
use super::reception::Reception;
use super::slow_reading::SlowReading;
use super::turnover::Turnover;
use crate::dialect::{Aside, CUT_BYTES_MAX};
use crate::evidence::{Departure, Who};
use crate::failure::Failure;
use crate::http_answers::HttpAnswers;
use crate::payload::PAYLOAD_BYTES_MIN;
use crate::plan::{Pace, Plan};
use crate::quantity::printable;
use crate::security::Handshakes;
use crate::tally::Counts;

/// Completions taken before what is due is published: bounds how late a busy generator can be.
const TURN_COMPLETIONS_MAX: u32 = 256;

/// Completions between two looks at the clock.
const CLOCK_COMPLETIONS: u32 = 32;

/// Different ways of ending that are told apart in the report.
const WAYS_MAX: usize = 32;

/// A message of another kind than ours may be larger; beyond this the server is at fault.
const MESSAGE_BYTES_MIN: u64 = 1 << 20;

/// Bytes of answers that may wait on one link for the server to take them, behind the publications that wait.
const ANSWERS_BYTES_MAX: usize = 64 << 10;

/// One thread's connections and what they are for.
pub(super) struct Arrivals<'r> {
    course: &'r Course,
    config: ws::Config,
    is_closed_loop: bool,
    pub(super) links: Links,
    pub(super) opening: Opening<'r>,
    pub(super) reception: Reception,
    pub(super) publishing: Publishing,
    pub(super) slow: SlowReading,
    pub(super) turnover: Option<Turnover>,
    /// What was published over HTTP.
    pub(super) answers: HttpAnswers,
    /// Lines that publish over HTTP and whose connection the server has closed.
    pub(super) reopening: Vec<(Member, Box<Post>)>,
    /// How connections ended early: by whose they were and how.
    ways: BTreeMap<(Who, String), u64>,
    /// Connections that stand.
    pub(super) standing: u64,
    /// Of the messages that deliveries come in.
    kind: Kind,
    /// What the connection that is just heard answers, and what else came of it.
    pub(super) aside: Aside,
    inflater: Inflater,
    /// What TLS made of the read that is just heard.
    plain: Vec<u8>,
    pub(super) handshakes: Handshakes,
}

impl<'r> Arrivals<'r> {
    pub(super) fn new(
        plan: &Plan,
        course: &'r Course,
        opening: Opening<'r>,
        reception: Reception,
        publishing: Publishing,
        slow: SlowReading,
        turnover: Option<Turnover>,
    ) -> Arrivals<'r> {
        const { assert!(PAYLOAD_BYTES_MIN as u64 <= MESSAGE_BYTES_MIN) };
        const { assert!(BUFFER_BYTES_MAX <= MESSAGE_BYTES_MIN) };
        Arrivals {
            course,
            config: ws::Config {
                limits: frame::Limits {
                    message_bytes_max: match plan.dialect.is_plain() {
                        true => MESSAGE_BYTES_MIN.max(plan.payload_bytes as u64),
                        // One WebSocket message may carry all that the server had waiting.
                        false => CUT_BYTES_MAX as u64,
                    },
                    fragments_max: 4096,
                },
                control_frames_per_s_max: 0,
                ping_interval_ms: 0,
                pong_timeout_ms: 0,
                close_timeout_ms: 1000,
            },
            is_closed_loop: matches!(plan.pace, Pace::Closed { .. }),
            links: Links::new(opening.count()),
            opening,
            reception,
            publishing,
            slow,
            turnover,
            answers: HttpAnswers::default(),
            reopening: Vec::new(),
            ways: BTreeMap::new(),
            standing: 0,
            kind: plan.dialect.kind(),
            aside: Aside::default(),
            inflater: Inflater::default(),
            plain: Vec::new(),
            handshakes: Handshakes::default(),
        }
    }

    /// What was counted since the beginning.
    pub(super) fn counts(&self) -> Counts {
        self.reception.counts.plus(&self.publishing.counts)
    }

    /// Connections that stand and have not been closed by either side.
    pub(super) fn standing(&self) -> u64 {
        self.standing
    }

    /// Takes what has arrived, up to the bound of one turn. Says whether anything had.
    pub(super) fn take_all<D: Driver>(&mut self, driver: &mut D) -> Result<bool, Failure> {
        let mut now_ns = driver.now_ns();
        for taken in 1..=TURN_COMPLETIONS_MAX {
            let Some(completion) = driver.next_completion() else {
                return Ok(taken > 1);
            };
            self.take(completion, now_ns)?;
            if taken % CLOCK_COMPLETIONS == 0 {
                now_ns = driver.now_ns();
            }
        }
        Ok(true)
    }

    fn take(&mut self, completion: Completion<'_>, now_ns: u64) -> Result<(), Failure> {
        match completion {
            Completion::Received { socket, bytes } => match self.receive(socket, bytes, now_ns) {
                Ok(()) => Ok(()),
                Err(failure) => self.abandon(socket, failure, now_ns),
            },
            Completion::Sent {
                socket,
                result,
                buffer,
            } => self.sent(socket, result, buffer, now_ns),
            Completion::Connected { socket, result } => self
                .connected(socket, result, now_ns)
                .or_else(|failure| self.abandon(socket, failure, now_ns)),
            Completion::ReceiveEnded { socket, error } => self
                .receive_ended(socket, error, now_ns)
                .or_else(|failure| self.abandon(socket, failure, now_ns)),
            Completion::Closed { socket } => {
                self.links.remove(socket);
                Ok(())
            }
            Completion::Woken | Completion::Accepted { .. } | Completion::AcceptFailed { .. } => {
                Ok(())
            }
        }
    }

    fn connected(
        &mut self,
        socket: Socket,
        result: std::io::Result<()>,
        now_ns: u64,
    ) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        if let Err(error) = result {
            if link.ends.approach.is_none() {
                self.end_posting(socket, &error.to_string());
                return Ok(());
            }
            return Err(obstacle::of_connect(
                &error,
                self.opening.situation_of(link.member),
            ));
        }
        if link.ends.post.is_some() {
            return self.begin_posting(socket, now_ns);
        }
        self.opening.shake_hands(link)?;
        self.links.mark(socket);
        Ok(())
    }

    #[inline]
    fn receive(&mut self, socket: Socket, bytes: &mut [u8], now_ns: u64) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        self.reception.counts.wire_bytes += bytes.len() as u64;
        if link.is_secured {
            return self.receive_sealed(socket, bytes, now_ns);
        }
        let stage = link.stage;
        self.receive_plain(socket, stage, bytes, now_ns)
    }

    #[inline]
    fn receive_plain(
        &mut self,
        socket: Socket,
        stage: Stage,
        bytes: &mut [u8],
        now_ns: u64,
    ) -> Result<(), Failure> {
        match stage {
            Stage::Open | Stage::Leaving => self.hear(socket, bytes, now_ns),
            Stage::Shaking | Stage::Greeting => self.receive_greeting(socket, bytes, now_ns),
            Stage::Posting => {
                self.receive_answer(socket, bytes);
                Ok(())
            }
            Stage::Connecting | Stage::Broken | Stage::Gone => Ok(()),
        }
    }

    /// Takes what goes through TLS: all that a read holds of it is heard at once, as a read without TLS is.
    #[inline(never)]
    fn receive_sealed(
        &mut self,
        socket: Socket,
        bytes: &mut [u8],
        now_ns: u64,
    ) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        let stage = link.stage;
        let Some(tls) = &mut link.ends.tls else {
            return Ok(());
        };
        let was_handshaking = tls.is_handshaking();
        let mut plain = std::mem::take(&mut self.plain);
        let received = tls.receive(bytes, &mut plain);
        let has_closed = tls.has_peer_closed();
        let agreement = tls.agreement().filter(|_| was_handshaking);
        if tls.wants_transmit() || agreement.is_some() {
            self.links.mark(socket);
        }
        if let Some(agreement) = agreement {
            self.handshakes.note(agreement);
        }
        let mut heard = Ok(());
        if !plain.is_empty() {
            heard = self.receive_plain(socket, stage, &mut plain, now_ns);
        }
        plain.clear();
        self.plain = plain;
        heard?;
        match received {
            Err(error) => self.lose_security(socket, &error, now_ns),
            // Who has nothing more to say either says so, and closes, when its bytes leave.
            Ok(()) if has_closed && !self.links.at(socket).is_some_and(|link| link.is_over()) => {
                self.receive_ended(socket, None, now_ns)
            }
            Ok(()) => Ok(()),
        }
    }

    /// TLS has ended: before a connection stands that ends the run.
    #[cold]
    fn lose_security(
        &mut self,
        socket: Socket,
        error: &tls::Error,
        now_ns: u64,
    ) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        if matches!(link.stage, Stage::Shaking | Stage::Greeting) || link.ends.is_securing() {
            let situation = self.opening.situation_of(link.member);
            return Err(obstacle::of_tls(error, situation));
        }
        self.depart(socket, Stage::Broken, error.to_string(), now_ns);
        Ok(())
    }

    /// Takes what comes before a connection stands.
    fn receive_greeting(
        &mut self,
        socket: Socket,
        bytes: &mut [u8],
        now_ns: u64,
    ) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        let mut frames_from = 0;
        let approach = link.ends.approach.as_mut();
        if let Some(response) = approach.and_then(|approach| approach.response.as_mut()) {
            let mut rest = &*bytes;
            match response.receive(&mut rest) {
                Ok(None) => return Ok(()),
                Ok(Some(agreed)) => {
                    self.opening.check_agreement(&agreed, link.member)?;
                    if let Some(agreed) = agreed.deflate {
                        link.ends.compress(agreed);
                    }
                }
                Err(error) => {
                    return Err(obstacle::of_handshake(
                        &error,
                        self.opening.situation_of(link.member),
                    ));
                }
            }
            frames_from = bytes.len() - rest.len();
            if let Some(approach) = &mut link.ends.approach {
                approach.response = None;
            }
            link.stage = Stage::Greeting;
            link.ends.talk.open(&mut self.aside);
            self.say_aside(socket);
        }
        self.greet(socket, now_ns);
        self.hear(socket, &mut bytes[frames_from..], now_ns)?;
        self.greet(socket, now_ns);
        Ok(())
    }

    /// Lets a connection stand when everything that comes before that was said.
    fn greet(&mut self, socket: Socket, now_ns: u64) {
        let Some(link) = self.links.at(socket) else {
            return;
        };
        if link.stage != Stage::Greeting || !link.ends.talk.is_ready() {
            return;
        }
        link.stage = Stage::Open;
        self.standing += 1;
        let approach = link.ends.approach.take();
        if let Member::Slow(reader) = link.member {
            self.slow.attach(reader, socket);
        }
        if let Some(line) = link.member.line() {
            self.publishing.attach(line, socket);
        }
        if let Some(approach) = approach {
            self.stand(socket, &approach, now_ns);
        }
    }

    /// Takes the frames in one read.
    #[inline]
    fn hear(&mut self, socket: Socket, bytes: &mut [u8], now_ns: u64) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        if let Member::Slow(reader) = link.member {
            self.slow.note_bytes(reader, bytes.len(), now_ns);
        }
        let ear = Ear {
            reception: &mut self.reception,
            publishing: &mut self.publishing,
            slow: &mut self.slow,
            aside: &mut self.aside,
            inflater: &mut self.inflater,
            opcode: match self.kind {
                Kind::Text => Opcode::Text,
                Kind::Binary => Opcode::Binary,
            },
            now_ns,
        };
        let end = ear.hear(link, &self.config, bytes);
        if link.ends.machine.wants_transmit() || link.ends.machine.is_finished() {
            self.links.mark(socket);
        }
        let mute = if self.aside.is_empty() {
            None
        } else {
            self.say_aside(socket)
        };
        match end.or(mute) {
            None => Ok(()),
            Some(end) => self.end(socket, end, now_ns),
        }
    }

    /// Says what the connection answers, and counts what the server told. A server that asks and takes no answers is not
    /// answered for ever.
    pub(super) fn say_aside(&mut self, socket: Socket) -> Option<End> {
        let mut end = None;
        if let Some(link) = self.links.at(socket) {
            for message in self.aside.messages() {
                link.ends.send(self.kind, message);
            }
            let waiting_bytes_max = match link.member.line() {
                None => ANSWERS_BYTES_MAX,
                Some(_) => ANSWERS_BYTES_MAX + BACKLOG_BYTES_MAX,
            };
            if link.ends.out.len() > waiting_bytes_max {
                end = Some(End::Refused(
                    "it asks on and on and takes no answer".to_owned(),
                ));
            }
            self.links.mark(socket);
        }
        self.publishing.counts.note(&self.aside.notices);
        self.aside.clear();
        end
    }

    /// The server has ended the conversation: before a connection stands that ends the run.
    #[cold]
    fn end(&mut self, socket: Socket, end: End, now_ns: u64) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        let (End::Closed(how) | End::Refused(how)) = &end;
        let how = printable(how);
        if link.stage == Stage::Greeting {
            let situation = self.opening.situation_of(link.member);
            return Err(obstacle::of_refusal(&how, situation));
        }
        if matches!(end, End::Refused(_)) {
            link.ends
                .machine
                .close(now_ns / 1_000_000, CloseCode::NORMAL, "");
        }
        self.depart(socket, Stage::Leaving, how, now_ns);
        Ok(())
    }

    fn receive_ended(
        &mut self,
        socket: Socket,
        error: Option<std::io::Error>,
        now_ns: u64,
    ) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        let situation = self.opening.situation_of(link.member);
        match link.stage {
            Stage::Connecting | Stage::Shaking => {
                let is_securing = link.ends.is_securing();
                return Err(obstacle::of_hang_up(error.as_ref(), is_securing, situation));
            }
            Stage::Greeting => return Err(obstacle::of_refusal("it hung up", situation)),
            Stage::Open | Stage::Posting | Stage::Leaving | Stage::Broken | Stage::Gone => {}
        }
        let how = match error {
            Some(error) => error.to_string(),
            None if link.inbound.is_between_messages() => {
                "the connection ended without a Close".to_owned()
            }
            None => "the connection ended in the middle of a message".to_owned(),
        };
        self.depart(socket, Stage::Broken, how, now_ns);
        Ok(())
    }

    fn sent(
        &mut self,
        socket: Socket,
        result: std::io::Result<()>,
        buffer: Outgoing,
        now_ns: u64,
    ) -> Result<(), Failure> {
        let Err(error) = result else {
            self.links.sent(socket, buffer);
            return Ok(());
        };
        let stage = self.links.at(socket).map(|link| link.stage);
        if matches!(stage, Some(Stage::Shaking | Stage::Greeting)) {
            // The server has hung up, and the kernel tells the sender first.
            return self.receive_ended(socket, Some(error), now_ns);
        }
        let how = format!("sending failed: {error}");
        self.depart(socket, Stage::Broken, how, now_ns);
        Ok(())
    }

    /// A connection ends, at whose ever wish. It is noted if that was not ours.
    fn depart(&mut self, socket: Socket, stage: Stage, how: String, now_ns: u64) {
        let Some(link) = self.links.at(socket) else {
            return;
        };
        if link.stage == Stage::Posting {
            return self.end_posting(socket, &how);
        }
        let is_early = matches!(link.stage, Stage::Open);
        link.stage = stage;
        let member = link.member;
        self.links.mark(socket);
        if !is_early {
            return;
        }
        self.standing -= 1;
        if let Member::Slow(reader) = member {
            return self.slow.note_cut_off(reader, how, now_ns);
        }
        if let Some(subscriber) = member.subscriber() {
            self.reception.depart(subscriber);
            if let Some(turnover) = &mut self.turnover {
                turnover.detach(subscriber);
            }
        }
        if let Some(line) = member.line() {
            self.publishing.detach(line);
        }
        self.note_way(member.into(), how);
    }

    pub(super) fn note_way(&mut self, who: Who, how: String) {
        if self.is_closed_loop {
            // The window would stall on what this connection owes, and the figures would show that.
            self.course
                .end_early(format!("a {who} was disconnected: {how}"));
        } else if self.reception.is_deserted() || self.publishing.is_deserted() {
            self.course
                .end_early(format!("a {who} was the last to be disconnected: {how}"));
        }
        let how = if self.ways.len() < WAYS_MAX {
            how
        } else {
            "in other ways".to_owned()
        };
        *self.ways.entry((who, how)).or_default() += 1;
    }

    /// Begins the closing handshake on every connection that stands, and drops the others.
    pub(super) fn say_goodbye(&mut self, now_ns: u64) {
        let mut sockets = Vec::new();
        for link in self.links.iter_mut() {
            sockets.push(link.socket);
            say_goodbye(link, now_ns);
        }
        sockets
            .into_iter()
            .for_each(|socket| self.links.mark(socket));
    }

    /// How connections ended early.
    pub(super) fn departures(&self) -> impl Iterator<Item = Departure> + '_ {
        self.ways.iter().map(|((who, how), &count)| Departure {
            who: *who,
            how: how.clone(),
            count,
        })
    }
}

fn say_goodbye(link: &mut Link, now_ns: u64) {
    match link.stage {
        Stage::Open => {
            link.ends
                .machine
                .close(now_ns / 1_000_000, CloseCode::NORMAL, "");
            link.stage = Stage::Leaving;
        }
        Stage::Connecting | Stage::Shaking | Stage::Greeting | Stage::Posting => {
            link.stage = Stage::Broken
        }
        Stage::Leaving | Stage::Broken | Stage::Gone => {}
    }
}
