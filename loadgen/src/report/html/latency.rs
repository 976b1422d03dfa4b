//! The distribution of latency, of deliveries and of connections: a curve on the axis of nines, with the generator's own lateness
//! beside it.

use maud::{Markup, html};

use super::super::Report;
use super::super::chart::{Plot, Scale, dot, line};
use super::super::percentiles::Percentiles;
use super::words::{duration, many};

/// A percentile's name, its quantile, and which figure it is.
type Mark = (&'static str, f64, fn(&Percentiles) -> u64);

/// Percentiles that are marked on the curve and stand in the table.
const MARKED: [Mark; 6] = [
    ("p50", 0.5, |figures| figures.p50_ns),
    ("p90", 0.9, |figures| figures.p90_ns),
    ("p99", 0.99, |figures| figures.p99_ns),
    ("p99.9", 0.999, |figures| figures.p99_9_ns),
    ("p99.99", 0.9999, |figures| figures.p99_99_ns),
    ("max", 1.0, |figures| figures.max_ns),
];

/// One line of a plot of percentiles.
pub(in crate::report) struct Curve<'a> {
    pub(in crate::report) label: &'a str,
    /// Decides the colour.
    pub(in crate::report) class: &'a str,
    pub(in crate::report) figures: &'a Percentiles,
}

pub(super) fn section(report: &Report) -> Markup {
    let figures = &report.latency.figures;
    if figures.count == 0 {
        return html! { @if !report.is_idle() { section { h2 { "How latency is distributed" } p.about { "There was no message to measure." } } } };
    }
    let mut curves = vec![Curve {
        label: "latency",
        class: "s0",
        figures,
    }];
    if let Some(lateness) = report
        .generator
        .lateness
        .as_ref()
        .filter(|lateness| lateness.count > 0)
    {
        curves.push(Curve {
            label: "the generator's own lateness",
            class: "own",
            figures: lateness,
        });
    }
    html! {
        section {
            h2 { "How latency is distributed" }
            p.about {
                "From the " (report.latency.counted_from) " to the moment at which the generator saw the message; of "
                (many(figures.count, "delivery").replace("deliverys", "deliveries"))
                " of messages sent in the measured window, whenever they arrived."
                @if curves.len() > 1 { " The dashed line is how late the generator itself was: that much of the latency is the tool's." }
            }
            (plot(&curves))
            (table(&curves))
        }
    }
}

/// The same of connecting.
pub(super) fn connecting(report: &Report) -> Markup {
    let connect = &report.connect;
    if connect.latency.count == 0 {
        return html! {};
    }
    let curves = [Curve {
        label: "from due to standing",
        class: "s3",
        figures: &connect.latency,
    }];
    html! {
        section {
            h2 { "How long connecting took" }
            p.about {
                (many(connect.connections, "connection")) " in " (format!("{:.3} s", connect.seconds))
                ", each from the time at which it was due to the time at which it stood, subscriptions included."
            }
            (plot(&curves))
            (table(&curves))
        }
    }
}

/// The curves in one frame.
pub(in crate::report) fn plot(curves: &[Curve]) -> Markup {
    let count = curves
        .iter()
        .map(|curve| curve.figures.count)
        .max()
        .unwrap_or(0);
    let lowest = curves
        .iter()
        .map(|curve| curve.figures.min_ns.max(curve.figures.p50_ns / 10))
        .min();
    let highest = curves.iter().map(|curve| curve.figures.max_ns).max();
    let across = Scale::nines(count);
    let upwards = Scale::logarithmic(
        lowest.unwrap_or(1).max(1) as f64,
        highest.unwrap_or(1) as f64,
    );
    let frame = Plot {
        label: "Latency by percentile, both axes logarithmic",
        class: "tall percentiles",
        across: &across,
        upwards: &upwards,
    };
    let place = |curve: &Curve, quantile: f64, ns: u64| {
        let last = 1.0 - 1.0 / curve.figures.count as f64;
        (across.at(quantile.min(last)), upwards.at(ns as f64))
    };
    let marks = html! {
        @for curve in curves.iter().rev() {
            (line(curve.class, curve.figures.curve.iter().map(|&(quantile, ns)| place(curve, quantile, ns))))
            @for (name, quantile, of) in MARKED {
                @let (x, y) = place(curve, quantile, of(curve.figures));
                (dot(curve.class, x, y, &format!("{}: {name} {}", curve.label, duration(of(curve.figures) as f64))))
            }
        }
    };
    frame.around(marks, key(curves))
}

fn key(curves: &[Curve]) -> Markup {
    html! {
        div.key {
            @for curve in curves { span { i class={ "stroke " (curve.class) } {} (curve.label) } }
        }
    }
}

fn table(curves: &[Curve]) -> Markup {
    html! {
        div.scroll {
            table.percentiles {
                thead {
                    tr { th {} @for (name, ..) in MARKED { th scope="col" { (name) } } }
                }
                tbody {
                    @for curve in curves {
                        tr {
                            th scope="row" { (curve.label) }
                            @for (_, _, of) in MARKED { td { (duration(of(curve.figures) as f64)) } }
                        }
                    }
                }
            }
        }
    }
}
