//! Why a run could not be made, or not to its end, in words that name the remedy; and the exit codes.
//!
//! What goes wrong *during* a run (messages lost, connections closed by the server) is no failure of the generator: it is
//! counted and stands in the report.

use std::fmt;
use std::process::ExitCode;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run ended, as the exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every message reached every subscriber once, in order, and the figures stand.
    Fine = 0,
    /// The figures stand, and messages were lost, duplicated, reordered, corrupted or misrouted.
    Imperfect = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The server could not be reached or refused the connections.
    Unreachable = 3,
    /// The generator was late or saturated, or was interrupted before it measured: the figures say nothing about the server.
    Invalid = 4,
    /// A condition of `--fail-if` came true.
    Failed = 5,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(outcome as u8)
    }
}

/// Why a run could not be made, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The command line makes no sense; the text says what does.
    Usage(String),
    /// Connections could not be opened.
    Unreachable {
        /// What happened.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// This machine does not give the generator what it needs.
    Environment(String),
}

impl Failure {
    /// The exit code that it leads to.
    pub fn outcome(&self) -> Outcome {
        match self {
            Failure::Usage(_) => Outcome::Usage,
            Failure::Unreachable { .. } => Outcome::Unreachable,
            Failure::Environment(_) => Outcome::Invalid,
        }
    }

    /// What its text says, for a list of reasons.
    pub fn in_one_line(&self) -> String {
        match self {
            Failure::Usage(reason) | Failure::Environment(reason) => reason.clone(),
            Failure::Unreachable { what, remedy } => format!("{what}. {remedy}"),
        }
    }
}

impl Failure {
    /// What happened, without a remedy.
    pub fn what(&self) -> &str {
        match self {
            Failure::Usage(what)
            | Failure::Unreachable { what, .. }
            | Failure::Environment(what) => what,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(reason) => write!(formatter, "{reason}\nTry `ringwire-load --help`."),
            Failure::Unreachable { what, remedy } => write!(formatter, "{what}\n{remedy}"),
            Failure::Environment(reason) => write!(formatter, "{reason}"),
        }
    }
}

impl std::error::Error for Failure {}
