//! What a sweep looks for, and where.

use clap::Args;

use crate::sweep::search::Search;
use crate::threshold::Condition;

/// The search.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sweep")]
pub struct Sweep {
    /// What must hold: 'p99<5ms', 'max<50ms'
    ///
    /// May be repeated; `ringwire-load figures` lists the names. Every delivery must arrive as well (reach>=1), and nothing may be left
    /// unsent, unless a limit says otherwise
    #[arg(long, value_name = "CONDITION", default_value = "p99<5ms", value_parser = Condition::parse)]
    pub limit: Vec<Condition>,

    /// Publishes per second of the first run [default: --rate]
    ///
    /// It doubles as long as the limits hold
    #[arg(long, value_name = "PER_SECOND")]
    pub from: Option<f64>,

    /// The highest rate that is tried
    #[arg(long, value_name = "PER_SECOND", default_value_t = 1_000_000.0)]
    pub to: f64,

    /// Ends when what held and what did not are as close as this
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = parse_percent)]
    pub precision: f64,

    /// Runs that a rate has at most, if it fails
    ///
    /// What fails is tried again, and counts as broken when no run of it held: a machine is not always quiet
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub runs: u32,
}

impl Sweep {
    /// The search from `rate` on, if `--from` says nothing else.
    pub(crate) fn search(&self, rate: f64) -> Result<Search, String> {
        let from = self.from.unwrap_or(rate);
        if !(from > 0.0 && from <= self.to && self.to <= 1e8) {
            return Err(format!(
                "a sweep from {from} to {} publishes/s: give more than 0, and a --to that is no less (at most 100 million)",
                self.to
            ));
        }
        if !(1..=100).contains(&self.runs) {
            return Err(format!("--runs {}: give 1 to 100", self.runs));
        }
        Ok(Search::new(from, self.to, self.precision, self.runs))
    }
}

/// Reads `5%`. Rates have three digits, so that less than 1 % cannot be told apart.
fn parse_percent(text: &str) -> Result<f64, String> {
    text.strip_suffix('%')
        .and_then(|percent| percent.parse::<f64>().ok())
        .filter(|percent| (1.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "give a percentage from 1% to 100%".to_owned())
}
