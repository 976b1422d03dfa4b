//! The timeline as it stands in the JSON report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ratio;
use crate::plan::Plan;
use crate::stages::Curve;
use crate::timeline::{self, HEAT_STEPS, Spread};

/// What happened when.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub struct Timeline {
    /// The length of each interval but the last.
    pub interval_seconds: f64,
    /// From the first publish to the end of draining.
    pub seconds: f64,
    /// The measured window.
    pub measured_from_seconds: f64,
    /// Its end.
    pub measured_until_seconds: f64,
    /// One behind the other.
    pub intervals: Vec<Interval>,
}

/// One interval.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub struct Interval {
    /// When it begins, counted from the first publish.
    pub at_seconds: f64,
    /// Open loop: publishes per second that the timetable asks for, up to the end of the window.
    pub offered_per_second: Option<f64>,
    /// Messages published in it.
    pub publishes: u64,
    /// Deliveries that arrived in it.
    pub deliveries: u64,
    /// Deliveries that messages sent in it should have.
    pub expected: u64,
    /// Those of them that arrived, whenever they did.
    pub received: u64,
    /// Connections that stood at its end.
    pub connections: u64,
    /// Messages never sent, duplicated, reordered, corrupted and misrouted in it.
    pub errors: u64,
    /// Messages that left the generator later than `--late-max` after their time.
    pub late: u64,
    /// Of what arrived in it.
    pub latency: Latency,
    /// The whole distribution: the floor of each step in nanoseconds, and how many values lie in it.
    pub heat: Vec<(u64, u64)>,
}

/// An interval's latency; percentiles to 1.1 %, the maximum exact.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub struct Latency {
    /// How many deliveries.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ns: u64,
    /// 99 % of them took no longer.
    pub p99_ns: u64,
    /// None took longer.
    pub max_ns: u64,
}

impl Timeline {
    pub(super) fn of(plan: &Plan, timeline: &timeline::Timeline) -> Timeline {
        let curve = plan.curve();
        let seconds = |ns: u64| ns as f64 / 1e9;
        Timeline {
            interval_seconds: seconds(timeline.interval_ns),
            seconds: seconds(timeline.length_ns),
            measured_from_seconds: seconds(timeline.measured_ns.start),
            measured_until_seconds: seconds(timeline.measured_ns.end),
            intervals: (0..)
                .zip(&timeline.intervals)
                .map(|(index, interval)| {
                    let from_ns = index * timeline.interval_ns;
                    let until_ns = (from_ns + timeline.interval_ns).min(timeline.length_ns);
                    let messages = |curve: &Curve, ns: u64| {
                        curve.messages_until(ns.min(timeline.measured_ns.end))
                    };
                    let offered = curve
                        .as_ref()
                        .map(|curve| messages(curve, until_ns) - messages(curve, from_ns));
                    Interval {
                        offered_per_second: offered
                            .map(|offered| ratio(offered, seconds(until_ns - from_ns)))
                            .map(|offered| (offered * 1e6).round() / 1e6),
                        ..Interval::of(seconds(from_ns), interval)
                    }
                })
                .collect(),
        }
    }

    /// From the first publish to the end of draining. 0 if there is nothing.
    pub(super) fn length_seconds(&self) -> f64 {
        let last = self.intervals.last();
        let end = last.map_or(0.0, |last| last.at_seconds + self.interval_seconds);
        if self.seconds > 0.0 {
            self.seconds
        } else {
            end
        }
    }

    /// Each interval with the seconds at which it begins and ends.
    pub(super) fn spans(&self) -> impl Iterator<Item = (f64, f64, &Interval)> + Clone {
        let begins = self.intervals.iter().map(|interval| interval.at_seconds);
        let ends = begins.clone().skip(1).chain([self.length_seconds()]);
        let spans = begins.zip(ends).zip(&self.intervals);
        spans.map(|((from, until), interval)| (from, until.max(from), interval))
    }
}

impl Interval {
    fn of(at_seconds: f64, interval: &timeline::Interval) -> Interval {
        Interval {
            at_seconds,
            offered_per_second: None,
            publishes: interval.counts.published,
            deliveries: interval.counts.deliveries,
            expected: interval.sent_expected,
            received: interval.sent_received,
            connections: interval.connections,
            errors: interval.errors(),
            late: interval.late,
            latency: Latency::of(&interval.latency),
            heat: heat(&interval.latency),
        }
    }
}

impl Latency {
    fn of(spread: &Spread) -> Latency {
        Latency {
            count: spread.count(),
            p50_ns: spread.percentile_ns(50.0),
            p99_ns: spread.percentile_ns(99.0),
            max_ns: spread.max_ns(),
        }
    }
}

fn heat(spread: &Spread) -> Vec<(u64, u64)> {
    let floor_ns = |step: u32| (f64::from(step) / f64::from(HEAT_STEPS)).exp2().round() as u64;
    spread
        .heat()
        .into_iter()
        .map(|(step, count)| (floor_ns(step), count))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;
    use crate::tally::{Counts, Distribution};

    #[test]
    fn an_interval_has_its_time_its_counts_and_its_latencies() {
        let plan =
            Arguments::try_parse_from(["ringwire-load", "--rate", "40", "--warm-up", "20ms"])
                .expect("a sensible line")
                .plan()
                .expect("a sensible plan");
        let mut distribution = Distribution::default();
        distribution.record(1_000_000, 3);
        let mut timeline = timeline::Timeline::new(100_000_000);
        timeline.length_ns = 150_000_000;
        timeline.measured_ns = 20_000_000..120_000_000;
        timeline.intervals = vec![
            timeline::Interval::default(),
            timeline::Interval {
                counts: Counts {
                    published: 2,
                    deliveries: 3,
                    corrupted: 1,
                    ..Counts::default()
                },
                sent_expected: 6,
                sent_received: 5,
                latency: Spread::of(&distribution),
                late: 1,
                connections: 4,
            },
        ];
        let json = serde_json::to_value(Timeline::of(&plan, &timeline)).expect("plain fields");
        assert_eq!(
            json["intervals"][1],
            serde_json::json!({
                "at_seconds": 0.1, "offered_per_second": 16.0, "publishes": 2, "deliveries": 3, "expected": 6, "received": 5, "connections": 4, "errors": 1,
                "late": 1, "latency": { "count": 3, "p50_ns": 993_303, "p99_ns": 993_303, "max_ns": 1_000_000 },
                "heat": [[881_744, 3]],
            })
        );
        assert_eq!(
            (&json["seconds"], &json["measured_until_seconds"]),
            (&0.15.into(), &0.12.into())
        );
    }
}
