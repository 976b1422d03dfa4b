//! The report's figures by name: `p99`, `reach`, `server.cpu_ns_per_delivery`.
//!
//! A name is a path in the JSON report, or one of a few short names for what is asked for most. Which paths there are, the report's
//! own structure says (its JSON schema), also for parts that a run does not have: so a wrong name is refused before the run.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::quantity::{self, nearest};
use crate::report::Report;

/// Short names, and the paths that they stand for.
pub const SHORT_NAMES: &[(&str, &str)] = &[
    ("p50", "latency.p50_ns"),
    ("p75", "latency.p75_ns"),
    ("p90", "latency.p90_ns"),
    ("p99", "latency.p99_ns"),
    ("p99.9", "latency.p99_9_ns"),
    ("p99.99", "latency.p99_99_ns"),
    ("max", "latency.max_ns"),
    ("mean", "latency.mean_ns"),
    ("reach", "integrity.reach"),
    ("lost", "integrity.lost"),
    ("duplicated", "integrity.duplicated"),
    ("reordered", "integrity.reordered"),
    ("corrupted", "integrity.corrupted"),
    ("unsent", "integrity.unsent"),
    ("rate", "throughput.publishes_per_second"),
    ("deliveries", "throughput.deliveries_per_second"),
    ("server.cpu", "server.cpu_share"),
    ("server.memory", "server.resident_bytes_end"),
];

/// A number of the report, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    name: String,
    path: String,
    unit: Unit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Of time.
    Nanoseconds,
    /// Of time.
    Seconds,
    /// Of memory or payload.
    Bytes,
    /// Parts of 1.
    Share,
    /// Anything else.
    Number,
}

impl Figure {
    /// The figure of that name.
    pub fn named(name: &str) -> Result<Figure, String> {
        let short = SHORT_NAMES.iter().find(|(short, _)| *short == name);
        let path = short.map_or(name, |(_, path)| path);
        if !paths().contains(path) {
            let known = SHORT_NAMES.iter().map(|(short, _)| *short);
            let hint = nearest(name, known.chain(paths().iter().map(String::as_str)))
                .map_or(String::new(), |nearest| {
                    format!("did you mean `{nearest}`? ")
                });
            return Err(format!(
                "the report has no figure `{name}`; {hint}`ringwire-load figures` lists them"
            ));
        }
        Ok(Figure {
            name: name.to_owned(),
            path: path.to_owned(),
            unit: Unit::of(path),
        })
    }

    /// Its path in the JSON report.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reads a value as people write it, into the unit that the report has.
    pub fn parse_value(&self, text: &str) -> Result<f64, String> {
        let bare = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let says_unit = self.name == self.path;
        let duration = || quantity::parse_duration(text).map(|duration| duration.as_secs_f64());
        let value = match self.unit {
            Unit::Number | Unit::Share if bare.is_some() => bare,
            Unit::Nanoseconds | Unit::Seconds if says_unit && bare.is_some() => bare,
            Unit::Nanoseconds => duration().ok().map(|seconds| seconds * 1e9),
            Unit::Seconds => duration().ok(),
            Unit::Bytes => quantity::parse_bytes(text).ok().map(|bytes| bytes as f64),
            Unit::Share => text
                .strip_suffix('%')
                .and_then(|percent| percent.trim().parse::<f64>().ok())
                .map(|percent| percent / 100.0),
            Unit::Number => None,
        };
        value.ok_or_else(|| {
            let wanted = match self.unit {
                Unit::Nanoseconds | Unit::Seconds => "a time with its unit: 250us, 5ms, 1s",
                Unit::Bytes => "a size: 4096, 64KiB, 1MiB",
                Unit::Share => "a part of 1 or a percentage: 0.999, 99.9%",
                Unit::Number => "a number",
            };
            format!("`{}` is compared with {wanted}", self.name)
        })
    }

    /// Writes a value for people.
    pub fn display(&self, value: f64) -> String {
        match self.unit {
            Unit::Nanoseconds => quantity::nanoseconds(value as u64),
            Unit::Seconds => quantity::nanoseconds((value * 1e9) as u64),
            Unit::Bytes => quantity::bytes(value as u64),
            Unit::Share => quantity::share(value, 4),
            Unit::Number => quantity::count(value),
        }
    }
}

