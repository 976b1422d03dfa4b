//! What is reported, and where.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::plan::Times;
use crate::quantity::parse_duration;
use crate::threshold::Condition;
use crate::view::Progress;

/// Shorter intervals would hold too little, and closing them would be seen in the figures.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// What an interval is without `--interval`: the shortest of these that makes at most so many, or the longest.
const INTERVALS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
];
const INTERVALS_WANTED_MAX: u32 = 125;

/// The report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct Output {
    /// The server's process: reports its CPU time and its memory too
    ///
    /// CPU time per delivery moves least between runs, and says most about what a server can do
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,

    /// The report as JSON, into FILE or on the standard output
    ///
    /// With a file the text appears as well
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,

    /// The report as one HTML file with its drawings
    ///
    /// Latency by percentile and over time, throughput, reach. It needs no network and carries the JSON report inside
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Exit code 5 if this is true of the report: 'p99>5ms', 'reach<1'
    ///
    /// A figure, a comparison and a value with its unit. `ringwire-load figures` lists the figures; any path of the JSON report is
    /// one: 'server.cpu_ns_per_delivery>100'. May be repeated
    #[arg(long, value_name = "CONDITION", value_parser = Condition::parse)]
    pub fail_if: Vec<Condition>,

    /// The latencies as HdrHistogram's percentile distribution
    ///
    /// In milliseconds, for its plotter and others
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,

    /// The latencies of each interval as HdrHistogram's interval log
    ///
    /// It is written while the run goes on
    #[arg(long, value_name = "FILE")]
    pub hlog: Option<PathBuf>,

    /// What the standard error stream shows while the run goes on
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub progress: Progress,

    /// Length of the timeline's intervals [default: 100ms to 1s, by the length of the run]
    ///
    /// A run of more than 600 of them joins neighbours
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub interval: Option<Duration>,
}

impl Output {
    /// The length of the timeline's intervals.
    pub(super) fn interval(&self, times: &Times) -> Result<Duration, String> {
        match self.interval {
            Some(interval) if interval < INTERVAL_MIN => Err(format!(
                "--interval {interval:?}: give {INTERVAL_MIN:?} or more"
            )),
            Some(interval) => Ok(interval),
            None => {
                let run = times.warm_up + times.measure;
                let is_long_enough = |interval: &Duration| *interval * INTERVALS_WANTED_MAX >= run;
                let [.., longest] = INTERVALS;
                Ok(INTERVALS
                    .into_iter()
                    .find(is_long_enough)
                    .unwrap_or(longest))
            }
        }
    }
}
