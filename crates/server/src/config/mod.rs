//! The configuration: its keys, and what may not be combined.
//!
//! `configs/default.toml` is the reference of every key; a test holds it against `defaults`. Where
//! the values come from (file, environment, flags) is `source`'s business.

mod defaults;
mod source;
mod units;

use std::net::SocketAddr;
use std::path::PathBuf;

use broker::{OnLag, Pattern};
use protocol::limits::CONTROL_FRAMES_PER_S_MAX;
use serde::{Deserialize, Serialize};

pub(crate) use source::unreadable;
pub use source::{Overrides, Sources};
pub use units::{Period, Size};

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where and on what the broker runs.
    pub server: Server,
    /// Where TLS is served, and by which certificates.
    pub tls: Tls,
    /// Bounds of HTTP requests, and which web pages may come in.
    pub http: Http,
    /// Bounds and timers of WebSocket connections.
    pub websocket: WebSocket,
    /// How WebSocket messages are compressed.
    pub compression: Compression,
    /// Bounds of topics, subscriptions and memory on each core.
    pub broker: Broker,
    /// Rings and buffers.
    pub io: Io,
    /// What is logged, and how.
    pub log: Log,
    /// Rules for topics: the first whose `match` fits a topic is its rule, the last resort is
    /// `[topic_default]`.
    pub topics: Vec<TopicRule>,
    /// The rule of every topic that no `[[topics]]` entry matches.
    pub topic_default: TopicLimits,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// Allow an address beyond loopback although no authentication is configured.
    pub open: bool,
    /// Threads that serve; 0 is one for each CPU this process may run on.
    pub cores: usize,
    /// Pin each of them to its CPU.
    pub pin: bool,
    /// Connections of the node; 0 for as many as its descriptors suffice for.
    pub connections_max: usize,
    /// Connections from one address (of IPv6: from one network of 64 bits); 0 for any number.
    pub connections_per_address_max: usize,
    /// How long a stop waits for clients to take what was accepted for them.
    pub drain_timeout: Period,
    /// Serve `/echo`, which sends each message back: for conformance runs.
    pub echo: bool,
}

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Address and port for `https://` and `wss://`, beside `server.listen`; there is a listener only if there are certificates.
    pub listen: SocketAddr,
    /// Each is chosen by the names in it; the first is for clients that name no server, or one that none is for.
    pub certificates: Vec<CertificateFiles>,
}

/// An entry of `tls.certificates`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// PEM: the server's certificate, and behind it those of the authorities between it and the one that clients trust.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Host names that requests may give, beside localhost and addresses: `"broker.example.com"`,
    /// or `"*"`. None: any on an address beyond loopback, no other on loopback.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may use the broker, beside its own: `"https://example.com"`.
    pub allowed_origins: Vec<String>,
    /// Request line and headers together.
    pub head_bytes_max: Size,
    /// Header lines.
    pub headers_max: usize,
    /// From the connection's acceptance, or the last answer, to the head's last byte.
    pub head_timeout: Period,
    /// From the head's last byte to the body's.
    pub body_timeout: Period,
}

/// `[websocket]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSocket {
    /// One message, over all its fragments; also one published HTTP body.
    pub message_bytes_max: Size,
    /// Frames of one message, empty ones counted.
    pub fragments_max: u32,
    /// Pings and pongs that a client may send in a second, on average over a minute; 0 for any.
    pub control_frames_per_s_max: u16,
    /// Silence after which the peer is pinged; `0s` never.
    pub ping_interval: Period,
    /// How long it may take to answer.
    pub pong_timeout: Period,
    /// How long a closing handshake may take.
    pub close_timeout: Period,
    /// Age of the oldest unsent byte at which a connection is given up.
    pub write_timeout: Period,
    /// Answers waiting for one client that does not read; beyond, it is not read from either.
    pub outbox_bytes_max: Size,
}

/// `[compression]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compression {
    /// Agree to permessage-deflate with clients that offer it.
    pub enabled: bool,
    /// 1, the least work, to 9, the fewest bytes.
    pub level: u8,
    /// Shorter messages stay plain.
    pub threshold_bytes: Size,
    /// What each core may remember of what its clients said, so that their messages compress
    /// better; `0B` for nothing.
    pub contexts_bytes_max: Size,
    /// How much of it for each client, 2 to the power of this, where the client can be told.
    pub context_window_bits: u8,
}

