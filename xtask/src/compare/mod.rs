//! What the broker costs beside others that do the same job: `cargo xtask floor` beside programs that do nothing
//! but send, `cargo xtask peers` beside other servers, `cargo xtask latency`, `bystanders`, `compression` and `idle` for
//! more questions about them.
//!
//! Each row is one load. In each round every arm takes it one after another; a row's figure is the median of its
//! rounds, and the ratio to the cheaper floor is what can be compared between machines. The server runs on CPU 0,
//! the load generator on CPU 1. docs/performance.md says how to read the tables, benches/peers/README.md what
//! takes part.

mod arms;
mod load;
mod options;
pub(crate) mod outcome;
mod places;
mod record;
mod rounds;
mod run;
mod secured;
mod server;
mod steering;
mod table;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};

use arms::Arm;
use load::Load;
use options::Options;
use places::Places;
use rounds::{Entrant, Series};
use run::Bench;
use steering::Steering;
use table::{Table, time};

/// The CPU that the clients have.
const CLIENTS_CPU: u32 = 1;

/// Parts of the broker's own maximum at which latency is compared.
const SHARES: [f64; 2] = [0.3, 0.7];

/// `cargo xtask floor`
pub(crate) fn floor(root: &Path, words: &[String]) -> Result<(), String> {
    costs(Comparison::begin(root, words, arms::of_floor())?)
}

/// `cargo xtask peers`
pub(crate) fn peers(root: &Path, words: &[String]) -> Result<(), String> {
    costs(Comparison::begin(root, words, arms::of_peers())?)
}

/// `cargo xtask latency`
pub(crate) fn latency(root: &Path, words: &[String]) -> Result<(), String> {
    let mut comparison = Comparison::begin(root, words, arms::of_peers())?;
    println!(
        "Latency of a delivery in an open loop, counted from when its message was due: p50 / p99 / p99.9 / max.\n\
         The rate is a part of ringwire's own maximum where each message travels alone (W=1), the same for all.\n"
    );
    comparison.print_head("load");
    for load in comparison.wanted(load::latencies())? {
        let most = comparison.maximum(&load)?;
        for share in SHARES {
            let per_second = most * share;
            let deliveries = per_second * f64::from(load.subscribers) / 1000.0;
            let name = format!("{}, {:.0} % ({deliveries:.0}k/s)", load.name, share * 100.0);
            comparison.row(&load.at_rate(name, per_second), latency_cell)?;
        }
    }
    comparison.end()
}

/// `cargo xtask bystanders`
pub(crate) fn bystanders(root: &Path, words: &[String]) -> Result<(), String> {
    // A floor only sends: it has no rule for somebody who does not read.
    let mut arms = arms::of_peers();
    arms.retain(|arm| !arm.is_floor);
    let mut comparison = Comparison::begin(root, words, arms)?;
    println!(
        "Latency of a delivery to those who read, p50 / p99, in an open loop; of those who do not, how many the server cut \
         off.\n"
    );
    comparison.print_head("load");
    for load in comparison.wanted(load::bystanders())? {
        comparison.row(&load, bystander_cell)?;
    }
    comparison.end()
}

/// `cargo xtask tls`
pub(crate) fn tls(root: &Path, words: &[String]) -> Result<(), String> {
    let arms = secured::arms().into_iter().chain([secured::plain()]);
    let mut comparison = Comparison::begin(root, words, arms.collect())?;
    println!(
        "CPU time of the server per delivery over TLS in ns (ratio to ringwire without TLS); thousands of deliveries per \
         second (server's share of its CPU).\n"
    );
    comparison.print_head("load");
    for load in comparison.wanted(load::sealed())? {
        comparison.row(&load, cost_cell)?;
    }
    comparison.end()
}

/// `cargo xtask handshakes`
pub(crate) fn handshakes(root: &Path, words: &[String]) -> Result<(), String> {
    let mut comparison = Comparison::begin(root, words, secured::arms())?;
    println!(
        "CPU time of the server for each connection that is made, secured, upgraded and subscribed, in us; connections per \
         second of that CPU time; resident bytes for each; how many handshakes took up a session.\n"
    );
    comparison.print_head("load");
    for load in comparison.wanted(load::handshakes())? {
        comparison.row(&load, handshake_cell)?;
    }
    comparison.end()
}

/// `cargo xtask compression`
pub(crate) fn compression(root: &Path, words: &[String]) -> Result<(), String> {
    let mut comparison = Comparison::begin(root, words, arms::of_compression())?;
    println!(
        "permessage-deflate: messages are rows of JSON, no two alike. CPU time of the server per delivery in us; bytes \
         on the wire per delivery; thousands of deliveries per second (server's share of its CPU).\n"
    );
    comparison.print_head("load");
    for load in comparison.wanted(load::compression())? {
        comparison.row(&load, compression_cell)?;
    }
    comparison.end()
}

