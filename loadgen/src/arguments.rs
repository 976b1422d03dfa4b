//! The command line, and its translation into a [`Plan`].
//!
//! The help text teaches: somebody who has never measured a broker should get a trustworthy figure out of it alone.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Parser, ValueEnum};

use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::payload::PAYLOAD_BYTES_MIN;
use crate::plan::{Endpoint, Layout, MEMBERS_MAX, OUTSTANDING_MAX, Pace, Plan, Times};
use crate::quantity::{parse_bytes, parse_duration};
use crate::source;
use crate::url::{TOPIC_PLACE, UrlTemplate};

/// Where `--topic` puts the topic's number.
const NUMBER_PLACE: &str = "{n}";

/// The largest payload: the size that the payload buffers of all lines are allowed to have.
const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// Most deliveries that a closed loop may have in flight in its books, over all lines.
const WINDOW_SLOTS_MAX: u64 = 16 << 20;

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
#[command(name = "ringwire-load", version, args_override_self = true, after_help = EXAMPLES, group(ArgGroup::new("pace").args(["rate", "outstanding", "idle"])))]
pub struct Arguments {
    /// The server. What becomes of this URL depends on --driver
    #[arg(default_value = "ws://127.0.0.1:7464")]
    pub url: String,

    /// What the server speaks
    #[arg(long, value_enum, default_value_t = Driver::Ringwire, value_name = "NAME")]
    pub driver: Driver,

    /// Where subscribers connect, `{topic}` being replaced; instead of what URL says
    #[arg(long, value_name = "URL")]
    pub subscribe_url: Option<String>,

    /// Where publishers connect, `{topic}` being replaced; instead of what URL says
    #[arg(long, value_name = "URL")]
    pub publish_url: Option<String>,

    /// Connections that receive, spread evenly over the topics
    #[arg(
        short,
        long,
        default_value_t = 100,
        value_name = "N",
        help_heading = "Load"
    )]
    pub subscribers: u32,

    /// Senders, spread over the topics; one goes round several topics when there are more topics than publishers
    #[arg(
        short,
        long,
        default_value_t = 1,
        value_name = "N",
        help_heading = "Load"
    )]
    pub publishers: u32,

    /// Topics
    #[arg(
        short,
        long,
        default_value_t = 1,
        value_name = "N",
        help_heading = "Load"
    )]
    pub topics: u32,

    /// Name of each topic, `{n}` being its number from 0
    #[arg(
        long,
        default_value = "load/{n}",
        value_name = "NAME",
        help_heading = "Load"
    )]
    pub topic: String,

    /// Size of each message, at least 32 bytes (its header: publisher, sequence, time, checksum)
    #[arg(long, default_value = "64", value_parser = parse_bytes, value_name = "BYTES", help_heading = "Load")]
    pub payload: usize,

    /// Open loop: publishes per second, of all publishers together [default: 100]
    #[arg(short, long, value_name = "PER_SECOND", help_heading = "Load")]
    pub rate: Option<f64>,

    /// Closed loop: messages that each publisher keeps outstanding, until the last of their deliveries is back
    #[arg(short = 'w', long, value_name = "W", help_heading = "Load")]
    pub outstanding: Option<u32>,

    /// Publishes nothing: opens the subscribers and holds them for --duration, to see what connecting and holding costs
    #[arg(long, help_heading = "Load")]
    pub idle: bool,

    /// Publishing before the measured window
    #[arg(long, default_value = "2s", value_parser = parse_duration, value_name = "TIME", help_heading = "Time")]
    pub warm_up: Duration,

    /// The measured window
    #[arg(short, long, default_value = "10s", value_parser = parse_duration, value_name = "TIME", help_heading = "Time")]
    pub duration: Duration,

    /// Silence between the last connection and the first publish
    #[arg(long, default_value = "100ms", value_parser = parse_duration, value_name = "TIME", help_heading = "Time")]
    pub settle: Duration,

    /// The longest that one connection may take until it is subscribed
    #[arg(long, default_value = "30s", value_parser = parse_duration, value_name = "TIME", help_heading = "Time")]
    pub connect_timeout: Duration,

    /// How long a missing delivery is waited for, at the end and in a closed loop, before it counts as lost
    #[arg(long, default_value = "5s", value_parser = parse_duration, value_name = "TIME", help_heading = "Time")]
    pub patience: Duration,

    /// An open-loop run is INVALID when 1 % of its messages left the generator later than this after their time
    #[arg(long, default_value = "1ms", value_parser = parse_duration, value_name = "TIME", help_heading = "Time")]
    pub late_max: Duration,

    /// Threads of the generator, each with its own share of the connections
    #[arg(
        long,
        default_value_t = 1,
        value_name = "N",
        help_heading = "Generator"
    )]
    pub threads: u32,

    /// CPU of each thread, in order: give the server other ones
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "CPU,..",
        help_heading = "Generator"
    )]
    pub pin: Vec<usize>,

    /// Local addresses to connect from: one has about 28,000 ports, so 60,000 connections want three or more
    #[arg(long, value_name = "IP[-IP],..", help_heading = "Generator")]
    pub source: Option<String>,

    /// Connections that may be on their way at once, for each thread
    #[arg(
        long,
        default_value_t = 64,
        value_name = "N",
        help_heading = "Generator"
    )]
    pub connecting: u32,

    /// Polls instead of sleeping: latencies without the time that waking up takes. Takes the whole of a CPU for each thread,
    /// so give it one that the server does not need
    #[arg(long, help_heading = "Generator")]
    pub spin: bool,

    /// The server's process: reports its CPU time per delivery over the measured window, its CPU share and its memory
    #[arg(long, value_name = "PID", help_heading = "Report")]
    pub server_pid: Option<u32>,

    /// Prints the report as JSON on the standard output, to FILE if one is given (the text then still appears)
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", help_heading = "Report")]
    pub json: Option<PathBuf>,
}

