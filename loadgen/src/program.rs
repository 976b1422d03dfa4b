//! The program's command line: a run of its own, or one of the other things that it does.
//!
//! `ringwire-load [OPTIONS] [URL]` measures once, and what it can do is [`Arguments`]. Where a command line names a scenario,
//! the file's options are put before those that are written there and the whole is read again: so every option exists
//! once only, and means the same in both places.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::arguments::{self, Arguments};
use crate::scenario::{self, Scenario};

const EXAMPLES: &str = "\
Examples:
  ringwire-load                                       100 subscribers, 100 messages a second, ringwire on this machine
  ringwire-load -s 1000 --rate 100 --server-pid PID   with the CPU time and the memory of the server
  ringwire-load --scenario burst                      the most that it delivers; `ringwire-load scenarios` lists more
`ringwire-load --help` explains open and closed loop, other servers and exit codes.";

const LONG_EXAMPLES: &str = "\
Open and closed loop:
  --rate sends at fixed times, however slow the server is, and counts latency from the time at which each
  message should have been sent: what users of a busy server would see. Use it for latency.
  --outstanding keeps W messages on their way for each publisher and sends the next when the last delivery of
  one has come back: it finds the most that server and generator can do. Use it for throughput; its latencies
  leave out the time that messages wait to be sent, so do not quote them as a service's latency.

Examples:
  Latency of 1000 deliveries of each of 100 messages a second, ringwire on this machine:
    ringwire-load --subscribers 1000 --rate 100
  Most deliveries a second, and what each costs the server, server on CPU 0 and load on CPU 1:
    ringwire-load -s 100 --outstanding 64 --server-pid $(pidof ringwire) --pin 1
  Round trips over 100 connections, against any echo server; then 1000 members in 50 chat rooms:
    ringwire-load --echo -s 100 --rate 1000 --driver url ws://127.0.0.1:9001/
    ringwire-load --rooms 50 -s 1000 --rate 500
  How fast 60,000 subscribers connect, from one machine to itself, and what the server takes to hold them:
    ringwire-load --idle -s 60000 --source 127.0.0.1-127.0.0.4 --server-pid $(pidof ringwire)
  A question that is asked often, as a file with its options; what the command line says counts more:
    ringwire-load --scenario many-topics --subscribers 2000
  Other servers: one with a topic in the URL, NATS, and an MQTT broker
    ringwire-load --driver url ws://127.0.0.1:9001/topics/{topic}
    ringwire-load --driver nats ws://127.0.0.1:8080
    ringwire-load --driver mqtt ws://127.0.0.1:9001/mqtt

Exit codes:
  0  every message reached every subscriber once and in order
  1  messages were lost, duplicated, reordered, corrupted or misrouted
  2  the command line makes no sense
  3  the server could not be reached or refused the connections (the report says how many stood)
  4  the run is INVALID: the generator was late or saturated, or was interrupted before it measured
  5  a condition of --fail-if came true";

const SWEEP_EXAMPLES: &str = "\
The rate doubles until a limit breaks; then the gap is halved until it is as small as --precision. Each run has connections of
its own. A run whose generator was late or saturated shows nothing about the server: where that is what ends the search, the answer says
so. Give the generator CPUs that the server does not use (--pin).

Examples:
  The rate at which p99 leaves 5 ms, 1000 subscribers, 3 seconds for each run:
    ringwire-load sweep --limit 'p99<5ms' --from 100 -s 1000 --warm-up 1s --duration 3s
  The same as a gate: exit code 5 if not even 2000 messages a second stay below 20 ms:
    ringwire-load sweep --limit 'max<20ms' --from 2000 --to 2000

Exit codes:
  0  the answer is known: the server's limit, or that the limits hold up to --to
  4  the generator came to its end before the server, or the sweep was cut short
  5  the limits do not even hold at --from";

/// Measures a WebSocket pub/sub server: publishes messages to topics over some connections, receives them over others,
/// and reports latency, throughput and every message that did not arrive exactly once and in order.
#[derive(Debug, Parser)]
#[command(
    name = "ringwire-load",
    version,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = EXAMPLES,
    after_long_help = LONG_EXAMPLES
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
#[command(after_help = SWEEP_EXAMPLES)]
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
