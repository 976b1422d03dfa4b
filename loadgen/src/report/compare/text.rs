//! The comparison on a terminal: a line for each figure, a column for each run.

use std::fmt::{self, Display, Formatter};

use super::Comparison;
use super::rows::{Cell, rows};
use crate::failure::Outcome;

const LABEL_WIDTH: usize = 30;
const COLUMN_WIDTH: usize = 22;

impl Display for Comparison {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for caution in self.cautions() {
            writeln!(formatter, "CAUTION: {caution}")?;
        }
        write_line(formatter, "", self.runs.iter().map(|run| run.label.clone()))?;
        write_line(
            formatter,
            "outcome",
            self.runs
                .iter()
                .map(|run| outcome(run.report.outcome()).to_owned()),
        )?;
        for row in rows(&self.runs) {
            write_line(formatter, row.label, row.cells.iter().map(cell))?;
        }
        writeln!(
            formatter,
            "Ratios are to {}. One run of each says little: machines drift, so interleave several.",
            self.runs[0].label
        )
    }
}

/// As the text report writes it: what must not be overlooked is in capitals.
fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fine => "fine",
        Outcome::Imperfect => "imperfect",
        Outcome::Failed => "FAILED",
        _ => "INVALID",
    }
}

fn cell(cell: &Option<Cell>) -> String {
    match cell {
        None => "-".to_owned(),
        Some(Cell { text, ratio: None }) => format!("{text}        "),
        Some(Cell {
            text,
            ratio: Some(ratio),
        }) => format!("{text}{:>8}", format!("{ratio:.2}x")),
    }
}

/// Labels longer than a column are cut: the line must stay one line.
fn write_line(
    formatter: &mut Formatter<'_>,
    label: &str,
    cells: impl Iterator<Item = String>,
) -> fmt::Result {
    let cells: String = cells
        .map(|cell| {
            let cell: String = cell.chars().take(COLUMN_WIDTH - 2).collect();
            format!("{cell:>COLUMN_WIDTH$}")
        })
        .collect();
    writeln!(
        formatter,
        "{}",
        format!("{label:<LABEL_WIDTH$}{cells}").trim_end()
    )
}
