//! Who comes when, and who leaves and comes back.

use std::time::Duration;

use clap::Args;

use crate::dialect::Dialect;
use crate::plan::{Layout, Pace};
use crate::quantity::parse_duration;
use crate::turnover::{Cut, Turnover};

/// Connections, or changes, in a second: beyond this the generator's own processor is the limit.
const PER_SECOND_MAX: f64 = 1e6;

/// Coming and going.
#[derive(Debug, Args)]
#[command(next_help_heading = "Coming and going")]
pub struct Coming {
    /// A ramp: so many connect each second [default: as fast as --connecting allows]
    ///
    /// Connection k is due at start + k / R, and its latency counts from then. Holds for those of --reconnect as well
    #[arg(long, value_name = "PER_SECOND")]
    pub connect_rate: Option<f64>,

    /// Subscribers who leave each second, and others who come in their places
    ///
    /// In the measured window. What a newcomer should hear counts from its first message on
    #[arg(long, value_name = "PER_SECOND")]
    pub churn: Option<f64>,

    /// Subscriptions that end each second and begin again, connections staying
    #[arg(long, value_name = "PER_SECOND")]
    pub churn_subscriptions: Option<f64>,

    /// Cuts a share of the subscribers off, to come back at once: `50%@5s`
    ///
    /// At that time in the measured window, as a lost network does. With a driver that resumes they name their positions, and every
    /// message must still arrive once
    #[arg(long, value_name = "SHARE@TIME", value_parser = parse_cut)]
    pub reconnect: Option<Cut>,
}

impl Coming {
    /// Refuses rates that are none.
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, rate) in [
            ("connect-rate", self.connect_rate),
            ("churn", self.churn),
            ("churn-subscriptions", self.churn_subscriptions),
        ] {
            if rate.is_some_and(|rate| !(rate > 0.0 && rate <= PER_SECOND_MAX)) {
                return Err(format!(
                    "--{name} {}: give more than 0, at most a million",
                    rate.unwrap_or_default()
                ));
            }
        }
        Ok(())
    }

    /// Who leaves and comes back.
    pub(super) fn turnover(
        &self,
        layout: &Layout,
        pace: Pace,
        measure: Duration,
        dialect: &dyn Dialect,
    ) -> Result<Turnover, String> {
        let turnover = Turnover {
            connections_per_second: self.churn,
            subscriptions_per_second: self.churn_subscriptions,
            cut: self.reconnect,
        };
        if turnover.is_none() {
            return Ok(turnover);
        }
        if matches!(pace, Pace::Closed { .. }) {
            return Err("a closed loop waits for every subscriber, so none may be away: with --churn, --churn-subscriptions and \
                        --reconnect use --rate"
                .into());
        }
        if layout.is_duplex() {
            return Err("with --echo and --rooms whoever is away does not publish either: use --churn, --churn-subscriptions and \
                        --reconnect with --subscribers and --publishers"
                .into());
        }
        if turnover.subscriptions_per_second.is_some() && dialect.resubscription("").is_empty() {
            return Err(
                "--churn-subscriptions: with this driver a connection is its subscription; use --churn, or a driver that has words \
                 for it (ringwire-json, nats, mqtt)"
                    .into(),
            );
        }
        if self.reconnect.is_some_and(|cut| cut.after >= measure) {
            return Err(
                "--reconnect: the cut is to come before the measured window is over; give a longer --duration"
                    .into(),
            );
        }
        Ok(turnover)
    }
}

/// Reads `50%@5s`.
fn parse_cut(text: &str) -> Result<Cut, String> {
    let (share, after) = text
        .split_once('@')
        .ok_or("give a share and a time in the window, as in 50%@5s")?;
    let share = share
        .strip_suffix('%')
        .and_then(|percent| percent.parse::<f64>().ok())
        .map(|percent| percent / 100.0)
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or("the share is a number up to 100 with a %, as in 50%@5s")?;
    Ok(Cut {
        share,
        after: parse_duration(after)?,
    })
}
