//! What others notice of an attack: how late their messages are while a row runs again and again beside them.
//!
//! The load generator is a process of its own, and goes before the attacker where it may: what is measured is the server. The
//! attacker never pauses, so that this is what one machine's whole core of attacks does to everybody else.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use crate::row::{Attack, Row};
use crate::run;
use crate::target::Target;

/// Subscribers of one topic, and how often they get a message.
const LOAD: [&str; 8] = [
    "--subscribers",
    "50",
    "--rate",
    "200",
    "--payload",
    "512",
    "--duration",
    "2s",
];

/// How late the messages of healthy subscribers were.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Half of them were no later.
    pub p50_ns: u64,
    /// All but one of a hundred were no later.
    pub p99_ns: u64,
}

/// What they noticed of a row.
#[derive(Clone, Copy, Debug)]
pub struct Noticed {
    /// While nobody attacked.
    pub quiet: Latency,
    /// While the row ran.
    pub attacked: Latency,
    /// How often it ran meanwhile.
    pub attacks: u32,
}

/// Runs the row beside healthy subscribers of the same server until these have seen enough; `None` if it is one that is not
/// run, or whose limits on connections leave no room for them.
///
/// # Errors
/// The load generator could not measure, or a message was lost.
pub fn watch(row: &Row, target: &Target) -> Result<Option<Noticed>, String> {
    let is_run = !matches!(row.attack, Attack::Proven(..) | Attack::Absent(_));
    if !is_run || row.config.contains("connections_") {
        return Ok(None);
    }
    let quiet = Load::start(target)?.end()?;
    let load = Load::start(target)?;
    let mut attacks = 0;
    while load.is_running() {
        run::run(row, target);
        attacks += 1;
    }
    let attacked = load.end()?;
    Ok(Some(Noticed {
        quiet,
        attacked,
        attacks,
    }))
}

/// The load generator at work, which ends by itself.
struct Load {
    process: Child,
    /// Read while it runs: a report may be longer than a pipe holds.
    report: JoinHandle<io::Result<String>>,
}

impl Load {
    fn start(target: &Target) -> Result<Self, String> {
        // Where the priority may not be raised, `nice` says so and starts it all the same.
        let mut process = Command::new("nice")
            .args(["-n", "-10"])
            .arg(ringwire_tests::load_generator())
            .arg(format!("ws://{}", target.address()))
            .args(LOAD)
            .args(["--warm-up", "200ms", "--settle", "50ms", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start ringwire-load: {error}"))?;
        let mut output = process.stdout.take().ok_or("no output to read")?;
        let report = thread::spawn(move || {
            let mut said = String::new();
            output.read_to_string(&mut said).map(|_| said)
        });
        Ok(Self { process, report })
    }

    fn is_running(&self) -> bool {
        !self.report.is_finished()
    }

    fn end(mut self) -> Result<Latency, String> {
        let said = self.report.join();
        // It has said all that it had to say.
        let _ = self.process.wait();
        let said = match said {
            Ok(said) => said.map_err(|error| format!("ringwire-load: {error}"))?,
            Err(_) => return Err("the reader of ringwire-load's report panicked".to_owned()),
        };
        let report: Value =
            serde_json::from_str(&said).map_err(|_| "ringwire-load made no report".to_owned())?;
        let faults = report["verdict"]["faults"].as_array();
        if faults.is_none_or(|faults| !faults.is_empty()) {
            return Err(format!("bystanders: {}", report["verdict"]["faults"]));
        }
        let latency = |name: &str| report["latency"][name].as_u64();
        latency("p50_ns")
            .zip(latency("p99_ns"))
            .map(|(p50_ns, p99_ns)| Latency { p50_ns, p99_ns })
            .ok_or_else(|| "ringwire-load saw no message".to_owned())
    }
}
