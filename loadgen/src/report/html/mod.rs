//! The report as one HTML file: opens from disk, asks the network for nothing, prints, and fits a telephone.
//!
//! In the order in which one asks: may I believe it, what came out, how is it distributed, when did it happen, what went wrong,
//! what did it cost, what exactly was done, and where. Every figure of the JSON report appears, and so does the JSON itself.

mod figures;
mod latency;
mod over_time;
mod summary;
mod words;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(super) use self::latency::{Curve, plot as percentile_plot};
pub(super) use self::summary::{Badge, description};
pub(super) use self::words::quoted;
use super::Report;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Forbids the page what it does not need: above all the network.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// A run's page.
pub fn page(report: &Report) -> String {
    let body = html! {
        (summary::header(report))
        (summary::verdict(report))
        (summary::headline(report))
        (latency::section(report))
        (over_time::section(report))
        (latency::connecting(report))
        (words::faults(report))
        (figures::section(report))
        (words::command(report))
        (embedded(&report.to_json()))
    };
    let class = if report.verdict.valid { "" } else { "invalid" };
    document(&summary::title(report), class, body)
}

/// A whole document.
pub(super) fn document(title: &str, class: &str, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body class=(class) {
                main { (body) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// JSON inside of HTML: no `<` in it can end the element or open a comment, and JSON has one only inside of strings.
pub(super) fn embedded(json: &str) -> Markup {
    html! {
        script.report type="application/json" { (PreEscaped(json.replace('<', "\\u003c"))) }
    }
}

#[cfg(test)]
mod tests;
