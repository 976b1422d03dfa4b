//! The report of a run: one structure that is the JSON, and that the text is written from.
//!
//! Every field carries its unit in its name. Fields are added, never renamed: people compare runs of different versions.
//! Reading is lenient for the same reason: fields that an older version did not have are empty, those of a newer one are
//! passed over.

mod chart;
pub mod compare;
mod environment;
pub mod html;
mod json;
mod percentiles;
mod processes;
mod security;
mod slow_readers;
mod stages;
pub mod sweep;
mod text;
mod timeline;
mod turnover;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::environment::Environment;
pub(crate) use self::json::written;
use self::percentiles::Percentiles;
use self::processes::{Generator, Server};
use self::security::Security;
use self::slow_readers::SlowReaders;
use self::stages::Stage;
pub use self::timeline::Timeline;
use self::turnover::{Churn, Reconnect, Setback};
use crate::evidence::{Departure, Evidence};
use crate::failure::Outcome;
use crate::figure::Figures;
use crate::http_answers::HttpAnswers;
use crate::payload::Filling;
use crate::plan::{Pace, Plan};
use crate::process::CpuUse;
use crate::threshold::{Condition, Judged};
use crate::verdict::{Verdict, share};

/// Everything that is said about a run.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Report {
    tool: Tool,
    verdict: Judgement,
    #[serde(default)]
    load: Load,
    #[serde(default)]
    environment: Option<Environment>,
    #[serde(default)]
    window: Window,
    #[serde(default)]
    connect: Connect,
    tls: Option<Security>,
    #[serde(default)]
    throughput: Throughput,
    #[serde(default)]
    latency: Latency,
    #[serde(default)]
    integrity: Integrity,
    #[serde(default)]
    timeline: Timeline,
    #[serde(default)]
    departures: Vec<Departed>,
    #[serde(default)]
    http_answers: Option<HttpAnswers>,
    #[serde(default)]
    slow_readers: Option<SlowReaders>,
    /// Connections that were closed and replaced.
    churn: Option<Churn>,
    /// Subscriptions that were ended and begun again.
    churn_subscriptions: Option<Churn>,
    /// Connections that were cut off and came back.
    reconnect: Option<Reconnect>,
    /// Attempts to come back that failed.
    #[serde(default)]
    setbacks: Vec<Setback>,
    #[serde(default)]
    generator: Generator,
    server: Option<Server>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
