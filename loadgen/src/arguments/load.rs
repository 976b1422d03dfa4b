//! Who talks to whom, how large messages are, and when they are sent.

use clap::{ArgGroup, Args};

use crate::dialect::Dialect;
use crate::payload::PAYLOAD_BYTES_MIN;
use crate::plan::{Layout, MEMBERS_MAX, OUTSTANDING_MAX, Pace};
use crate::quantity::parse_bytes;

/// Where a topic's name puts its number.
const NUMBER_PLACE: &str = "{n}";

/// The largest payload: the size that the payload buffers of all lines are allowed to have.
const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// Most deliveries that a closed loop may have in flight in its books, over all lines.
const WINDOW_SLOTS_MAX: u64 = 16 << 20;

/// The load.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load", group(ArgGroup::new("pace").args(["rate", "outstanding", "idle"])))]
pub struct Load {
    /// Connections that receive, spread evenly over the topics
    #[arg(short, long, default_value_t = 100, value_name = "N")]
    pub subscribers: u32,

    /// Senders, spread over the topics; one goes round several topics when there are more topics than publishers
    #[arg(short, long, default_value_t = 1, value_name = "N")]
    pub publishers: u32,

    /// Topics
    #[arg(short, long, default_value_t = 1, value_name = "N")]
    pub topics: u32,

    /// Name of each topic; its number, from 0, takes the place of the n in curly brackets
    #[arg(long, default_value = "load/{n}", value_name = "NAME")]
    pub topic: String,

    /// Size of each message, at least 32 bytes (its header: publisher, sequence, time, checksum)
    #[arg(long, default_value = "64", value_parser = parse_bytes, value_name = "BYTES")]
    pub payload: usize,

    /// Open loop: publishes per second, of all publishers together [default: 100]
    #[arg(short, long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,

    /// Closed loop: messages that each publisher keeps outstanding, until the last of their deliveries is back
    #[arg(short = 'w', long, value_name = "W")]
    pub outstanding: Option<u32>,

    /// Publishes nothing: opens the subscribers and holds them for --duration, to see what connecting and holding costs
    #[arg(long)]
    pub idle: bool,
}

impl Load {
    pub(super) fn layout(&self) -> Result<Layout, String> {
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

    pub(super) fn pace(&self, layout: &Layout) -> Result<Pace, String> {
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

    pub(super) fn topic_names(&self, dialect: Dialect) -> Result<Vec<String>, String> {
        if self.topic.is_empty() || (self.topics > 1 && !self.topic.contains(NUMBER_PLACE)) {
            return Err(format!(
                "--topic {}: with several topics the name needs the number, as in load/{NUMBER_PLACE}",
                self.topic
            ));
        }
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

    /// The size of each message.
    pub(super) fn payload_bytes(&self) -> Result<usize, String> {
        if !(PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX).contains(&self.payload) {
            return Err(format!(
                "--payload {}: give {PAYLOAD_BYTES_MIN} bytes (the header) to {PAYLOAD_BYTES_MAX}",
                self.payload
            ));
        }
        Ok(self.payload)
    }
}
