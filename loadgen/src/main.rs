//! `ringwire-load`: reads the command line, runs the plan, prints the report, and exits with its outcome.
//!
//! Everything else is in the library, so that tests run the same code.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use ringwire_load::arguments::Arguments;
use ringwire_load::engine::{Brake, Engine};
use ringwire_load::failure::{Failure, Outcome};
use ringwire_load::figure;
use ringwire_load::program::{Program, Task};
use ringwire_load::report::{Environment, Report};
use ringwire_load::scenario;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What a shell shows for a process that SIGINT ended.
const INTERRUPTED_TWICE: i32 = 130;

fn main() -> ExitCode {
    let program = Program::from_words(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let outcome = match program.task {
        None => measure(&program.arguments),
        Some(Task::Scenarios(scenarios)) => list_scenarios(scenarios.name.as_deref()),
        Some(Task::Figures) => Ok(list_figures()),
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            complain(&failure);
            failure.outcome().into()
        }
    }
}

fn complain(failure: &Failure) {
    eprintln!("ringwire-load: {failure}");
}

fn measure(arguments: &Arguments) -> Result<Outcome, Failure> {
    let plan = arguments.plan()?;
    let engine = Engine::new(&plan);
    watch_signals(engine.brake())?;
    let environment = Environment::look();
    let evidence = engine.run()?;
    if let Some(failure) = &evidence.failure {
        complain(failure);
    }
    let report = Report::new(&plan, &evidence, std::env::args().collect())
        .made_on(environment)
        .judged_by(&arguments.output.fail_if);
    print(&report, arguments.output.json.as_deref())?;
    Ok(report.outcome())
}

/// The built-in scenarios with what each is for, or one of them as it is.
fn list_scenarios(name: Option<&str>) -> Result<Outcome, Failure> {
    match name {
        Some(name) => print!(
            "{}",
            scenario::Scenario::find(name)
                .map_err(Failure::Usage)?
                .text()
        ),
        None => {
            for (name, text) in scenario::BUILT_IN {
                println!("{name:<18}{}", scenario::title(text));
            }
        }
    }
    Ok(Outcome::Fine)
}

/// The names of all figures, the short ones first.
fn list_figures() -> Outcome {
    for (short, path) in figure::SHORT_NAMES {
        println!("{short:<16}{path}");
    }
    for path in figure::paths() {
        println!("{path}");
    }
    Outcome::Fine
}

/// The first Ctrl-C ends the measurement and reports what there is; the second ends the process.
fn watch_signals(brake: Brake) -> Result<(), Failure> {
    let unwatched = |error| Failure::Environment(format!("signals cannot be watched: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(unwatched)?;
    let watch = move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            brake.pull("interrupted");
        }
        if signals.next().is_some() {
            std::process::exit(INTERRUPTED_TWICE);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)
        .map_err(unwatched)?;
    Ok(())
}

fn print(report: &Report, json: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = json else {
        print!("{report}");
        return Ok(());
    };
    if path == Path::new("-") {
        println!("{}", report.to_json());
        return Ok(());
    }
    print!("{report}");
    std::fs::write(path, report.to_json() + "\n")
        .map_err(|error| Failure::Environment(format!("--json {}: {error}", path.display())))
}
