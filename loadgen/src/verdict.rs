//! Whether a run's figures may be believed, and whether the server delivered everything.
//!
//! The two are different questions: a run in which messages were lost is a valid measurement of a server that loses messages; a
//! run whose generator was the bottleneck is a measurement of the generator.

use std::time::Duration;

use crate::evidence::Evidence;
use crate::failure::{Failure, Outcome};
use crate::http_answers::HttpAnswers;
use crate::plan::{Pace, Plan};
use crate::quantity;

/// A thread that was on the CPU, or ready to be, for more of the window than this had no time to spare.
pub const SATURATED_SHARE: f64 = 0.95;

/// A server that was on the CPU for less than this was not what limited a closed loop.
pub const SERVER_BUSY_SHARE: f64 = 0.90;

/// Fewer messages than this make no percentile.
const LATENESS_SAMPLES_MIN: u64 = 1;

/// The judgement on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why the figures say nothing about the server. Empty: they stand.
    pub invalid: Vec<String>,
    /// What the server failed to deliver. Empty: everything arrived once and in order.
    pub imperfect: Vec<String>,
    outcome: Outcome,
}

impl Verdict {
    /// Judges a run.
    pub fn of(plan: &Plan, evidence: &Evidence) -> Verdict {
        let (invalid, imperfect) = (doubts(plan, evidence), faults(evidence));
        let outcome = match (&evidence.failure, invalid.is_empty(), imperfect.is_empty()) {
            (Some(failure), ..) => failure.outcome(),
            (None, false, _) => Outcome::Invalid,
            (None, true, false) => Outcome::Imperfect,
            (None, true, true) => Outcome::Fine,
        };
        Verdict {
            invalid,
            imperfect,
            outcome,
        }
    }

    /// The exit code: what could not be made says why, an invalid run is invalid whatever else was found.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

fn doubts(plan: &Plan, evidence: &Evidence) -> Vec<String> {
    let failure = evidence.failure.iter();
    let mut doubts: Vec<String> = failure.map(Failure::in_one_line).collect();
    if evidence.window_ns == 0 && doubts.is_empty() {
        doubts.push(match &evidence.cut_short {
            Some(reason) => format!("it ended before the measured window: {reason}"),
            None => "it ended before the measured window".to_owned(),
        });
    }
    if evidence.window_ns == 0 {
        return doubts;
    }
    if plan.pace != Pace::Idle && evidence.window.published == 0 && evidence.latency.count() == 0 {
        doubts.push("nothing was published in the measured window: give a longer --duration or a higher rate".to_owned());
    }
    doubts.extend(lateness_doubt(plan, evidence));
    doubts.extend(saturation_doubt(plan, evidence));
    doubts
}

fn lateness_doubt(plan: &Plan, evidence: &Evidence) -> Option<String> {
    if !matches!(plan.pace, Pace::Open { .. }) || evidence.lateness.count() < LATENESS_SAMPLES_MIN {
        return None;
    }
    let late = Duration::from_nanos(evidence.lateness.percentile_ns(99.0));
    (late > plan.times.late_max).then(|| {
        format!(
            "the generator was late: 1 % of the messages left it {} or more after their time (--late-max is {}); \
             give it a CPU of its own (--pin), more --threads, or a lower --rate",
            quantity::nanoseconds(late.as_nanos() as u64),
            quantity::nanoseconds(plan.times.late_max.as_nanos() as u64),
        )
    })
}

fn saturation_doubt(plan: &Plan, evidence: &Evidence) -> Option<String> {
    let own_share = own_busiest_share(evidence);
    if own_share < SATURATED_SHARE {
        return None;
    }
    let own = format!(
        "the generator was saturated: its busiest thread was on the CPU, or waited for one, for {:.0} % of the window",
        own_share * 100.0
    );
    if matches!(plan.pace, Pace::Open { .. } | Pace::Idle) {
        return Some(format!("{own}; use more --threads or a lower --rate"));
    }
    // A closed loop drives both ends as far as they go. That is a measurement of the server only if the server was at its end.
    match &evidence.server {
        None => Some(format!(
            "{own}, and whether the server was as well is unknown: give --server-pid, or more --threads"
        )),
        Some(server) => {
            let server_share = share(server.cpu.busiest_thread_ns, evidence.window_ns);
            (server_share < SERVER_BUSY_SHARE).then(|| {
                format!("{own}, the server's only for {:.0} %: the client was measured; use more --threads", server_share * 100.0)
            })
        }
    }
}

fn faults(evidence: &Evidence) -> Vec<String> {
    let total = &evidence.total;
    let departed: u64 = evidence
        .departures
        .iter()
        .map(|departure| departure.count)
        .sum();
    [
        (evidence.lost, "lost"),
        (
            evidence.undecided,
            "undecided: still missing when waiting for them ended, which it does after 12 times --patience, or by an interrupt",
        ),
        (
            evidence.forgotten,
            "missing in gaps too many to remember: one that came late counts as lost and as duplicated, instead of reordered",
        ),
        (total.duplicated, "duplicated"),
        (total.reordered, "reordered"),
        (total.corrupted, "corrupted"),
        (total.misrouted, "delivered to another topic"),
        (
            total.unsent,
            "never sent: the server took no more, or had closed the connection",
        ),
        (departed, "connections ended early"),
        (
            evidence
                .http_answers
                .as_ref()
                .map_or(0, HttpAnswers::failed),
            "publishes over HTTP that the server refused or did not answer",
        ),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", quantity::grouped(count)))
    .collect()
}

/// The part of the window that the generator's busiest thread had something to do, whether or not there was a CPU for it.
/// Polling in vain is nothing.
pub fn own_busiest_share(evidence: &Evidence) -> f64 {
    let busy_ns = match evidence.spun_ns {
        None => evidence.own_cpu.wanted_thread_ns,
        Some(spun_ns) => evidence.window_ns.saturating_sub(spun_ns),
    };
    share(busy_ns, evidence.window_ns)
}

/// The part of the window that a thread was on a CPU.
pub fn share(used_ns: u64, window_ns: u64) -> f64 {
    used_ns as f64 / window_ns.max(1) as f64
}
