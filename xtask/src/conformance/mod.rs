//! `cargo xtask conformance`: the Autobahn test suite against the broker and the client machine.
//!
//! Strict: every case OK, the three INFORMATIONAL ones aside, in what was said and in how the connection was closed,
//! and every case that was asked for in the report. Without options it plays what every commit has to pass, in under
//! two minutes; `--full` plays all 517 cases, in about half an hour.

mod cases;
mod peers;
mod results;
mod suite;

use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::programs::target;
use cases::Case;
use peers::{Peer, Places, Subject, Transport};
use results::{Results, Tally};
use suite::Suite;

const USAGE: &str = "[--full] [--record] [--cases PATTERN]";
const RECORD: &str = "tests/autobahn/results.toml";

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// All cases.
    full: bool,
    /// And those of other servers, into the record.
    record: bool,
    /// Only these.
    pattern: Option<String>,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--full" => options.full = true,
                "--record" => options.record = true,
                "--cases" => options.pattern = words.next().cloned(),
                _ => return Err(format!("`{word}` means nothing; usage: {USAGE}")),
            }
        }
        if options.record && (!options.full || options.pattern.is_some()) {
            return Err("a record is of all cases: --full --record".into());
        }
        Ok(options)
    }

    fn wants(&self, subject: Subject, case: &Case) -> bool {
        match (&self.pattern, subject.transport) {
            (Some(pattern), _) => case.fits(pattern),
            (None, _) if self.full => true,
            (None, Transport::Plain) => case.is_short(),
            (None, Transport::Secure) => case.is_basic(),
        }
    }

    /// Who is judged over what; other servers only for the record, and only as everybody runs them.
    fn subjects(&self) -> Vec<Subject> {
        let transports = [Transport::Plain, Transport::Secure];
        let ours = [Peer::Server, Peer::Client];
        let mut subjects: Vec<Subject> = transports
            .iter()
            .flat_map(|transport| {
                ours.map(|peer| Subject {
                    peer,
                    transport: *transport,
                })
            })
            .collect();
        if self.record {
            subjects.extend([Peer::Ws, Peer::Websockets].map(|peer| Subject {
                peer,
                transport: Transport::Plain,
            }));
        }
        subjects
    }
}

/// One process of the suite with one subject.
struct Run {
    subject: Subject,
    name: String,
    cases: Vec<Case>,
}

/// Plays, prints the table, and fails for every verdict on us that is not the best.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let suite = Suite::install(root, &target(root))?;
    let places = Places::prepare(root, options.record)?;
    let subjects: Vec<(Subject, Vec<Case>)> = options
        .subjects()
        .into_iter()
        .map(|subject| {
            let cases = suite.cases.iter();
            let wanted = cases.filter(|case| options.wants(subject, case));
            (subject, wanted.cloned().collect())
        })
        .collect();
    if subjects.iter().all(|(_, cases)| cases.is_empty()) {
        return Err("no case is meant by that".into());
    }
    let runs = subjects
        .iter()
        .flat_map(|(subject, cases)| split(*subject, cases));
    let results = play(&suite, &places, runs.collect());
    let tallies: Vec<Tally> = subjects
        .iter()
        .map(|(subject, cases)| results.tally(*subject, cases))
        .collect();
    print!("{}", results::table(&tallies));
    if options.record {
        results::write(root, &root.join(RECORD), &tallies)?;
    }
    let faults = results.faults(&tallies);
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => Ok(()),
        count => Err(format!("{count} faults")),
    }
}

/// The runs of one subject. Sections 12 and 13 take long, and each has a process of its own.
fn split(subject: Subject, cases: &[Case]) -> Vec<Run> {
    let parts = [(0..12, ""), (12..13, "-12"), (13..14, "-13")];
    let run = |(sections, suffix): &(Range<u32>, &str)| Run {
        subject,
        name: format!("{}{suffix}", subject.short_name()),
        cases: cases
            .iter()
            .filter(|case| sections.contains(&case.section()))
            .cloned()
            .collect(),
    };
    let runs = parts.iter().map(run);
    runs.filter(|run| !run.cases.is_empty()).collect()
}

/// As many runs at a time as there are CPUs, the long ones first.
fn play(suite: &Suite, places: &Places, mut runs: Vec<Run>) -> Results {
    runs.sort_by_key(|run| run.cases.len());
    let waiting = Mutex::new(runs);
    let results = Mutex::new(Results::default());
    let next = || waiting.lock().expect("nobody panics with it").pop();
    let work = || {
        while let Some(run) = next() {
            let begun = Instant::now();
            let verdicts = run.subject.face(suite, places, &run.name, &run.cases);
            let count = run.cases.len();
            println!(
                "{}: {count} cases, {:.0} s",
                run.name,
                begun.elapsed().as_secs_f64()
            );
            let mut results = results.lock().expect("nobody panics with it");
            results.add(run.subject, verdicts);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    results.into_inner().expect("nobody panicked with it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_everything() {
        let parse = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            Options::parse(&words)
        };
        assert!(parse("--full --record").is_ok_and(|options| options.full && options.record));
        assert!(parse("--record").is_err());
        assert!(parse("--full --record --cases 1.*").is_err());
        assert!(parse("--ful").is_err());
    }
}
