//! HTTP routes: one file each, one line each in the table.
//!
//! A route looks at one whole request and says what comes of it: a reply now, a reply when the
//! broker has answered, or a WebSocket. Nothing here reads or writes bytes of a connection.

mod echo;
mod health;
mod home;
mod multiplexed;
mod reply;
mod topic;

use broker::{Client, Echo, Format, Pattern, Start};
use protocol::handshake::server::Accepted;
use protocol::http1::Request;
use session::{Cause, Reason, Session};

use crate::hub::Hub;
use crate::origin;

pub use reply::{Cors, Reply};

/// One request and what it can reach.
pub struct Exchange<'a> {
    /// The core's shared things.
    pub hub: &'a mut Hub,
    /// Who asks.
    pub client: Client,
    /// What is asked.
    pub request: &'a Request,
    /// It came over TLS.
    pub encrypted: bool,
}

/// What comes of a request.
pub enum Outcome {
    /// This answer.
    Reply(Reply),
    /// The broker's answer, when it comes.
    Await,
    /// A raw WebSocket on one topic or pattern. Subscribed connections wait for the broker's word.
    Raw {
        /// The handshake.
        accepted: Accepted,
        /// What the connection is for.
        session: Session,
        /// Whether the broker's answer to its subscription is awaited.
        subscribed: bool,
    },
    /// A WebSocket that carries many subscriptions.
    Multiplexed(Accepted),
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<Cause> for Outcome {
    fn from(cause: Cause) -> Self {
        Self::Reply(Reply::error(cause))
    }
}

struct Route {
    path: Path,
    methods: &'static str,
    serve: fn(Exchange<'_>) -> Outcome,
    /// Whether web pages of other origins, and requests for other hosts, are kept out.
    guarded: bool,
}

enum Path {
    Exact(&'static str),
    Below(&'static str),
}

const ROUTES: [Route; 6] = [
    Route {
        path: Path::Below(topic::PREFIX),
        methods: "GET, HEAD, POST, PUT, OPTIONS",
        serve: topic::serve,
        guarded: true,
    },
    Route {
        path: Path::Exact("/ws"),
        methods: "GET",
        serve: multiplexed::serve,
        guarded: true,
    },
    Route {
        path: Path::Exact("/echo"),
        methods: "GET",
        serve: echo::serve,
        guarded: true,
    },
    Route {
        path: Path::Exact("/healthz"),
        methods: "GET, HEAD",
        serve: health::alive,
        guarded: false,
    },
    Route {
        path: Path::Exact("/readyz"),
        methods: "GET, HEAD",
        serve: health::ready,
        guarded: false,
    },
    Route {
        path: Path::Exact("/"),
        methods: "GET, HEAD",
        serve: home::serve,
        guarded: true,
    },
];

const UNKNOWN_PATH: Cause = Cause::new(
    Reason::NotFound,
    "no such path; known are /t/<topic>, /ws, /healthz, /readyz and /",
);

/// Finds the route and asks it. The second value is what a page of another, allowed origin needs
/// to read the reply.
pub fn serve(exchange: Exchange<'_>) -> (Outcome, Option<Cors>) {
    let request = exchange.request;
    let Some(route) = ROUTES
        .iter()
        .find(|route| route.path.matches(request.path()))
    else {
        return (UNKNOWN_PATH.into(), None);
    };
    let mut cors = None;
    if route.guarded {
        let settings = &exchange.hub.settings;
        if !settings
            .allowed_hosts
            .allow(request.host(), exchange.encrypted)
        {
            return (Cause::from(Reason::HostDenied).into(), None);
        }
        let allowed = &settings.allowed_origins;
        let origins = request.headers("origin");
        match origin::check(origins, request.host(), exchange.encrypted, allowed) {
            Ok(()) => cors = request.header("origin").and_then(Cors::for_origin),
            Err(origin::Refused::Repeated) => return (REPEATED_ORIGIN.into(), None),
            Err(origin::Refused::Denied) => {
                return (Cause::from(Reason::OriginDenied).into(), None);
            }
        }
    }
    if !route
        .methods
        .split(", ")
        .any(|method| method == request.method())
    {
        return (
            Reply::error(Reason::MethodNotAllowed.into())
                .header("allow", route.methods)
                .into(),
            cors,
        );
    }
    if request.method() == "OPTIONS" {
        return (Reply::preflight(route.methods).into(), cors);
    }
    ((route.serve)(exchange), cors)
}

const REPEATED_ORIGIN: Cause =
    Cause::new(Reason::BadRequest, "the Origin header stands there twice");

impl Path {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == *exact,
            Self::Below(prefix) => path.starts_with(prefix),
        }
    }
}

/// Subscribes `client`; the broker answers later.
pub(crate) fn subscribe(
    hub: &mut Hub,
    client: Client,
    echo: Echo,
    pattern: &Pattern,
    format: Format,
    start: Start,
) -> Result<(), Cause> {
    let Hub {
        broker,
        encoder,
        time_ms,
        ..
    } = hub;
    broker
        .subscribe(encoder, client, echo, pattern, format, start, *time_ms)
        .map_err(Cause::from)
}
