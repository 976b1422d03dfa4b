//! What a sweep has found: a table with a line for each run, the answer in one sentence, and all of it as JSON.

mod html;

use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

use super::{Environment, Report, written};
use crate::arguments::Sweep as Options;
use crate::failure::Outcome;
use crate::figure::{Figure, Figures};
use crate::quantity::{count, grouped, nanoseconds, share};
use crate::sweep::search::{Answer, Finding};
use crate::threshold::{Condition, Judged};

/// What the table says of each run, beside its rate and the verdict.
const COLUMNS: [&str; 5] = ["p50", "p99", "max", "reach", "server CPU"];

/// A sweep from beginning to end.
#[derive(Clone, Debug, Serialize)]
pub struct SweepReport {
    environment: Environment,
    sweep: Setting,
    answer: Conclusion,
    steps: Vec<Step>,
}

/// What was looked for, and where.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    limits: Vec<Limit>,
    from_per_second: f64,
    to_per_second: f64,
    precision: f64,
    runs_max: u32,
}

/// A condition as it was written.
#[derive(Clone, Debug)]
struct Limit(Condition);

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
struct Conclusion {
    /// `between`, `at least`, `nowhere`, `generator`, `unknown`.
    kind: &'static str,
    /// The highest rate at which the limits held.
    holds_at_per_second: Option<f64>,
    /// The lowest at which they did not.
    breaks_at_per_second: Option<f64>,
    /// The lowest at which the generator was the limit.
    generator_limited_at_per_second: Option<f64>,
    cut_short_because: Option<String>,
    sentence: String,
    exit_code: u8,
}

/// One run of a sweep.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    rate_per_second: f64,
    #[serde(rename = "verdict")]
    finding: Finding,
    /// What was broken, or why the run is invalid.
    because: Vec<String>,
    report: Report,
}

impl Setting {
    pub(crate) fn new(options: &Options, limits: &[Condition], from_per_second: f64) -> Setting {
        Setting {
            limits: limits.iter().cloned().map(Limit).collect(),
            from_per_second,
            to_per_second: options.to,
            precision: options.precision,
            runs_max: options.runs,
        }
    }

    /// The bounds of limits on latencies, in nanoseconds.
    fn latency_bounds(&self) -> impl Iterator<Item = f64> {
        let limits = self.limits.iter().map(|limit| &limit.0);
        limits
            .filter(|limit| limit.figure().path().starts_with("latency."))
            .map(Condition::bound)
    }

    fn limits_text(&self) -> String {
        let limits: Vec<_> = self
            .limits
            .iter()
            .map(|limit| limit.0.to_string())
            .collect();
        limits.join(", ")
    }
}

impl Step {
    pub(crate) fn new(
        rate_per_second: f64,
        finding: Finding,
        broken: &[Judged],
        report: Report,
    ) -> Step {
        let because = match finding {
            Finding::Invalid => report.invalid_because().to_vec(),
            _ => broken
                .iter()
                .map(|judged| {
                    format!(
                        "{} is {}, not {}",
                        short_name(judged),
                        judged.seen_text(),
                        bound(judged)
                    )
                })
                .collect(),
        };
        Step {
            rate_per_second,
            finding,
            because,
            report,
        }
    }

    pub(crate) fn finding(&self) -> Finding {
        self.finding
    }

    /// Why, without the remedies that a report gives for each invalid run.
    fn reason(&self) -> String {
        let short = |reason: &String| {
            reason
                .split(['(', ';'])
                .next()
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        };
        let reasons: Vec<_> = match self.finding {
            Finding::Invalid => self.because.iter().map(short).collect(),
            _ => self.because.clone(),
        };
        reasons.join("; ")
    }

    /// What stands in the columns of the table.
    fn cells(&self) -> [String; COLUMNS.len()] {
        let cell = |name: &str, display: fn(f64) -> String| {
            self.value(name).map_or_else(|| "-".to_owned(), display)
        };
        let time = |name: &str| cell(name, |ns| nanoseconds(ns as u64));
        let reach = |reach: f64| match reach {
            1.0 => "100 %".to_owned(),
            part => share(part, 4),
        };
        [
            time("p50"),
            time("p99"),
            time("max"),
            cell("reach", reach),
            cell("server.cpu", |share| format!("{:.1} %", share * 100.0)),
        ]
    }

    fn value(&self, name: &str) -> Option<f64> {
        let figure = Figure::named(name).expect("a figure of the report");
        Figures::of(&self.report).value(&figure)
    }
}

/// The figure's name as the condition has it.
fn short_name(judged: &Judged) -> &str {
    let end = judged.condition.find(['<', '>', '=', '!']);
    judged.condition[..end.unwrap_or_default()].trim()
}

/// The comparison and the value as the condition has them.
fn bound(judged: &Judged) -> &str {
    judged.condition[short_name(judged).len()..].trim()
}

