//! The report of a run: one structure that is the JSON, and that the text is written from.
//!
//! Every field carries its unit in its name. Fields are added, never renamed: people compare runs of different versions.

mod text;

use serde::Serialize;

use crate::evidence::{Departure, Evidence, ServerUse};
use crate::failure::Outcome;
use crate::plan::{Pace, Plan};
use crate::process::CpuUse;
use crate::tally::Distribution;
use crate::verdict::{Verdict, own_busiest_share, share};

/// Everything that is said about a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    tool: Tool,
    load: Load,
    verdict: Judgement,
    window: Window,
    connect: Connect,
    throughput: Throughput,
    latency: Latency,
    integrity: Integrity,
    departures: Vec<Departed>,
    generator: Generator,
    server: Option<Server>,
}

#[derive(Clone, Debug, Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
    command: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Load {
    scenario: &'static str,
    /// `open` or `closed`.
    #[serde(rename = "loop")]
    pace: &'static str,
    rate_per_second: Option<f64>,
    outstanding: Option<u32>,
    subscribers: u32,
    publishers: u32,
    topics: u32,
    payload_bytes: usize,
    threads: u32,
}

#[derive(Clone, Debug, Serialize)]
struct Judgement {
    valid: bool,
    invalid_because: Vec<String>,
    faults: Vec<String>,
    outcome: Outcome,
    exit_code: u8,
}

