//! What a run has found, as raw as it was counted. The report is made from this and from the plan, and from nothing else.

use std::fmt;
use std::ops::Range;

use crate::failure::Failure;
use crate::http_answers::HttpAnswers;
use crate::process::{CpuUse, Switches};
use crate::security::Handshakes;
use crate::slow_readers::SlowFindings;
use crate::tally::{Counts, Distribution};
use crate::timeline::Timeline;
use crate::turnover::Outcome;

/// Everything that a run has found.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Why the run could not be made, or not to its end.
    pub failure: Option<Failure>,
    /// Connections that came to stand before the first publish.
    pub connections: u64,
    /// Connections that were to be opened.
    pub connections_wanted: u64,
    /// From the first connect to the last subscription, or to the end of trying.
    pub connecting_ns: u64,
    /// TLS handshakes that were completed.
    pub handshakes: Handshakes,
    /// From the time at which each connection was due, or was begun if they were to come as fast as they can, to the time at which it
    /// stood.
    pub connect_latency: Distribution,
    /// The measured window's length. 0 if it was never reached.
    pub window_ns: u64,
    /// Why the window ended before its time, if it did.
    pub cut_short: Option<String>,
    /// The whole run, warm-up and draining included.
    pub total: Counts,
    /// The measured window.
    pub window: Counts,
    /// Deliveries that were to arrive in the whole run: each message once at each subscriber of its topic.
    pub expected: u64,
    /// Those of them that did not, although they were waited for.
    pub lost: u64,
    /// Those of them that were still missing when waiting for them was ended early.
    pub undecided: u64,
    /// Missing ones among gaps too many to remember: one that came late counts as lost and as duplicated, instead of reordered.
    pub forgotten: u64,
    /// Latency of the messages whose sending time lies in the window, whenever they arrived.
    pub latency: Distribution,
    /// How late the generator itself was, for the same messages.
    pub lateness: Distribution,
    /// The run, interval by interval, all threads together.
    pub timeline: Timeline,
    /// Connections that ended before the generator closed them.
    pub departures: Vec<Departure>,
    /// What came of subscribers that left and came back, if any did.
    pub turnover: Option<Outcome>,
    /// How the server answered, if publishing went over HTTP.
    pub http_answers: Option<HttpAnswers>,
    /// What became of those that read slowly, if there were any. They are in none of the figures above.
    pub slow_readers: Option<SlowFindings>,
    /// What the generator used in the window.
    pub own_cpu: CpuUse,
    /// What it used while it connected.
    pub own_connecting_cpu: CpuUse,
    /// What it has resident, before the first connection and with all connections open.
    pub own_resident_bytes: Range<u64>,
    /// If it polls instead of sleeping: how much of the window it polled in vain, in the thread that did so least.
    pub spun_ns: Option<u64>,
    /// What the server used, if its process is known.
    pub server: Option<ServerUse>,
}

/// The server's process, seen from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerUse {
    /// Its id.
    pub pid: u32,
    /// Run time in the window.
    pub cpu: CpuUse,
    /// Context switches in the window.
    pub switches: Switches,
    /// Run time while connections were opened.
    pub connecting_cpu: CpuUse,
    /// Resident before the first connection.
    pub resident_bytes_before: u64,
    /// Resident with all connections open and nothing published.
    pub resident_bytes_connected: u64,
    /// Resident at the end of the window.
    pub resident_bytes_end: u64,
}

/// Connections that ended early, all in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Whose they were.
    pub who: Who,
    /// How they ended: the close code and reason, or the error.
    pub how: String,
    /// How many there were.
    pub count: u64,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// It receives.
    Subscriber,
    /// It publishes.
    Publisher,
    /// It does both.
    Member,
}

impl Who {
    /// The word for it.
    pub fn noun(self) -> &'static str {
        match self {
            Who::Subscriber => "subscriber",
            Who::Publisher => "publisher",
            Who::Member => "member",
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.noun())
    }
}

impl Evidence {
    /// Adds what another thread has found.
    pub fn add(&mut self, other: Evidence) {
        self.failure = self.failure.take().or(other.failure);
        self.connections += other.connections;
        self.connections_wanted += other.connections_wanted;
        self.connecting_ns = self.connecting_ns.max(other.connecting_ns);
        self.handshakes.add(other.handshakes);
        self.window_ns = self.window_ns.max(other.window_ns);
        self.cut_short = self.cut_short.take().or(other.cut_short);
        self.total = self.total.plus(&other.total);
        self.window = self.window.plus(&other.window);
        self.expected += other.expected;
        self.lost += other.lost;
        self.undecided += other.undecided;
        self.forgotten += other.forgotten;
        self.latency.add(&other.latency);
        self.lateness.add(&other.lateness);
        self.own_cpu = self.own_cpu.plus(other.own_cpu);
        self.own_connecting_cpu = self.own_connecting_cpu.plus(other.own_connecting_cpu);
        if self.own_resident_bytes.end == 0 {
            self.own_resident_bytes = other.own_resident_bytes;
        }
        self.spun_ns = self.spun_ns.into_iter().chain(other.spun_ns).min();
        self.server = self.server.or(other.server);
        self.connect_latency.add(&other.connect_latency);
        if let Some(outcome) = other.turnover {
            self.turnover.get_or_insert_default().add(outcome);
        }
        if let Some(answers) = other.http_answers {
            self.http_answers.get_or_insert_default().add(answers);
        }
        if let Some(slow) = other.slow_readers {
            self.slow_readers.get_or_insert_default().add(slow);
        }
        for departure in other.departures {
            match self
                .departures
                .iter_mut()
                .find(|known| (known.who, &known.how) == (departure.who, &departure.how))
            {
                Some(known) => known.count += departure.count,
                None => self.departures.push(departure),
            }
        }
    }
}
