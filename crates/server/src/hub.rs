//! What every connection of one core shares: the broker's part, the encoder, the limits and the
//! time of this turn.

use std::sync::Arc;

use broker::{Broker, Format, Kind, Pattern, Publisher, Refusal, Request, Rule, Rules, TopicRef};
use protocol::handshake::deflate;
use protocol::handshake::server::{self, Accepted};
use protocol::{http1, ws};

use session::dialect::json::answer::Greeting;

use crate::config::{self, Config, TopicLimits};
use crate::connection::{HISTORY_BYTES_MAX, HISTORY_MESSAGES_MAX};
use crate::entrance::EntranceLimits;
use crate::host::AllowedHosts;
use crate::wire::{self, Compressing, WireEncoder};

/// How much one half of a turn inflates before it goes on, as [`ws::Inflater::work`] counts: a fraction
/// of a millisecond of honest messages. The last one may exceed it.
const INFLATING_PER_HALF: u64 = 256 * 1024;

/// The limits and timers of connections, as the machines want them. Shared by all cores, replaced
/// as a whole when the configuration is read again.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of the HTTP machine.
    pub http: http1::Limits,
    /// Of the WebSocket machine.
    pub ws: ws::Config,
    /// Age of the oldest unsent byte.
    pub write_timeout_ms: u64,
    /// Time between our FIN and the peer's.
    pub close_timeout_ms: u64,
    /// Patience of a stop.
    pub drain_timeout_ms: u64,
    /// Answers for one client.
    pub outbox_bytes_max: usize,
    /// What clients of the JSON dialect are told.
    pub greeting: Greeting,
    /// How many connections may be inside.
    pub entrance: EntranceLimits,
    /// Names that requests may give for this server.
    pub allowed_hosts: AllowedHosts,
    /// Web pages that may come in.
    pub allowed_origins: Vec<String>,
    /// What TLS connections are made from, if the node has certificates.
    pub tls: Option<tls::Server>,
    /// How messages are compressed, if they are.
    pub compression: Option<Compression>,
    /// Whether `/echo` is served.
    pub echo: bool,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        let message_bytes_max = config.websocket.message_bytes_max;
        Self {
            http: http1::Limits {
                head_bytes_max: config.http.head_bytes_max.len(),
                headers_max: config.http.headers_max,
                body_bytes_max: message_bytes_max.len(),
                head_timeout_ms: config.http.head_timeout.ms(),
                body_timeout_ms: config.http.body_timeout.ms(),
            },
            ws: ws::Config {
                limits: frame::Limits {
                    message_bytes_max: message_bytes_max.bytes(),
                    fragments_max: config.websocket.fragments_max,
                },
                control_frames_per_s_max: config.websocket.control_frames_per_s_max,
                ping_interval_ms: config.websocket.ping_interval.ms(),
                pong_timeout_ms: config.websocket.pong_timeout.ms(),
                close_timeout_ms: config.websocket.close_timeout.ms(),
            },
            write_timeout_ms: config.websocket.write_timeout.ms(),
            close_timeout_ms: config.websocket.close_timeout.ms(),
            drain_timeout_ms: config.server.drain_timeout.ms(),
            outbox_bytes_max: config.websocket.outbox_bytes_max.len(),
            greeting: Greeting {
                message_bytes_max: message_bytes_max.bytes(),
                payload_bytes_max: message_bytes_max.bytes(),
                subscriptions_max: config.broker.subscriptions_max,
                pattern_subscriptions_max: config.broker.patterns_max,
                history_messages_max: HISTORY_MESSAGES_MAX,
                history_bytes_max: HISTORY_BYTES_MAX as u64,
                ping_interval_ms: config.websocket.ping_interval.ms(),
            },
            entrance: EntranceLimits {
                connections_max: config.server.connections_max,
                per_address_max: config.server.connections_per_address_max,
            },
            allowed_hosts: AllowedHosts::new(&config.http.allowed_hosts, config.server.listen),
            allowed_origins: config.http.allowed_origins.clone(),
            tls: None,
            compression: config
                .compression
                .enabled
                .then(|| (&config.compression).into()),
            echo: config.server.echo,
        }
    }
}

