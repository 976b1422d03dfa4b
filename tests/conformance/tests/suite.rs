//! The whole suite: every case before both judges, and one line that says how many passed.
//!
//! `cargo test -p ringwire-conformance --test suite -- machine` asks the first judge alone, which
//! needs no broker; any other word picks the cases whose names contain it.

use ringwire_conformance::cases;
use ringwire_conformance::judge::{machine, server};
use ringwire_conformance::wire::Sender;
use ringwire_tests::{Driver, Launch};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Cases that wait for the server at the same time.
const CONNECTIONS: usize = 4;

/// The limits that the cases about limits expect.
const CONFIG: &str = r#"
[server]
echo = true
[websocket]
message_bytes_max = "1MiB"
fragments_max = 64
[topic_default]
backlog_bytes_max = "4MiB"
[log]
level = "warn"
"#;

/// A case before one of the judges.
struct Trial {
    name: String,
    section: &'static str,
    judge: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let machine_alone = words.iter().any(|word| word == "machine");
    let named = |trial: &Trial| {
        let mut words = words.iter().filter(|word| *word != "machine").peekable();
        words.peek().is_none() || words.any(|word| trial.name.contains(word))
    };
    let trials: Vec<_> = machine_trials().into_iter().filter(named).collect();
    let mut summary = format!("machine {}/{}", run("machine", &trials), trials.len());
    let mut passed = summary == format!("machine {0}/{0}", trials.len());
    if !machine_alone {
        let broker = Launch::two_cores(Driver::default(), CONFIG).start();
        let trials: Vec<_> = server_trials(broker.address())
            .into_iter()
            .filter(named)
            .collect();
        let count = run("server", &trials);
        broker.stop();
        passed &= count == trials.len();
        summary += &format!(", server {count}/{}", trials.len());
    }
    println!("{summary}");
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// How many passed; the others are told of.
fn run(judge: &str, trials: &[Trial]) -> usize {
    let (next, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match (trial.judge)() {
                        Ok(()) => drop(passed.fetch_add(1, Ordering::Relaxed)),
                        Err(wrong) => {
                            println!("{judge}: {} ({}): {wrong}", trial.name, trial.section)
                        }
                    }
                }
            });
        }
    });
    passed.into_inner()
}

fn machine_trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases::requests()
        .into_iter()
        .filter(|case| !case.is_of_the_server_alone)
    {
        let (name, section) = (case.name.clone(), case.section);
        trials.push(Trial {
            name,
            section,
            judge: Box::new(move || machine::request(&case)),
        });
    }
    for case in cases::answers() {
        let (name, section) = (case.name.clone(), case.section);
        trials.push(Trial {
            name,
            section,
            judge: Box::new(move || machine::answer(&case)),
        });
    }
    for case in cases::frames() {
        for sender in [Sender::Client, Sender::Server] {
            let (name, section, case) = (
                format!("{} from a {sender:?}", case.name),
                case.section,
                case.clone(),
            );
            trials.push(Trial {
                name,
                section,
                judge: Box::new(move || machine::frames(&case, sender)),
            });
        }
    }
    trials
}

fn server_trials(server: SocketAddr) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases::requests() {
        let (name, section) = (case.name.clone(), case.section);
        trials.push(Trial {
            name,
            section,
            judge: Box::new(move || server::request(server, &case)),
        });
    }
    for case in cases::frames()
        .into_iter()
        .filter(|case| case.deflate.is_none())
    {
        let (name, section) = (case.name.clone(), case.section);
        trials.push(Trial {
            name,
            section,
            judge: Box::new(move || server::frames(server, &case)),
        });
    }
    trials
}
