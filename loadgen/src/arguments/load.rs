//! Who talks to whom, how large messages are, and when they are sent.

use clap::{ArgGroup, Args};

use crate::dialect::Dialect;
use crate::payload::PAYLOAD_BYTES_MIN;
use crate::plan::{Layout, MEMBERS_MAX, OUTSTANDING_MAX, PAIRS_MAX, Pace, Roles};
use crate::quantity::{grouped, parse_bytes};
use crate::slow_readers::{Portion, SlowReaders};
use crate::stages::{Rate, Stage};

/// Where a topic's name puts its number.
const NUMBER_PLACE: &str = "{n}";

/// The largest payload: the size that the payload buffers of all lines are allowed to have.
const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// Most deliveries that a closed loop may have in flight in its books, over all lines.
const WINDOW_SLOTS_MAX: u64 = 16 << 20;

/// The load.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Load",
    group(ArgGroup::new("pace").args(["rate", "outstanding", "idle"])),
    group(ArgGroup::new("topics of whom").args(["echo", "rooms", "topics"])),
    group(ArgGroup::new("publishers of an echo").args(["echo", "publishers"])),
    group(ArgGroup::new("publishers of rooms").args(["rooms", "publishers"])),
    group(ArgGroup::new("silence or an echo").args(["echo", "idle"])),
    group(ArgGroup::new("silence or rooms").args(["rooms", "idle"])),
)]
pub struct Load {
    /// Connections that receive, spread evenly over the topics
    #[arg(short, long, default_value_t = 100, value_name = "N")]
    pub subscribers: u32,

    /// Senders, spread over the topics
    ///
    /// One goes round several topics when there are more topics than publishers
    #[arg(short, long, default_value_t = 1, value_name = "N")]
    pub publishers: u32,

    /// Topics
    #[arg(short, long, default_value_t = 1, value_name = "N")]
    pub topics: u32,

    /// Open loop: publishes per second, all publishers together [default: 100], or stages: `100..1000:30s,1000:60s`
    ///
    /// They are sent at fixed times, however slow the server is, and latency counts from those times: use it for latency.
    /// 100..1000:30s,1000:60s goes up from 100 to 1000 in 30 seconds and stays there for 60; stages are the measured window, and
    /// the warm-up has the rate with which they begin
    #[arg(short, long, value_name = "PER_SECOND", value_parser = Rate::parse)]
    pub rate: Option<Rate>,

    /// Closed loop instead: messages that each publisher keeps on their way
    ///
    /// The next is sent when the last delivery of one is back: use it for the most that the server does, not for latency
    #[arg(short = 'w', long, value_name = "W")]
    pub outstanding: Option<u32>,

    /// Round trips: each connection publishes to a topic of its own and hears it
    ///
    /// There are as many connections as --subscribers, and every message comes back to who sent it. A plain echo server will do
    /// (--driver url)
    #[arg(long)]
    pub echo: bool,

    /// Many to many: R rooms whose members all publish and all hear
    ///
    /// The members are as many as --subscribers, spread over the rooms (topics); each has one connection for both. --rate is of all
    /// members together
    #[arg(long, value_name = "R")]
    pub rooms: Option<u32>,

    /// Rooms: the server sends a message to everybody but its sender
    ///
    /// MQTT's name for it. It is then not expected back
    #[arg(long, requires = "rooms")]
    pub no_local: bool,

    /// Name of each topic, with a place for its number
    ///
    /// The number, from 0, takes the place of the n in curly brackets
    #[arg(long, default_value = "load/{n}", value_name = "NAME")]
    pub topic: String,

    /// Size of each message, at least 32 bytes: `200`, `16KiB`
    ///
    /// The 32 are the header by which each is recognised and judged: publisher, sequence, time, checksum
    #[arg(long, default_value = "64", value_parser = parse_bytes, value_name = "BYTES")]
    pub payload: usize,

    /// Fills messages with rows of JSON, different ones each time, instead of noise
    ///
    /// What a server that compresses makes of noise says nothing
    #[arg(long)]
    pub json_payload: bool,

    /// Subscribers that read too slowly: what do they cost the others?
    ///
    /// A number or a share of all, evenly over the topics. Latency, loss and reach then speak of the healthy ones. Their receive
    /// buffers are small (8 KiB), so that the server soon has to wait for them; they read everything in the end, to see whether and
    /// how it cut them off
    #[arg(long, value_name = "N|SHARE%", value_parser = Portion::parse, conflicts_with_all = ["echo", "rooms", "idle"])]
    pub slow: Option<Portion>,

