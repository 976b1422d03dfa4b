//! `/ws`: one WebSocket, many subscriptions, in a dialect chosen by subprotocol.

use protocol::handshake::server;
use session::Reason;

use super::{Exchange, Outcome};
use crate::connection::refused_handshake;

/// The dialects that are spoken here; none offered means the first.
const SUBPROTOCOLS: &[&str] = &[session::dialect::json::PROTOCOL];

pub(super) fn serve(exchange: Exchange<'_>) -> Outcome {
    if exchange.hub.draining {
        return session::Cause::from(Reason::Draining).into();
    }
    let policy = exchange.hub.handshake_policy(SUBPROTOCOLS);
    match server::accept(exchange.request, &policy) {
        Ok(accepted) => Outcome::Multiplexed(accepted),
        Err(refusal) => refused_handshake(&refusal).into(),
    }
}
