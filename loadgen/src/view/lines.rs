//! A line now and then, for logs.

use std::io::Write;
use std::time::Duration;

use super::recent::Recent;
use crate::observer::{Moment, Observer, Phase};
use crate::plan::Plan;
use crate::quantity::{count, grouped, nanoseconds};
use crate::timeline::Complete;

/// How many intervals a line is about at least.
const INTERVALS: u32 = 5;

/// How long what a line is about takes at least.
const LINE_MIN: Duration = Duration::from_secs(1);

/// Writes lines to `W`.
#[derive(Debug)]
pub(super) struct Lines<W> {
    out: W,
    connections: u64,
    line_ns: u64,
    recent: Recent,
    /// When the last line ended.
    told_ns: u64,
    phase: Option<Phase>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(plan: &Plan, out: W) -> Lines<W> {
        let line = (plan.interval * INTERVALS).max(LINE_MIN);
        Lines {
            out,
            connections: plan.layout.connections(),
            line_ns: line.as_nanos() as u64,
            recent: Recent::new(line),
            told_ns: 0,
            phase: None,
        }
    }

    /// Nobody may be listening any more: that is no reason to end a measurement.
    fn tell(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }
}

impl<W: Write + Send + Sync> Observer for Lines<W> {
    fn interval(&mut self, complete: &Complete) {
        self.recent.push(complete);
        if complete.time_ns.end < self.told_ns + self.line_ns {
            return;
        }
        self.told_ns = complete.time_ns.end;
        let figures = self.recent.figures();
        let interval = &figures.interval;
        let latency = &interval.latency;
        let late = match interval.late {
            0 => String::new(),
            late => format!("  GENERATOR LATE: {} messages", grouped(late)),
        };
        let times = match latency.count() {
            0 => String::new(),
            _ => format!(
                "  p50 {:>9}  p99 {:>9}  max {:>9}",
                nanoseconds(latency.percentile_ns(50.0)),
                nanoseconds(latency.percentile_ns(99.0)),
                nanoseconds(latency.max_ns()),
            ),
        };
        let line = format!(
            "{:>7.1} s {:>9} connections {:>9} publishes/s {:>9} deliveries/s{times}  {} errors{late}",
            complete.time_ns.end as f64 / 1e9,
            grouped(interval.connections),
            count(figures.publishes_per_second.round()),
            count(figures.deliveries_per_second.round()),
            grouped(interval.errors()),
        );
        self.tell(&line);
    }

    fn look(&mut self, moment: &Moment<'_>) {
        if self.phase.is_some_and(|phase| phase >= moment.phase) {
            return;
        }
        self.phase = Some(moment.phase);
        let line = match moment.phase {
            Phase::Connect => format!("connecting {}", grouped(self.connections)),
            Phase::WarmUp => "connected, warming up".to_owned(),
            Phase::Measure => "measuring".to_owned(),
            Phase::Drain => "measured, waiting for what is on its way".to_owned(),
            Phase::Close => return,
        };
        self.tell(&line);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;
    use crate::tally::{Counts, Distribution};
    use crate::timeline::{Interval, Spread, Timeline};

    #[test]
    fn a_line_comes_each_second_and_at_each_phase() {
        let plan = Arguments::try_parse_from(["ringwire-load", "--interval", "100ms"])
            .expect("a sensible line")
            .plan()
            .expect("a sensible plan");
        let mut text = Vec::new();
        let mut lines = Lines::new(&plan, &mut text);
        let timeline = Timeline::new(100);
        for phase in [Phase::Connect, Phase::Connect, Phase::WarmUp] {
            lines.look(&Moment {
                phase,
                since_first_publish: Duration::ZERO,
                standing: 0,
                timeline: &timeline,
            });
        }
        let mut distribution = Distribution::default();
        distribution.record(50_000, 10);
        for at in 0..25 {
            lines.interval(&Complete {
                time_ns: at * 100_000_000..(at + 1) * 100_000_000,
                interval: Interval {
                    counts: Counts {
                        published: 10,
                        deliveries: 1_000,
                        ..Counts::default()
                    },
                    latency: Spread::of(&distribution),
                    late: u64::from(at == 15),
                    connections: 101,
                    ..Interval::default()
                },
                ..Complete::default()
            });
        }
        let text = String::from_utf8(text).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["connecting 101", "connected, warming up"]);
        assert_eq!(
            lines[2],
            "    1.0 s       101 connections       100 publishes/s   10.00 k deliveries/s  p50  49.99 us  p99  49.99 us  max  50.00 us  0 errors"
        );
        assert!(
            lines[3].ends_with("0 errors  GENERATOR LATE: 1 messages"),
            "{text}"
        );
        assert_eq!(lines.len(), 4);
    }
}
