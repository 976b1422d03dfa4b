//! Several runs side by side, each beside the first.
//!
//! A ratio of two runs means something only if both were put under the same load and both are valid; so what differs is said above
//! the figures, in the text and on the page.

mod html;
mod rows;
mod text;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Report;
use crate::failure::Failure;

/// More lines than this cannot be told apart by their colours.
pub const RUNS_MAX: usize = 8;

/// Fields of a load that two runs may differ in and still be compared: they belong to the generator or name the server.
const NOT_THE_LOAD: [&str; 6] = [
    "threads",
    "driver",
    "url",
    "subscribe_url",
    "publish_url",
    "tls",
];

/// Fields of the environment that figures depend on.
const THE_MACHINE: [&str; 4] = ["cpu", "cpus", "memory_bytes", "kernel"];

/// Runs, of which the first is what the others are compared with.
#[derive(Clone, Debug)]
pub struct Comparison {
    runs: Vec<Run>,
}

/// A run and what it is called.
#[derive(Clone, Debug)]
struct Run {
    label: String,
    report: Report,
}

impl Comparison {
    /// Reads JSON reports. Labels take the places of the files' names, in order.
    ///
    /// # Errors
    /// A file that cannot be read or is no report, more than [`RUNS_MAX`] of them or fewer than two, and labels that are not one
    /// for each file.
    pub fn read(files: &[PathBuf], labels: &[String]) -> Result<Comparison, Failure> {
        if !(2..=RUNS_MAX).contains(&files.len()) {
            return Err(Failure::Usage(format!(
                "{} reports: give 2 to {RUNS_MAX}",
                files.len()
            )));
        }
        if !labels.is_empty() && labels.len() != files.len() {
            return Err(Failure::Usage(format!(
                "{} times --label for {} reports: give one for each, in their order",
                labels.len(),
                files.len()
            )));
        }
        let runs = files.iter().enumerate().map(|(index, file)| {
            let label = labels
                .get(index)
                .cloned()
                .unwrap_or_else(|| name_of(file, files));
            Ok(Run {
                label,
                report: read(file)?,
            })
        });
        Ok(Comparison {
            runs: runs.collect::<Result<_, Failure>>()?,
        })
    }

    /// Why ratios may mean nothing, a sentence for each reason.
    fn cautions(&self) -> Vec<String> {
        let (first, others) = self.runs.split_first().expect("there are two at least");
        let invalid = self
            .runs
            .iter()
            .filter(|run| !run.report.verdict.valid)
            .map(|run| {
                format!(
                    "{} is INVALID: its figures do not describe the server",
                    run.label
                )
            });
        let loads = others.iter().filter_map(|run| {
            let differences = differences(&load(&first.report), &load(&run.report), |field| {
                !NOT_THE_LOAD.contains(&field)
            });
            (!differences.is_empty()).then(|| {
                format!(
                    "{} had another load than {}: {}",
                    run.label,
                    first.label,
                    differences.join(", ")
                )
            })
        });
        let machines = others.iter().filter_map(|run| {
            let differences =
                differences(&machine(&first.report), &machine(&run.report), |field| {
                    THE_MACHINE.contains(&field)
                });
            (!differences.is_empty()).then(|| {
                format!(
                    "{} was made on another machine than {}: {}",
                    run.label,
                    first.label,
                    differences.join(", ")
                )
            })
        });
        invalid.chain(loads).chain(machines).collect()
    }
}

fn read(file: &Path) -> Result<Report, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    Report::from_json(&text).map_err(|error| {
        Failure::Usage(format!(
            "{}: no report of ringwire-load, as --json writes it: {error}",
            file.display()
        ))
    })
}

/// The file's name without its ending, or its path where several have the same name.
fn name_of(file: &Path, files: &[PathBuf]) -> String {
    let same = files
        .iter()
        .filter(|other| other.file_stem() == file.file_stem());
    match file.file_stem() {
        Some(stem) if same.count() == 1 => stem.to_string_lossy().into_owned(),
        _ => file.display().to_string(),
    }
}

fn load(report: &Report) -> Value {
    serde_json::to_value(&report.load).expect("a structure of plain fields")
}

fn machine(report: &Report) -> Value {
    serde_json::to_value(&report.environment).expect("a structure of plain fields")
}

/// The fields that are not the same in both: `rate per second 500.0 instead of 200.0`.
fn differences(first: &Value, other: &Value, matters: impl Fn(&str) -> bool) -> Vec<String> {
    let (Some(first), Some(other)) = (first.as_object(), other.as_object()) else {
        return Vec::new();
    };
    let shown = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    first
        .iter()
        .filter(|(field, _)| matters(field))
        .filter_map(|(field, value)| Some((field, value, other.get(field)?)))
        .filter(|(_, value, other)| value != other)
        .map(|(field, value, other)| {
            format!(
                "{} {} instead of {}",
                field.replace('_', " "),
                shown(other),
                shown(value)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
