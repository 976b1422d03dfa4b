//! `cargo xtask cores [rounds]`: what a delivery costs a broker of two cores beside one of one core,
//! under the same load, by turns. The load generator has CPU 1.
//!
//! Two cores that share CPU 0 do what one core does there, and what lies between them beside it: the
//! lanes, their wake-ups and the second turn. Two cores on CPUs 0 and 1 share the second with the load, so
//! what they deliver there finds its receiver on the same CPU, which is cheaper than any lane is dear:
//! that column is what it is, and no measure of what two cores can do.

use std::path::Path;

use crate::compare::outcome::median;
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

const ALWAYS: [&str; 8] = [
    "--payload",
    "64",
    "--warm-up",
    "500ms",
    "--duration",
    "1500ms",
    "--pin",
    "1",
];

/// Cores, and the CPUs that they share.
const ARMS: [(u32, &str); 3] = [(1, "0"), (2, "0"), (2, "0,1")];
const ROUNDS_DEFAULT: usize = 3;

/// Server CPU in ns for each delivery, publishes a second, and the server's share of one CPU.
type Figures = [f64; 3];

/// Prints one row for each load.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let rounds = match arguments.first() {
        Some(text) => text
            .parse()
            .ok()
            .filter(|rounds| *rounds > 0)
            .ok_or_else(|| format!("`{text}` is no number of rounds"))?,
        None => ROUNDS_DEFAULT,
    };
    let programs = programs::release(root, &["ringwire", "ringwire-load"])?;
    println!(
        "CPU time of the broker per delivery, in ns (beside that of one core in the same round); \
         publishes per second (CPUs that the broker took)\n"
    );
    println!("| load | 1 core | 2 cores on one CPU | 2 cores |\n| --- | --- | --- | --- |");
    for (name, load) in LOADS {
        let mut taken = ARMS.map(|_| Vec::new());
        for _ in 0..rounds {
            for ((cores, cpus), taken) in ARMS.into_iter().zip(&mut taken) {
                taken.push(measure(&programs, cores, cpus, load)?);
            }
        }
        print!("| {name}");
        for arm in &taken {
            let of = |index: usize| {
                median(arm.iter().map(|figures| figures[index]).collect()).unwrap_or(f64::NAN)
            };
            let ratios = arm.iter().zip(&taken[0]).map(|(arm, one)| arm[0] / one[0]);
            let ratio = median(ratios.collect()).unwrap_or(f64::NAN);
            print!(" | {:.0} ({ratio:.2}); {:.0} ({:.2})", of(0), of(1), of(2));
        }
        println!(" |");
    }
    Ok(())
}

fn measure(programs: &Path, cores: u32, cpus: &str, load: &[&str]) -> Result<Figures, String> {
    let broker = Broker::start(programs, cores, Some(cpus))?;
    let report = broker.load(programs, &[load, &ALWAYS].concat())?;
    Ok([
        report.number("server", "cpu_ns_per_delivery")?,
        report.number("throughput", "publishes_per_second")?,
        report.number("server", "cpu_share")?,
    ])
}