    /// What each slow subscriber reads in a second: 0 stops [default: 0]
    ///
    /// From the first publish on, and on average: it takes all that has piled up, then rests for as long as that is worth
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes, requires = "slow")]
    pub slow_rate: Option<usize>,

    /// Publishes nothing: opens the subscribers and holds them for --duration
    ///
    /// To see what connecting takes, and what holding connections costs the server
    #[arg(long)]
    pub idle: bool,
}

impl Load {
    pub(super) fn layout(&self) -> Result<Layout, String> {
        let rooms = self.rooms.or(self.echo.then_some(self.subscribers));
        for (name, value) in [
            ("subscribers", self.subscribers),
            ("publishers", self.publishers),
            ("topics", self.topics),
            ("rooms", rooms.unwrap_or(1)),
        ] {
            if !(1..=MEMBERS_MAX).contains(&value) {
                return Err(format!("--{name} {value}: give 1 to {MEMBERS_MAX}"));
            }
        }
        let layout = match rooms {
            None => Layout {
                subscribers: self.subscribers,
                publishers: if self.idle { 0 } else { self.publishers },
                topics: self.topics,
                roles: Roles::Apart,
            },
            Some(rooms) => self.duplex(rooms)?,
        };
        let pairs = layout.pairs();
        if pairs > PAIRS_MAX {
            return Err(format!(
                "{} pairs of who publishes and who receives it, each with its own books; {} at most, which take 1 GiB. \
                 Give more --topics (or --rooms), or fewer --publishers or --subscribers",
                grouped(pairs),
                grouped(PAIRS_MAX)
            ));
        }
        Ok(layout)
    }

    fn duplex(&self, rooms: u32) -> Result<Layout, String> {
        let members = self.subscribers;
        if rooms > members {
            return Err(format!(
                "--rooms {rooms}: there are only {members} members to fill them; give more --subscribers"
            ));
        }
        if self.no_local && members / rooms < 2 {
            return Err(format!(
                "--no-local: with {members} members in {rooms} rooms somebody is alone and hears nothing; give more --subscribers"
            ));
        }
        Ok(Layout {
            subscribers: members,
            publishers: members,
            topics: rooms,
            roles: Roles::Duplex {
                hears_itself: !self.no_local,
            },
        })
    }

    pub(super) fn pace(&self, layout: &Layout) -> Result<Pace, String> {
        if self.idle {
            return Ok(Pace::Idle);
        }
        let Some(outstanding) = self.outstanding else {
            return Ok(Pace::Open {
                rate_per_second: self.rate.as_ref().map_or(100.0, Rate::mean_per_second),
            });
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

    /// How the rate changes, if it does.
    pub(crate) fn stages(&self) -> &[Stage] {
        match &self.rate {
            Some(Rate::Stages(stages)) => stages,
            Some(Rate::Constant(_)) | None => &[],
        }
    }

    /// The subscribers that read slowly. A closed loop goes on with what comes back from the others.
    pub(super) fn slow(
        &self,
        layout: &Layout,
        pace: &Pace,
        threads: u32,
    ) -> Result<Option<SlowReaders>, String> {
        let Some(portion) = self.slow else {
            return Ok(None);
        };
        let slow = SlowReaders {
            count: portion.of(layout.subscribers),
            bytes_per_second: self.slow_rate.unwrap_or(0) as u64,
        };
        if slow.count > layout.subscribers {
            return Err(format!(
                "--slow {}: there are {} subscribers",
                slow.count, layout.subscribers
            ));
        }
        let has_healthy = |topic| slow.healthy_of(layout, threads, topic) > 0;
        if matches!(pace, Pace::Closed { .. }) && !(0..layout.topics).all(has_healthy) {
            return Err(
                "--slow: a closed loop needs a subscriber on every topic that reads, or nothing ever comes back. \
                 Have fewer of them slow, or use --rate."
                    .into(),
            );
        }
        Ok((slow.count > 0).then_some(slow))
    }

    pub(super) fn topic_names(
        &self,
        topics: u32,
        dialect: &dyn Dialect,
    ) -> Result<Vec<String>, String> {
        if self.topic.is_empty() || (topics > 1 && !self.topic.contains(NUMBER_PLACE)) {
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
        Ok((0..topics)
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
