//! The program's command line: a run of its own, or one of the other things that it does.
//!
//! `ringwire-load [OPTIONS] [URL]` measures once, and what it can do is [`Arguments`]. Where a command line names a scenario,
//! the file's options are put before those that are written there and the whole is read again: so every option exists
//! once only, and means the same in both places.

mod help;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::arguments::{self, Arguments};
use crate::scenario::{self, Scenario};

/// Measures a WebSocket pub/sub server: publishes messages to topics over some connections, receives them over others,
/// and reports latency, throughput and every message that did not arrive exactly once and in order.
#[derive(Debug, Parser)]
#[command(
    name = "ringwire-load",
    version,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = help::SHORT,
    after_long_help = help::LONG
)]
pub struct Program {
    /// Something else than one run.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// The run.
    #[command(flatten)]
    pub arguments: Arguments,
}

/// What the program does beside one run.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Looks for the highest rate at which limits hold: one run after the other, with other rates
    Sweep(Box<SweepOptions>),
    /// Lists the built-in scenarios, or prints one to start a file of your own from
    Scenarios(Scenarios),
    /// Puts JSON reports side by side, with ratios to the first one, and says when they cannot be compared
    Compare(Compare),
    /// Lists the report's figures, as --fail-if and --limit name them
    Figures,
}

/// What a sweep looks for, and what each of its runs is.
#[derive(Debug, Args)]
#[command(after_help = help::SWEEP)]
pub struct SweepOptions {
    /// The search.
    #[command(flatten)]
    pub sweep: arguments::Sweep,

    /// Each run.
    #[command(flatten)]
    pub arguments: Arguments,
}

/// Which scenario to print.
#[derive(Debug, Args)]
pub struct Scenarios {
    /// The scenario whose file is printed: `ringwire-load scenarios rooms > mine.toml`
    pub name: Option<String>,
}

/// Which reports to compare.
#[derive(Debug, Args)]
pub struct Compare {
    /// Reports that --json has written, two to eight; the others are compared with the first
    #[arg(required = true, value_name = "REPORT.json")]
    pub reports: Vec<PathBuf>,

    /// What a report is called, in their order: --label before --label after. Unless given, by its file
    #[arg(long, value_name = "NAME")]
    pub label: Vec<String>,

    /// Writes the comparison as one HTML file as well, with the percentile curves in one drawing
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

impl Program {
    /// Reads a command line, and the scenario's file that it names.
    ///
    /// # Errors
    /// What clap says, `--help` and `--version` included, or what is wrong with the file; both say so and exit by
    /// [`clap::Error::exit`].
    pub fn from_words(words: impl IntoIterator<Item = OsString>) -> Result<Program, clap::Error> {
        let mut words: Vec<OsString> = words.into_iter().collect();
        let mut command = Program::command();
        command.build();
        let mut matches = command.clone().try_get_matches_from(&words)?;
        let (level, given, at) = match matches.subcommand() {
            // Nothing but the program's name can stand before a subcommand.
            Some((name, given)) => (command.find_subcommand(name), given, 2),
            None => (Some(&command), &matches, 1),
        };
        let level = level.expect("clap has found it").clone();
        if let Ok(Some(name)) = given.try_get_one::<String>(scenario::OPTION) {
            let refuse = |reason| command.clone().error(ErrorKind::ValueValidation, reason);
            let scenario = Scenario::find(name).map_err(refuse)?;
            check_alone(&scenario, &level, &words[..at]).map_err(refuse)?;
            let of_file = scenario.words(&level, Some(given)).map_err(refuse)?;
            words.splice(at..at, of_file);
            matches = command.try_get_matches_from(words)?;
        }
        Program::from_arg_matches(&matches)
    }
}

/// Reads the file's options without those of the command line: what is wrong then is wrong with the file.
fn check_alone(scenario: &Scenario, level: &Command, start: &[OsString]) -> Result<(), String> {
    let words = start.iter().cloned().chain(scenario.words(level, None)?);
    let outcome = Program::command().try_get_matches_from(words);
    outcome.map(drop).map_err(|error| {
        let text = error.to_string();
        let reason = text.split("\n\n").next().unwrap_or(&text);
        format!(
            "{}: {}",
            scenario.origin(),
            reason.trim_start_matches("error: ")
        )
    })
}
