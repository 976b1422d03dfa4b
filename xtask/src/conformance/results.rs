//! What came of all runs: as a table by section, as the record, and as a list of what is not right.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::cases::{Case, SECTIONS, Verdict};
use super::peers::{Peer, Subject};
use super::suite::Suite;

/// The verdicts on each subject, and why there are none.
#[derive(Default)]
pub(super) struct Results {
    verdicts: Vec<(Subject, BTreeMap<Case, Verdict>)>,
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

/// One subject's verdicts by section, and its cases that are not right.
pub(super) struct Tally {
    subject: Subject,
    sections: BTreeMap<u32, Counts>,
    faults: Vec<(Case, Option<Verdict>)>,
}

impl Results {
    /// Takes what came of one run.
    pub(super) fn add(
        &mut self,
        subject: Subject,
        verdicts: Result<BTreeMap<Case, Verdict>, String>,
    ) {
        match verdicts {
            Ok(verdicts) => self.verdicts.push((subject, verdicts)),
            Err(failure) => self.failures.push(failure),
        }
    }

    fn verdict(&self, subject: Subject, case: &Case) -> Option<&Verdict> {
        let mut runs = self
            .verdicts
            .iter()
            .filter(|(judged, _)| *judged == subject);
        runs.find_map(|(_, verdicts)| verdicts.get(case))
    }

    /// The verdicts on one subject. A case without one has failed.
    pub(super) fn tally(&self, subject: Subject, cases: &[Case]) -> Tally {
        let mut tally = Tally {
            subject,
            sections: BTreeMap::new(),
            faults: Vec::new(),
        };
        for case in cases {
            let verdict = self.verdict(subject, case);
            let counts = tally.sections.entry(case.section()).or_default();
            counts.count(verdict);
            if !matches!(verdict, Some(Verdict::Ok | Verdict::Informational)) {
                tally.faults.push((case.clone(), verdict.cloned()));
            }
        }
        tally
    }

    /// Runs that came to nothing, and our cases that are not right.
    pub(super) fn faults(&self, tallies: &[Tally]) -> Vec<String> {
        let mut faults = self.failures.clone();
        let ours = |tally: &&Tally| matches!(tally.subject.peer, Peer::Server | Peer::Client);
        for Tally {
            subject,
            faults: of_subject,
            ..
        } in tallies.iter().filter(ours)
        {
            for (case, verdict) in of_subject {
                let verdict = match verdict {
                    None => "not in the report".to_owned(),
                    Some(Verdict::Failed(words)) => words.clone(),
                    Some(verdict) => format!("{verdict:?}"),
                };
                faults.push(format!("{} {case}: {verdict}", subject.short_name()));
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
}

/// One line for each section, one column for each subject: how many cases are right, and what the others are.
pub(super) fn table(tallies: &[Tally]) -> String {
    let mut text = format!("\n{:<22}", "section");
    for Tally { subject, .. } in tallies {
        let _ = write!(text, "{:>26}", subject.short_name());
    }
    text.push('\n');
    for (section, name, _) in SECTIONS {
        let of_section = |tally: &Tally| tally.sections.get(&section).copied();
        let columns: Vec<Counts> = tallies
            .iter()
            .map(|tally| of_section(tally).unwrap_or_default())
            .collect();
        if columns.iter().any(|counts| counts.cases > 0) {
            line(&mut text, &format!("{section:>2} {name}"), &columns);
        }
    }
    let totals: Vec<Counts> = tallies.iter().map(Tally::total).collect();
    line(&mut text, "all", &totals);
    text
}

fn line(text: &mut String, name: &str, columns: &[Counts]) {
    let _ = write!(text, "{name:<22}");
    for counts in columns {
        let _ = write!(text, "{:>26}", counts.in_words());
    }
    text.push('\n');
}

impl Counts {
    fn in_words(&self) -> String {
        if self.cases == 0 {
            return "-".to_owned();
        }
        let mut words = format!("{}/{} OK", self.ok + self.informational, self.cases);
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
pub(super) fn write(root: &Path, path: &Path, tallies: &[Tally]) -> Result<(), String> {
    let mut text = format!(
        "# What the Autobahn test suite says; `cargo xtask conformance --full --record` writes this.\n\n\
         [suite]\nversion = \"{}\"\ncases = {}\n",
        Suite::version(root)?,
        SECTIONS.iter().map(|(_, _, cases)| cases).sum::<usize>(),
    );
    for tally in tallies {
        let Subject { peer, transport } = tally.subject;
        let _ = write!(
            text,
            "\n[[peers]]\nname = \"{}\"\nversion = \"{}\"\nrole = \"{}\"\ntransport = \"{}\"\n",
            peer.name(),
            peer.version(root)?,
            peer.role(),
            transport.scheme(),
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
    use crate::conformance::peers::Transport;

    fn case(text: &str) -> Case {
        Case::parse(text).expect("a number")
    }

    /// A run that came to nothing, a case that is missing in the report and one that failed are faults; a peer's
    /// are not ours.
    #[test]
    fn a_case_without_a_verdict_is_a_fault() {
        let wanted = [case("1.1.1"), case("1.1.2"), case("6.4.1")];
        let [server, client, other] = [Peer::Server, Peer::Client, Peer::Ws].map(|peer| Subject {
            peer,
            transport: Transport::Plain,
        });
        let mut results = Results::default();
        let good = |case: &Case| (case.clone(), Verdict::Ok);
        results.add(client, Ok(wanted.iter().map(good).collect()));
        results.add(server, Ok([good(&wanted[0])].into()));
        let weak = (wanted[2].clone(), Verdict::NonStrict);
        results.add(server, Ok([weak].into()));
        results.add(
            other,
            Ok([(wanted[0].clone(), Verdict::Failed("x".into()))].into()),
        );
        let tallies = [server, client, other].map(|subject| results.tally(subject, &wanted));
        assert_eq!(
            results.faults(&tallies),
            [
                "server-ws 1.1.2: not in the report",
                "server-ws 6.4.1: NonStrict"
            ]
        );
        assert_eq!(
            tallies[0].total().in_words(),
            "1/3 OK, 1 non-strict, 1 FAILED"
        );
        results.add(server, Err("it hung".into()));
        assert_eq!(results.faults(&tallies).len(), 3);
    }
}
