//! The server's side of one HTTP/1.1 connection: bytes in, whole requests out.
//!
//! One request is handed out at a time; pipelined ones wait in the caller's input until it calls
//! again. Deadlines are absolute: one byte every four seconds does not keep a connection. The
//! machine writes nothing: the caller answers each request, and each error once.

use super::body::BodyReader;
use super::framing::Framing;
use super::head::{Head, HeadReader, StartLine};
use super::{Error, Limits, Request};

/// The machine. Call [`receive`](Self::receive) with what arrived until it yields `None` with the
/// input used up, and [`elapse`](Self::elapse) when [`deadline`](Self::deadline) has come.
#[derive(Debug)]
pub struct Requests {
    limits: Limits,
    state: State,
    /// When the head, or the body, must be whole.
    deadline_ms: u64,
    continue_wanted: bool,
}

#[derive(Debug)]
enum State {
    Head(HeadReader),
    Body(Request, BodyReader),
    /// A request for a WebSocket was handed out: the bytes that follow are not ours.
    Upgrade,
    /// The client said `Connection: close`, or a rule was broken: what follows is discarded.
    Ended,
}

impl Requests {
    /// A connection that was just accepted: its first head is awaited from now.
    pub fn new(limits: Limits, now_ms: u64) -> Self {
        Self {
            limits,
            state: awaiting_head(),
            deadline_ms: now_ms.saturating_add(limits.head_timeout_ms),
            continue_wanted: false,
        }
    }

    /// Takes bytes from the front of `input` until one whole request is there.
    ///
    /// After a request for a WebSocket nothing more is taken: the rest of the input belongs to the
    /// next protocol, if the upgrade is granted, and to nobody otherwise. After a request with
    /// `Connection: close`, and after an error, all further input is discarded.
    ///
    /// # Errors
    /// The rule that was broken, once. Answer with [`Error::status`] and close.
    pub fn receive(&mut self, now_ms: u64, input: &mut &[u8]) -> Result<Option<Request>, Error> {
        let received = self.advance(now_ms, input);
        if received.is_err() {
            self.end();
        }
        if matches!(self.state, State::Ended) {
            *input = &[];
        }
        received
    }

    /// True once for each request that expects `100 (Continue)` before it sends its body, when that
    /// body is still to come: answer with [`Requests::CONTINUE`].
    pub fn continue_wanted(&mut self) -> bool {
        std::mem::take(&mut self.continue_wanted)
    }

    /// The interim response to write when [`continue_wanted`](Self::continue_wanted).
    pub const CONTINUE: &'static [u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

    /// Restarts the time for the next head. The time runs from the moment that a request was handed
    /// out; a caller that took long to answer it gives the client its full time with this.
    pub fn answered(&mut self, now_ms: u64) {
        if matches!(self.state, State::Head(_)) {
            self.deadline_ms = now_ms.saturating_add(self.limits.head_timeout_ms);
        }
    }

    /// Whether no byte of a next request has arrived: a timeout now is worth no answer.
    pub fn is_idle(&self) -> bool {
        match &self.state {
            State::Head(head) => head.is_empty(),
            State::Body(..) => false,
            State::Upgrade | State::Ended => true,
        }
    }

    /// When to call [`elapse`](Self::elapse), in milliseconds of the caller's clock.
    pub fn deadline(&self) -> Option<u64> {
        matches!(self.state, State::Head(_) | State::Body(..)).then_some(self.deadline_ms)
    }

    /// Time has passed.
    ///
    /// # Errors
    /// [`Error::Timeout`] when the head or the body is overdue, once.
    pub fn elapse(&mut self, now_ms: u64) -> Result<(), Error> {
        if self
            .deadline()
            .is_some_and(|deadline_ms| now_ms >= deadline_ms)
        {
            self.end();
            return Err(Error::Timeout);
        }
        Ok(())
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.continue_wanted = false;
    }

    fn advance(&mut self, now_ms: u64, input: &mut &[u8]) -> Result<Option<Request>, Error> {
        if let State::Head(reader) = &mut self.state {
            let Some(head) = reader.receive(&self.limits, input)? else {
                return Ok(None);
            };
            self.begin_body(now_ms, head)?;
        }
        let State::Body(_, body) = &mut self.state else {
            return Ok(None);
        };
        if !body.receive(&self.limits, input)? {
            return Ok(None);
        }
        Ok(self.hand_out(now_ms))
    }

    /// The head is whole: everything that it alone can show is judged before a body byte is read.
    fn begin_body(&mut self, now_ms: u64, head: Head) -> Result<(), Error> {
        let request = Request::new(head)?;
        let framing = Framing::of_request(request.head())?;
        if request.asks_for_websocket() && framing != Framing::Length(0) {
            return Err(Error::UpgradeWithBody);
        }
        let body = BodyReader::new(framing, &self.limits)?;
        self.continue_wanted = expects_continue(request.head())?;
        self.state = State::Body(request, body);
        self.deadline_ms = now_ms.saturating_add(self.limits.body_timeout_ms);
        Ok(())
    }

    fn hand_out(&mut self, now_ms: u64) -> Option<Request> {
        let State::Body(request, body) = std::mem::replace(&mut self.state, awaiting_head()) else {
            return None;
        };
        let request = request.with_body(body.into_bytes());
        // RFC 9110 section 10.1.1: no 100 is due when the body, which may be empty, came without it.
        self.continue_wanted = false;
        self.deadline_ms = now_ms.saturating_add(self.limits.head_timeout_ms);
        if request.asks_for_websocket() {
            self.state = State::Upgrade;
        } else if !request.keep_alive() {
            self.state = State::Ended;
        }
        Some(request)
    }
}

fn awaiting_head() -> State {
    State::Head(HeadReader::new(StartLine::Request))
}

fn expects_continue(head: &Head) -> Result<bool, Error> {
    let mut expectations = head.all("expect");
    match (expectations.next(), expectations.next()) {
        (None, _) => Ok(false),
        (Some(expectation), None) if expectation.eq_ignore_ascii_case("100-continue") => Ok(true),
        _ => Err(Error::Expectation),
    }
}
