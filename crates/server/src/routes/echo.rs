//! `/echo`: a WebSocket that gets each of its messages back, on the same connections, outbox and
//! limits as everything else.
//!
//! It is what conformance suites and load generators speak to, and is there only when the
//! configuration says so (`server.echo`).

use protocol::handshake::server;
use session::{Reason, Session};

use super::{Exchange, Outcome, UNKNOWN_PATH};
use crate::connection::refused_handshake;

pub(super) fn serve(exchange: Exchange<'_>) -> Outcome {
    if !exchange.hub.settings.echo {
        return UNKNOWN_PATH.into();
    }
    if exchange.hub.draining {
        return session::Cause::from(Reason::Draining).into();
    }
    match server::accept(exchange.request, &exchange.hub.handshake_policy(&[])) {
        Ok(accepted) => Outcome::Raw {
            accepted,
            session: Session::echo(),
            subscribed: false,
        },
        Err(refusal) => refused_handshake(&refusal).into(),
    }
}
