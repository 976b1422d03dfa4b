//! A distribution as the text that HdrHistogram's own tools write and its plotter reads (`--hgrm`).
//!
//! Values are in milliseconds, the unit that the plotter assumes, with six decimals: nothing is lost.

use std::io::{self, Write};

use crate::tally::Distribution;

/// Lines for each halving of the distance to 100 %, as HdrHistogram's own tools write.
const TICKS_PER_HALVING: u32 = 5;

const NS_PER_MS: f64 = 1e6;

/// Writes `distribution`: value, part of all values that are not larger, how many those are, and 1/(1 - part).
pub fn write(distribution: &Distribution, file: &mut impl Write) -> io::Result<()> {
    let histogram = distribution.histogram();
    writeln!(
        file,
        "{:>14} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALVING) {
        total += step.count_since_last_iteration();
        let value = step.value_iterated_to().min(distribution.max_ns()) as f64 / NS_PER_MS;
        let quantile = step.quantile_iterated_to();
        write!(file, "{value:>14.6} {quantile:>14.12} {total:>10}")?;
        match quantile < 1.0 {
            true => writeln!(file, " {:>14.2}", 1.0 / (1.0 - quantile))?,
            false => writeln!(file)?,
        }
    }
    writeln!(
        file,
        "#[Mean    = {:>14.6}, StdDeviation   = {:>14.6}]",
        histogram.mean() / NS_PER_MS,
        histogram.stdev() / NS_PER_MS
    )?;
    writeln!(
        file,
        "#[Max     = {:>14.6}, Total count    = {:>14}]",
        distribution.max_ns() as f64 / NS_PER_MS,
        histogram.len()
    )?;
    writeln!(
        file,
        "#[Buckets = {:>14}, SubBuckets     = {:>14}]",
        histogram.buckets(),
        2048
    )?;
    writeln!(file, "#[Values are milliseconds]")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that the plotter takes: four words that do not begin with a number sign.
    #[test]
    fn the_plotter_finds_its_columns() {
        let mut distribution = Distribution::default();
        (1..=1_000).for_each(|us| distribution.record(us * 1_000, 1));
        let mut text = Vec::new();
        write(&distribution, &mut text).expect("memory");
        let text = String::from_utf8(text).expect("text");
        let rows: Vec<Vec<f64>> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words.len() == 4 && words[0] != "Value" && !words[0].starts_with('#'))
            .map(|words| {
                words
                    .iter()
                    .map(|word| word.parse().expect("numbers"))
                    .collect()
            })
            .collect();
        let half = rows
            .iter()
            .find(|row| row[1] == 0.5)
            .expect("the median has a row");
        assert!((half[0] - 0.5).abs() < 0.001, "{half:?}");
        assert_eq!(half[2..], [500.0, 2.0]);
        assert!(
            rows.is_sorted_by(|one, next| one[0] <= next[0]
                && one[1] < next[1]
                && one[2] <= next[2])
        );
        assert!(
            text.contains("1.000000 1.000000000000       1000\n"),
            "{text}"
        );
        assert!(
            text.contains("#[Max     =       1.000000, Total count    =           1000]"),
            "{text}"
        );
    }
}
