//! What came of the rows, for people and as JSON.

use std::time::Duration;

use serde::Serialize;

use crate::bystanders::{Latency, Noticed};
use crate::row::{Attack, Expect, Place, Row};
use crate::run::{Outcome, Verdict};

/// One line for a row: id, verdict, CPU time of server and attacker, memory, what was seen.
pub fn line(outcome: &Outcome) -> String {
    let verdict = match outcome.verdict {
        Verdict::Passed => "ok",
        Verdict::Failed(_) => "FAILED",
        Verdict::NotRun(_) => "-",
    };
    let cost = match (&outcome.verdict, &outcome.cost) {
        (Verdict::NotRun(_), _) => String::new(),
        (_, cost) => format!(
            "{:>10} {:>10} {:>8}",
            cost.server.map_or("?".to_owned(), ms),
            ms(cost.attacker),
            cost.memory_bytes
                .map_or("?".to_owned(), |bytes| format!("{} KiB", bytes >> 10)),
        ),
    };
    format!(
        "{:<4} {verdict:<6} {cost:>30}  {}: {}",
        outcome.id, outcome.name, outcome.seen
    )
}

/// A row as docs/attacks.md shows it.
pub fn table_line(row: &Row) -> String {
    let outcome = match &row.attack {
        Attack::Cases(cases) => told(cases(&Place::default()).iter().map(|case| &case.expect)),
        Attack::Flood(flood) => told([&flood(&Place::default()).expect].into_iter()),
        Attack::Behaviour(_, outcome) | Attack::Ours(_, outcome) => (*outcome).to_owned(),
        Attack::Proven(file, _) => format!("cannot happen: [test](../{file})"),
        Attack::Absent(why) => format!("not run: {why}"),
    };
    let advisories = row.advisories.join(", ");
    format!(
        "| **{}** | {} | {outcome} | {advisories} |",
        row.id, row.name
    )
}

/// What must come of the cases, each thing once.
fn told<'a>(expectations: impl Iterator<Item = &'a Expect>) -> String {
    let mut words: Vec<String> = Vec::new();
    for expect in expectations {
        let word = match expect {
            Expect::Refused(status, reason) | Expect::RefusedWith(status, reason, _) => {
                format!("{status} `{reason}`")
            }
            Expect::Closed(_, "normal") => "closed in order".to_owned(),
            Expect::Closed(code, reason) => format!("{code} `{reason}`"),
            Expect::Ended("normal") => "closed in order".to_owned(),
            Expect::Ended(reason) => format!("ended, `{reason}`"),
            Expect::Upgraded | Expect::Echoed(_) => "what is allowed works".to_owned(),
            Expect::Served(status) => status.to_string(),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join("; ")
}

/// What stands above the lines.
pub fn heading() -> String {
    format!(
        "{:<4} {:<6} {:>10} {:>10} {:>8}",
        "", "", "server", "attacker", "memory"
    )
}

/// What stands above the lines about bystanders.
pub fn bystanders_heading() -> String {
    format!(
        "{:<4} {:>17} {:>17} {:>8}",
        "", "quiet p50/p99", "attacked p50/p99", "attacks"
    )
}

/// One line for a row: how late the messages of others are without it and while it runs, and how often it ran.
pub fn bystanders_line(row: &Row, noticed: &Noticed) -> String {
    let of = |latency: Latency| {
        let us = |ns| Duration::from_nanos(ns).as_micros();
        format!("{} / {} us", us(latency.p50_ns), us(latency.p99_ns))
    };
    format!(
        "{:<4} {:>17} {:>17} {:>8}  {}",
        row.id,
        of(noticed.quiet),
        of(noticed.attacked),
        noticed.attacks,
        row.name
    )
}

/// How many of the rows that were run passed, and why others were not run.
pub fn summary(outcomes: &[Outcome]) -> String {
    let passed = count(outcomes, |verdict| *verdict == Verdict::Passed);
    let not_run = count(outcomes, |verdict| matches!(verdict, Verdict::NotRun(_)));
    let run = outcomes.len() - not_run;
    format!("attacks: {passed}/{run} rows as they must be, {not_run} not run")
}

fn count(outcomes: &[Outcome], wanted: impl Fn(&Verdict) -> bool) -> usize {
    let verdicts = outcomes.iter().map(|outcome| &outcome.verdict);
    verdicts.filter(|verdict| wanted(verdict)).count()
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// One row in the JSON report.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    name: &'a str,
    advisories: &'a [&'a str],
    verdict: &'static str,
    seen: &'a str,
    server_cpu_us: Option<u64>,
    attacker_cpu_us: u64,
    memory_growth_bytes: Option<u64>,
}

impl<'a> Entry<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            id: outcome.id,
            name: outcome.name,
            advisories: outcome.advisories,
            verdict: match outcome.verdict {
                Verdict::Passed => "passed",
                Verdict::Failed(_) => "failed",
                Verdict::NotRun(_) => "not_run",
            },
            seen: &outcome.seen,
            server_cpu_us: outcome.cost.server.map(us),
            attacker_cpu_us: us(outcome.cost.attacker),
            memory_growth_bytes: outcome.cost.memory_bytes,
        }
    }
}

/// The whole report as JSON.
pub fn json(target: &str, outcomes: &[Outcome]) -> String {
    let rows: Vec<Entry<'_>> = outcomes.iter().map(Entry::of).collect();
    serde_json::json!({ "target": target, "rows": rows }).to_string()
}