/// What the server speaks inside WebSocket messages, and how topics come into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// Each message is a publication; subscribers open URL/t/TOPIC?mode=sub, publishers URL/t/TOPIC?mode=pub
    Ringwire,
    /// Each message is a publication; the URLs are used as they are, `{topic}` in them being replaced
    Url,
    /// The NATS client protocol, at the URL as it is; the topic's name is the subject
    Nats,
    /// MQTT 3.1.1 with quality of service 0, at the URL as it is
    Mqtt,
}

impl Driver {
    fn dialect(self) -> Dialect {
        match self {
            Driver::Ringwire | Driver::Url => Dialect::Plain,
            Driver::Nats => Dialect::Nats,
            Driver::Mqtt => Dialect::Mqtt,
        }
    }
}

impl Arguments {
    /// Checks what the parser could not, resolves the names, and says what is to be done.
    pub fn plan(&self) -> Result<Plan, Failure> {
        let layout = self.layout().map_err(Failure::Usage)?;
        let pace = self.pace(&layout).map_err(Failure::Usage)?;
        let topic_names = self.topic_names().map_err(Failure::Usage)?;
        let sources = self.sources().map_err(Failure::Usage)?;
        self.check_generator().map_err(Failure::Usage)?;
        Ok(Plan {
            subscribe: self.endpoint(self.subscribe_url.as_deref(), "sub", layout.topics)?,
            publish: self.endpoint(self.publish_url.as_deref(), "pub", layout.topics)?,
            dialect: self.driver.dialect(),
            topic_names,
            layout,
            payload_bytes: self.payload,
            pace,
            times: Times {
                connect: self.connect_timeout,
                settle: self.settle,
                warm_up: if self.idle {
                    Duration::ZERO
                } else {
                    self.warm_up
                },
                measure: self.duration,
                patience: self.patience,
                late_max: self.late_max,
            },
            connecting_max: self.connecting,
            threads: self.threads,
            pins: self.pin.clone(),
            sources,
            spins: self.spin,
            server_pid: self.server_pid,
        })
    }

    fn layout(&self) -> Result<Layout, String> {
        for (name, value) in [
            ("subscribers", self.subscribers),
            ("publishers", self.publishers),
            ("topics", self.topics),
        ] {
            if !(1..=MEMBERS_MAX).contains(&value) {
                return Err(format!("--{name} {value}: give 1 to {MEMBERS_MAX}"));
            }
        }
        Ok(Layout {
            subscribers: self.subscribers,
            publishers: if self.idle { 0 } else { self.publishers },
            topics: self.topics,
        })
    }

