//! Two connections, the wires between them, and one clock.
//!
//! What one side transmits lies on its wire until [`Pair::deliver`] carries it over; so tests can
//! look at it, hold it back, or cut it.

use frame::Limits;
use ringwire_protocol::ws::{Config, Connection, Event, Failure, Inflater, Input, Role};

pub(crate) const CONFIG: Config = Config {
    limits: Limits {
        message_bytes_max: 1 << 20,
        fragments_max: 64,
    },
    control_frames_per_s_max: 100,
    ping_interval_ms: 25_000,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1_000,
};

/// One end, what it has put on its wire, and what it told.
pub(crate) struct End {
    pub(crate) connection: Connection,
    pub(crate) wire: Vec<u8>,
    pub(crate) events: Vec<Event<'static>>,
}

pub(crate) struct Pair {
    pub(crate) now_ms: u64,
    pub(crate) config: Config,
    pub(crate) client: End,
    pub(crate) server: End,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(CONFIG)
    }

    pub(crate) fn with(config: Config) -> Self {
        Self {
            now_ms: 0,
            config,
            client: End::new(Role::Client),
            server: End::new(Role::Server),
        }
    }

    /// Carries bytes over, both ways, until nobody has anything to say.
    pub(crate) fn deliver(&mut self) {
        loop {
            self.client.transmit();
            self.server.transmit();
            if self.client.wire.is_empty() && self.server.wire.is_empty() {
                return;
            }
            let (to_server, to_client) = (
                std::mem::take(&mut self.client.wire),
                std::mem::take(&mut self.server.wire),
            );
            self.server.receive(&self.config, self.now_ms, to_server);
            self.client.receive(&self.config, self.now_ms, to_client);
        }
    }

    /// Lets time pass up to the next deadline, and says which end failed at it.
    pub(crate) fn next_deadline(&mut self) -> Vec<(Role, Failure)> {
        let deadlines =
            [&self.client, &self.server].map(|end| end.connection.deadline(&self.config));
        self.now_ms = deadlines
            .into_iter()
            .flatten()
            .min()
            .expect("somebody waits for something");
        [
            (Role::Client, &mut self.client),
            (Role::Server, &mut self.server),
        ]
        .into_iter()
        .filter_map(|(role, end)| Some((role, end.connection.elapse(&self.config, self.now_ms)?)))
        .collect()
    }

    pub(crate) fn ends(&self) -> [&End; 2] {
        [&self.client, &self.server]
    }
}

impl End {
    fn new(role: Role) -> Self {
        Self {
            connection: Connection::new(role, 0, 7),
            wire: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn transmit(&mut self) {
        let wanted = self.connection.wants_transmit();
        assert_eq!(self.connection.transmit(&mut self.wire), wanted);
        assert!(!self.connection.wants_transmit());
    }

    pub(crate) fn receive(&mut self, config: &Config, now_ms: u64, mut bytes: Vec<u8>) {
        receive(
            &mut self.connection,
            config,
            now_ms,
            &mut bytes,
            &mut self.events,
        );
    }
}

/// Feeds one read to a connection, and keeps what comes out.
pub(crate) fn receive(
    connection: &mut Connection,
    config: &Config,
    now_ms: u64,
    bytes: &mut [u8],
    events: &mut Vec<Event<'static>>,
) {
    let (mut inflater, mut input) = (Inflater::default(), Input::new(bytes));
    while let Some(event) = connection.receive(config, &mut inflater, now_ms, &mut input) {
        events.push(owned(event));
    }
    assert!(input.is_empty(), "a connection takes all its input");
}

fn owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Message { kind, payload } => Event::Message {
            kind,
            payload: payload.into_owned().into(),
        },
        Event::Pong(payload) => Event::Pong(payload.into_owned().into()),
        Event::PeerClosed { code, reason } => Event::PeerClosed {
            code,
            reason: reason.into_owned().into(),
        },
        Event::Failed(failure) => Event::Failed(failure),
    }
}
