//! What is said about subscribers that left and came back while others published.

use std::fmt::{self, Formatter};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::LABEL_WIDTH;
use super::{Percentiles, ratio};
use crate::evidence::Evidence;
use crate::plan::Plan;
use crate::quantity::{count, grouped, nanoseconds};
use crate::turnover::{Churned, Setbacks};

/// Connections or subscriptions that were ended one after another, and those that took their places.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Churn {
    /// As it was asked for, and as it came to be.
    wanted_per_second: f64,
    ended_per_second: f64,
    ended: u64,
    stood: u64,
    /// From the time at which each was due to the time at which it stood.
    latency: Percentiles,
    /// From then to its first message.
    first_delivery: Percentiles,
    /// Newcomers that never heard a message.
    unheard: u64,
}

/// Connections that were cut all at once, and came back.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Reconnect {
    share: f64,
    at_seconds: f64,
    cut: u64,
    stood: u64,
    /// From the cut to the last one; `null` if not all of them stood again.
    seconds_until_all_stood: Option<f64>,
    /// From the time at which each was due to the time at which it stood.
    latency: Percentiles,
    /// Whether the driver can name a position.
    resumes: bool,
    /// How many named one.
    resumed: u64,
    recovered: u64,
    position_lost: u64,
    /// Sent before their subscriber stood again, and arrived after it.
    messages_recovered: u64,
}

/// Attempts to come back that failed in the same way.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Setback {
    how: String,
    count: u64,
}

impl Churn {
    pub(super) fn of(
        wanted_per_second: Option<f64>,
        churned: Option<&Churned>,
        evidence: &Evidence,
    ) -> Option<Churn> {
        let churned = churned?;
        Some(Churn {
            wanted_per_second: wanted_per_second?,
            ended_per_second: ratio(churned.ended as f64, evidence.window_ns as f64 / 1e9),
            ended: churned.ended,
            stood: churned.stood,
            latency: Percentiles::of(&churned.until_standing),
            first_delivery: Percentiles::of(&churned.until_delivery),
            unheard: churned.unheard,
        })
    }

    /// `what` is replaced: connections or subscriptions.
    pub(super) fn write(
        &self,
        formatter: &mut Formatter<'_>,
        what: &str,
        verb: &str,
    ) -> fmt::Result {
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{:>11}/s   {} {what} {verb}, {} stood again",
            "churn",
            count(self.ended_per_second),
            grouped(self.ended),
            grouped(self.stood)
        )?;
        row(formatter, "  standing", &self.latency, "from leaving")?;
        row(
            formatter,
            "  first heard",
            &self.first_delivery,
            "from standing",
        )?;
        if self.unheard > 0 {
            let unheard = grouped(self.unheard);
            writeln!(
                formatter,
                "{:<LABEL_WIDTH$}{unheard:>11} newcomers never heard a message",
                ""
            )?;
        }
        Ok(())
    }
}

impl Reconnect {
    pub(super) fn of(plan: &Plan, evidence: &Evidence) -> Option<Reconnect> {
        let cut = plan.turnover.cut?;
        let found = evidence.turnover.as_ref()?.reconnect.as_ref()?;
        Some(Reconnect {
            share: cut.share,
            at_seconds: cut.after.as_secs_f64(),
            cut: found.cut,
            stood: found.stood,
            seconds_until_all_stood: (found.stood == found.cut)
                .then_some(found.until_all_stood_ns as f64 / 1e9),
            latency: Percentiles::of(&found.until_standing),
            resumes: plan.dialect.resumes(),
            resumed: found.resumed,
            recovered: found.recovered,
            position_lost: found.position_lost,
            messages_recovered: found.messages_recovered,
        })
    }

    pub(super) fn write(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let stood = match self.seconds_until_all_stood {
            Some(seconds) => format!(
                "all stood again after {}",
                nanoseconds((seconds * 1e9) as u64)
            ),
            None => format!("only {} stood again", grouped(self.stood)),
        };
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{:>11} cut off at {:.2} s of the window, {stood}",
            "reconnect",
            grouped(self.cut),
            self.at_seconds
        )?;
        row(formatter, "  standing", &self.latency, "from the cut")?;
        if !self.resumes {
            return writeln!(
                formatter,
                "{:<LABEL_WIDTH$}nothing was resumed, for this driver cannot: what was published meanwhile is lost",
                ""
            );
        }
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{:>11} named their position: {} recovered, {} were told that it is lost; {} messages recovered",
            "",
            grouped(self.resumed),
            grouped(self.recovered),
            grouped(self.position_lost),
            grouped(self.messages_recovered)
        )
    }
}

impl Setback {
    pub(super) fn all(setbacks: &Setbacks) -> Vec<Setback> {
        let ways = setbacks.0.iter();
        ways.map(|(how, &count)| Setback {
            how: how.clone(),
            count,
        })
        .collect()
    }

    pub(super) fn write(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let count = grouped(self.count);
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{count:>11} attempts failed and were followed by others: {}",
            "", self.how
        )
    }
}

/// One distribution in one line.
pub(super) fn row(
    formatter: &mut Formatter<'_>,
    label: &str,
    figures: &Percentiles,
    counted_from: &str,
) -> fmt::Result {
    if figures.count == 0 {
        return Ok(());
    }
    writeln!(
        formatter,
        "{label:<LABEL_WIDTH$}{:>11} p50, {} p99, {} max, {counted_from}",
        nanoseconds(figures.p50_ns),
        nanoseconds(figures.p99_ns),
        nanoseconds(figures.max_ns)
    )
}
