//! `/healthz` and `/readyz`: whether the process lives, and whether it wants new clients.

use session::Reason;

use super::{Exchange, Outcome, Reply};

/// Answered by the core that got the request, so it lives.
pub(super) fn alive(_: Exchange<'_>) -> Outcome {
    Reply::json(200, b"{\"alive\":true}\n".to_vec()).into()
}

/// 503 while draining, so that a load balancer sends nobody here.
pub(super) fn ready(exchange: Exchange<'_>) -> Outcome {
    if exchange.hub.draining {
        return Reply::error(Reason::Draining.into()).into();
    }
    Reply::json(200, b"{\"ready\":true}\n".to_vec()).into()
}