struct Tool {
    name: String,
    version: String,
    command: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Load {
    scenario: String,
    driver: String,
    /// `open` or `closed`.
    #[serde(rename = "loop")]
    pace: String,
    rate_per_second: Option<f64>,
    /// How the rate changes within the window, if it does.
    stages: Option<Vec<Stage>>,
    outstanding: Option<u32>,
    subscribers: u32,
    publishers: u32,
    topics: u32,
    /// Whether who publishes also receives, over one connection.
    duplex: bool,
    /// Whether the server is to leave a member's own messages out.
    no_local: bool,
    payload_bytes: usize,
    /// Whether messages are JSON, and whether the server was asked to compress them.
    json: bool,
    compress: bool,
    threads: u32,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
struct Judgement {
    valid: bool,
    invalid_because: Vec<String>,
    faults: Vec<String>,
    /// What `--fail-if` asked for, and what was seen.
    #[serde(default)]
    thresholds: Vec<Judged>,
    outcome: Outcome,
    exit_code: u8,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Window {
    seconds: f64,
    warm_up_seconds: f64,
    cut_short_because: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Connect {
    /// Those that came to stand, and those that were to.
    connections: u64,
    wanted: u64,
    seconds: f64,
    per_second: f64,
    /// With a ramp: as it was asked for.
    wanted_per_second: Option<f64>,
    /// From the time at which each was due to the time at which it stood.
    latency: Percentiles,
    generator_cpu_share: f64,
    generator_cpu_ns_per_connection: f64,
    server_cpu_share: Option<f64>,
    server_cpu_ns_per_connection: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Throughput {
    publishes: u64,
    deliveries: u64,
    publishes_per_second: f64,
    deliveries_per_second: f64,
    delivered_payload_bytes_per_second: f64,
    /// What each delivery was on the wire, with all that came beside it.
    wire_bytes_per_delivery: f64,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Latency {
    /// `intended send time` or `actual send time`.
    counted_from: String,
    #[serde(flatten)]
    figures: Percentiles,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Integrity {
    expected: u64,
    received: u64,
    reach: f64,
    lost: u64,
    undecided: u64,
    forgotten: u64,
    duplicated: u64,
    reordered: u64,
    corrupted: u64,
    misrouted: u64,
    foreign: u64,
    unasked: u64,
    unsent: u64,
    given_up: u64,
    /// Where the server answers each publication.
    acknowledged: Option<u64>,
    rejected: Option<u64>,
    /// Where the server says what a subscriber will not get.
    gaps: Option<u64>,
    gap_messages: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Departed {
    who: String,
    how: String,
    count: u64,
}

impl Report {
    /// Puts a run into words and figures. `command` is how it was started.
    pub fn new(plan: &Plan, evidence: &Evidence, command: Vec<String>) -> Report {
        let verdict = Verdict::of(plan, evidence);
        let outcome = verdict.outcome();
        let seconds = evidence.window_ns as f64 / 1e9;
        let came = evidence.turnover.clone().unwrap_or_default();
        Report {
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                command,
            },
            load: Load::of(plan),
            environment: None,
            verdict: Judgement {
                valid: verdict.invalid.is_empty(),
                invalid_because: verdict.invalid,
                faults: verdict.imperfect,
                thresholds: Vec::new(),
                outcome,
                exit_code: outcome as u8,
            },
            window: Window {
                seconds,
                warm_up_seconds: plan.times.warm_up.as_secs_f64(),
                cut_short_because: evidence.cut_short.clone(),
            },
            connect: Connect::of(plan, evidence),
            tls: Security::of(plan, evidence),
            throughput: Throughput::of(plan, evidence, seconds),
            latency: Latency {
                counted_from: match plan.pace {
                    Pace::Open { .. } => "intended send time",
                    Pace::Closed { .. } => "actual send time",
                    Pace::Idle => "nothing: nothing was sent",
                }
                .to_owned(),
                figures: Percentiles::of(&evidence.latency),
            },
            integrity: Integrity::of(plan, evidence),
            timeline: Timeline::of(plan, &evidence.timeline),
            departures: evidence.departures.iter().map(Departed::of).collect(),
            http_answers: evidence.http_answers.clone(),
            slow_readers: SlowReaders::of(plan, evidence),
            churn: Churn::of(
                plan.turnover.connections_per_second,
                came.connections.as_ref(),
                evidence,
            ),
            churn_subscriptions: Churn::of(
                plan.turnover.subscriptions_per_second,
                came.subscriptions.as_ref(),
                evidence,
            ),
            reconnect: Reconnect::of(plan, evidence),
            setbacks: Setback::all(&came.setbacks),
            generator: Generator::of(plan, evidence),
            server: evidence
                .server
                .as_ref()
                .map(|server| Server::of(server, evidence)),
        }
    }

    /// Says on what machine, and when, the run was made.
    pub fn made_on(self, environment: Environment) -> Report {
        Report {
            environment: Some(environment),
            ..self
        }
    }

    /// Judges the figures by the conditions of `--fail-if`. An invalid run stays invalid: its figures can break nothing.
    pub fn judged_by(mut self, conditions: &[Condition]) -> Report {
        let figures = Figures::of(&self);
        let judge = |condition: &Condition| condition.judge(&figures);
        self.verdict.thresholds = conditions.iter().map(judge).collect();
        let has_failed = self.verdict.thresholds.iter().any(|judged| judged.failed);
        if has_failed && self.verdict.valid {
            self.verdict.outcome = Outcome::Failed;
            self.verdict.exit_code = Outcome::Failed as u8;
        }
        self
    }

    /// Reads a report that some version of this program has written.
    pub fn from_json(text: &str) -> Result<Report, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether the figures describe the server.
    pub fn is_valid(&self) -> bool {
        self.verdict.valid
    }

    /// Why they do not.
    pub fn invalid_because(&self) -> &[String] {
        &self.verdict.invalid_because
    }

    /// How the process should exit.
    pub fn outcome(&self) -> Outcome {
        self.verdict.outcome
    }

    /// The report as one JSON object.
    pub fn to_json(&self) -> String {
        written(self)
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
                Pace::Idle if plan.connects_per_second.is_some() => "connect",
                Pace::Idle => "idle",
                _ if plan.layout.is_echo() => "echo",
                _ if plan.layout.is_duplex() => "rooms",
                Pace::Open { .. } | Pace::Closed { .. } => "fan-out",
            }
            .to_owned(),
            driver: plan.driver.to_owned(),
            pace: pace.to_owned(),
            rate_per_second,
            stages: (!plan.stages.is_empty()).then(|| plan.stages.iter().map(Stage::of).collect()),
            outstanding,
            subscribers: plan.layout.subscribers,
            publishers: plan.layout.publishers,
            topics: plan.layout.topics,
            duplex: plan.layout.is_duplex(),
            no_local: plan.layout.leaves_out_own(),
            payload_bytes: plan.payload_bytes,
            json: plan.filling == Filling::Json,
            compress: plan.handshake.compress,
            threads: plan.threads,
        }
    }
}

impl Connect {
    fn of(plan: &Plan, evidence: &Evidence) -> Connect {
        let connections = evidence.connections as f64;
        let per_connection = |cpu: CpuUse| ratio(cpu.total_ns as f64, connections);
        let part = |cpu: CpuUse| share(cpu.total_ns, evidence.connecting_ns);
        let own = evidence.own_connecting_cpu;
        let server = evidence.server.map(|server| server.connecting_cpu);
        Connect {
            connections: evidence.connections,
            wanted: evidence.connections_wanted,
            seconds: evidence.connecting_ns as f64 / 1e9,
            per_second: ratio(connections, evidence.connecting_ns as f64 / 1e9),
            wanted_per_second: plan.connects_per_second,
            latency: Percentiles::of(&evidence.connect_latency),
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
            wire_bytes_per_delivery: ratio(
                evidence.window.wire_bytes as f64,
                evidence.window.deliveries as f64,
            ),
        }
    }
}

impl Integrity {
    fn of(plan: &Plan, evidence: &Evidence) -> Integrity {
        let total = &evidence.total;
        let acknowledges = plan.dialect.acknowledges();
        let announces_gaps = plan.dialect.announces_gaps();
        Integrity {
            expected: evidence.expected,
            received: total.received(),
            reach: if evidence.expected == 0 {
                1.0
            } else {
                total.received() as f64 / evidence.expected as f64
            },
            lost: evidence.lost,
            undecided: evidence.undecided,
            forgotten: evidence.forgotten,
            duplicated: total.duplicated,
            reordered: total.reordered,
            corrupted: total.corrupted,
            misrouted: total.misrouted,
            foreign: total.foreign,
            unasked: total.unasked,
            unsent: total.unsent,
            given_up: total.given_up,
            acknowledged: acknowledges.then_some(total.acknowledged),
            rejected: acknowledges.then_some(total.rejected),
            gaps: announces_gaps.then_some(total.gaps),
            gap_messages: announces_gaps.then_some(total.gap_messages),
        }
    }
}

impl Departed {
    fn of(departure: &Departure) -> Departed {
        Departed {
            who: departure.who.noun().to_owned(),
            how: departure.how.clone(),
            count: departure.count,
        }
    }
}

/// 0 where there is nothing to divide by: JSON has no infinity.
fn ratio(value: f64, by: f64) -> f64 {
    if by > 0.0 { value / by } else { 0.0 }
}

#[cfg(test)]
mod tests;