/// `[broker]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Topics that each core keeps.
    pub topics_max: usize,
    /// Retained publications of all topics of one core.
    pub log_bytes_max: Size,
    /// Unsent bytes of all topics of one core.
    pub backlog_bytes_max: Size,
    /// Subscriptions of one connection.
    pub subscriptions_max: u32,
    /// Subscriptions of one connection that are patterns.
    pub patterns_max: u32,
    /// Messages replayed to one reconnecting subscriber.
    pub replay_messages_max: usize,
    /// Their bytes as they were published, each counted with its topic's name.
    pub replay_bytes_max: Size,
}

/// `[io]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Io {
    /// By which of the kernel's ways bytes come and go.
    pub driver: IoDriver,
    /// Receive buffers of each core.
    pub receive_buffers: u16,
    /// Size of one receive buffer.
    pub receive_buffer_bytes: Size,
    /// Kernel send buffer of one connection: what a reader that stopped can hold of the kernel's
    /// memory.
    pub send_buffer_bytes: Size,
    /// Kernel receive buffer of one connection: what a client that is not read from, or that sends faster than it is
    /// read, can hold of the kernel's memory.
    pub receive_window_bytes: Size,
    /// Messages that the lanes from the other cores hold for one core, all together; each has room for 32.
    pub lane_capacity: usize,
}

