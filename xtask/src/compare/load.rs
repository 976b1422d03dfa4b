//! The loads: who sends how much to whom.

use std::time::Duration;

/// What a server is put under.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) name: String,
    pub(super) subscribers: u32,
    pub(super) publishers: u32,
    pub(super) topics: u32,
    pub(super) payload_bytes: u32,
    pub(super) pace: Pace,
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
    /// Of a hundred subscribers so many stop reading with the first publish.
    pub(super) stopped_percent: u32,
    /// What TLS handshakes after a thread's first are, in the load generator's word; nothing where it is not asked.
    pub(super) handshakes: Option<&'static str>,
    /// Messages are JSON instead of noise.
    pub(super) json: bool,
}

/// When the next message is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Each publisher keeps this many messages under way.
    Outstanding(u32),
    /// So many messages a second, whatever comes back.
    PerSecond(f64),
}

/// Long enough for figures of CPU time to settle, short enough for many rounds: those tell more than long runs,
/// since what disturbs a run is mostly there for all of it.
const WARM_UP: Duration = Duration::from_millis(150);
const MEASURED: Duration = Duration::from_millis(600);

/// A load in a closed loop: from one publisher on one topic unless it is spread.
fn fan_out(name: &str, subscribers: u32, payload_bytes: u32, outstanding: u32) -> Load {
    Load {
        name: name.to_owned(),
        subscribers,
        publishers: 1,
        topics: 1,
        payload_bytes,
        pace: Pace::Outstanding(outstanding),
        warm_up: WARM_UP,
        measured: MEASURED,
        stopped_percent: 0,
        handshakes: None,
        json: false,
    }
}

/// A thousand topics with one subscriber each, from ten publishers.
fn many_topics(name: &str, outstanding: u32) -> Load {
    Load {
        publishers: 10,
        topics: 1000,
        ..fan_out(name, 1000, 64, outstanding)
    }
}

/// The rows of the table of costs. W is the number of messages under way; W=1 forbids that messages share a send.
pub(super) fn costs() -> Vec<Load> {
    vec![
        fan_out("1 -> 1, 64 B, W=1", 1, 64, 1),
        fan_out("1 -> 10, 64 B, W=1", 10, 64, 1),
        fan_out("1 -> 100, 64 B, W=1", 100, 64, 1),
        fan_out("1 -> 1000, 64 B, W=1", 1000, 64, 1),
        fan_out("1 -> 5000, 64 B, W=1", 5000, 64, 1),
        fan_out("1 -> 1, 16 KiB, W=1", 1, 16_384, 1),
        fan_out("1 -> 100, 16 KiB, W=1", 100, 16_384, 1),
        many_topics("1000 topics x 1, 64 B, W=1", 1),
        many_topics("1000 topics x 1, 64 B, W=16", 16),
        fan_out("1 -> 1, 64 B, W=64", 1, 64, 64),
        fan_out("1 -> 100, 64 B, W=16", 100, 64, 16),
        fan_out("1 -> 100, 64 B, W=64", 100, 64, 64),
        fan_out("1 -> 1000, 64 B, W=64", 1000, 64, 64),
        fan_out("1 -> 100, 512 B, W=64", 100, 512, 64),
        fan_out("1 -> 100, 16 KiB, W=8", 100, 16_384, 8),
    ]
}

/// The loads whose latency is measured, as they find the maximum: closed loops in which each message travels alone.
pub(super) fn latencies() -> Vec<Load> {
    vec![
        fan_out("1 -> 100, 512 B", 100, 512, 1),
        fan_out("1 -> 1000, 64 B", 1000, 64, 1),
    ]
}

/// What compression costs and brings. Each message travels alone; a client takes longer to inflate one than the
/// broker to send it.
pub(super) fn compression() -> Vec<Load> {
    let json = |name: &str, subscribers, payload_bytes| Load {
        json: true,
        measured: Duration::from_secs(1),
        ..fan_out(name, subscribers, payload_bytes, 1)
    };
    vec![
        json("1 -> 1, 1 KiB", 1, 1024),
        json("1 -> 10, 1 KiB", 10, 1024),
        json("1 -> 100, 1 KiB", 100, 1024),
        json("1 -> 1000, 1 KiB", 1000, 1024),
        json("1 -> 1000, 256 B", 1000, 256),
        json("1 -> 1000, 16 KiB", 1000, 16 << 10),
    ]
}