impl SweepReport {
    pub(crate) fn new(sweep: Setting, environment: Environment) -> SweepReport {
        SweepReport {
            environment,
            sweep,
            answer: Conclusion::default(),
            steps: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(crate) fn cut_short(&mut self, reason: String) {
        self.answer.cut_short_because = Some(reason);
    }

    pub(crate) fn conclude(&mut self, answer: Option<Answer>) {
        let (kind, holds, breaks, limited, outcome) = match answer {
            Some(Answer::Between {
                holds_at,
                breaks_at,
            }) => (
                "between",
                Some(holds_at),
                Some(breaks_at),
                None,
                Outcome::Fine,
            ),
            Some(Answer::AtLeast { holds_at }) => {
                ("at least", Some(holds_at), None, None, Outcome::Fine)
            }
            Some(Answer::Nowhere { breaks_at }) => {
                ("nowhere", None, Some(breaks_at), None, Outcome::Failed)
            }
            Some(Answer::Generator {
                holds_at,
                limited_at,
            }) => (
                "generator",
                holds_at,
                None,
                Some(limited_at),
                Outcome::Invalid,
            ),
            None => ("unknown", None, None, None, Outcome::Invalid),
        };
        let sentence = self.sentence(answer);
        let cut_short_because = self.answer.cut_short_because.take();
        let outcome = match (&cut_short_because, outcome) {
            (Some(_), Outcome::Fine) => Outcome::Invalid,
            (_, outcome) => outcome,
        };
        self.answer = Conclusion {
            kind,
            holds_at_per_second: holds,
            breaks_at_per_second: breaks,
            generator_limited_at_per_second: limited,
            cut_short_because,
            sentence,
            exit_code: outcome as u8,
        };
    }

    /// The answer for people. Rates are rounded to the three digits that they have.
    fn sentence(&self, answer: Option<Answer>) -> String {
        let limits = self.sweep.limits_text();
        let why = |rate: f64| {
            let at_rate = || {
                self.steps
                    .iter()
                    .filter(|step| step.rate_per_second == rate)
            };
            // A run that stood says more than one that did not.
            let step = at_rate().rfind(|step| step.finding == Finding::Breaks);
            let step = step.or_else(|| at_rate().next_back());
            step.map_or(String::new(), Step::reason)
        };
        match answer {
            Some(Answer::Between {
                holds_at,
                breaks_at,
            }) => format!(
                "{limits}: holds at {} publishes/s ({} deliveries/s), and not at {}, where {}.",
                count(holds_at),
                self.deliveries_at(holds_at),
                count(breaks_at),
                why(breaks_at)
            ),
            Some(Answer::AtLeast { holds_at }) if self.answer.cut_short_because.is_some() => {
                format!(
                    "{limits}: holds at {} publishes/s ({} deliveries/s), the highest rate tried so far.",
                    count(holds_at),
                    self.deliveries_at(holds_at)
                )
            }
            Some(Answer::AtLeast { holds_at }) => format!(
                "{limits}: holds at {} publishes/s ({} deliveries/s), the highest rate that was to be tried (--to).",
                count(holds_at),
                self.deliveries_at(holds_at)
            ),
            Some(Answer::Nowhere { breaks_at }) => format!(
                "{limits}: does not even hold at {} publishes/s, where {}. Begin lower (--from).",
                count(breaks_at),
                why(breaks_at)
            ),
            Some(Answer::Generator {
                holds_at: Some(holds_at),
                limited_at,
            }) => format!(
                "{limits}: holds at {} publishes/s ({} deliveries/s) at least. At {} the generator was the limit: {}.",
                count(holds_at),
                self.deliveries_at(holds_at),
                count(limited_at),
                why(limited_at)
            ),
            Some(Answer::Generator {
                holds_at: None,
                limited_at,
            }) => format!(
                "Nothing is known: already at {} publishes/s the generator was the limit: {}.",
                count(limited_at),
                why(limited_at)
            ),
            None => "Nothing is known: no rate was tried to its end.".to_owned(),
        }
    }

    fn deliveries_at(&self, rate: f64) -> String {
        let mut steps = self.steps.iter().rev();
        let step =
            steps.find(|step| step.rate_per_second == rate && step.finding == Finding::Holds);
        let deliveries = step.and_then(|step| step.value("deliveries"));
        deliveries.map_or_else(|| "-".to_owned(), count)
    }

    /// How the process should exit.
    pub fn exit_code(&self) -> u8 {
        self.answer.exit_code
    }

    /// The sweep as one JSON object, with the whole report of each run.
    pub fn to_json(&self) -> String {
        written(self)
    }

    /// What is going to be done, and the head of the table.
    pub fn head(&self) -> String {
        let sweep = &self.sweep;
        let columns: String = COLUMNS.iter().map(|name| format!("{name:>12}")).collect();
        format!(
            "looking for the highest rate at which {} hold, from {} publishes/s on\n\n{:>12}{columns}   verdict\n",
            sweep.limits_text(),
            count(sweep.from_per_second),
            "publishes/s"
        )
    }

    /// The answer.
    pub fn conclusion(&self) -> String {
        let cut_short = self
            .answer
            .cut_short_because
            .iter()
            .map(|reason| format!("CUT SHORT: {reason}\n"));
        format!(
            "\n{}{}\n",
            cut_short.collect::<String>(),
            self.answer.sentence
        )
    }
}

impl Display for Step {
    /// Its line of the table.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let verdict = match self.finding {
            Finding::Holds => "holds",
            Finding::Breaks => "breaks: ",
            Finding::Invalid => "INVALID: ",
        };
        let rate = grouped(self.rate_per_second as u64);
        let cells: String = self
            .cells()
            .iter()
            .map(|cell| format!("{cell:>12}"))
            .collect();
        write!(formatter, "{rate:>12}{cells}   {verdict}{}", self.reason())
    }
}

#[cfg(test)]
mod tests;