/// permessage-deflate, for clients that offer it.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    /// Of what we send.
    pub compressing: Compressing,
    /// What the contexts of one core's clients may take together.
    pub contexts_bytes_max: usize,
    /// The window of each of them, where the client can be told.
    pub context_window_bits: u8,
}

impl From<&config::Compression> for Compression {
    fn from(config: &config::Compression) -> Self {
        Self {
            compressing: Compressing {
                level: config.level,
                threshold_bytes: config.threshold_bytes.len(),
            },
            contexts_bytes_max: config.contexts_bytes_max.len(),
            context_window_bits: config.context_window_bits,
        }
    }
}

/// Which core of which node.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its number.
    pub core: usize,
    /// How many there are.
    pub cores: usize,
    /// Gives topics their home; the same on all cores, and secret.
    pub hash_key: [u64; 2],
    /// Seeds epochs; different on each core and at each start.
    pub seed: u64,
}

/// The shared things of one core.
pub struct Hub {
    /// This core's part of the broker.
    pub broker: Broker,
    /// How publications become bytes.
    pub encoder: WireEncoder,
    /// How compressed messages become plain ones.
    pub inflater: ws::Inflater,
    /// Limits and timers.
    pub settings: Arc<Settings>,
    /// Monotonic time of this turn.
    pub now_ms: u64,
    /// Wall-clock time of this turn.
    pub time_ms: u64,
    /// The node is about to stop: nothing new is accepted.
    pub draining: bool,
    /// Where a session writes an answer before it is framed.
    pub scratch: Vec<u8>,
    /// What arrived over TLS, opened, while a connection looks at it.
    pub opened: Vec<u8>,
    /// TLS handshakes that were answered in this turn: each is as much work as thousands of messages.
    pub handshakes: u32,
    /// Something waited for room in a lane when the turn began: what connections hold is not looked
    /// at, for it may become a thousand times as much there.
    pub lanes_are_full: bool,
    /// What the inflater had worked when this half of the turn began.
    work_before: u64,
    core: usize,
    /// Something was published since the broker's turn ended.
    open_turn: bool,
    /// Spreads the hints of `reconnect_ms`.
    reconnects: u64,
}

impl Hub {
    /// The hub of one core.
    pub fn new(place: Place, config: &Config, settings: Arc<Settings>) -> Self {
        let compressing = settings
            .compression
            .map(|compression| compression.compressing);
        Self {
            broker: Broker::new(broker_settings(place, config)),
            encoder: WireEncoder::new(compressing),
            inflater: ws::Inflater::default(),
            settings,
            now_ms: 0,
            time_ms: 0,
            draining: false,
            scratch: Vec::new(),
            opened: Vec::new(),
            handshakes: 0,
            lanes_are_full: false,
            work_before: 0,
            core: place.core,
            open_turn: false,
            reconnects: 0,
        }
    }

    /// The number of this core.
    pub fn core(&self) -> usize {
        self.core
    }

    /// The configuration was read again. What was agreed with a client stays agreed.
    pub fn reload(&mut self, settings: Arc<Settings>) {
        let compressing = settings
            .compression
            .map(|compression| compression.compressing);
        self.encoder.set(compressing);
        self.settings = settings;
    }

