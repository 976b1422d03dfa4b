//! Every figure of the report, in one small table for each of its objects.
//!
//! Made from the JSON and not from the structure: a figure that somebody adds to the report stands here without a further line.

use std::fmt;

use maud::{Markup, html};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::super::Report;
use super::super::chart::short;
use super::super::environment::date;
use super::words::{duration, share};
use crate::figure::Unit;
use crate::quantity::{bytes, count, grouped};

/// Objects in the order in which they are shown, with what is to be known about them. Others follow.
const OBJECTS: &[(&str, &str, &str)] = &[
    (
        "latency",
        "Latency",
        "Of the messages sent in the measured window, whenever they arrived; three digits, the maximum exact.",
    ),
    (
        "throughput",
        "Throughput",
        "Counted within the measured window.",
    ),
    (
        "integrity",
        "Integrity",
        "Over the whole run: each message is due once at each subscriber of its topic.",
    ),
    (
        "server",
        "Server",
        "Its process as the kernel accounts for it, in the measured window. On loopback half of the CPU time is the receiver's half of TCP.",
    ),
    (
        "generator",
        "Generator",
        "What the tool itself took. Its lateness is part of every latency above.",
    ),
    (
        "connect",
        "Connecting",
        "Until the last connection stood, from the first one begun.",
    ),
    (
        "slow_readers",
        "Slow readers",
        "Subscribers that were to read little. They are left out of latency, reach and lost, which speak of the others.",
    ),
    (
        "churn",
        "Churn",
        "Connections that left and came back while messages were published.",
    ),
    (
        "churn_subscriptions",
        "Churn of subscriptions",
        "Subscriptions that ended and began again on connections that stood.",
    ),
    (
        "reconnect",
        "Reconnect storm",
        "Connections that were all cut at once, and how they came back.",
    ),
    (
        "setbacks",
        "Setbacks",
        "What stood in the way of connections that came back and tried again.",
    ),
    ("tls", "TLS", "What every connection is encrypted with."),
    ("timeline", "Timeline", "Its intervals are drawn above."),
    ("load", "Load", "What was asked for."),
    ("window", "Window", "The part of the run that is measured."),
    (
        "environment",
        "Environment",
        "The machine that the generator ran on.",
    ),
    (
        "verdict",
        "Verdict",
        "Valid says that the figures describe the server.",
    ),
    ("tool", "Tool", "What wrote this page."),
];

/// Lists that are drawn or written elsewhere on the page.
const ELSEWHERE: [&str; 5] = ["curve", "intervals", "command", "invalid_because", "faults"];

pub(super) fn section(report: &Report) -> Markup {
    let Fields(objects) = serde_json::from_str(&report.to_json()).expect("JSON of this program");
    let named = |name: &str| objects.iter().find(|(known, _)| known == name);
    let known = OBJECTS
        .iter()
        .filter_map(|&(name, title, about)| Some((name, title, about, &named(name)?.1)));
    let others = objects
        .iter()
        .filter(|(name, _)| OBJECTS.iter().all(|(known, ..)| known != name))
        .map(|(name, value)| (name.as_str(), name.as_str(), "", value));
    html! {
        section {
            h2 { "All figures" }
            div.cards {
                @for (name, title, about, value) in known.chain(others) {
                    @let rows = rows(name, value);
                    @if !rows.is_empty() {
                        div.card {
                            h3 { (words(title)) }
                            @if !about.is_empty() { p.about { (about) } }
                            table {
                                @for Row { path, label, value } in &rows {
                                    tr { th scope="row" title=(path) { (label) } td { (value) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A figure as the page has it.
struct Row {
    path: String,
    label: String,
    value: String,
}

/// Everything in an object that is no list drawn elsewhere.
fn rows(path: &str, node: &Node) -> Vec<Row> {
    let mut rows = Vec::new();
    // A value that is no object stands for one that does not apply.
    if !matches!(node, Node::Value(_)) {
        add(&mut rows, path, "", node);
    }
    rows
}

fn add(rows: &mut Vec<Row>, path: &str, label: &str, node: &Node) {
    let colon = if label.is_empty() { "" } else { ": " };
    match node {
        Node::Object(Fields(fields)) => {
            for (name, inner) in fields
                .iter()
                .filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()))
            {
                add(
                    rows,
                    &format!("{path}.{name}"),
                    &format!("{label}{colon}{}", words(name)),
                    inner,
                );
            }
        }
        Node::List(list) => {
            for (index, inner) in list.iter().enumerate() {
                add(
                    rows,
                    &format!("{path}[{index}]"),
                    &format!("{label} {}", index + 1),
                    inner,
                );
            }
        }
        Node::Value(value) => {
            let name = path.rsplit('.').next().unwrap_or(path);
            rows.push(Row {
                path: path.to_owned(),
                label: label.to_owned(),
                value: shown(name, value),
            });
        }
    }
}

/// A field's name without its unit, which stands behind the value.
fn words(name: &str) -> String {
    let name = match name
        .strip_prefix('p')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        true => name.trim_end_matches("_ns").replace('_', "."),
        false => name.to_owned(),
    };
    let stripped = ["_ns", "_seconds", "_per_second", "_unix_ms"]
        .iter()
        .find_map(|unit| name.strip_suffix(unit));
    let name = stripped
        .unwrap_or(&name)
        .replace("_ns_per_", " per ")
        .replace('_', " ");
    name.replace(" bytes", "")
}

/// A value in the unit that its field's name ends with.
fn shown(name: &str, value: &Value) -> String {
    let Some(number) = value.as_f64() else {
        return match value {
            Value::String(text) => text.clone(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            _ => "-".to_owned(),
        };
    };
    match (Unit::of(name), name) {
        (_, name) if name.ends_with("_unix_ms") => date(number as u64),
        (Unit::Bytes, name) if name.ends_with("per_second") => {
            format!("{}/s", bytes(number as u64))
        }
        (_, name) if name.ends_with("per_second") => format!("{}/s", count(number)),
        (Unit::Nanoseconds, _) => duration(number),
        (Unit::Bytes, _) => bytes(number as u64),
        (Unit::Share, _) => share(number),
        (Unit::Seconds, _) => format!("{} s", short(number)),
        (Unit::Number, _) => value.as_u64().map_or_else(|| count(number), grouped),
    }
}

/// JSON whose objects keep the order in which the report has its fields.
#[derive(Deserialize)]
#[serde(untagged)]
enum Node {
    Object(Fields),
    List(Vec<Node>),
    Value(Value),
}

struct Fields(Vec<(String, Node)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
