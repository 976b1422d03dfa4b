//! The HTTP part of a connection: requests one after another, each answered before the next is
//! looked at, until one of them becomes a WebSocket.

use broker::Notice;
use protocol::handshake::server;
use protocol::http1::{self, Requests};
use session::{Cause, Reason, dialect::json};

use super::{Connection, Joining, Phase, WebSocket};
use crate::hub::Hub;
use crate::routes::{self, Cors, Exchange, Outcome, Reply};

/// How TLS begins (RFC 8446 section 5.1): a record of handshake messages.
const TLS_HANDSHAKE: u8 = 22;
/// How long a client that found no room may best wait, in seconds.
const RETRY_AFTER_S: &str = "5";

pub(super) struct Http {
    requests: Requests,
    awaiting: Option<Awaiting>,
}

/// A request that the broker has not answered yet.
struct Awaiting {
    keep_alive: bool,
    head: bool,
    cors: Option<Cors>,
}

impl Http {
    pub(super) fn new(hub: &Hub) -> Self {
        Self {
            requests: Requests::new(hub.settings.http, hub.now_ms),
            awaiting: None,
        }
    }

    pub(super) fn is_awaiting(&self) -> bool {
        self.awaiting.is_some()
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        if self.awaiting.is_some() {
            None
        } else {
            self.requests.deadline()
        }
    }

    /// Whether time is up; a client that had begun to ask is told so.
    pub(super) fn elapse(&mut self, hub: &Hub) -> Result<(), Option<http1::Error>> {
        if self.awaiting.is_some() {
            return Ok(());
        }
        let idle = self.requests.is_idle();
        self.requests
            .elapse(hub.now_ms)
            .map_err(|error| (!idle).then_some(error))
    }
}

/// The refusal of an opening handshake as a reply.
pub fn refused_handshake(refusal: &server::Refusal) -> Reply {
    let reply = Reply::refusal(refusal.status(), refusal.message());
    refusal
        .headers()
        .iter()
        .fold(reply, |reply, (name, value)| reply.header(name, *value))
}

impl Connection {
    /// Takes one request at most; returns how many bytes it took.
    pub(super) fn receive_http(&mut self, hub: &mut Hub, bytes: &[u8]) -> usize {
        let Phase::Http(http) = &mut self.phase else {
            return 0;
        };
        let is_first = http.requests.is_idle();
        let mut left = bytes;
        let received = http.requests.receive(hub.now_ms, &mut left);
        let taken = bytes.len() - left.len();
        match received {
            Ok(Some(request)) => self.serve(hub, &request),
            Ok(None) => {
                if http.requests.continue_wanted() {
                    self.outbox.tail().extend_from_slice(Requests::CONTINUE);
                }
            }
            Err(_) if is_first && bytes[0] == TLS_HANDSHAKE && !self.is_encrypted() => {
                self.refuse_protocol("this port speaks no TLS: use http:// or ws://");
            }
            Err(error) => self.refuse(error),
        }
        taken
    }

    fn serve(&mut self, hub: &mut Hub, request: &http1::Request) {
        let head = request.method() == "HEAD";
        let keep_alive = request.keep_alive() && !hub.draining;
        let (client, encrypted) = (self.client(), self.is_encrypted());
        let (outcome, cors) = routes::serve(Exchange {
            hub,
            client,
            request,
            encrypted,
        });
        match outcome {
            Outcome::Reply(reply) => self.reply(reply, cors, head, keep_alive),
            Outcome::Await => {
                if let Phase::Http(http) = &mut self.phase {
                    http.awaiting = Some(Awaiting {
                        keep_alive,
                        head,
                        cors,
                    });
                }
            }
            Outcome::Raw {
                accepted,
                session,
                subscribed,
            } => {
                self.phase = Phase::Joining(Box::new(Joining::new(hub, accepted, session)));
                if !subscribed {
                    self.open_raw();
                }
            }
            Outcome::Multiplexed(accepted) => {
                server::write_accept(&accepted, self.outbox.tail());
                self.phase =
                    Phase::WebSocket(WebSocket::multiplexed(hub, &accepted, &mut self.outbox));
            }
        }
    }

    /// The broker's answer to the request that waits for it.
    pub(super) fn answer_http(&mut self, hub: &mut Hub, notice: Notice) {
        let Phase::Http(http) = &mut self.phase else {
            return;
        };
        let Some(Awaiting {
            keep_alive,
            head,
            cors,
        }) = http.awaiting.take()
        else {
            return;
        };
        http.requests.answered(hub.now_ms);
        let mut body = Vec::new();
        let reply = match notice {
            Notice::Published { topic, at, .. } => {
                json::published(&mut body, topic.as_str(), at);
                body.push(b'\n');
                Reply::json(200, body)
            }
            Notice::History { topic, history, .. } => {
                json::history(&mut body, topic.as_str(), &history);
                body.push(b'\n');
                Reply::json(200, body)
            }
            Notice::Refused { refusal, .. } => Reply::error(Cause::from(refusal)),
            _ => Reply::error(Reason::Internal.into()),
        };
        self.reply(reply, cors, head, keep_alive && !hub.draining);
    }

    /// A raw subscription does not come to stand: its handshake is refused.
    pub(super) fn refuse_joining(&mut self, cause: Cause) {
        self.reply(Reply::error(cause), None, false, false);
    }

    /// There is no room for this connection.
    pub(super) fn refuse_entrance(&mut self, reason: Reason) {
        let reply = Reply::error(reason.into()).header("retry-after", RETRY_AFTER_S);
        self.reply(reply, None, false, false);
    }

    fn reply(&mut self, reply: Reply, cors: Option<Cors>, head: bool, keep_alive: bool) {
        let keep_alive = keep_alive && !reply.last;
        if !keep_alive {
            self.pipe.reason.get_or_insert(reply.reason());
            self.phase = Phase::Over;
            self.pipe.finish();
        }
        reply.write(cors, head, keep_alive, self.outbox.tail());
    }

    /// Answers somebody who speaks something else than this port, and ends.
    pub(super) fn refuse_protocol(&mut self, message: &'static str) {
        let mut reply = Reply::error(Cause::new(Reason::WrongProtocol, message));
        reply.last = true;
        self.reply(reply, None, false, false);
    }

    /// Answers a request that broke HTTP, and ends.
    fn refuse(&mut self, error: http1::Error) {
        self.reply(
            Reply::refusal(error.status(), error.message()),
            None,
            false,
            false,
        );
    }

    /// Time is up for a request.
    pub(super) fn overdue(&mut self, error: Option<http1::Error>) {
        if self.is_shaking_hands() {
            // There are no keys yet to tell it with.
            self.pipe.reason.get_or_insert(Reason::TlsTimeout);
            self.abort();
            return;
        }
        match error {
            Some(error) => self.refuse(error),
            None => {
                // Idle, between two requests or before the first: nobody waits for an answer.
                self.pipe.reason.get_or_insert(Reason::RequestTimeout);
                self.phase = Phase::Over;
                self.pipe.finish();
            }
        }
    }
}
