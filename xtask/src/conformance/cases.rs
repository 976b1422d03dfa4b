//! The suite's cases: which of them a run wants, and what its report says of each.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Number and name of each section, and how many cases it has: a suite that has others is not the one that we pin.
pub(super) const SECTIONS: [(u32, &str, usize); 11] = [
    (1, "framing", 16),
    (2, "pings and pongs", 11),
    (3, "reserved bits", 7),
    (4, "opcodes", 10),
    (5, "fragmentation", 20),
    (6, "UTF-8", 145),
    (7, "closing", 37),
    (9, "limits", 54),
    (10, "mass of fragments", 1),
    (12, "deflated payloads", 90),
    (13, "deflate parameters", 126),
];

/// They have no right answer (the peer's choice is written down, no more), and are INFORMATIONAL for everybody.
const INFORMATIONAL: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// The last part of the numbers of those cases of sections 12 and 13 that every run plays: the others are the
/// same with longer messages.
const SHORT_MAX: u32 = 5;

/// The number of a case, as in 6.4.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Case(Vec<u32>);

impl Case {
    pub(super) fn parse(text: &str) -> Option<Case> {
        let numbers = text.split('.').map(|number| number.parse().ok());
        numbers.collect::<Option<Vec<u32>>>().map(Case)
    }

    pub(super) fn section(&self) -> u32 {
        self.0[0]
    }

    /// Whether it compresses.
    pub(super) fn is_deflated(&self) -> bool {
        self.section() >= 12
    }

    /// Whether it takes so little time that every run can play it.
    pub(super) fn is_short(&self) -> bool {
        !self.is_deflated() || self.0.last().is_some_and(|last| *last <= SHORT_MAX)
    }

    /// Whether it is among the few that every run plays over another transport too: what the bytes say, they say there
    /// as well, but where messages and connections end is seen.
    pub(super) fn is_basic(&self) -> bool {
        match self.section() {
            1..=5 | 7 | 10 => true,
            12 | 13 => self.0.last() == Some(&1),
            _ => false,
        }
    }

    /// Whether it is meant by a pattern, in which `*` stands for anything.
    pub(super) fn fits(&self, pattern: &str) -> bool {
        matches(pattern, &self.to_string())
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text
            .strip_prefix(head)
            .is_some_and(|rest| (0..=rest.len()).any(|at| matches(tail, &rest[at..]))),
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        out.write_str(&numbers.join("."))
    }
}

/// Reads the list of all cases, which has to be the one that we know.
pub(super) fn all(list: &Path) -> Result<Vec<Case>, String> {
    let text = fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?;
    let cases: Option<Vec<Case>> = text.lines().map(Case::parse).collect();
    let mut cases = cases.ok_or_else(|| format!("{}: not a list of cases", list.display()))?;
    cases.sort();
    for (section, name, count) in SECTIONS {
        let found = cases
            .iter()
            .filter(|case| case.section() == section)
            .count();
        if found != count {
            return Err(format!(
                "section {section} ({name}) has {found} cases instead of {count}"
            ));
        }
    }
    Ok(cases)
}

/// What the suite says of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Right in every respect, or a case without right or wrong.
    Ok,
    /// One of those cases.
    Informational,
    /// Allowed, but not what the suite wants.
    NonStrict,
    /// The peer does not know the extension.
    Unimplemented,
    /// Anything else, in the suite's words.
    Failed(String),
}

/// Reads a report of one agent. Cases that are not in it have no verdict.
pub(super) fn verdicts(report: &Path) -> Result<BTreeMap<Case, Verdict>, String> {
    let text = fs::read_to_string(report)
        .map_err(|error| format!("the suite wrote no report ({}: {error})", report.display()))?;
    let agents: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", report.display()))?;
    let agents = agents.as_object().into_iter().flatten().collect::<Vec<_>>();
    let [(_, cases)] = agents.as_slice() else {
        return Err(format!(
            "{}: a report on {} agents",
            report.display(),
            agents.len()
        ));
    };
    let cases = cases.as_object().into_iter().flatten();
    cases
        .map(|(number, case)| {
            let number = Case::parse(number).ok_or_else(|| format!("`{number}` is no case"))?;
            let verdict = verdict(&number, case);
            Ok((number, verdict))
        })
        .collect()
}

fn verdict(number: &Case, case: &Value) -> Verdict {
    let word = |key: &str| case[key].as_str().unwrap_or("missing");
    let is_informational = INFORMATIONAL.contains(&number.to_string().as_str());
    match (word("behavior"), word("behaviorClose")) {
        ("OK", "OK") => Verdict::Ok,
        ("INFORMATIONAL", "OK" | "INFORMATIONAL") if is_informational => Verdict::Informational,
        ("NON-STRICT", "OK") => Verdict::NonStrict,
        ("UNIMPLEMENTED", _) => Verdict::Unimplemented,
        (behavior, close) => Verdict::Failed(format!(
            "{behavior}, closing {close} with {}; {}",
            case["remoteCloseCode"],
            word("reportfile")
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(text: &str) -> Case {
        Case::parse(text).expect("a number")
    }

    #[test]
    fn a_star_stands_for_anything_and_everything_else_for_itself() {
        for pattern in ["6.4.1", "6.*", "*", "6.*.1", "*.1"] {
            assert!(case("6.4.1").fits(pattern), "{pattern}");
        }
        for pattern in ["6.4", "6.4.11", "1.*", "6.*.2", ""] {
            assert!(!case("6.4.1").fits(pattern), "{pattern}");
        }
        assert!(case("12.1.11").fits("12.*.*1"));
        assert!(!case("12.1.12").fits("12.*.1"));
    }

    #[test]
    fn only_three_cases_may_be_informational_and_closing_counts() {
        let judged = |number: &str, behavior: &str, close: &str| {
            let entry = json!({"behavior": behavior, "behaviorClose": close});
            verdict(&case(number), &entry)
        };
        assert_eq!(judged("1.1.1", "OK", "OK"), Verdict::Ok);
        assert_eq!(
            judged("7.1.6", "INFORMATIONAL", "INFORMATIONAL"),
            Verdict::Informational
        );
        assert_eq!(judged("6.4.1", "NON-STRICT", "OK"), Verdict::NonStrict);
        for (number, behavior, close) in [
            ("7.1.5", "INFORMATIONAL", "OK"),
            ("1.1.1", "OK", "UNCLEAN"),
            ("1.1.1", "OK", "INFORMATIONAL"),
            ("1.1.1", "FAILED", "OK"),
        ] {
            assert!(
                matches!(judged(number, behavior, close), Verdict::Failed(_)),
                "{number}"
            );
        }
        assert!(matches!(
            verdict(&case("1.1.1"), &json!({})),
            Verdict::Failed(_)
        ));
    }
}
