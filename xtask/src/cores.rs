//! `cargo xtask cores [rounds]`: what a delivery costs a broker of two cores beside one of one core,
//! under the same load, by turns.
//!
//! The figure is the CPU time of all the broker's threads for each delivery, so it shows what the way
//! between cores costs. It does not show what two cores can do: the load generator needs a CPU of its
//! own for that, and takes what it needs from the same CPUs here.

use std::path::Path;

use crate::programs::{self, Broker};

/// A load: its name, and the arguments of `ringwire-load`.
type Load = (&'static str, &'static [&'static str]);

const LOADS: [Load; 5] = [
    (
        "1 -> 1000, W=1",
        &["--subscribers", "1000", "--outstanding", "1"],
    ),
    (
        "1 -> 1000, W=64",
        &["--subscribers", "1000", "--outstanding", "64"],
    ),
    (
        "1 -> 100, W=64",
        &["--subscribers", "100", "--outstanding", "64"],
    ),
    (
        "1000 topics x 1, W=1",
        &[
            "--subscribers",
            "1000",
            "--topics",
            "1000",
            "--publishers",
            "10",
            "--outstanding",
            "1",
        ],
    ),
    (
        "1000 topics x 1, W=16",
        &[
            "--subscribers",
            "1000",
            "--topics",
            "1000",
            "--publishers",
            "10",
            "--outstanding",
            "16",
        ],
    ),
];

const ALWAYS: [&str; 6] = ["--payload", "64", "--warm-up", "500ms", "--duration", "2s"];
const CORES: [u32; 2] = [1, 2];
const ROUNDS_DEFAULT: usize = 3;

/// Server CPU in ns for each delivery, publishes a second, and the server's share of one CPU.
type Figures = [f64; 3];

/// Prints one row for each load.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let rounds = match arguments.first() {
        Some(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is no number of rounds"))?,
        None => ROUNDS_DEFAULT,
    };
    let programs = programs::release(root, &["ringwire", "ringwire-load"])?;
    println!(
        "CPU time of the broker per delivery, in ns; publishes per second (CPUs that the broker took)\n"
    );
    println!("| load | 1 core | 2 cores | 2 beside 1 |\n| --- | --- | --- | --- |");
    for (name, load) in LOADS {
        let mut taken = CORES.map(|_| Vec::new());
        for _ in 0..rounds {
            for (cores, taken) in CORES.into_iter().zip(&mut taken) {
                taken.push(measure(&programs, cores, load)?);
            }
        }
        // Only what was taken in the same round is compared.
        let ratios = taken[0]
            .iter()
            .zip(&taken[1])
            .map(|(one, two)| two[0] / one[0]);
        let ratio = median(ratios.collect());
        let [one, two] = taken.map(|figures| {
            let of = |index: usize| median(figures.iter().map(|figures| figures[index]).collect());
            format!("{:.0}; {:.0} ({:.2})", of(0), of(1), of(2))
        });
        println!("| {name} | {one} | {two} | {ratio:.2} |");
    }
    Ok(())
}

fn measure(programs: &Path, cores: u32, load: &[&str]) -> Result<Figures, String> {
    let broker = Broker::start(programs, cores)?;
    let report = broker.load(programs, &[load, &ALWAYS].concat())?;
    Ok([
        report.number("server", "cpu_ns_per_delivery")?,
        report.number("throughput", "publishes_per_second")?,
        report.number("server", "cpu_share")?,
    ])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_however_they_come() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
