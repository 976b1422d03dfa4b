//! `ringwire-attacks`: the catalogue against ringwire, or against another server on this machine.

#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ringwire_attacks::bystanders;
use ringwire_attacks::report;
use ringwire_attacks::row::Row;
use ringwire_attacks::rows;
use ringwire_attacks::run::{self, Outcome, Verdict};
use ringwire_attacks::target::Target;

/// Runs the catalogue of attacks. Without a target it starts ringwire itself, on one core and a free port.
#[derive(Debug, Parser)]
#[command(name = "ringwire-attacks", version)]
#[command(after_help = "\
EXAMPLES
  ringwire-attacks                                      every row, against ringwire
  ringwire-attacks --row H14 --row F13                  two of them
  ringwire-attacks --target ws://127.0.0.1:9000/echo --pid 4711
                                                        against a server that echoes messages at /echo

EXIT CODES
  0 every row that was run is as it must be   1 one is not, or nothing could be run")]
struct Args {
    /// Only this row (H1, F13, ...); may be given several times.
    #[arg(long, value_name = "ID")]
    row: Vec<String>,

    /// Another server, on this machine, that echoes messages at this URL. It is judged by class: what must be refused is
    /// refused, what is allowed works, memory stays bounded, others are served.
    #[arg(long, value_name = "URL")]
    target: Option<String>,

    /// That server's process, to measure its memory and CPU time.
    #[arg(long, value_name = "PID", requires = "target")]
    pid: Option<u32>,

    /// The ringwire to start, if not the one built beside this program.
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    program: Option<PathBuf>,

    /// Only print the rows as docs/attacks.md shows them.
    #[arg(long)]
    table: bool,

    /// Measure what healthy subscribers notice: 50 of them get 200 messages a second while a row runs again and again.
    #[arg(long, conflicts_with_all = ["target", "json"])]
    bystanders: bool,

    /// Write the outcome to this file as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match attack(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("ringwire-attacks: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn attack(args: &Args) -> Result<bool, String> {
    let rows = chosen(&args.row)?;
    if args.table {
        rows.iter()
            .for_each(|row| println!("{}", report::table_line(row)));
        return Ok(true);
    }
    if args.bystanders {
        return watch(&rows, args);
    }
    println!("{}", report::heading());
    let mut outcomes = Vec::new();
    let mut servers = Servers::new(args)?;
    for row in rows {
        let outcome = run::run(row, servers.for_row(row));
        println!("{}", report::line(&outcome));
        outcomes.push(outcome);
    }
    println!("{}", report::summary(&outcomes));
    if let Some(path) = &args.json {
        let target = args.target.as_deref().unwrap_or("ringwire");
        fs::write(path, report::json(target, &outcomes))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let failed = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Failed(_));
    Ok(!outcomes.iter().any(failed))
}

/// What others notice of each row that is run.
fn watch(rows: &[&'static Row], args: &Args) -> Result<bool, String> {
    println!("{}", report::bystanders_heading());
    let mut servers = Servers::new(args)?;
    let mut all_measured = true;
    for row in rows {
        match bystanders::watch(row, servers.for_row(row)) {
            Ok(Some(noticed)) => println!("{}", report::bystanders_line(row, &noticed)),
            Ok(None) => {}
            Err(reason) => {
                all_measured = false;
                println!("{:<4} not measured: {reason}", row.id);
            }
        }
    }
    Ok(all_measured)
}

fn chosen(ids: &[String]) -> Result<Vec<&'static Row>, String> {
    if ids.is_empty() {
        return Ok(rows::all());
    }
    ids.iter()
        .map(|id| rows::find(id).ok_or_else(|| format!("there is no row {id}")))
        .collect()
}

/// Whom the rows run against: one server for all, or ringwire with the configuration that each row wants.
struct Servers<'a> {
    other: Option<Target>,
    ours: Option<(&'static str, Target)>,
    args: &'a Args,
}

impl<'a> Servers<'a> {
    fn new(args: &'a Args) -> Result<Self, String> {
        let other = match &args.target {
            Some(url) => Some(Target::other(url, args.pid)?),
            None => None,
        };
        Ok(Self {
            other,
            ours: None,
            args,
        })
    }

    fn for_row(&mut self, row: &Row) -> &Target {
        if let Some(other) = &self.other {
            return other;
        }
        if self
            .ours
            .as_ref()
            .is_none_or(|(config, _)| *config != row.config)
        {
            self.ours = None;
        }
        let start = || {
            (
                row.config,
                Target::start(row.config, self.args.program.clone()),
            )
        };
        &self.ours.get_or_insert_with(start).1
    }
}
