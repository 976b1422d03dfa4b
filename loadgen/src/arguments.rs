//! The command line, and its translation into a [`Plan`].
//!
//! The help text teaches: somebody who has never measured a broker should get a trustworthy figure out of it alone.
//! Each group of options has a file of its own, with what it checks.

mod duration;
mod generator;
mod load;
mod output;
mod target;
#[cfg(test)]
mod tests;

use clap::Parser;

pub use self::duration::Durations;
pub use self::generator::Generator;
pub use self::load::Load;
pub use self::output::Output;
pub use self::target::{Driver, Target};
use crate::failure::Failure;
use crate::plan::{Pace, Plan};

const EXAMPLES: &str = "\
Open and closed loop:
  --rate sends at fixed times, however slow the server is, and counts latency from the time at which each
  message should have been sent: what users of a busy server would see. Use it for latency.
  --outstanding keeps W messages on their way for each publisher and sends the next when the last delivery of
  one has come back: it finds the most that server and generator can do. Use it for throughput; its latencies
  leave out the time that messages wait to be sent, so do not quote them as a service's latency.

Examples:
  Latency of 1000 deliveries of each of 100 messages a second, ringwire on this machine:
    ringwire-load --subscribers 1000 --rate 100
  Most deliveries a second, and what each costs the server, server on CPU 0 and load on CPU 1:
    ringwire-load -s 100 --outstanding 64 --server-pid $(pidof ringwire) --pin 1
  How fast 60,000 subscribers connect, from one machine to itself, and what the server takes to hold them:
    ringwire-load --idle -s 60000 --source 127.0.0.1-127.0.0.4 --server-pid $(pidof ringwire)
  Other servers: one with a topic in the URL, NATS, and an MQTT broker
    ringwire-load --driver url ws://127.0.0.1:9001/topics/{topic}
    ringwire-load --driver nats ws://127.0.0.1:8080
    ringwire-load --driver mqtt ws://127.0.0.1:9001/mqtt

Exit codes:
  0  every message reached every subscriber once and in order
  1  messages were lost, duplicated, reordered, corrupted or misrouted
  2  the command line makes no sense
  3  the server could not be reached or refused the connections
  4  the run is INVALID: the generator was late or saturated, or was interrupted before it measured";

/// Measures a WebSocket pub/sub server: publishes messages to topics over some connections, receives them over others,
/// and reports latency, throughput and every message that did not arrive exactly once and in order.
#[derive(Debug, Parser)]
#[command(name = "ringwire-load", version, args_override_self = true, after_help = EXAMPLES)]
pub struct Arguments {
    /// The server.
    #[command(flatten)]
    pub target: Target,

    /// The load.
    #[command(flatten)]
    pub load: Load,

    /// The durations.
    #[command(flatten)]
    pub durations: Durations,

    /// What the generator runs on.
    #[command(flatten)]
    pub generator: Generator,

    /// The report.
    #[command(flatten)]
    pub output: Output,
}

impl Arguments {
    /// Checks what the parser could not, resolves the names, and says what is to be done.
    pub fn plan(&self) -> Result<Plan, Failure> {
        let dialect = self.target.driver.dialect();
        let layout = self.load.layout().map_err(Failure::Usage)?;
        let pace = self.load.pace(&layout).map_err(Failure::Usage)?;
        let topic_names = self.load.topic_names(dialect).map_err(Failure::Usage)?;
        let payload_bytes = self.load.payload_bytes().map_err(Failure::Usage)?;
        let times = self
            .durations
            .times(pace != Pace::Idle)
            .map_err(Failure::Usage)?;
        let sources = self.generator.sources().map_err(Failure::Usage)?;
        self.generator.check().map_err(Failure::Usage)?;
        let (subscribe, publish) = self.target.endpoints(layout.topics)?;
        Ok(Plan {
            subscribe,
            publish,
            dialect,
            topic_names,
            layout,
            payload_bytes,
            pace,
            times,
            connecting_max: self.generator.connecting,
            threads: self.generator.threads,
            pins: self.generator.pin.clone(),
            sources,
            spins: self.generator.spin,
            server_pid: self.output.server_pid,
        })
    }
}