/// Connections that wait: one message a second shows that all of them are there.
pub(super) fn idle() -> Vec<Load> {
    vec![Load {
        pace: Pace::PerSecond(1.0),
        warm_up: Duration::ZERO,
        measured: Duration::from_secs(2),
        ..fan_out("10,000 subscribers", 10_000, 64, 1)
    }]
}

/// Fan-out where each message is sealed for each subscriber.
pub(super) fn sealed() -> Vec<Load> {
    vec![
        fan_out("1 -> 100, 64 B, W=1", 100, 64, 1),
        fan_out("1 -> 1000, 64 B, W=1", 1000, 64, 1),
        fan_out("1 -> 100, 64 B, W=64", 100, 64, 64),
        fan_out("1 -> 1000, 64 B, W=64", 1000, 64, 64),
        fan_out("1 -> 100, 16 KiB, W=1", 100, 16_384, 1),
    ]
}

/// Connections that are made one after another, by strangers or by those who come back.
pub(super) fn handshakes() -> Vec<Load> {
    let made = |name: &str, handshakes| Load {
        name: name.to_owned(),
        pace: Pace::PerSecond(1.0),
        warm_up: Duration::ZERO,
        measured: Duration::from_secs(1),
        handshakes: Some(handshakes),
        ..fan_out(name, 2_000, 64, 1)
    };
    vec![
        made("2,000 full handshakes", "full"),
        made("2,000 resumed handshakes", "resumed"),
    ]
}

/// A load beside which half of the subscribers stop reading, without that, and with the readers alone. A stopped one is sent 1.6 MB a second: after the
/// warm-up what the kernel keeps for it (4 MB, and its own buffer) is full, and the server has to do something about it.
pub(super) fn bystanders() -> Vec<Load> {
    let all_read = Load {
        pace: Pace::PerSecond(400.0),
        warm_up: Duration::from_secs(3),
        measured: Duration::from_secs(3),
        ..fan_out("1 -> 100, 4 KiB, 400/s, all read", 100, 4096, 1)
    };
    let half_stopped = Load {
        name: "1 -> 100, 4 KiB, 400/s, 50 have stopped".to_owned(),
        stopped_percent: 50,
        ..all_read.clone()
    };
    let readers_alone = Load {
        name: "1 -> 50, 4 KiB, 400/s, all read".to_owned(),
        subscribers: 50,
        ..all_read.clone()
    };
    vec![all_read, half_stopped, readers_alone]
}

impl Load {
    /// The same load in an open loop, long enough for a 99.9th percentile.
    pub(super) fn at_rate(&self, name: String, per_second: f64) -> Load {
        Load {
            name,
            pace: Pace::PerSecond(per_second),
            warm_up: Duration::from_millis(300),
            measured: Duration::from_secs(2),
            ..self.clone()
        }
    }

    /// The load generator's words for it.
    pub(super) fn arguments(&self) -> Vec<String> {
        let (pace, amount) = match self.pace {
            Pace::Outstanding(messages) => ("--outstanding", messages.to_string()),
            Pace::PerSecond(rate) => ("--rate", format!("{rate:.1}")),
        };
        let handshakes = self.handshakes.iter();
        // One after another: who comes before the first ticket has none to show.
        let handshakes = handshakes.flat_map(|kind| {
            let kind = (*kind).to_owned();
            [("--tls-handshakes", kind), ("--connecting", "1".to_owned())]
        });
        [
            ("--subscribers", self.subscribers.to_string()),
            ("--publishers", self.publishers.to_string()),
            ("--topics", self.topics.to_string()),
            ("--payload", self.payload_bytes.to_string()),
            (pace, amount),
            ("--warm-up", format!("{}ms", self.warm_up.as_millis())),
            ("--duration", format!("{}ms", self.measured.as_millis())),
            ("--slow", format!("{}%", self.stopped_percent)),
        ]
        .into_iter()
        .chain(handshakes)
        .flat_map(|(option, value)| [option.to_owned(), value])
        .chain(self.json.then(|| "--json-payload".to_owned()))
        .collect()
    }
}
