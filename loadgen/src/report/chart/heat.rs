//! A heat map: columns are intervals of time, rows are steps of a logarithmic axis, colour is how many.
//!
//! Cells of one colour are one path, so that a run of 600 intervals is ten paths and some hundred kilobytes instead of thirty
//! thousand elements.

use std::fmt::Write;

use maud::{Markup, html};

use super::scale::Scale;
use crate::quantity;

/// Colours, from few to many.
const LEVELS: usize = 10;

/// Rows to each doubling.
const ROWS_PER_DOUBLING: f64 = 4.0;

/// Cells of a heat map, by column.
pub(in crate::report) struct Heat {
    columns: Vec<Vec<(u32, u64)>>,
    lowest_row: u32,
    rows: u32,
    largest: u64,
}

impl Heat {
    /// From each interval's floors in nanoseconds and counts. `None` if there is nothing in any.
    pub(in crate::report) fn of<'h>(
        intervals: impl Iterator<Item = &'h [(u64, u64)]>,
    ) -> Option<Heat> {
        let columns: Vec<Vec<_>> = intervals
            .map(|cells| {
                cells
                    .iter()
                    .map(|&(floor_ns, count)| (row_of(floor_ns), count))
                    .collect()
            })
            .collect();
        let cells = || columns.iter().flatten();
        let lowest_row = cells().map(|&(row, _)| row).min()?;
        let rows = cells().map(|&(row, _)| row).max()? - lowest_row + 1;
        let largest = cells().map(|&(_, count)| count).max()?;
        Some(Heat {
            columns,
            lowest_row,
            rows,
            largest,
        })
    }

    /// The axis on which the rows lie.
    pub(in crate::report) fn scale(&self) -> Scale {
        Scale::logarithmic_exactly(
            floor_ns(self.lowest_row),
            floor_ns(self.lowest_row + self.rows),
        )
    }

    /// The cells. `columns_at` says where each column begins and ends.
    pub(in crate::report) fn cells(&self, columns_at: &[(f64, f64)]) -> Markup {
        let mut paths = vec![String::new(); LEVELS];
        for (column, cells) in self.columns.iter().enumerate() {
            for &(row, count) in cells.iter().filter(|(_, count)| *count > 0) {
                let up = self.rows - 1 - (row - self.lowest_row);
                let _ = write!(paths[self.level(count)], "M{column} {up}h1v1h-1z");
            }
        }
        // All columns are equally wide but the last, which ends with the run: it is drawn whole and cut at the edge.
        let width = columns_at
            .first()
            .map_or(1.0, |(from, to)| 1.0 / (to - from));
        html! {
            svg.heat viewBox={ "0 0 " (format_args!("{width:.4}")) " " (self.rows) } preserveAspectRatio="none" width="1000" height="1000" {
                @for (level, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
                    path class={ "h" (level) } d=(path) {}
                }
            }
        }
    }

    /// How many the darkest colour stands for.
    pub(in crate::report) fn largest(&self) -> u64 {
        self.largest
    }

    fn level(&self, count: u64) -> usize {
        level(count, self.largest)
    }
}

/// The colours, with the number at which each begins.
pub(in crate::report) fn legend(largest: u64) -> Markup {
    html! {
        div.legend.heat-legend {
            span { "per cell" }
            @for shown in 0..LEVELS {
                @let from = first_of(shown, largest);
                @if level(from, largest) == shown {
                    span.swatch title={ "from " (quantity::grouped(from)) } {
                        i class={ "b" (shown) } {}
                        (rounded(from))
                    }
                }
            }
        }
    }
}

/// The smallest count that has this colour.
fn first_of(level: usize, largest: u64) -> u64 {
    (largest as f64).powf(level as f64 / LEVELS as f64).ceil() as u64
}

/// Equal factors are equal steps of colour; a single one has the first colour, the largest the last.
fn level(count: u64, largest: u64) -> usize {
    if largest <= 1 {
        return LEVELS - 1;
    }
    let part = (count as f64).ln() / (largest as f64).ln();
    ((part * LEVELS as f64 + 1e-9) as usize).min(LEVELS - 1)
}

/// Two digits are enough for a legend.
fn rounded(count: u64) -> String {
    let unit = 10_u64.pow(count.max(1).ilog10().saturating_sub(1));
    super::scale::short((count / unit * unit) as f64)
}

fn row_of(floor_ns: u64) -> u32 {
    ((floor_ns.max(1) as f64).log2() * ROWS_PER_DOUBLING).round() as u32
}

fn floor_ns(row: u32) -> f64 {
    (f64::from(row) / ROWS_PER_DOUBLING).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_drawn_where_it_belongs_in_the_colour_of_its_count() {
        let intervals: [&[(u64, u64)]; 3] = [&[(1_024, 1)], &[], &[(1_024, 1_000), (2_048, 30)]];
        let heat = Heat::of(intervals.into_iter()).expect("there are cells");
        let drawn = heat
            .cells(&[(0.0, 0.25), (0.25, 0.5), (0.5, 0.75)])
            .into_string();
        // Five rows, as a doubling has four: the lowest is the last. A quarter of the width for each column makes four columns.
        assert!(drawn.contains("viewBox=\"0 0 4.0000 5\""), "{drawn}");
        assert!(drawn.contains("class=\"h0\" d=\"M0 4h1v1h-1z\""), "{drawn}");
        assert!(drawn.contains("class=\"h9\" d=\"M2 4h1v1h-1z\""), "{drawn}");
        assert!(drawn.contains("class=\"h4\" d=\"M2 0h1v1h-1z\""), "{drawn}");
        assert_eq!(drawn.matches("h1v1h-1z").count(), 3, "{drawn}");
        assert_eq!(heat.largest(), 1_000);
        assert!(Heat::of([&[][..]].into_iter()).is_none());
    }

    #[test]
    fn the_legend_names_where_each_colour_begins() {
        for largest in [1, 2, 9, 10, 1_000, 123_456_789] {
            for count in [1, 2, 5, largest / 3, largest - 1, largest]
                .into_iter()
                .filter(|count| (1..=largest).contains(count))
            {
                let level = level(count, largest);
                assert!(
                    first_of(level, largest) <= count,
                    "{count} of {largest}: level {level}"
                );
                assert!(
                    level == LEVELS - 1 || first_of(level + 1, largest) >= count,
                    "{count} of {largest}: level {level}"
                );
            }
        }
        let legend = legend(1_000).into_string();
        assert_eq!(legend.matches("swatch").count(), LEVELS, "{legend}");
        assert!(
            legend.contains("</i>1</span>") && legend.contains("</i>500</span>"),
            "{legend}"
        );
    }
}
