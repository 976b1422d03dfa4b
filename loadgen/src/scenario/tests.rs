//! Scenario files: what becomes of them, and how they are refused.

use std::ffi::OsString;

use crate::plan::{Pace, Plan};
use crate::program::{Program, Task};

use super::*;

fn plan(line: &str) -> Result<Plan, String> {
    let words = std::iter::once("ringwire-load").chain(line.split_whitespace());
    let program =
        Program::from_words(words.map(OsString::from)).map_err(|error| error.to_string())?;
    let arguments = match program.task {
        Some(Task::Sweep(options)) => options.arguments,
        _ => program.arguments,
    };
    arguments.plan().map_err(|failure| failure.to_string())
}

/// The words of a file, or why there are none. Its name stands for the file's in messages.
fn words(text: &str) -> Result<Vec<String>, String> {
    use clap::CommandFactory;
    let scenario = Scenario::parse("mine.toml".to_owned(), text.to_owned())?;
    let words = scenario.words(&Program::command(), None)?;
    Ok(words
        .into_iter()
        .map(|word| word.into_string().expect("it was a string"))
        .collect())
}

#[test]
fn built_in_scenarios_are_the_files_of_the_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/loadgen");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            entry
                .expect("it can be read")
                .file_name()
                .into_string()
                .expect("plain names")
        })
        .collect();
    let mut known: Vec<_> = BUILT_IN
        .iter()
        .map(|(name, _)| format!("{name}.toml"))
        .collect();
    files.sort();
    known.sort();
    assert_eq!(files, known);
}

#[test]
fn every_built_in_scenario_is_a_sensible_run_with_a_title() {
    for (name, text) in BUILT_IN {
        assert!(title(text).contains('?'), "{name} asks: {}", title(text));
        let sweep = if *name == "sweep" { "sweep " } else { "" };
        plan(&format!("{sweep}--scenario {name}"))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn the_command_line_counts_more_than_the_file() {
    let burst = plan("--scenario burst").expect("built in");
    assert_eq!(
        (burst.pace, burst.layout.subscribers),
        (Pace::Closed { outstanding: 64 }, 100)
    );
    let other = plan("--subscribers 7 --scenario burst -w 3").expect("sensible");
    assert_eq!(
        (other.pace, other.layout.subscribers),
        (Pace::Closed { outstanding: 3 }, 7)
    );
}

#[test]
fn what_excludes_an_option_of_the_file_takes_its_place() {
    let open = plan("--scenario burst --rate 5").expect("the rate instead of the window");
    assert_eq!(
        open.pace,
        Pace::Open {
            rate_per_second: 5.0
        }
    );
}

#[test]
fn so_does_what_excludes_it_in_another_way() {
    let echo = plan("--scenario slow-readers --echo").expect("nobody is slow in an echo");
    assert!(echo.layout.is_echo());
}

#[test]
fn values_become_what_stands_on_the_command_line() {
    let text = "rate = 2.5\nspin = true\nidle = false\nsubscribers = 3\npin = [1, 2]\njson = true\nurl = \"ws://127.0.0.1:1\"";
    assert_eq!(
        words(text).expect("all of them exist"),
        [
            "--json",
            "--pin=1",
            "--pin=2",
            "--rate=2.5",
            "--spin",
            "--subscribers=3",
            "ws://127.0.0.1:1"
        ]
    );
}

#[test]
fn a_file_that_makes_no_sense_is_refused_with_line_and_reason() {
    for (text, place, reason) in [
        (
            "rate = 1\nsubscriber = 3",
            "line 2",
            "did you mean `subscribers`?",
        ),
        ("help = true", "line 1", "there is no option `help`"),
        (
            "scenario = \"burst\"",
            "line 1",
            "there is no option `scenario`",
        ),
        ("spin = 1", "line 1", "is true or false, not a number"),
        ("\nrate = true", "line 2", "not true or false"),
        ("rate = [1, 2]", "line 1", "not a list"),
        ("rate = 1979-05-27", "line 1", "not a date"),
        ("[load]\nrate = 5", "line 1", "there is no option `load`"),
        ("rate = 1\nrate = 2", "line 2", "duplicate key"),
        ("rate = ", "line 1", "no TOML"),
    ] {
        let error = words(text).expect_err(text);
        for part in ["mine.toml", place, reason] {
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

#[test]
fn a_sweeps_file_says_that_it_is_one() {
    let error = plan("--scenario sweep").expect_err("a run has no limit");
    assert!(error.contains("ringwire-load sweep --scenario"), "{error}");
}

#[test]
fn a_name_that_is_no_scenario_is_refused_with_the_nearest() {
    let error = plan("--scenario fanout").expect_err("there is none");
    assert!(error.contains("did you mean `fan-out`?"), "{error}");
    let error = plan("--scenario ./there/is/none.toml").expect_err("there is none");
    assert!(error.contains("none.toml: No such file"), "{error}");
}

#[test]
fn a_value_that_no_option_takes_is_the_files_fault() {
    let path = std::env::temp_dir().join(format!("ringwire-load-{}.toml", std::process::id()));
    std::fs::write(&path, "rate = \"fast\"").expect("a writable folder");
    let error = plan(&format!("--scenario {} --rate 5", path.display())).expect_err("no number");
    std::fs::remove_file(&path).expect("it was written");
    assert!(error.contains(&path.display().to_string()), "{error}");
    assert!(
        error.contains("invalid value 'fast' for '--rate"),
        "{error}"
    );
}
