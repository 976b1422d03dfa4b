//! What a run did, and the table of docs/fuzzing.md that adds runs up.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The line above the table's rows, which tells the table from others.
const HEADING: &str = "| target | executions | minutes | edges | findings |";

/// One target's run, or the sum of its runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) target: String,
    executions: u64,
    seconds: f64,
    /// Of the whole program, the edges that any input reached.
    edges: u64,
    pub(super) finding: bool,
}

impl Run {
    /// What libFuzzer said at its end.
    pub(super) fn read(target: &str, said: &str, time: Duration, finding: bool) -> Self {
        let after = |text: &str, word: &str| {
            let (_, rest) = text.rsplit_once(word)?;
            rest.split_whitespace().next()?.parse().ok()
        };
        Self {
            target: target.to_owned(),
            executions: after(said, "stat::number_of_executed_units:").unwrap_or(0),
            seconds: time.as_secs_f64(),
            edges: after(said, " cov:").unwrap_or(0),
            finding,
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.finding { "A FINDING" } else { "nothing" };
        write!(
            out,
            "{}: {} executions in {:.0} s, {} edges, {end}",
            self.target, self.executions, self.seconds, self.edges
        )
    }
}

/// Adds runs to the table in `page`.
pub(super) fn add(page: &Path, runs: &[Run]) -> Result<(), String> {
    let text = fs::read_to_string(page)
        .map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let added =
        added(&text, runs).ok_or_else(|| format!("{} has no table `{HEADING}`", page.display()))?;
    fs::write(page, added).map_err(|error| format!("cannot write {}: {error}", page.display()))
}

/// Executions, time and findings grow; the edges are the newest run's.
fn added(text: &str, runs: &[Run]) -> Option<String> {
    let (before, rest) = text.split_once(HEADING)?;
    let mut lines = rest.trim_start_matches('\n').lines();
    let ruler = lines.next()?;
    let mut rows: Vec<Row> = lines.map_while(Row::parse).collect();
    let after: String = rest
        .lines()
        .skip(2 + rows.len())
        .map(|line| format!("{line}\n"))
        .collect();
    for run in runs {
        let row = match rows.iter_mut().find(|row| row.target == run.target) {
            Some(row) => row,
            None => {
                rows.push(Row::new(&run.target));
                rows.last_mut()?
            }
        };
        row.executions += run.executions;
        row.minutes += run.seconds / 60.0;
        row.edges = run.edges;
        row.findings += u64::from(run.finding);
    }
    rows.sort_by(|a, b| a.target.cmp(&b.target));
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    Some(format!("{before}{HEADING}\n{ruler}\n{rows}{after}"))
}

struct Row {
    target: String,
    executions: u64,
    minutes: f64,
    edges: u64,
    findings: u64,
}

impl Row {
    fn new(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            executions: 0,
            minutes: 0.0,
            edges: 0,
            findings: 0,
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", target, executions, minutes, edges, findings, ""] = cells[..] else {
            return None;
        };
        Some(Self {
            target: target.trim_matches('`').to_owned(),
            executions: executions.replace(',', "").parse().ok()?,
            minutes: minutes.parse().ok()?,
            edges: edges.replace(',', "").parse().ok()?,
            findings: findings.parse().ok()?,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "| `{}` | {} | {:.1} | {} | {} |",
            self.target,
            grouped(self.executions),
            self.minutes,
            grouped(self.edges),
            self.findings
        )
    }
}

/// With a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "#2\tINITED cov: 50 ft: 51 corp: 1/1b\n#9\tDONE   cov: 812 ft: 2000 corp: 9/90b\n\
                        Done 1234567 runs\nstat::number_of_executed_units: 1234567\n";

    #[test]
    fn a_run_is_read_from_what_libfuzzer_says_last() {
        let run = Run::read("frame", SAID, Duration::from_secs(60), false);
        assert_eq!((run.executions, run.edges), (1_234_567, 812));
    }

    #[test]
    fn runs_are_added_to_their_rows_and_the_rest_of_the_page_stays() {
        let page = format!(
            "before\n\n{HEADING}\n| --- | --- | --- | --- | --- |\n| `mask` | 1,000 | 0.5 | 7 | 1 |\n\nafter\n"
        );
        let frame = Run::read("frame", SAID, Duration::from_secs(60), false);
        let mask = Run::read("mask", SAID, Duration::from_secs(30), true);
        let expected = format!(
            "before\n\n{HEADING}\n| --- | --- | --- | --- | --- |\n| `frame` | 1,234,567 | 1.0 | 812 | 0 |\n\
             | `mask` | 1,235,567 | 1.0 | 812 | 2 |\n\nafter\n"
        );
        assert_eq!(added(&page, &[frame, mask]), Some(expected));
        assert_eq!(added("no table", &[]), None);
    }
}