#[derive(Clone, Debug, Serialize)]
struct Window {
    seconds: f64,
    warm_up_seconds: f64,
    cut_short_because: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Connect {
    connections: u64,
    seconds: f64,
    per_second: f64,
    generator_cpu_share: f64,
    generator_cpu_ns_per_connection: f64,
    server_cpu_share: Option<f64>,
    server_cpu_ns_per_connection: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Throughput {
    publishes: u64,
    deliveries: u64,
    publishes_per_second: f64,
    deliveries_per_second: f64,
    delivered_payload_bytes_per_second: f64,
}

#[derive(Clone, Debug, Serialize)]
struct Latency {
    /// `intended send time` or `actual send time`.
    counted_from: &'static str,
    #[serde(flatten)]
    figures: Percentiles,
}

/// A distribution's figures.
#[derive(Clone, Copy, Debug, Serialize)]
struct Percentiles {
    count: u64,
    min_ns: u64,
    mean_ns: f64,
    p50_ns: u64,
    p75_ns: u64,
    p90_ns: u64,
    p99_ns: u64,
    p99_9_ns: u64,
    p99_99_ns: u64,
    max_ns: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Integrity {
    expected: u64,
    received: u64,
    reach: f64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    corrupted: u64,
    misrouted: u64,
    foreign: u64,
    unasked: u64,
    unsent: u64,
    given_up: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Departed {
    who: &'static str,
    how: String,
    count: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Generator {
    /// Open loop only: how long after its time each message was sent.
    lateness: Option<Percentiles>,
    cpu_ns_per_delivery: Option<f64>,
    cpu_share: f64,
    cpu_share_busiest_thread: f64,
    /// The last without the time in which the thread polled in vain.
    busy_share_busiest_thread: f64,
    resident_bytes_before: u64,
    resident_bytes_connected: u64,
    resident_bytes_per_connection: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Server {
    pid: u32,
    threads: usize,
    cpu_ns_per_delivery: Option<f64>,
    cpu_share: f64,
    cpu_share_busiest_thread: f64,
    resident_bytes_before: u64,
    resident_bytes_connected: u64,
    resident_bytes_end: u64,
    resident_bytes_per_connection: f64,
    resident_bytes_per_connection_end: f64,
}

impl Report {
    /// Puts a run into words and figures. `command` is how it was started.
    pub fn new(plan: &Plan, evidence: &Evidence, command: Vec<String>) -> Report {
        let verdict = Verdict::of(plan, evidence);
        let outcome = verdict.outcome();
        let seconds = evidence.window_ns as f64 / 1e9;
        Report {
            tool: Tool {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                command,
            },
            load: Load::of(plan),
            verdict: Judgement {
                valid: verdict.invalid.is_empty(),
                invalid_because: verdict.invalid,
                faults: verdict.imperfect,
                outcome,
                exit_code: outcome as u8,
            },
            window: Window {
                seconds,
                warm_up_seconds: plan.times.warm_up.as_secs_f64(),
                cut_short_because: evidence.cut_short.clone(),
            },
            connect: Connect::of(evidence),
            throughput: Throughput::of(plan, evidence, seconds),
            latency: Latency {
                counted_from: match plan.pace {
                    Pace::Open { .. } => "intended send time",
                    Pace::Closed { .. } => "actual send time",
                    Pace::Idle => "nothing: nothing was sent",
                },
                figures: Percentiles::of(&evidence.latency),
            },
            integrity: Integrity::of(evidence),
            departures: evidence.departures.iter().map(Departed::of).collect(),
            generator: Generator::of(plan, evidence),
            server: evidence
                .server
                .as_ref()
                .map(|server| Server::of(server, evidence)),
        }
    }

    /// How the process should exit.
    pub fn outcome(&self) -> Outcome {
        self.verdict.outcome
    }

    /// The report as one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a structure of plain fields")
    }
}

impl Load {
    fn of(plan: &Plan) -> Load {
        let (pace, rate_per_second, outstanding) = match plan.pace {
            Pace::Open { rate_per_second } => ("open", Some(rate_per_second), None),
            Pace::Closed { outstanding } => ("closed", None, Some(outstanding)),
            Pace::Idle => ("none", None, None),
        };
        Load {
            scenario: match plan.pace {
                Pace::Idle => "idle",
                Pace::Open { .. } | Pace::Closed { .. } => "fan-out",
            },
            pace,
            rate_per_second,
            outstanding,
            subscribers: plan.layout.subscribers,
            publishers: plan.layout.publishers,
            topics: plan.layout.topics,
            payload_bytes: plan.payload_bytes,
            threads: plan.threads,
        }
    }
}

impl Connect {
    fn of(evidence: &Evidence) -> Connect {
        let connections = evidence.connections as f64;
        let per_connection = |cpu: CpuUse| ratio(cpu.total_ns as f64, connections);
        let part = |cpu: CpuUse| share(cpu.total_ns, evidence.connecting_ns);
        let own = evidence.own_connecting_cpu;
        let server = evidence.server.map(|server| server.connecting_cpu);
        Connect {
            connections: evidence.connections,
            seconds: evidence.connecting_ns as f64 / 1e9,
            per_second: ratio(connections, evidence.connecting_ns as f64 / 1e9),
            generator_cpu_share: part(own),
            generator_cpu_ns_per_connection: per_connection(own),
            server_cpu_share: server.map(part),
            server_cpu_ns_per_connection: server.map(per_connection),
        }
    }
}

impl Throughput {
    fn of(plan: &Plan, evidence: &Evidence, seconds: f64) -> Throughput {
        let deliveries_per_second = ratio(evidence.window.deliveries as f64, seconds);
        Throughput {
            publishes: evidence.window.published,
            deliveries: evidence.window.deliveries,
            publishes_per_second: ratio(evidence.window.published as f64, seconds),
            deliveries_per_second,
            delivered_payload_bytes_per_second: deliveries_per_second * plan.payload_bytes as f64,
        }
    }
}

impl Percentiles {
    fn of(distribution: &Distribution) -> Percentiles {
        Percentiles {
            count: distribution.count(),
            min_ns: distribution.min_ns(),
            mean_ns: distribution.mean_ns(),
            p50_ns: distribution.percentile_ns(50.0),
            p75_ns: distribution.percentile_ns(75.0),
            p90_ns: distribution.percentile_ns(90.0),
            p99_ns: distribution.percentile_ns(99.0),
            p99_9_ns: distribution.percentile_ns(99.9),
            p99_99_ns: distribution.percentile_ns(99.99),
            max_ns: distribution.max_ns(),
        }
    }
}

impl Integrity {
    fn of(evidence: &Evidence) -> Integrity {
        let total = &evidence.total;
        Integrity {
            expected: evidence.expected,
            received: total.received(),
            reach: if evidence.expected == 0 {
                1.0
            } else {
                total.received() as f64 / evidence.expected as f64
            },
            lost: evidence.lost,
            duplicated: total.duplicated,
            reordered: total.reordered,
            corrupted: total.corrupted,
            misrouted: total.misrouted,
            foreign: total.foreign,
            unasked: total.unasked,
            unsent: total.unsent,
            given_up: total.given_up,
        }
    }
}

impl Departed {
    fn of(departure: &Departure) -> Departed {
        let who = if departure.subscribers {
            "subscriber"
        } else {
            "publisher"
        };
        Departed {
            who,
            how: departure.how.clone(),
            count: departure.count,
        }
    }
}

impl Generator {
    fn of(plan: &Plan, evidence: &Evidence) -> Generator {
        Generator {
            lateness: matches!(plan.pace, Pace::Open { .. })
                .then(|| Percentiles::of(&evidence.lateness)),
            cpu_ns_per_delivery: per_delivery(evidence.own_cpu.total_ns, evidence),
            cpu_share: share(evidence.own_cpu.total_ns, evidence.window_ns),
            cpu_share_busiest_thread: share(evidence.own_cpu.busiest_thread_ns, evidence.window_ns),
            busy_share_busiest_thread: own_busiest_share(evidence),
            resident_bytes_before: evidence.own_resident_bytes.start,
            resident_bytes_connected: evidence.own_resident_bytes.end,
            resident_bytes_per_connection: per_connection(
                evidence.own_resident_bytes.start,
                evidence.own_resident_bytes.end,
                evidence,
            ),
        }
    }
}

impl Server {
    fn of(server: &ServerUse, evidence: &Evidence) -> Server {
        let grown_to = |bytes| per_connection(server.resident_bytes_before, bytes, evidence);
        Server {
            pid: server.pid,
            threads: server.cpu.threads,
            cpu_ns_per_delivery: per_delivery(server.cpu.total_ns, evidence),
            cpu_share: share(server.cpu.total_ns, evidence.window_ns),
            cpu_share_busiest_thread: share(server.cpu.busiest_thread_ns, evidence.window_ns),
            resident_bytes_before: server.resident_bytes_before,
            resident_bytes_connected: server.resident_bytes_connected,
            resident_bytes_end: server.resident_bytes_end,
            resident_bytes_per_connection: grown_to(server.resident_bytes_connected),
            resident_bytes_per_connection_end: grown_to(server.resident_bytes_end),
        }
    }
}

fn per_delivery(used_ns: u64, evidence: &Evidence) -> Option<f64> {
    (evidence.window.deliveries > 0).then(|| used_ns as f64 / evidence.window.deliveries as f64)
}

fn per_connection(before: u64, after: u64, evidence: &Evidence) -> f64 {
    ratio(
        after.saturating_sub(before) as f64,
        evidence.connections as f64,
    )
}

/// 0 where there is nothing to divide by: JSON has no infinity.
fn ratio(value: f64, by: f64) -> f64 {
    if by > 0.0 { value / by } else { 0.0 }
}

#[cfg(test)]
mod tests;
