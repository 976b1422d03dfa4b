//! Conditions on a report's figures: `p99>5ms`, `reach<1`, `server.cpu_ns_per_delivery>100`.
//!
//! `--fail-if` ends a run with an exit code of its own when one comes true; `--limit` of a sweep is one that must hold.

use std::fmt::{self, Display, Formatter};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{Figure, Figures};

/// A figure, how it is compared, and with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    text: String,
    figure: Figure,
    comparison: Comparison,
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

/// Longer ones first: `>=` begins with `>`.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("=", Comparison::Equal),
];

/// A threshold of `--fail-if` beside what was seen.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Judged {
    /// The condition as it was written.
    pub condition: String,
    /// The path of its figure in the report.
    pub figure: String,
    /// With what it was compared, in the unit of the figure.
    pub bound: f64,
    /// The figure; `null` if the run did not measure it.
    pub seen: Option<f64>,
    /// Whether the condition came true, or could not be judged.
    pub failed: bool,
}

impl Condition {
    /// Reads `FIGURE COMPARISON VALUE`, blanks or not.
    pub fn parse(text: &str) -> Result<Condition, String> {
        let malformed = "give a figure, a comparison and a value: 'p99>5ms', 'reach<1'";
        let at = text.find(['<', '>', '=', '!']).ok_or(malformed)?;
        let (name, rest) = text.split_at(at);
        let (symbol, comparison) = COMPARISONS
            .into_iter()
            .find(|(symbol, _)| rest.starts_with(symbol))
            .ok_or(malformed)?;
        let figure = Figure::named(name.trim())?;
        let bound = figure.parse_value(rest[symbol.len()..].trim())?;
        Ok(Condition {
            text: text.trim().to_owned(),
            figure,
            comparison,
            bound,
        })
    }

    /// What it is about.
    pub fn figure(&self) -> &Figure {
        &self.figure
    }

    /// With what it is compared, in the unit of the figure.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// Whether it is true of these figures; nothing if they do not have it.
    pub fn is_true(&self, figures: &Figures) -> Option<bool> {
        let seen = figures.value(&self.figure)?;
        Some(match self.comparison {
            Comparison::Less => seen < self.bound,
            Comparison::LessOrEqual => seen <= self.bound,
            Comparison::Equal => seen == self.bound,
            Comparison::NotEqual => seen != self.bound,
            Comparison::GreaterOrEqual => seen >= self.bound,
            Comparison::Greater => seen > self.bound,
        })
    }

    /// As a threshold. What was not measured fails: a gate must not pass because nothing was looked at.
    pub fn judge(&self, figures: &Figures) -> Judged {
        Judged {
            condition: self.text.clone(),
            figure: self.figure.path().to_owned(),
            bound: self.bound,
            seen: figures.value(&self.figure),
            failed: self.is_true(figures).unwrap_or(true),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Judged {
    /// What was seen, for people.
    pub fn seen_text(&self) -> String {
        match (self.seen, Figure::named(&self.figure)) {
            (Some(seen), Ok(figure)) => figure.display(seen),
            // A figure that this version does not know comes from a report of another one.
            (Some(seen), Err(_)) => seen.to_string(),
            (None, _) => "not measured".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_is_read_and_judged() {
        for (text, of_99, of_100, of_101) in [
            ("lost < 100", true, false, false),
            ("lost<=100", true, true, false),
            ("lost =100", false, true, false),
            ("lost==100", false, true, false),
            ("lost!=100", true, false, true),
            (" lost >= 100 ", false, true, true),
            ("lost>100", false, false, true),
        ] {
            let condition = Condition::parse(text).expect(text);
            for (lost, expected) in [(99, of_99), (100, of_100), (101, of_101)] {
                let figures = Figures::from(serde_json::json!({ "integrity": { "lost": lost } }));
                assert_eq!(
                    condition.is_true(&figures),
                    Some(expected),
                    "{text} at {lost}"
                );
            }
        }
    }

    #[test]
    fn what_was_not_measured_fails() {
        let nothing = serde_json::json!({ "server": null, "latency": { "count": 0, "p99_ns": 0 } });
        let figures = Figures::from(nothing);
        for text in ["server.cpu_ns_per_delivery>100", "p99>5ms"] {
            let judged = Condition::parse(text).expect(text).judge(&figures);
            assert_eq!((judged.seen, judged.failed), (None, true), "{text}");
            assert_eq!(judged.seen_text(), "not measured");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for (text, reason) in [
            ("p99", "a comparison"),
            ("p99!5ms", "a comparison"),
            ("<5ms", "no figure ``"),
            ("p99>", "a time with its unit"),
            ("p99>=>5ms", "a time with its unit"),
            ("p98>5ms", "did you mean"),
        ] {
            let error = Condition::parse(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