impl Unit {
    /// The unit stands in the name, which is the last part of the path.
    pub fn of(path: &str) -> Unit {
        let name = path.rsplit('.').next().unwrap_or(path);
        if name.ends_with("_ns") || name.contains("_ns_per_") {
            Unit::Nanoseconds
        } else if name.ends_with("seconds") {
            Unit::Seconds
        } else if name.contains("bytes") {
            Unit::Bytes
        } else if name.contains("share") || name == "reach" {
            Unit::Share
        } else {
            Unit::Number
        }
    }
}

/// The figures of one report.
#[derive(Clone, Debug)]
pub struct Figures(Value);

impl Figures {
    /// The figures of `report`.
    pub fn of(report: &Report) -> Figures {
        Figures(serde_json::to_value(report).expect("a structure of plain fields"))
    }

    /// What was measured; nothing if it was not, or if the distribution that it belongs to is of nothing.
    pub fn value(&self, figure: &Figure) -> Option<f64> {
        let (object, name) = figure.path.rsplit_once('.')?;
        let object = object
            .split('.')
            .try_fold(&self.0, |value, key| value.get(key))?;
        let is_of_nothing = object.get("count").is_some_and(|count| count == 0) && name != "count";
        object.get(name).filter(|_| !is_of_nothing)?.as_f64()
    }
}

#[cfg(test)]
impl From<Value> for Figures {
    fn from(report: Value) -> Figures {
        Figures(report)
    }
}

/// The paths of all numbers that a report may have, those in lists left out.
pub fn paths() -> &'static BTreeSet<String> {
    static PATHS: OnceLock<BTreeSet<String>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<Report>();
        let mut paths = BTreeSet::new();
        collect(schema.as_value(), "", &mut paths);
        paths
    })
}

fn collect(schema: &Value, path: &str, paths: &mut BTreeSet<String>) {
    let types = &schema["type"];
    let is = |name: &str| {
        types == name
            || types
                .as_array()
                .is_some_and(|any| any.iter().any(|one| one == name))
    };
    if is("number") || is("integer") {
        paths.insert(path.to_owned());
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        collect(inner, &format!("{path}{dot}{name}"), paths);
    }
    // What may be null is one of two.
    for inner in schema["anyOf"].as_array().into_iter().flatten() {
        collect(inner, path, paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_lead_to_figures() {
        for (short, path) in SHORT_NAMES {
            assert!(paths().contains(*path), "{short}: {path}");
        }
    }

    #[test]
    fn figures_of_parts_that_may_be_missing_are_known() {
        for path in [
            "server.cpu_ns_per_delivery",
            "generator.lateness.p99_ns",
            "load.rate_per_second",
        ] {
            assert!(paths().contains(path), "{path}");
        }
        assert!(
            !paths().iter().any(|path| path.starts_with("departures")),
            "{:?}",
            paths()
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        for (wrong, nearest) in [
            ("p999", "`p99`"),
            ("reech", "`reach`"),
            (
                "server.cpu_ns_per_deliverys",
                "`server.cpu_ns_per_delivery`",
            ),
        ] {
            let error = Figure::named(wrong).expect_err(wrong);
            assert!(error.contains(nearest), "{error}");
        }
    }

    #[test]
    fn a_loss_never_reads_as_everything() {
        let reach = Figure::named("reach").expect("a figure");
        assert_eq!(reach.display(1.0), "100.0000 %");
        assert_eq!(reach.display(0.999_999_99), "99.9999 %");
    }

    #[test]
    fn values_have_the_units_of_their_figures() {
        for (name, text, value) in [
            ("p99", "5ms", 5e6),
            ("latency.p99_ns", "5ms", 5e6),
            ("latency.p99_ns", "700", 700.0),
            ("server.cpu_ns_per_delivery", "100", 100.0),
            ("connect.seconds", "250ms", 0.25),
            ("reach", "99.9%", 0.999),
            ("reach", "1", 1.0),
            ("server.memory", "64KiB", 65_536.0),
            ("lost", "10", 10.0),
        ] {
            let figure = Figure::named(name).expect(name);
            let read = figure.parse_value(text).expect(text);
            assert!((read - value).abs() < 1e-9 * value, "{name} {text}: {read}");
        }
        for (name, text) in [
            ("p99", "5"),
            ("reach", "5ms"),
            ("lost", "1s"),
            ("lost", "inf"),
            ("p99", ""),
            ("server.memory", "5ms"),
        ] {
            let figure = Figure::named(name).expect(name);
            assert!(figure.parse_value(text).is_err(), "{name} {text}");
        }
    }
}
