//! What came of all runs: as a table by section, as the record, and as a list of what is not right.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::cases::{Case, SECTIONS, Verdict};
use super::peers::Peer;
use super::suite::Suite;

/// The verdicts on each peer, and why there are none.
#[derive(Default)]
pub(super) struct Results {
    verdicts: Vec<(Peer, BTreeMap<Case, Verdict>)>,
    failures: Vec<String>,
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    cases: usize,
    ok: usize,
    informational: usize,
    non_strict: usize,
    unimplemented: usize,
    failed: usize,
}

/// One peer's verdicts by section, and its cases that are not right.
pub(super) struct Tally {
    sections: BTreeMap<u32, Counts>,
    faults: Vec<(Case, Option<Verdict>)>,
}

impl Results {
    /// Takes what came of one run.
    pub(super) fn add(&mut self, peer: Peer, verdicts: Result<BTreeMap<Case, Verdict>, String>) {
        match verdicts {
            Ok(verdicts) => self.verdicts.push((peer, verdicts)),
            Err(failure) => self.failures.push(failure),
        }
    }

    fn verdict(&self, peer: Peer, case: &Case) -> Option<&Verdict> {
        let mut of_peer = self.verdicts.iter().filter(|(judged, _)| *judged == peer);
        of_peer.find_map(|(_, verdicts)| verdicts.get(case))
    }

    /// The verdicts on one peer. A case without one has failed.
    pub(super) fn tally(&self, peer: Peer, cases: &[Case]) -> Tally {
        let mut tally = Tally {
            sections: BTreeMap::new(),
            faults: Vec::new(),
        };
        for case in cases {
            let verdict = self.verdict(peer, case);
            let counts = tally.sections.entry(case.section()).or_default();
            counts.count(verdict);
            if !matches!(verdict, Some(Verdict::Ok | Verdict::Informational)) {
                tally.faults.push((case.clone(), verdict.cloned()));
            }
        }
        tally
    }

    /// Runs that came to nothing, and our cases that are not right.
    pub(super) fn faults(&self, cases: &[Case]) -> Vec<String> {
        let mut faults = self.failures.clone();
        for peer in [Peer::Server, Peer::Client] {
            for (case, verdict) in self.tally(peer, cases).faults {
                let verdict = match verdict {
                    None => "not in the report".to_owned(),
                    Some(Verdict::Failed(words)) => words,
                    Some(verdict) => format!("{verdict:?}"),
                };
                faults.push(format!("{} {case}: {verdict}", peer.role()));
            }
        }
        faults
    }
}

impl Counts {
    fn count(&mut self, verdict: Option<&Verdict>) {
        self.cases += 1;
        *match verdict {
            Some(Verdict::Ok) => &mut self.ok,
            Some(Verdict::Informational) => &mut self.informational,
            Some(Verdict::NonStrict) => &mut self.non_strict,
            Some(Verdict::Unimplemented) => &mut self.unimplemented,
            Some(Verdict::Failed(_)) | None => &mut self.failed,
        } += 1;
    }

    fn right(&self) -> usize {
        self.ok + self.informational
    }
}

/// One line for each section, one column for each peer: how many cases are right, and what the others are.
pub(super) fn table(tallies: &[(Peer, Tally)]) -> String {
    let mut text = format!("\n{:<22}{:>6}", "section", "cases");
    for (peer, _) in tallies {
        let _ = write!(text, "{:>26}", format!("{} {}", peer.name(), peer.role()));
    }
    text.push('\n');
    for (section, name, _) in SECTIONS {
        let of_section = |(_, tally): &(Peer, Tally)| tally.sections.get(&section).copied();
        let columns: Vec<Counts> = tallies.iter().filter_map(of_section).collect();
        if let Some(first) = columns.first() {
            line(
                &mut text,
                &format!("{section:>2} {name}"),
                first.cases,
                &columns,
            );
        }
    }
    let totals: Vec<Counts> = tallies.iter().map(|(_, tally)| tally.total()).collect();
    if let Some(first) = totals.first() {
        line(&mut text, "all", first.cases, &totals);
    }
    text
}

