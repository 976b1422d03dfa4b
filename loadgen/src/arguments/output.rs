//! What is reported, and where.

use std::path::PathBuf;

use clap::Args;

use crate::threshold::Condition;

/// The report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct Output {
    /// The server's process: reports its CPU time per delivery over the measured window, its CPU share and its memory
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,

    /// Prints the report as JSON on the standard output, to FILE if one is given (the text then still appears)
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,

    /// Exit code 5 if this is true of the report: 'p99>5ms', 'reach<1', 'server.cpu_ns_per_delivery>100'. May be repeated.
    /// `ringwire-load figures` lists the names
    #[arg(long, value_name = "CONDITION", value_parser = Condition::parse)]
    pub fail_if: Vec<Condition>,
}
