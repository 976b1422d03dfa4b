//! A distribution in a few figures, and as a curve that can be drawn.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tally::Distribution;

/// A distribution's figures.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Percentiles {
    pub(super) count: u64,
    pub(super) min_ns: u64,
    pub(super) mean_ns: f64,
    pub(super) p50_ns: u64,
    pub(super) p75_ns: u64,
    pub(super) p90_ns: u64,
    pub(super) p99_ns: u64,
    pub(super) p99_9_ns: u64,
    pub(super) p99_99_ns: u64,
    pub(super) max_ns: u64,
    /// Quantile and nanoseconds, for a plot whose axis is 1/(1-quantile). Ends with 1 and the largest value.
    pub(super) curve: Vec<(f64, u64)>,
}

impl Percentiles {
    pub(super) fn of(distribution: &Distribution) -> Percentiles {
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
            curve: distribution.curve(),
        }
    }
}
