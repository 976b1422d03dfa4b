//! The comparison as one HTML file, of the same making as a run's own page.

use maud::{Markup, html};

use super::rows::{Better, Cell, Row, rows};
use super::{Comparison, Run};
use crate::report::chart::{Plot, Scale, short, steps};
use crate::report::html::{Badge, Curve, description, document, embedded, percentile_plot, quoted};
use crate::report::timeline::Interval;

/// A ratio nearer to 1 than this is not called better or worse.
const NOTEWORTHY: f64 = 0.05;

impl Comparison {
    /// The page. Opens from disk and asks the network for nothing.
    pub fn html(&self) -> String {
        let title = self
            .runs
            .iter()
            .map(|run| run.label.as_str())
            .collect::<Vec<_>>()
            .join(" | ");
        let body = html! {
            header {
                p.kicker { (env!("CARGO_PKG_NAME")) " " (env!("CARGO_PKG_VERSION")) " · comparison of " (self.runs.len()) " runs" }
                h1 { (title) }
                p.flow { "Ratios are to " strong { (self.runs[0].label) } ". One run of each says little: machines drift, so interleave several." }
            }
            (self.warning())
            (self.table())
            (self.curves())
            (self.over_time())
            (self.origins())
            @for run in &self.runs { (embedded(&run.report.to_json())) }
        };
        document(&format!("{title} - ringwire-load"), "", body)
    }

    fn warning(&self) -> Markup {
        let cautions = self.cautions();
        html! {
            @if !cautions.is_empty() {
                div.verdict.invalid[self.has_invalid()].imperfect[!self.has_invalid()] {
                    strong { "Caution" }
                    ul { @for caution in cautions { li { (caution) } } }
                }
            }
        }
    }

    fn has_invalid(&self) -> bool {
        self.runs.iter().any(|run| !run.report.verdict.valid)
    }

    fn table(&self) -> Markup {
        html! {
            section {
                h2 { "Figures" }
                div.scroll {
                    table.comparison {
                        thead {
                            tr {
                                th {}
                                @for (index, run) in self.runs.iter().enumerate() {
                                    th scope="col" { i class={ "stroke s" (index) } {} " " (run.label) }
                                }
                            }
                            tr {
                                th scope="row" { "outcome" }
                                @for run in &self.runs { td { (Badge(run.report.outcome())) } }
                            }
                        }
                        tbody { @for row in rows(&self.runs) { (written(&row)) } }
                    }
                }
            }
        }
    }

    fn curves(&self) -> Markup {
        let classes: Vec<String> = (0..self.runs.len())
            .map(|index| format!("s{index}"))
            .collect();
        let curves: Vec<Curve> = self
            .runs
            .iter()
            .zip(&classes)
            .filter(|(run, _)| run.report.latency.figures.count > 0)
            .map(|(run, class)| Curve {
                label: &run.label,
                class,
                figures: &run.report.latency.figures,
            })
            .collect();
        html! {
            @if !curves.is_empty() {
                section {
                    h2 { "How latency is distributed" }
                    p.about { "Each further nine takes as much room as the one before. " (self.counted_from()) }
                    (percentile_plot(&curves))
                }
            }
        }
    }

    fn counted_from(&self) -> String {
        let mut origins: Vec<_> = self
            .runs
            .iter()
            .map(|run| run.report.latency.counted_from.as_str())
            .collect();
        origins.dedup();
        format!("Counted from the {}.", origins.join(", then from the "))
    }

    fn over_time(&self) -> Markup {
        let seconds = self
            .runs
            .iter()
            .map(|run| run.report.timeline.length_seconds())
            .fold(0.0, f64::max);
        if seconds == 0.0 {
            return html! {};
        }
        let time = Scale::time(seconds);
        html! {
            section {
                h2 { "What happened when" }
                p.about { "From each run's first publish, warm-up and draining included." }
                (self.drawn(&time, "Deliveries per second", &|interval, seconds| Some(interval.deliveries as f64 / seconds), Scale::rates))
                (self.drawn(&time, "Latency p99", &|interval, _| (interval.latency.count > 0).then_some(interval.latency.p99_ns as f64), |highest| Scale::logarithmic(highest / 1e3, highest)))
            }
        }
    }

    /// One figure of all runs over time.
    fn drawn(
        &self,
        time: &Scale,
        title: &str,
        of: &dyn Fn(&Interval, f64) -> Option<f64>,
        scale: impl Fn(f64) -> Scale,
    ) -> Markup {
        let values = |run: &Run| {
            run.report
                .timeline
                .spans()
                .map(|(from, until, interval)| {
                    (
                        from,
                        until,
                        of(interval, (until - from).max(f64::MIN_POSITIVE)),
                    )
                })
                .collect::<Vec<_>>()
        };
        let runs: Vec<_> = self.runs.iter().map(values).collect();
        let upwards = scale(
            runs.iter()
                .flatten()
                .filter_map(|&(.., value)| value)
                .fold(0.0, f64::max),
        );
        let frame = Plot {
            label: title,
            class: "time",
            across: time,
            upwards: &upwards,
        };
        let marks = html! {
            @for (index, spans) in runs.iter().enumerate() {
                (steps(&format!("s{index}"), spans.iter().map(|&(from, until, value)| (time.at(from), time.at(until), value.map(|value| upwards.at(value))))))
            }
        };
        html! {
            figure {
                figcaption { strong { (title) } }
                (frame.around(marks, html! {}))
            }
        }
    }

    fn origins(&self) -> Markup {
        html! {
            section {
                h2 { "The runs" }
                @for (index, run) in self.runs.iter().enumerate() {
                    h3 { i class={ "stroke s" (index) } {} " " (run.label) " " (Badge(run.report.outcome())) }
                    p.about {
                        (description(&run.report)) ", "
                        (short(run.report.window.seconds)) " s measured"
                        @if let Some(environment) = &run.report.environment { ", " (environment.started()) }
                        "; " (run.report.tool.name) " " (run.report.tool.version)
                    }
                    @for reason in &run.report.verdict.invalid_because { p.reason { (reason) } }
                    @for fault in &run.report.verdict.faults { p.reason { (fault) } }
                    pre.command tabindex="0" { code { (quoted(&run.report.tool.command)) } }
                }
            }
        }
    }
}

fn written(row: &Row) -> Markup {
    html! {
        tr {
            th scope="row" { (row.label) }
            @for cell in &row.cells {
                td {
                    @match cell {
                        None => "-",
                        Some(Cell { text, ratio }) => {
                            (text)
                            @if let Some(ratio) = ratio { " " span.ratio.(judged(*ratio, row.better)) { (format!("×{ratio:.2}")) } }
                        }
                    }
                }
            }
        }
    }
}

/// Better or worse than the first run, if it is worth a colour.
fn judged(ratio: f64, better: Better) -> &'static str {
    match better {
        _ if (ratio - 1.0).abs() < NOTEWORTHY => "same",
        Better::Less if ratio < 1.0 => "better",
        Better::More if ratio > 1.0 => "better",
        _ => "worse",
    }
}
