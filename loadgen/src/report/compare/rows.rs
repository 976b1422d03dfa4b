//! The figures that runs are compared by.

use super::Run;
use crate::figure::{Figure, Figures};

/// Which of two values one would rather have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    Less,
    More,
}

/// Names as `--fail-if` takes them, what they are called here, and which values are better.
const FIGURES: [(&str, &str, Better); 18] = [
    ("p50", "latency p50", Better::Less),
    ("p90", "latency p90", Better::Less),
    ("p99", "latency p99", Better::Less),
    ("p99.9", "latency p99.9", Better::Less),
    ("max", "latency max", Better::Less),
    ("deliveries", "deliveries per second", Better::More),
    ("rate", "publishes per second", Better::More),
    ("reach", "reach", Better::More),
    ("lost", "lost", Better::Less),
    ("duplicated", "duplicated", Better::Less),
    ("reordered", "reordered", Better::Less),
    (
        "server.cpu_ns_per_delivery",
        "server CPU per delivery",
        Better::Less,
    ),
    ("server.cpu_share", "server CPU", Better::Less),
    (
        "server.resident_bytes_per_connection",
        "server memory per connection",
        Better::Less,
    ),
    ("connect.per_second", "connections per second", Better::More),
    (
        "connect.server_cpu_ns_per_connection",
        "server CPU per connection",
        Better::Less,
    ),
    (
        "generator.lateness.p99_ns",
        "generator's lateness p99",
        Better::Less,
    ),
    (
        "generator.cpu_ns_per_delivery",
        "generator's CPU per delivery",
        Better::Less,
    ),
];

/// One figure of all runs.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) label: &'static str,
    pub(super) better: Better,
    pub(super) cells: Vec<Option<Cell>>,
}

/// One figure of one run.
#[derive(Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// To the first run's. None if that was 0 or not measured, and of the first run itself.
    pub(super) ratio: Option<f64>,
}

/// All figures that at least one of the runs has.
pub(super) fn rows(runs: &[Run]) -> Vec<Row> {
    let figures: Vec<Figures> = runs.iter().map(|run| Figures::of(&run.report)).collect();
    let row = |(name, label, better)| {
        let figure = Figure::named(name).expect("the table above names figures that exist");
        let values: Vec<Option<f64>> = figures
            .iter()
            .map(|figures| figures.value(&figure))
            .collect();
        let first = values[0].filter(|&first| first > 0.0);
        let cell = |(index, value): (usize, &Option<f64>)| {
            value.map(|value| Cell {
                text: figure.display(value),
                ratio: first.filter(|_| index > 0).map(|first| value / first),
            })
        };
        Row {
            label,
            better,
            cells: values.iter().enumerate().map(cell).collect(),
        }
    };
    FIGURES
        .into_iter()
        .map(row)
        .filter(|row| row.cells.iter().any(Option::is_some))
        .collect()
}