/// `io.driver`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IoDriver {
    /// io_uring where the machine allows it for every core, else epoll.
    Auto,
    /// io_uring, or no start.
    IoUring,
    /// epoll and plain system calls; the process then uses no io_uring at all.
    Epoll,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,ringwire=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[[topics]]`: a rule and the topics that it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicRule {
    /// A topic or a pattern: `chat/**`.
    #[serde(rename = "match")]
    pub pattern: String,
    /// What holds for them. Keys left out are as in the built-in default.
    #[serde(flatten)]
    pub limits: TopicLimits,
}

/// What holds for a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicLimits {
    /// Messages kept for those who reconnect; 0 keeps none.
    pub messages_max: u32,
    /// Their bytes.
    pub bytes_max: Size,
    /// Their age; `0s` is no limit.
    pub age_max: Period,
    /// Unsent bytes that the topic keeps for subscribers who are behind.
    pub backlog_bytes_max: Size,
    /// What happens to a subscriber whom that leaves behind.
    pub on_lag: Lag,
}

/// `on_lag`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// Close with 4408; the client resumes from its position.
    Disconnect,
    /// Go on at the oldest message still there, with a gap marker.
    Skip,
    /// Go on at the newest message, with a gap marker.
    Latest,
}

/// The largest `message_bytes_max` beside compression: a thousandth of it on the wire is enough to
/// fill it.
const INFLATED_BYTES_MAX: Size = Size::from_kib(64 * 1024);

impl From<Lag> for OnLag {
    fn from(lag: Lag) -> Self {
        match lag {
            Lag::Disconnect => OnLag::Disconnect,
            Lag::Skip => OnLag::Skip,
            Lag::Latest => OnLag::Latest,
        }
    }
}

impl Config {
    /// What no single key can show: values that exclude each other, or make no sense.
    ///
    /// # Errors
    /// The first rule that is broken, with the keys and the remedy.
    pub fn check(&self) -> Result<(), String> {
        let listens = [
            ("server.listen", self.server.listen),
            ("tls.listen", self.tls.listen),
        ];
        for (key, address) in listens {
            if !self.server.open && !address.ip().is_loopback() {
                return Err(format!(
                    "{key} = {address} is reachable from other machines, and no authentication is \
                     configured; say so with --open (server.open = true), or listen on 127.0.0.1"
                ));
            }
        }
        self.check_least()?;
        self.check_compression()?;
        if self.io.receive_buffers > 16_384 || !self.io.receive_buffers.is_power_of_two() {
            return Err(format!(
                "io.receive_buffers = {} must be a power of two, at most 16384",
                self.io.receive_buffers
            ));
        }
        if self.websocket.control_frames_per_s_max > CONTROL_FRAMES_PER_S_MAX {
            return Err(format!(
                "websocket.control_frames_per_s_max = {} must be at most \
                 {CONTROL_FRAMES_PER_S_MAX}, or 0 for no bound",
                self.websocket.control_frames_per_s_max
            ));
        }
        for host in &self.http.allowed_hosts {
            if !crate::host::is_wellformed(host) {
                return Err(format!(
                    "http.allowed_hosts: `{host}` is no host name; write it without scheme and \
                     port, as in \"broker.example.com\", or \"*\" for any"
                ));
            }
        }
        for origin in &self.http.allowed_origins {
            if !crate::origin::is_wellformed(origin) {
                return Err(format!(
                    "http.allowed_origins: `{origin}` is no origin; write scheme, host and, if it \
                     is not the scheme's own, port, as in \"https://example.com:8443\""
                ));
            }
        }
        self.check_topics()
    }

    /// Makes this fit for a node that runs with `running`: returns the keys that differ and that
    /// only a start can change. What connections use is left as it is in `running` there.
    ///
    /// # Errors
    /// What stays as it is does not go with what changes.
    pub fn reload(&mut self, running: &Self) -> Result<Vec<&'static str>, String> {
        let mut kept = Vec::new();
        let mut keep = |differs: bool, key| {
            if differs {
                kept.push(key);
            }
        };
        keep(self.server.listen != running.server.listen, "server.listen");
        self.server.listen = running.server.listen;
        keep(self.tls.listen != running.tls.listen, "tls.listen");
        // Other certificates serve at once, but a listener comes or goes only with the process.
        let is_on = |config: &Self| !config.tls.certificates.is_empty();
        let switched = is_on(self) != is_on(running);
        keep(switched, "tls.certificates");
        if switched {
            self.tls.clone_from(&running.tls);
        }
        keep(self.server.cores != running.server.cores, "server.cores");
        keep(self.server.pin != running.server.pin, "server.pin");
        keep(self.broker != running.broker, "[broker]");
        keep(self.io != running.io, "[io]");
        keep(self.log != running.log, "[log]");
        keep(self.topics != running.topics, "[[topics]]");
        keep(
            self.topic_default != running.topic_default,
            "[topic_default]",
        );
        // Topics' backlogs were sized for this at the start.
        let message_bytes_max = running.websocket.message_bytes_max;
        keep(
            self.websocket.message_bytes_max != message_bytes_max,
            "websocket.message_bytes_max",
        );
        self.websocket.message_bytes_max = message_bytes_max;
        self.check_compression()?;
        Ok(kept)
    }

    fn check_least(&self) -> Result<(), String> {
        let io = &self.io;
        let at_least = [
            ("http.head_bytes_max", self.http.head_bytes_max.bytes(), 512),
            ("http.headers_max", self.http.headers_max as u64, 8),
            ("http.head_timeout (ms)", self.http.head_timeout.ms(), 1),
            ("http.body_timeout (ms)", self.http.body_timeout.ms(), 1),
            (
                "websocket.message_bytes_max",
                self.websocket.message_bytes_max.bytes(),
                125,
            ),
            (
                "websocket.fragments_max",
                u64::from(self.websocket.fragments_max),
                1,
            ),
            (
                "websocket.close_timeout (ms)",
                self.websocket.close_timeout.ms(),
                1,
            ),
            (
                "websocket.write_timeout (ms)",
                self.websocket.write_timeout.ms(),
                1,
            ),
            (
                "websocket.outbox_bytes_max",
                self.websocket.outbox_bytes_max.bytes(),
                1024,
            ),
            ("broker.topics_max", self.broker.topics_max as u64, 1),
            (
                "broker.subscriptions_max",
                u64::from(self.broker.subscriptions_max),
                1,
            ),
            ("io.receive_buffers", u64::from(io.receive_buffers), 1),
            (
                "io.receive_buffer_bytes",
                io.receive_buffer_bytes.bytes(),
                256,
            ),
            ("io.send_buffer_bytes", io.send_buffer_bytes.bytes(), 4096),
            (
                "io.receive_window_bytes",
                io.receive_window_bytes.bytes(),
                4096,
            ),
            ("io.lane_capacity", io.lane_capacity as u64, 2),
        ];
        for (key, value, least) in at_least {
            if value < least {
                return Err(format!("{key} = {value} is too small: at least {least}"));
            }
        }
        Ok(())
    }

    fn check_compression(&self) -> Result<(), String> {
        let Compression {
            level,
            context_window_bits,
            ..
        } = self.compression;
        if !(1..=9).contains(&level) {
            return Err(format!("compression.level = {level} is none of 1 to 9"));
        }
        // zlib, and so most clients, cannot compress for a window of 2^8 bytes.
        if !(9..=15).contains(&context_window_bits) {
            return Err(format!(
                "compression.context_window_bits = {context_window_bits} is none of 9 to 15"
            ));
        }
        let message_bytes_max = self.websocket.message_bytes_max;
        if self.compression.enabled && message_bytes_max > INFLATED_BYTES_MAX {
            return Err(format!(
                "websocket.message_bytes_max = {message_bytes_max} is what a few bytes may be \
                 inflated to while compression.enabled: at most {INFLATED_BYTES_MAX}, or false"
            ));
        }
        Ok(())
    }

    fn check_topics(&self) -> Result<(), String> {
        let rules = self
            .topics
            .iter()
            .map(|rule| (rule.pattern.as_str(), &rule.limits));
        for (name, limits) in rules.chain([("topic_default", &self.topic_default)]) {
            // A message that does not fit its topic's backlog could reach nobody.
            let least = self.websocket.message_bytes_max.bytes() * 2;
            if limits.backlog_bytes_max.bytes() < least {
                return Err(format!(
                    "backlog_bytes_max of topics `{name}` is {}; it must hold two of the largest \
                     messages (websocket.message_bytes_max), {}",
                    limits.backlog_bytes_max,
                    Size::from_bytes(least)
                ));
            }
        }
        for rule in &self.topics {
            if let Err(error) = Pattern::parse(&rule.pattern) {
                return Err(format!("topics: match = \"{}\": {error}", rule.pattern));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_file_is_complete_and_shows_the_defaults() {
        let text = include_str!("../../../../configs/default.toml");
        let shown: toml::Table = text.parse().expect("configs/default.toml is TOML");
        let mut defaults = toml::Table::try_from(Config::default()).expect("the defaults are TOML");
        defaults.remove("topics");
        assert_eq!(shown, defaults);
    }

    #[test]
    fn an_address_beyond_loopback_needs_open_said_out_loud() {
        let mut config = Config::default();
        config.server.listen = SocketAddr::from(([0, 0, 0, 0], 7464));
        assert!(config.check().unwrap_err().contains("--open"));
        config.server.open = true;
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn a_reload_names_what_only_a_start_can_change() {
        let running = Config::default();
        let mut config = Config::default();
        config.websocket.ping_interval = Period::from_secs(1);
        assert_eq!(config.reload(&running), Ok(Vec::new()));
        config.server.cores = 7;
        config.websocket.message_bytes_max = Size::from_kib(1);
        assert_eq!(
            config.reload(&running),
            Ok(vec!["server.cores", "websocket.message_bytes_max"])
        );
        assert_eq!(
            config.websocket.message_bytes_max,
            running.websocket.message_bytes_max
        );
    }

    #[test]
    fn compression_cannot_be_switched_on_beside_larger_messages_that_stay() {
        let mut running = Config::default();
        running.websocket.message_bytes_max = Size::from_kib(128 * 1024);
        let mut config = Config::default();
        config.compression.enabled = true;
        assert_eq!(config.check(), Ok(()));
        let error = config.reload(&running).unwrap_err();
        assert!(error.contains("compression.enabled"), "{error}");
    }

    #[test]
    fn a_backlog_that_cannot_hold_two_messages_is_refused() {
        let mut config = Config::default();
        config.topic_default.backlog_bytes_max = Size::from_kib(127);
        assert!(config.check().unwrap_err().contains("topic_default"));
        config.topic_default.backlog_bytes_max = Size::from_kib(128);
        assert_eq!(config.check(), Ok(()));
    }
}