    fn pace(&self, layout: &Layout) -> Result<Pace, String> {
        if self.idle {
            return Ok(Pace::Idle);
        }
        let Some(outstanding) = self.outstanding else {
            let rate_per_second = self.rate.unwrap_or(100.0);
            return match rate_per_second > 0.0 && rate_per_second <= 1e8 {
                true => Ok(Pace::Open { rate_per_second }),
                false => Err(format!(
                    "--rate {rate_per_second}: give more than 0, at most 100 million"
                )),
            };
        };
        if !(1..=OUTSTANDING_MAX).contains(&outstanding) {
            return Err(format!(
                "--outstanding {outstanding}: give 1 to {OUTSTANDING_MAX}"
            ));
        }
        if u64::from(outstanding) * u64::from(layout.lines()) > WINDOW_SLOTS_MAX {
            return Err(format!(
                "--outstanding times topics (or publishers) is over {WINDOW_SLOTS_MAX}"
            ));
        }
        if layout.subscribers < layout.topics {
            return Err("a closed loop needs a subscriber on every topic: without a delivery nothing ever comes back. \
                        Give as many --subscribers as --topics, or use --rate."
                .into());
        }
        Ok(Pace::Closed { outstanding })
    }

    fn topic_names(&self) -> Result<Vec<String>, String> {
        if self.topic.is_empty() || (self.topics > 1 && !self.topic.contains(NUMBER_PLACE)) {
            return Err(format!(
                "--topic {}: with several topics the name needs the number, as in load/{NUMBER_PLACE}",
                self.topic
            ));
        }
        let dialect = self.driver.dialect();
        dialect
            .check_topic(&self.topic)
            .map_err(|reason| format!("--topic {}: {reason}", self.topic))?;
        if let Some(bytes_max) = dialect
            .payload_bytes_max(&self.topic)
            .filter(|max| *max < self.payload)
        {
            return Err(format!(
                "--payload {}: this protocol carries at most {bytes_max} bytes",
                self.payload
            ));
        }
        Ok((0..self.topics)
            .map(|number| self.topic.replace(NUMBER_PLACE, &number.to_string()))
            .collect())
    }

    fn sources(&self) -> Result<Vec<IpAddr>, String> {
        let Some(text) = &self.source else {
            return Ok(Vec::new());
        };
        source::parse(text).map_err(|reason| format!("--source {text}: {reason}"))
    }

    fn check_generator(&self) -> Result<(), String> {
        if !(PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX).contains(&self.payload) {
            return Err(format!(
                "--payload {}: give {PAYLOAD_BYTES_MIN} bytes (the header) to {PAYLOAD_BYTES_MAX}",
                self.payload
            ));
        }
        if !(1..=256).contains(&self.threads) {
            return Err(format!("--threads {}: give 1 to 256", self.threads));
        }
        if !self.pin.is_empty() && self.pin.len() != self.threads as usize {
            return Err(format!(
                "--pin names {} CPUs for {} threads: give one for each",
                self.pin.len(),
                self.threads
            ));
        }
        if self.connecting == 0 {
            return Err("--connecting 0: nothing would ever connect".into());
        }
        if self.duration.is_zero() || self.connect_timeout.is_zero() || self.patience.is_zero() {
            return Err(
                "--duration, --connect-timeout and --patience are longer than nothing".into(),
            );
        }
        Ok(())
    }