/// `cargo xtask idle`
pub(crate) fn idle(root: &Path, words: &[String]) -> Result<(), String> {
    let mut comparison = Comparison::begin(root, words, arms::of_peers())?;
    println!(
        "Resident bytes of the server for each connection; connections made, upgraded and subscribed per second; \
         the server's CPU time for each.\n"
    );
    comparison.print_head("load");
    for load in comparison.wanted(load::idle())? {
        comparison.row(&load, idle_cell)?;
    }
    comparison.end()
}

/// The table of costs, for whichever arms.
fn costs(mut comparison: Comparison) -> Result<(), String> {
    println!(
        "CPU time of the server per delivery in ns (ratio to the cheaper floor); thousands of deliveries per second \
         (server's share of its CPU).\n"
    );
    comparison.print_head("load");
    for load in comparison.wanted(load::costs())? {
        comparison.row(&load, cost_cell)?;
    }
    comparison.end()
}

/// Says what a series is worth, in one cell.
type Cell = fn(&Series, Option<f64>) -> Option<String>;

fn cost_cell(series: &Series, ratio: Option<f64>) -> Option<String> {
    let cost = series.median(|it| it.cpu_ns_per_delivery)?;
    let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
    let rate = series.median(|it| it.deliveries_per_second)? / 1000.0;
    let share = series.median(|it| it.server_cpu_share)? * 100.0;
    Some(format!("{cost:.0}{ratio}; {rate:.0}k ({share:.0} %)"))
}

fn compression_cell(series: &Series, _: Option<f64>) -> Option<String> {
    let cost = series.median(|it| it.cpu_ns_per_delivery)? / 1000.0;
    let bytes = series.median(|it| it.wire_bytes_per_delivery)?;
    let rate = series.median(|it| it.deliveries_per_second)? / 1000.0;
    let share = series.median(|it| it.server_cpu_share)? * 100.0;
    Some(format!(
        "{cost:.2} us; {bytes:.0} B; {rate:.0}k ({share:.0} %)"
    ))
}

fn latency_cell(series: &Series, _: Option<f64>) -> Option<String> {
    let of = |place: usize| series.median(|it| it.latency_ns[place]).map(time);
    Some(format!("{} / {} / {} / {}", of(0)?, of(1)?, of(2)?, of(3)?))
}

fn bystander_cell(series: &Series, _: Option<f64>) -> Option<String> {
    let of = |place: usize| series.median(|it| it.latency_ns[place]).map(time);
    let cut_off = series.median(|it| it.cut_off)?;
    let cut_off = (cut_off > 0.0).then(|| format!("; {cut_off:.0} cut off"));
    Some(format!(
        "{} / {}{}",
        of(0)?,
        of(1)?,
        cut_off.unwrap_or_default()
    ))
}

fn idle_cell(series: &Series, _: Option<f64>) -> Option<String> {
    let bytes = series.median(|it| it.resident_bytes_per_connection)?;
    let rate = series.median(|it| it.connections_per_second)? / 1000.0;
    let cost = series.median(|it| it.cpu_ns_per_connection)? / 1000.0;
    Some(format!("{bytes:.0} B; {rate:.1}k/s; {cost:.1} us"))
}

fn handshake_cell(series: &Series, _: Option<f64>) -> Option<String> {
    let cost = series.median(|it| it.cpu_ns_per_connection)?;
    let bytes = series.median(|it| it.resident_bytes_per_connection)?;
    let resumed = series.median(|it| it.resumed_handshakes)?;
    Some(format!(
        "{:.0} us; {:.0}/s; {bytes:.0} B; {resumed:.0} resumed",
        cost / 1000.0,
        1e9 / cost
    ))
}

/// One table in the making.
struct Comparison {
    options: Options,
    bench: Bench,
    entrants: Vec<Entrant>,
    table: Table,
    runs: Vec<Value>,
    /// Held until the end.
    _steering: Option<Steering>,
}

impl Comparison {
    /// Reads the command line, and brings here whatever takes part.
    fn begin(root: &Path, words: &[String], arms: Vec<Arm>) -> Result<Comparison, String> {
        let options = Options::parse(words)?;
        let arms = arms::chosen(arms, &options.arms)?;
        watch_for_interruption()?;
        let bench = Bench::new(Places::new(root)?);
        let entrants = arms.into_iter().map(|arm| Entrant {
            absent: (arm.prepare)(bench.places()).err(),
            arm,
        });
        let entrants = entrants.collect();
        let steering = match options.steered {
            true => Some(Steering::to(CLIENTS_CPU)?),
            false => None,
        };
        Ok(Comparison {
            options,
            bench,
            entrants,
            table: Table::default(),
            runs: Vec::new(),
            _steering: steering,
        })
    }

