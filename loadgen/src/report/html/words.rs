//! What is said in words: values with their units, what went wrong, and how the run was started.

use maud::{Markup, html};

use super::super::{Departed, Report};
use crate::quantity;

/// A duration with its unit, as in `1.204 ms`.
pub(in crate::report) fn duration(ns: f64) -> String {
    quantity::nanoseconds(ns.round() as u64).replace("us", "µs")
}

/// A part of 1 in per cent, never rounded up to 100: one message of a billion that was lost was lost.
pub(in crate::report) fn share(part: f64) -> String {
    if part >= 1.0 || part == 0.0 {
        return format!("{:.0} %", part * 100.0);
    }
    let decimals = if part > 0.99 { 4 } else { 1 };
    quantity::share(part, decimals)
}

/// `1 subscriber`, `1 000 subscribers`.
pub(in crate::report) fn many(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", quantity::grouped(count))
}

/// Faults and connections that ended early, if there are any.
pub(super) fn faults(report: &Report) -> Markup {
    let verdict = &report.verdict;
    html! {
        @if !verdict.faults.is_empty() || !report.departures.is_empty() {
            section {
                h2 { "What went wrong" }
                p.about { "Counted over the whole run, warm-up and draining included, by sequence numbers and checksums in the messages." }
                ul.faults {
                    @for fault in &verdict.faults { li { (fault) } }
                    @for departed in &report.departures { li { (departure(departed)) } }
                }
            }
        }
    }
}

fn departure(departed: &Departed) -> String {
    format!(
        "{} ended before the run did: {}",
        many(departed.count, &departed.who),
        departed.how
    )
}

/// The command in a block of its own, for a shell.
pub(super) fn command(report: &Report) -> Markup {
    html! {
        section {
            h2 { "The command" }
            p.about { "Exactly what was run, quoted for a shell. The JSON report is inside of this file as well: the element " code { "script.report" } "." }
            pre.command tabindex="0" { code { (quoted(&report.tool.command)) } }
        }
    }
}

/// Words as a POSIX shell reads them back.
pub(in crate::report) fn quoted(words: &[String]) -> String {
    let is_plain = |word: &String| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c))
    };
    let quote = |word: &String| match is_plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}