    fn endpoint(&self, url: Option<&str>, mode: &str, topics: u32) -> Result<Endpoint, Failure> {
        let standard = || match self.driver {
            Driver::Ringwire => format!(
                "{}/t/{TOPIC_PLACE}?mode={mode}",
                self.url.trim_end_matches('/')
            ),
            Driver::Url | Driver::Nats | Driver::Mqtt => self.url.clone(),
        };
        let url = UrlTemplate::parse(&url.map_or_else(standard, str::to_owned))
            .map_err(Failure::Usage)?;
        if topics > 1 && self.driver.dialect() == Dialect::Plain && !url.names_topic() {
            return Err(Failure::Usage(format!(
                "with several topics each URL needs a place for the name: {TOPIC_PLACE}"
            )));
        }
        let address = url.resolve()?;
        Ok(Endpoint { url, address })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Plan, String> {
        let words = std::iter::once("ringwire-load").chain(line.split_whitespace());
        let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        arguments.plan().map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_command_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_word_it_is_an_open_loop_against_a_local_ringwire() {
        let plan = parse("").expect("defaults make sense");
        assert_eq!(
            plan.pace,
            Pace::Open {
                rate_per_second: 100.0
            }
        );
        assert_eq!(plan.subscribe.address.to_string(), "127.0.0.1:7464");
        assert_eq!(
            plan.subscribe.url.target(&plan.topic_names[0]),
            "/t/load/0?mode=sub"
        );
        assert_eq!(
            plan.publish.url.target(&plan.topic_names[0]),
            "/t/load/0?mode=pub"
        );
        assert_eq!((plan.payload_bytes, plan.threads), (64, 1));
    }

    #[test]
    fn other_servers_have_other_urls() {
        let plan = parse(
            "-t 2 -s 2 -w 4 --topic a{n} --subscribe-url ws://127.0.0.1:1/s?x={topic} --publish-url ws://127.0.0.1:2/{topic}",
        );
        let plan = plan.expect("a sensible line");
        assert_eq!(plan.subscribe.url.target(&plan.topic_names[1]), "/s?x=a1");
        assert_eq!(plan.publish.address.port(), 2);
        assert_eq!(plan.pace, Pace::Closed { outstanding: 4 });
    }

    #[test]
    fn each_driver_has_its_urls_and_its_dialect() {
        for (line, dialect, subscribe, publish) in [
            (
                "--driver url ws://127.0.0.1:1/x/{topic}",
                Dialect::Plain,
                "/x/load/0",
                "/x/load/0",
            ),
            (
                "--driver nats -t 2 -s 2 ws://127.0.0.1:1",
                Dialect::Nats,
                "/",
                "/",
            ),
            (
                "--driver mqtt ws://127.0.0.1:1/mqtt",
                Dialect::Mqtt,
                "/mqtt",
                "/mqtt",
            ),
            (
                "--driver ringwire ws://127.0.0.1:1 --publish-url ws://127.0.0.1:1/p",
                Dialect::Plain,
                "/t/load/0?mode=sub",
                "/p",
            ),
        ] {
            let plan = parse(line).expect(line);
            assert_eq!(plan.dialect, dialect, "{line}");
            assert_eq!(
                plan.subscribe.url.target(&plan.topic_names[0]),
                subscribe,
                "{line}"
            );
            assert_eq!(
                plan.publish.url.target(&plan.topic_names[0]),
                publish,
                "{line}"
            );
        }
    }

    #[test]
    fn idling_has_subscribers_and_nobody_who_publishes() {
        let plan = parse("--idle -s 5 -t 2").expect("a sensible line");
        assert_eq!(plan.pace, Pace::Idle);
        assert_eq!(
            (
                plan.layout.subscribers,
                plan.layout.publishers,
                plan.layout.lines()
            ),
            (5, 0, 0)
        );
        assert_eq!(plan.times.warm_up, Duration::ZERO);
    }

    #[test]
    fn units_are_read() {
        let plan = parse("ws://127.0.0.1:1 --payload 16KiB --duration 2m --late-max 250us --source 127.0.0.1-127.0.0.3").expect("a sensible line");
        assert_eq!(plan.payload_bytes, 16_384);
        assert_eq!(plan.times.measure, Duration::from_secs(120));
        assert_eq!(plan.times.late_max, Duration::from_micros(250));
        assert_eq!(plan.sources.len(), 3);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_reason() {
        for (line, reason) in [
            ("--payload 31", "32 bytes"),
            ("--rate 5 --outstanding 1", "cannot be used with"),
            ("--idle --outstanding 1", "cannot be used with"),
            ("--driver smtp", "ringwire, url, nats, mqtt"),
            ("--driver nats --topic a.*", "NATS subject"),
            ("--driver mqtt --topic a/#", "MQTT topic"),
            ("--rate 0", "more than 0"),
            ("--rate nan", "more than 0"),
            ("--outstanding 0", "give 1 to"),
            ("-t 3 -s 2 -w 1", "subscriber on every topic"),
            ("-t 3 --topic fixed", "{n}"),
            ("-t 3 --subscribe-url ws://127.0.0.1:1/x", "{topic}"),
            ("-s 0", "--subscribers 0"),
            ("--threads 2 --pin 1", "one for each"),
            ("--connecting 0", "connect"),
            ("--duration 10", "unit"),
            ("--duration 0s", "longer than nothing"),
            ("--source 1.2.3", "--source"),
            ("wss://h", "TLS"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