    /// What an opening handshake may come to.
    pub fn handshake_policy<'a>(&self, subprotocols: &'a [&'a str]) -> server::Policy<'a> {
        let taken = self.inflater.context_bytes();
        let deflate = self
            .settings
            .compression
            .map(|compression| deflate::Policy {
                context_bytes_max: compression.contexts_bytes_max.saturating_sub(taken),
                context_window_bits: compression.context_window_bits,
            });
        server::Policy {
            subprotocols,
            deflate,
        }
    }

    /// The machine of a connection whose handshake came to this just now. A context counts from here.
    pub fn machine(&self, accepted: &Accepted) -> ws::Connection {
        // A server masks nothing, so its machine needs no seed.
        let machine = ws::Connection::new(ws::Role::Server, self.now_ms, 0);
        match accepted.deflate {
            Some(answer) => machine
                .with_deflate(answer.agreed())
                .counted_by(&self.inflater),
            None => machine,
        }
    }

    /// Sets the clock for one turn: everything in a turn happens at the same time.
    pub fn set_time(&mut self, now_ms: u64, time_ms: u64) {
        self.now_ms = now_ms;
        self.time_ms = time_ms;
        self.handshakes = 0;
        self.encoder.begin_turn();
        self.begin_half();
    }

    /// The half of a turn begins that takes what arrived, or the one that sends. Each may inflate as
    /// much, so that what was put off in the first comes on in the second, whatever arrives meanwhile.
    pub fn begin_half(&mut self) {
        self.work_before = self.inflater.work();
    }

    /// Whether this half of the turn has inflated as much as it may. Who has compressed messages
    /// left waits for the next: some bytes of them can be a thousand times as much work.
    pub fn has_inflated_enough(&self) -> bool {
        self.inflater.work() - self.work_before >= INFLATING_PER_HALF
    }

    /// When the next client of a stopping node may best come back: spread evenly over two
    /// seconds, so that they do not all come at once.
    pub fn reconnect_ms(&mut self) -> u64 {
        self.reconnects += 1;
        // Steps of the golden ratio fill an interval evenly however many there are.
        500 + (self.reconnects * 1236) % 2000
    }

    /// Ends the broker's turn: what was published in it is on its way.
    pub fn end_turn(&mut self) {
        self.open_turn = false;
        self.broker.end_turn();
    }

    /// Whether something was published that no end of a turn has sent on its way.
    pub fn has_open_turn(&self) -> bool {
        self.open_turn
    }

    /// What another core asks of this one as a topic's home.
    pub fn take_request(&mut self, from: usize, request: Request) {
        self.open_turn = true;
        self.broker
            .take_request(&mut self.encoder, from, request, self.time_ms);
    }

    /// A client of this core publishes.
    ///
    /// # Errors
    /// As the broker refuses.
    pub fn publish(
        &mut self,
        publisher: Publisher,
        topic: TopicRef<'_>,
        kind: Kind,
        payload: &[u8],
    ) -> Result<(), Refusal> {
        self.open_turn = true;
        self.broker.publish(
            &mut self.encoder,
            publisher,
            topic,
            kind,
            payload,
            self.time_ms,
        )
    }
}

fn broker_settings(place: Place, config: &Config) -> broker::Settings {
    let rules = config.topics.iter().map(|entry| {
        let pattern = Pattern::parse(&entry.pattern).expect("checked with the configuration");
        (pattern, rule(&entry.limits))
    });
    broker::Settings {
        core: place.core,
        cores: place.cores,
        hash_key: place.hash_key,
        seed: place.seed,
        rules: Rules {
            ordered: rules.collect(),
            default: rule(&config.topic_default),
        },
        limits: broker::Limits {
            topics_max: config.broker.topics_max,
            log_bytes_max: config.broker.log_bytes_max.len(),
            backlog_bytes_max: config.broker.backlog_bytes_max.len(),
            subscriptions_max: config.broker.subscriptions_max,
            pattern_subscriptions_max: config.broker.patterns_max,
            replay_messages_max: config.broker.replay_messages_max,
            replay_bytes_max: config.broker.replay_bytes_max.len(),
            history_bytes_max: HISTORY_BYTES_MAX,
            payload_bytes_max: config.websocket.message_bytes_max.len(),
            ..broker::Limits::default()
        },
        // A raw client has no message in which to read of a gap.
        gapless: wire::formats(Format::RAW),
    }
}

fn rule(limits: &TopicLimits) -> Rule {
    Rule {
        messages_max: limits.messages_max,
        bytes_max: limits.bytes_max.len(),
        age_max_ms: match limits.age_max.ms() {
            0 => u64::MAX,
            age_max_ms => age_max_ms,
        },
        backlog_bytes_max: limits.backlog_bytes_max.len(),
        on_lag: limits.on_lag.into(),
    }
}
