//! The sweep as one HTML file, of the same making as a run's own page: the answer, latency over the offered rate, every run.

use maud::{Markup, html};

use super::{Step, SweepReport};
use crate::failure::Outcome;
use crate::quantity::{count, grouped};
use crate::report::chart::{Plot, Scale, dot, line};
use crate::report::html::{Badge, document, embedded, quoted};
use crate::sweep::search::Finding;

/// The latencies that are drawn over the rate: figure, style, word.
const CURVES: [(&str, &str, &str); 3] = [
    ("max", "s3", "max"),
    ("p99", "s0", "p99"),
    ("p50", "s4", "p50"),
];

impl SweepReport {
    /// The page. Opens from disk and asks the network for nothing.
    pub fn html(&self) -> String {
        let title = format!("Sweep for {}", self.sweep.limits_text());
        let command = self.steps.first().map(|step| &step.report.tool.command);
        let body = html! {
            header {
                p.kicker { (env!("CARGO_PKG_NAME")) " " (env!("CARGO_PKG_VERSION")) " · sweep, " (self.environment.started()) }
                h1 { (title) }
                p.flow {
                    (self.steps.len()) " runs, each with connections of its own, from " (count(self.sweep.from_per_second)) " publishes/s on"
                }
            }
            (self.verdict())
            (self.latency())
            (self.server_cpu())
            (self.table())
            @if let Some(command) = command {
                section {
                    h2 { "The command" }
                    p.about { "The JSON report, with that of each run, is inside of this file: the element " code { "script.report" } "." }
                    pre.command tabindex="0" { code { (quoted(command)) } }
                }
            }
            (embedded(&self.to_json()))
        };
        document(&format!("{title} - ringwire-load"), "", body)
    }

    fn verdict(&self) -> Markup {
        let class = match self.answer.kind {
            "between" | "at least" => "fine",
            "nowhere" => "failed",
            _ => "imperfect",
        };
        html! {
            div.verdict.(class) role="status" {
                strong {
                    @match self.answer.holds_at_per_second {
                        Some(rate) => { (count(rate)) "/s" },
                        None => "unknown",
                    }
                }
                div {
                    p { (self.answer.sentence) }
                    @if let Some(reason) = &self.answer.cut_short_because { p { "Cut short: " (reason) } }
                }
            }
        }
    }

    /// From the lowest rate to the highest that was tried.
    fn across(&self) -> Scale {
        let rates = || self.steps.iter().map(|step| step.rate_per_second);
        Scale::offered(
            rates().fold(f64::MAX, f64::min),
            rates().fold(0.0, f64::max),
        )
    }

    /// A figure of the valid runs, ascending by rate: the last run of each, which is the one that counted.
    fn curve(&self, name: &str) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for step in self
            .steps
            .iter()
            .filter(|step| step.finding != Finding::Invalid)
        {
            if let Some(value) = step.value(name) {
                points.retain(|(rate, _)| *rate != step.rate_per_second);
                points.push((step.rate_per_second, value));
            }
        }
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        points
    }

    fn latency(&self) -> Markup {
        let values = CURVES.map(|(name, ..)| self.curve(name));
        let all = || values.iter().flatten().map(|&(_, ns)| ns);
        if all().next().is_none() {
            return html! {};
        }
        let across = self.across();
        let upwards = Scale::logarithmic(all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
        let frame = Plot {
            label: "latency over the offered rate",
            class: "tall",
            across: &across,
            upwards: &upwards,
        };
        let at = |(rate, ns): (f64, f64)| (across.at(rate), upwards.at(ns));
        let marks = html! {
            @for bound in self.sweep.latency_bounds() {
                (line("expected", [(0.0, upwards.at(bound)), (1.0, upwards.at(bound))]))
            }
            @for ((_, class, _), points) in CURVES.iter().zip(&values) { (line(class, points.iter().copied().map(at))) }
            @for step in &self.steps {
                @if let Some(ns) = step.value("p99") {
                    (dot(style(step.finding), across.at(step.rate_per_second), upwards.at(ns), &step.to_string()))
                }
            }
        };
        let key = html! {
            div.key { @for (_, class, word) in CURVES { span { i class={ "stroke " (class) } {} (word) } } }
        };
        html! {
            section {
                h2 { "Latency over the offered rate" }
                p.about { "Publishes per second across, both axes by factors. A point is a run's p99; the grey ones are INVALID and on no line. The thin dashed line is the limit." }
                figure { (frame.around(marks, key)) }
            }
        }
    }

    fn server_cpu(&self) -> Markup {
        let points = self.curve("server.cpu");
        if points.is_empty() {
            return html! {};
        }
        let highest = points.iter().map(|&(_, share)| share).fold(1.0, f64::max);
        let (across, upwards) = (
            self.across(),
            Scale::linear(0.0, highest, 4, |share| format!("{:.0} %", share * 100.0)),
        );
        let frame = Plot {
            label: "server's CPU over the offered rate",
            class: "",
            across: &across,
            upwards: &upwards,
        };
        let marks = line(
            "s0",
            points
                .into_iter()
                .map(|(rate, share)| (across.at(rate), upwards.at(share))),
        );
        html! {
            section {
                h2 { "The server's CPU" }
                p.about { "Of one CPU, all threads together." }
                figure { (frame.around(marks, html! {})) }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            section {
                h2 { "The runs" }
                div.scroll {
                    table.comparison {
                        thead {
                            tr {
                                th scope="col" { "publishes/s" }
                                @for name in super::COLUMNS { th scope="col" { (name) } }
                                th.words scope="col" { "verdict" }
                            }
                        }
                        tbody { @for step in &self.steps { (row(step)) } }
                    }
                }
            }
        }
    }
}

fn row(step: &Step) -> Markup {
    let outcome = match step.finding {
        Finding::Holds => Outcome::Fine,
        Finding::Breaks => Outcome::Failed,
        Finding::Invalid => Outcome::Invalid,
    };
    html! {
        tr {
            th scope="row" { (grouped(step.rate_per_second as u64)) }
            @for cell in step.cells() { td { (cell) } }
            td.words title=(step.because.join("; ")) { (Badge(outcome)) " " (step.reason()) }
        }
    }
}

fn style(finding: Finding) -> &'static str {
    match finding {
        Finding::Holds => "s0",
        Finding::Breaks => "s3",
        Finding::Invalid => "own",
    }
}
