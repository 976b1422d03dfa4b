//! `/`: one small page that subscribes and publishes, so that a newcomer sees a message in the
//! first minute. It uses nothing but the browser's own WebSocket and fetch.

use super::{Exchange, Outcome, Reply};

const PAGE: &str = include_str!("home.html");

pub(super) fn serve(_: Exchange<'_>) -> Outcome {
    Reply::html(PAGE)
        .header("content-security-policy", POLICY)
        .into()
}

/// The page's own script and style, connections to where it came from, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self' ws: wss:; frame-ancestors 'none'";