    /// The load of that name, or those whose names contain it.
    fn wanted(&self, loads: Vec<Load>) -> Result<Vec<Load>, String> {
        let row = &self.options.row;
        let names: Vec<String> = loads.iter().map(|load| load.name.clone()).collect();
        let is_named = names.contains(row);
        let wanted: Vec<Load> = loads
            .into_iter()
            .filter(|load| match is_named {
                true => load.name == *row,
                false => load.name.contains(row),
            })
            .collect();
        if wanted.is_empty() {
            return Err(format!(
                "no row is called `{row}`; there are: {}",
                names.join("; ")
            ));
        }
        Ok(wanted)
    }

    fn print_head(&self, first: &str) {
        let titles = self.entrants.iter().map(|entrant| entrant.arm.title);
        println!(
            "{}",
            Table::head(&std::iter::once(first).chain(titles).collect::<Vec<_>>())
        );
    }

    /// Measures and prints one row.
    fn row(&mut self, load: &Load, cell: Cell) -> Result<(), String> {
        let runs = &mut self.runs;
        let mut keep = |run| runs.push(record::of_run(&run));
        let all = rounds::compare(
            &self.bench,
            &self.entrants,
            load,
            self.options.rounds,
            &mut keep,
        )?;
        let mut cells = vec![load.name.clone()];
        for (entrant, series) in self.entrants.iter().zip(&all) {
            let ratio = series.ratio(&self.entrants, &all);
            let text = cell(series, ratio).filter(|_| series.failure.is_none());
            let title = entrant.arm.title;
            let notes = notes(title, &load.name, series);
            let marks: String = notes
                .into_iter()
                .map(|note| self.table.mark(note))
                .collect();
            let text = text.unwrap_or_else(|| "-".to_owned());
            cells.push(if marks.is_empty() {
                text
            } else {
                format!("{text} {marks}")
            });
        }
        println!("{}", Table::row(&cells));
        Ok(())
    }

    /// Messages a second that the broker passes on under `load`, which is a closed loop.
    fn maximum(&mut self, load: &Load) -> Result<f64, String> {
        let found = arms::chosen(arms::of_peers(), &["ringwire".to_owned()])?;
        let broker = found.into_iter().map(|arm| Entrant {
            absent: (arm.prepare)(self.bench.places()).err(),
            arm,
        });
        let broker: Vec<Entrant> = broker.collect();
        let runs = &mut self.runs;
        let mut keep = |run| runs.push(record::of_run(&run));
        let all = rounds::compare(&self.bench, &broker, load, self.options.rounds, &mut keep)?;
        let most = all[0].median(|it| it.publishes_per_second);
        most.ok_or_else(|| {
            format!(
                "{}: ringwire {}",
                load.name,
                all[0].failure.as_deref().unwrap_or("has no figure")
            )
        })
    }

    /// The footnotes, where it all was made, and the file.
    fn end(self) -> Result<(), String> {
        let circumstances = record::circumstances(&self.bench, &self.entrants, &self.options);
        println!("\n{}\n{}", self.table, record::in_words(&circumstances));
        match &self.options.json {
            Some(path) => record::write(path, circumstances, self.runs),
            None => Ok(()),
        }
    }
}

/// What has to be said about a series beside its figures.
fn notes(title: &str, load: &str, series: &Series) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = &series.failure {
        notes.push(format!("{title}, {load}: {reason}"));
    } else if series.is_hopeless && series.rounds.len() > 1 {
        notes.push("one round: more than 10 times the floor".to_owned());
    }
    let mut figures = series.rounds.iter().flatten();
    if let Some(doubt) = figures.find_map(|figures| figures.doubt.as_ref()) {
        notes.push(format!("{doubt}, which is part of the figure"));
    }
    notes
}

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Ctrl-C then ends the comparison between two looks at a child: what was started or set is undone on the way out.
fn watch_for_interruption() -> Result<(), String> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .map_err(|error| format!("signals cannot be watched: {error}"))?;
    }
    Ok(())
}

/// An error once a signal has asked for the end.
fn check_interruption() -> Result<(), String> {
    match INTERRUPTED
        .get()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
    {
        true => Err("interrupted".to_owned()),
        false => Ok(()),
    }
}
