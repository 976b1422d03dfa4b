//! The whole suite: every case before both judges, and one line that says how many passed.
//!
//! `cargo test -p ringwire-conformance --test suite -- machine` asks the first judge alone, which
//! needs no broker; any other word picks the cases whose names contain it. `-- --record` writes the
//! counts for docs/conformance.md.

use ringwire_conformance::cases::{self, FrameCase};
use ringwire_conformance::judge::{machine, server};
use ringwire_conformance::wire::Sender;
use ringwire_tests::{Broker, Driver, Launch};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::{fmt, fs};

/// Cases that wait for the server at the same time.
const CONNECTIONS: usize = 4;

/// What docs/conformance.md shows of it.
const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results.toml");

/// The limits that the cases about limits expect, and time for a machine that is busy elsewhere.
const CONFIG: &str = r#"
[server]
echo = true
[websocket]
message_bytes_max = "1MiB"
fragments_max = 64
write_timeout = "5m"
[topic_default]
backlog_bytes_max = "4MiB"
[compression]
enabled = true
contexts_bytes_max = "16MiB"
context_window_bits = 15
[log]
level = "warn"
"#;

/// A case before one of the judges.
struct Trial<'b> {
    name: String,
    section: &'static str,
    judge: Box<dyn Fn() -> Result<(), String> + Send + Sync + 'b>,
}

impl<'b> Trial<'b> {
    fn new(
        name: &str,
        section: &'static str,
        judge: impl Fn() -> Result<(), String> + Send + Sync + 'b,
    ) -> Self {
        Self {
            name: name.to_owned(),
            section,
            judge: Box::new(judge),
        }
    }
}

/// How many cases passed, of how many.
struct Score {
    passed: usize,
    of: usize,
}

impl Score {
    fn and(&self, other: &Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            of: self.of + other.of,
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.passed != self.of))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.passed, self.of)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, words): (Vec<_>, Vec<_>) = arguments
        .into_iter()
        .partition(|word| word.starts_with('-'));
    let (machine_alone, words): (Vec<_>, Vec<_>) =
        words.into_iter().partition(|word| word == "machine");
    let machine = run("machine", CONNECTIONS, named(&words, machine_trials()));
    if !machine_alone.is_empty() {
        println!("machine {machine}");
        return machine.exit_code();
    }
    let broker = Launch::two_cores(Driver::default(), CONFIG).start();
    let together = run("server", CONNECTIONS, named(&words, server_trials(&broker)));
    // The memory that these look at is everybody's.
    let alone = run("server", 1, named(&words, backpressure_trials(&broker)));
    broker.stop();
    let server = together.and(&alone);
    println!("machine {machine}, server {server}");
    if words.is_empty() && options.iter().any(|option| option == "--record") {
        let record = format!(
            "# Written by `cargo test -p ringwire-conformance --test suite -- --record`.\n\n\
             [machine]\ncases = {}\npassed = {}\n\n[server]\ncases = {}\npassed = {}\n",
            machine.of, machine.passed, server.of, server.passed
        );
        fs::write(RECORD, record).expect("the record can be written");
    }
    machine.and(&server).exit_code()
}

/// Those with one of the words in their names; all if there are no words.
fn named<'b>(words: &[String], trials: Vec<Trial<'b>>) -> Vec<Trial<'b>> {
    let named =
        |trial: &Trial<'_>| words.is_empty() || words.iter().any(|word| trial.name.contains(word));
    trials.into_iter().filter(named).collect()
}

/// So many at a time; those that failed are told of.
fn run(judge: &str, threads: usize, trials: Vec<Trial<'_>>) -> Score {
    let (next, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
            match (trial.judge)() {
                Ok(()) => drop(passed.fetch_add(1, Ordering::Relaxed)),
                Err(wrong) => println!("{judge}: {} ({}): {wrong}", trial.name, trial.section),
            }
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    Score {
        passed: passed.into_inner(),
        of: trials.len(),
    }
}

fn machine_trials() -> Vec<Trial<'static>> {
    let requests = cases::requests()
        .into_iter()
        .filter(|case| !case.is_of_the_server_alone);
    let requests = requests.map(|case| {
        Trial::new(&case.name.clone(), case.section, move || {
            machine::request(&case)
        })
    });
    let answers = cases::answers().into_iter();
    let answers = answers.map(|case| {
        Trial::new(&case.name.clone(), case.section, move || {
            machine::answer(&case)
        })
    });
    let frames = cases::frames().into_iter().flat_map(|case| {
        [Sender::Client, Sender::Server].map(|sender| {
            let case = case.clone();
            let name = format!("{} from a {sender:?}", case.name);
            Trial::new(&name, case.section, move || machine::frames(&case, sender))
        })
    });
    requests.chain(answers).chain(frames).collect()
}

fn server_trials(broker: &Broker) -> Vec<Trial<'_>> {
    let server = broker.address();
    let requests = cases::requests().into_iter();
    let requests = requests.map(|case| {
        Trial::new(&case.name.clone(), case.section, move || {
            server::request(server, &case)
        })
    });
    let frames = cases::frames().into_iter();
    let frames = frames.map(|case| {
        Trial::new(&case.name.clone(), case.section, move || {
            server::frames(server, &case)
        })
    });
    requests.chain(frames).collect()
}

fn backpressure_trials(broker: &Broker) -> Vec<Trial<'_>> {
    let judge = |case: &FrameCase| {
        server::backpressure(broker.address(), &|| broker.resident_bytes(), case)
    };
    let cases = cases::backpressure().into_iter();
    cases
        .map(|case| Trial::new(&case.name.clone(), case.section, move || judge(&case)))
        .collect()
}
