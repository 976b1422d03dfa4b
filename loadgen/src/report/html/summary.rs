//! The top of the page: what was run, whether it may be believed, and what came out.

use maud::{Markup, Render, html};

use super::super::Report;
use super::words::{duration, many, share};
use crate::failure::Outcome;
use crate::quantity::{bytes, count, grouped};

/// What the browser calls the page.
pub(super) fn title(report: &Report) -> String {
    format!("{} - ringwire-load", description(report))
}

/// The run in a line: `fan-out, open loop, 200 publishes/s`.
pub(in crate::report) fn description(report: &Report) -> String {
    let load = &report.load;
    let pace = match (load.rate_per_second, load.outstanding) {
        (Some(rate), _) => format!(", open loop, {} publishes/s", count(rate)),
        (_, Some(outstanding)) => {
            format!(", closed loop, {} outstanding", grouped(outstanding.into()))
        }
        _ => String::new(),
    };
    format!("{}{pace}", load.scenario)
}

pub(super) fn header(report: &Report) -> Markup {
    let load = &report.load;
    let tool = &report.tool;
    html! {
        header {
            p.kicker {
                (tool.name) " " (tool.version)
                @if let Some(environment) = &report.environment { " · " (environment.started()) }
            }
            h1 { (description(report)) }
            p.flow {
                @if load.publishers > 0 { (many(load.publishers.into(), "publisher")) " → " }
                (many(load.topics.into(), "topic"))
                " → "
                (many(load.subscribers.into(), "subscriber"))
                @if load.publishers > 0 { ", " (bytes(load.payload_bytes as u64)) " each" }
                " · "
                (format!("{:.2} s measured", report.window.seconds))
                @if report.window.warm_up_seconds > 0.0 {
                    (format!(" after {:.2} s of warm-up", report.window.warm_up_seconds))
                }
            }
        }
    }
}

/// An outcome in a word, coloured.
pub(in crate::report) struct Badge(pub(crate) Outcome);

impl Badge {
    /// Style and word.
    fn parts(&self) -> (&'static str, &'static str) {
        match self.0 {
            Outcome::Fine => ("fine", "Fine"),
            Outcome::Imperfect => ("imperfect", "Imperfect"),
            Outcome::Failed => ("failed", "FAILED"),
            _ => ("invalid", "INVALID"),
        }
    }
}

impl Render for Badge {
    fn render(&self) -> Markup {
        let (class, word) = self.parts();
        html! { span.badge.(class) { (word) } }
    }
}

/// The verdict, first of all: somebody who sees nothing else must see it.
pub(super) fn verdict(report: &Report) -> Markup {
    let verdict = &report.verdict;
    let (class, word) = Badge(verdict.outcome).parts();
    let reasons = match verdict.valid {
        true => &verdict.faults,
        false => &verdict.invalid_because,
    };
    html! {
        div.verdict.(class) role="status" {
            strong { (word) }
            div {
                p { (meaning(report)) }
                @if !reasons.is_empty() {
                    ul { @for reason in reasons { li { (reason) } } }
                }
                @if let Some(reason) = &report.window.cut_short_because {
                    p { "Cut short: " (reason) }
                }
                @for judged in &verdict.thresholds {
                    p { @if judged.failed { "FAILED: " } @else { "held: " } code { (judged.condition) } ", seen " (judged.seen_text()) }
                }
            }
        }
    }
}

fn meaning(report: &Report) -> &'static str {
    match report.verdict.outcome {
        Outcome::Fine if report.is_idle() => "Every connection stood to its end.",
        Outcome::Fine => "Every message reached every subscriber once, whole and in order.",
        Outcome::Imperfect => "The figures stand, and not everything arrived as it should:",
        Outcome::Failed => "The figures stand, and a condition of --fail-if came true.",
        _ => "These figures do not describe the server.",
    }
}

/// The figures that one asks for first.
pub(super) fn headline(report: &Report) -> Markup {
    html! {
        div.tiles {
            @if report.is_idle() { (of_connections(report)) } @else { (of_messages(report)) }
        }
    }
}

fn of_messages(report: &Report) -> Markup {
    let latency = &report.latency.figures;
    let integrity = &report.integrity;
    let throughput = &report.throughput;
    let ns = |ns: u64| match latency.count {
        0 => "-".to_owned(),
        _ => duration(ns as f64),
    };
    let faults = [integrity.lost, integrity.duplicated, integrity.reordered].map(grouped);
    html! {
        (tile("p50", &ns(latency.p50_ns), "half of all deliveries took no longer"))
        (tile("p99", &ns(latency.p99_ns), "one of 100 took longer"))
        (tile("p99.9", &ns(latency.p99_9_ns), "one of 1 000 took longer"))
        (tile("max", &ns(latency.max_ns), &format!("the slowest of {}", grouped(latency.count))))
        (tile("deliveries", &format!("{}/s", count(throughput.deliveries_per_second)), &format!("of {} publishes/s", count(throughput.publishes_per_second))))
        (tile("reach", &share(integrity.reach), &format!("{} of {}", grouped(integrity.received), grouped(integrity.expected))))
        (tile("lost / duplicated / reordered", &faults.join(" / "), "in the whole run"))
        @match &report.server {
            Some(server) => (tile("server CPU per delivery", &server.cpu_ns_per_delivery.map_or("-".to_owned(), duration), &format!("busiest thread {} of a CPU", share(server.cpu_share_busiest_thread))))
            None => (tile("server CPU per delivery", "-", "unknown without --server-pid"))
        }
    }
}

fn of_connections(report: &Report) -> Markup {
    let connect = &report.connect;
    html! {
        (tile("connections", &grouped(connect.connections), &format!("held for {:.1} s", report.window.seconds)))
        (tile("connected", &format!("{}/s", count(connect.per_second)), &format!("all of them in {:.3} s", connect.seconds)))
        @if let Some(server) = &report.server {
            (tile("server memory per connection", &format!("{:.0} B", server.resident_bytes_per_connection), &format!("{} with all of them", bytes(server.resident_bytes_connected))))
            (tile("server CPU per connection", &connect.server_cpu_ns_per_connection.map_or("-".to_owned(), duration), "while they were opened"))
        }
    }
}

fn tile(label: &str, value: &str, note: &str) -> Markup {
    html! {
        div.tile {
            span.label { (label) }
            span.value { (value) }
            span.note { (note) }
        }
    }
}