fn line(text: &mut String, name: &str, cases: usize, columns: &[Counts]) {
    let _ = write!(text, "{name:<22}{cases:>6}");
    for counts in columns {
        let _ = write!(text, "{:>26}", counts.in_words());
    }
    text.push('\n');
}

impl Counts {
    fn in_words(&self) -> String {
        let mut words = format!("{} OK", self.right());
        for (count, name) in [
            (self.non_strict, "non-strict"),
            (self.unimplemented, "without"),
            (self.failed, "FAILED"),
        ] {
            if count > 0 {
                let _ = write!(words, ", {count} {name}");
            }
        }
        words
    }
}

impl Tally {
    fn total(&self) -> Counts {
        let mut total = Counts::default();
        for counts in self.sections.values() {
            total.cases += counts.cases;
            total.ok += counts.ok;
            total.informational += counts.informational;
            total.non_strict += counts.non_strict;
            total.unimplemented += counts.unimplemented;
            total.failed += counts.failed;
        }
        total
    }
}

/// Writes the record, as little of TOML as it needs.
pub(super) fn write(root: &Path, path: &Path, tallies: &[(Peer, Tally)]) -> Result<(), String> {
    let mut text = format!(
        "# What the Autobahn test suite says; `cargo xtask conformance --full --record` writes this.\n\n\
         [suite]\nversion = \"{}\"\ncases = {}\n",
        Suite::version(root)?,
        SECTIONS.iter().map(|(_, _, cases)| cases).sum::<usize>(),
    );
    for (peer, tally) in tallies {
        let _ = write!(
            text,
            "\n[[peers]]\nname = \"{}\"\nversion = \"{}\"\nrole = \"{}\"\n",
            peer.name(),
            peer.version(root)?,
            peer.role(),
        );
        let _ = writeln!(text, "total = {}", tally.total().as_toml());
        text.push_str("[peers.sections]\n");
        for (section, counts) in &tally.sections {
            let _ = writeln!(text, "{section} = {}", counts.as_toml());
        }
        text.push_str("[peers.faults]\n");
        for (case, verdict) in &tally.faults {
            let _ = writeln!(text, "\"{case}\" = \"{}\"", word(verdict.as_ref()));
        }
    }
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn word(verdict: Option<&Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::NonStrict) => "non-strict",
        Some(Verdict::Unimplemented) => "unimplemented",
        _ => "failed",
    }
}

impl Counts {
    fn as_toml(&self) -> String {
        let Self {
            cases,
            ok,
            informational,
            non_strict,
            unimplemented,
            failed,
        } = self;
        format!(
            "{{ cases = {cases}, ok = {ok}, informational = {informational}, non_strict = {non_strict}, \
             unimplemented = {unimplemented}, failed = {failed} }}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(text: &str) -> Case {
        Case::parse(text).expect("a number")
    }

    /// A run that came to nothing, a case that is missing in the report and one that failed are faults; a peer's
    /// are not ours.
    #[test]
    fn a_case_without_a_verdict_is_a_fault() {
        let wanted = [case("1.1.1"), case("1.1.2"), case("6.4.1")];
        let mut results = Results::default();
        let good = |case: &Case| (case.clone(), Verdict::Ok);
        results.add(Peer::Client, Ok(wanted.iter().map(good).collect()));
        results.add(Peer::Server, Ok([good(&wanted[0])].into()));
        let weak = (wanted[2].clone(), Verdict::NonStrict);
        results.add(Peer::Server, Ok([weak].into()));
        results.add(
            Peer::Ws,
            Ok([(wanted[0].clone(), Verdict::Failed("x".into()))].into()),
        );
        assert_eq!(
            results.faults(&wanted),
            ["server 1.1.2: not in the report", "server 6.4.1: NonStrict"]
        );
        let tally = results.tally(Peer::Server, &wanted);
        assert_eq!(tally.total().in_words(), "1 OK, 1 non-strict, 1 FAILED");
        results.add(Peer::Server, Err("it hung".into()));
        assert_eq!(results.faults(&wanted).len(), 3);
    }
}
