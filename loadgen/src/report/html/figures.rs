//! Every figure of the report, in one small table for each of its objects.
//!
//! Made from the JSON and not from the structure: a figure that somebody adds to the report stands here without a further line.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::super::Report;
use super::super::chart::short;
use super::super::environment::date;
use super::words::{duration, share};
use crate::figure::Unit;
use crate::quantity::{bytes, count, grouped};

/// Objects in the order in which they are shown, with what is to be known about them. Others follow.
const OBJECTS: [(&str, &str, &str); 11] = [
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
    let value = serde_json::to_value(report).expect("a structure of plain fields");
    let objects = value.as_object().expect("a structure is an object");
    let known = OBJECTS
        .iter()
        .filter_map(|&(name, title, about)| Some((name, title, about, objects.get(name)?)));
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
                                @for (path, label, value) in &rows {
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

/// Path, label and value of everything in an object that is no list drawn elsewhere.
fn rows(path: &str, value: &Value) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    match value {
        Value::Object(fields) => add_fields(&mut rows, path, "", fields),
        Value::Array(list) => add_list(&mut rows, path, "", list),
        _ => {}
    }
    rows
}

fn add_fields(
    rows: &mut Vec<(String, String, String)>,
    path: &str,
    prefix: &str,
    fields: &Map<String, Value>,
) {
    for (name, value) in fields
        .iter()
        .filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()))
    {
        let path = format!("{path}.{name}");
        let label = format!("{prefix}{}", words(name));
        match value {
            Value::Object(inner) => add_fields(rows, &path, &format!("{label}: "), inner),
            Value::Array(list) => add_list(rows, &path, &format!("{label} "), list),
            _ => rows.push((path, label, shown(name, value))),
        }
    }
}

fn add_list(rows: &mut Vec<(String, String, String)>, path: &str, prefix: &str, list: &[Value]) {
    for (index, value) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let label = format!("{prefix}{}", index + 1);
        match value {
            Value::Object(inner) => add_fields(rows, &path, &format!("{label}: "), inner),
            _ => rows.push((path, label, shown("", value))),
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
    name.replace("bytes", "memory")
        .replace("payload memory", "payload")
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
