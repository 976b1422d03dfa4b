//! `ringwire-load`: reads the command line, runs the plan, prints the report, and exits with its outcome.
//!
//! Everything else is in the library, so that tests run the same code.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use ringwire_load::failure::{Failure, Outcome};
use ringwire_load::figure;
use ringwire_load::hgrm;
use ringwire_load::hlog;
use ringwire_load::interrupt::Interrupt;
use ringwire_load::program::{Compare, Program, SweepOptions, Task};
use ringwire_load::report::compare::Comparison;
use ringwire_load::report::sweep::Step;
use ringwire_load::report::{Environment, Report, html};
use ringwire_load::scenario;
use ringwire_load::sweep::Sweep;

fn main() -> ExitCode {
    let program = Program::from_words(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let exit = match program.task {
        None => measure(&program.arguments).map(ExitCode::from),
        Some(Task::Sweep(options)) => sweep(*options),
        Some(Task::Scenarios(scenarios)) => list_scenarios(scenarios.name.as_deref()),
        Some(Task::Compare(compare)) => side_by_side(&compare),
        Some(Task::Figures) => Ok(list_figures()),
    };
    match exit {
        Ok(exit_code) => exit_code,
        Err(failure) => {
            complain(&failure);
            failure.outcome().into()
        }
    }
}

fn complain(failure: &Failure) {
    eprintln!("ringwire-load: {failure}");
}

fn warn(arguments: &Arguments) {
    if arguments.tls.insecure {
        eprintln!("ringwire-load: --insecure: whoever answers is taken for the server");
    }
}

fn measure(arguments: &Arguments) -> Result<Outcome, Failure> {
    let plan = arguments.plan()?;
    warn(arguments);
    let mut engine = Engine::new(&plan);
    if let Some(view) = arguments.output.progress.observer(&plan) {
        engine = engine.watched_by(view);
    }
    if let Some(path) = &arguments.output.hlog {
        engine = engine.watched_by(Box::new(hlog::Log::create(path)?));
    }
    Interrupt::watch()?.ends(engine.brake());
    let environment = Environment::look();
    let evidence = engine.run()?;
    if let Some(failure) = &evidence.failure {
        complain(failure);
    }
    let report = Report::new(&plan, &evidence, std::env::args().collect())
        .made_on(environment)
        .judged_by(&arguments.output.fail_if);
    print(&report, arguments.output.json.as_deref())?;
    if let Some(path) = &arguments.output.hgrm {
        write_hgrm(&evidence, path)
            .map_err(|error| Failure::Environment(format!("--hgrm {}: {error}", path.display())))?;
    }
    if let Some(path) = &arguments.output.html {
        write("--html", path, &html::page(&report))?;
    }
    Ok(report.outcome())
}

/// The table grows while the sweep goes on, unless the standard output is for the JSON.
fn sweep(options: SweepOptions) -> Result<ExitCode, Failure> {
    warn(&options.arguments);
    let json = options.arguments.output.json.clone();
    let html = options.arguments.output.html.clone();
    let is_text = json.as_deref() != Some(Path::new("-"));
    let sweep = Sweep::new(options.arguments, &options.sweep)?;
    if is_text {
        print!("{}", sweep.report().head());
    }
    let tell = |step: &Step| {
        if is_text {
            println!("{step}");
        }
    };
    let report = sweep.run(&Interrupt::watch()?, tell)?;
    if is_text {
        print!("{}", report.conclusion());
    }
    if let Some(path) = json {
        write_json(&path, report.to_json())?;
    }
    if let Some(path) = html {
        write("--html", &path, &report.html())?;
    }
    Ok(ExitCode::from(report.exit_code()))
}

/// Reports of earlier runs beside each other.
fn side_by_side(compare: &Compare) -> Result<ExitCode, Failure> {
    let comparison = Comparison::read(&compare.reports, &compare.label)?;
    print!("{comparison}");
    if let Some(path) = &compare.html {
        write("--html", path, &comparison.html())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The built-in scenarios with what each is for, or one of them as it is.
fn list_scenarios(name: Option<&str>) -> Result<ExitCode, Failure> {
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
    Ok(ExitCode::SUCCESS)
}

/// The names of all figures, the short ones first.
fn list_figures() -> ExitCode {
    for (short, path) in figure::SHORT_NAMES {
        println!("{short:<16}{path}");
    }
    for path in figure::paths() {
        println!("{path}");
    }
    ExitCode::SUCCESS
}

fn write_hgrm(evidence: &Evidence, path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    hgrm::write(&evidence.latency, &mut file)?;
    file.flush()
}

fn print(report: &Report, json: Option<&Path>) -> Result<(), Failure> {
    if json != Some(Path::new("-")) {
        print!("{report}");
    }
    json.map_or(Ok(()), |path| write_json(path, report.to_json()))
}

/// Into a file, or on the standard output if its name is `-`.
fn write_json(path: &Path, json: String) -> Result<(), Failure> {
    if path == Path::new("-") {
        println!("{json}");
        return Ok(());
    }
    write("--json", path, &(json + "\n"))
}

fn write(option: &str, path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::Environment(format!("{option} {}: {error}", path.display())))
}
