//! A picture of a running measurement that stays in its place on a terminal, and leaves nothing behind.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::recent::{Figures, Recent, chart, settled_reach};
use super::usage::Usage;
use crate::observer::{Moment, Observer, Phase};
use crate::plan::{Pace, Plan};
use crate::quantity::{bytes, count, grouped, nanoseconds, share};
use crate::timeline::Complete;
use crate::verdict::{SATURATED_SHARE, SERVER_BUSY_SHARE};

/// Where values start.
const LABEL_WIDTH: usize = 14;

const CHART_WIDTH: usize = 40;

/// The bar's length in its own unit.
const BAR_LENGTH: u64 = 1_000;

/// What a share of its messages may be late before that is said: as in the verdict.
const LATE_SHARE: f64 = 0.01;

/// Draws it.
pub(super) struct Screen<'p> {
    plan: &'p Plan,
    bar: ProgressBar,
    recent: Recent,
    own: Option<Usage>,
    server: Option<Usage>,
}

impl<'p> Screen<'p> {
    pub(super) fn new(plan: &'p Plan) -> Screen<'p> {
        let bar = ProgressBar::with_draw_target(Some(BAR_LENGTH), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix:<13.bold} {bar:40.green/dim} {msg}")
            .expect("a constant that is understood");
        bar.set_style(style.progress_chars("━━─"));
        Screen {
            plan,
            bar,
            recent: Recent::new(Duration::from_secs(1)),
            own: Usage::of(std::process::id()),
            server: plan.server_pid.and_then(Usage::of),
        }
    }

    /// What goes on, how much of it is done, and what is left.
    fn progress(&self, moment: &Moment<'_>) -> (&'static str, f64, String) {
        let times = &self.plan.times;
        let timed = |name, since: Duration, whole: Duration| {
            let left = whole.saturating_sub(since);
            let part = since.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE);
            (
                name,
                part,
                format!("{:.0} s left", left.as_secs_f64().ceil()),
            )
        };
        let since = moment.since_first_publish;
        match moment.phase {
            Phase::Connect => {
                let wanted = self.plan.layout.connections();
                let part = moment.standing as f64 / wanted.max(1) as f64;
                ("connecting", part, format!("{} wanted", grouped(wanted)))
            }
            Phase::WarmUp => timed("warming up", since, times.warm_up),
            Phase::Measure => {
                let since = since.saturating_sub(times.warm_up);
                let name = match self.plan.pace {
                    Pace::Idle => "holding",
                    Pace::Open { .. } | Pace::Closed { .. } => "measuring",
                };
                timed(name, since, times.measure)
            }
            Phase::Drain | Phase::Close => {
                let patience = times.patience.as_secs_f64();
                let text = format!("what is on its way, at most {patience:.0} s");
                ("waiting for", 1.0, text)
            }
        }
    }

    fn panel(&self, moment: &Moment<'_>) -> Vec<String> {
        let row = |label: &str, text: String| format!("{label:<LABEL_WIDTH$}{text}");
        let mut rows = vec![row("connections", grouped(moment.standing))];
        let figures = self.recent.figures();
        if !figures.time_ns.is_empty() && self.plan.pace != Pace::Idle {
            rows.extend(
                self.traffic(moment, &figures)
                    .map(|(label, text)| row(label, text)),
            );
        }
        for (label, usage) in [("server", &self.server), ("generator", &self.own)] {
            if let Some(usage) = usage {
                rows.push(row(label, describe(usage)));
            }
        }
        let warnings = self.warnings(&figures).into_iter().flatten();
        rows.extend(warnings.map(|warning| {
            console::style(format!("WARNING: {warning}"))
                .red()
                .bold()
                .for_stderr()
                .to_string()
        }));
        rows
    }

    fn traffic(&self, moment: &Moment<'_>, figures: &Figures) -> [(&'static str, String); 5] {
        let rate = |per_second: f64| format!("{:>9}/s", count(per_second.round()));
        let intervals = moment.timeline.intervals.iter();
        let latency = &figures.interval.latency;
        let reach = settled_reach(moment.timeline).map_or("-".to_owned(), |reach| share(reach, 4));
        let deliveries = intervals.clone().map(|interval| interval.counts.deliveries);
        let p99 = intervals
            .clone()
            .map(|interval| interval.latency.percentile_ns(99.0));
        let errors: u64 = intervals.map(|interval| interval.errors()).sum();
        [
            ("publishes", rate(figures.publishes_per_second)),
            (
                "deliveries",
                format!(
                    "{}  {}",
                    rate(figures.deliveries_per_second),
                    chart(deliveries, CHART_WIDTH)
                ),
            ),
            (
                "latency",
                format!(
                    "p50 {:<11} p99 {:<11} max {}",
                    nanoseconds(latency.percentile_ns(50.0)),
                    nanoseconds(latency.percentile_ns(99.0)),
                    nanoseconds(latency.max_ns())
                ),
            ),
            ("", format!("        p99  {}", chart(p99, CHART_WIDTH))),
            ("reach", format!("{reach:<11} errors {}", grouped(errors))),
        ]
    }

    fn warnings(&self, figures: &Figures) -> [Option<String>; 2] {
        let interval = &figures.interval;
        let late_share = interval.late as f64 / interval.counts.published.max(1) as f64;
        let late = (late_share > LATE_SHARE).then(|| {
            format!(
                "the generator is late: {} of {} messages left it {} or more after their time",
                grouped(interval.late),
                grouped(interval.counts.published),
                nanoseconds(self.plan.times.late_max.as_nanos() as u64)
            )
        });
        let busiest = |usage: &Option<Usage>| usage.as_ref().and_then(|usage| usage.busiest_share);
        let own_share = busiest(&self.own).unwrap_or(0.0);
        let is_server_at_its_end = matches!(self.plan.pace, Pace::Closed { .. })
            && busiest(&self.server).is_some_and(|share| share >= SERVER_BUSY_SHARE);
        // A generator that polls is always on its CPU; the report says whether it had anything to do.
        let is_saturated =
            own_share >= SATURATED_SHARE && !self.plan.spins && !is_server_at_its_end;
        let saturated = is_saturated.then(|| {
            format!(
                "the generator is saturated: its busiest thread is on the CPU for {:.0} %",
                own_share * 100.0
            )
        });
        [late, saturated]
    }
}

fn describe(usage: &Usage) -> String {
    let memory = bytes(usage.resident_bytes);
    match (usage.cpu_share, usage.busiest_share) {
        (Some(share), Some(busiest)) => format!(
            "{:.1} % of a CPU, busiest thread {:.1} %, {memory}",
            share * 100.0,
            busiest * 100.0
        ),
        _ => memory,
    }
}

impl Observer for Screen<'_> {
    fn interval(&mut self, complete: &Complete) {
        self.recent.push(complete);
    }

    fn look(&mut self, moment: &Moment<'_>) {
        let usages = self.own.iter_mut().chain(&mut self.server);
        usages.for_each(Usage::look);
        let (name, part, left) = self.progress(moment);
        let panel = self.panel(moment).join("\n");
        self.bar.set_prefix(name);
        self.bar
            .set_position((part.min(1.0) * BAR_LENGTH as f64) as u64);
        self.bar.set_message(format!("{left}\n{panel}"));
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
