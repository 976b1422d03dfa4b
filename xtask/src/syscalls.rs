//! `cargo xtask syscalls`: how many system calls a core makes for each delivery, counted by strace
//! on the real program under the load generator.
//!
//! Batching is what io_uring rewards, so under load one entry of the kernel has to carry many
//! deliveries, and nothing but entering, or sending, may be called on a message's way. strace
//! stretches every call, which changes rates and hardly counts: how much meets in one turn is
//! bounded by the messages under way.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::programs::{self, Broker, Report, Running, hear};

const SUBSCRIBERS: u64 = 100;
const PUBLISHERS: u64 = 1;

/// Messages under way, and the most calls that may carry one delivery. With one message under way
/// nothing can meet but the deliveries of that message; a core is free to send them one by one.
const LOADS: [(u32, f64); 2] = [(64, 0.05), (1, 1.1)];

/// The calls that carry messages. Everything else is for connections that come and go.
const CARRIERS: [&str; 5] = ["io_uring_enter", "sendto", "sendmsg", "write", "writev"];

/// Most other calls of a connection from its accept to its end, and of the core beside them.
const OTHERS_PER_CONNECTION: u64 = 4;
const OTHERS_OF_THE_CORE: u64 = 50;

/// Runs each load once.
pub(crate) fn run(root: &Path, _arguments: &[String]) -> Result<(), String> {
    let programs = programs::release(root, &["ringwire", "ringwire-load"])?;
    let mut faults = Vec::new();
    for (outstanding, carriers_max) in LOADS {
        let (deliveries, calls) = count(&programs, outstanding)?;
        let (carriers, others) = split(&calls);
        let each = carriers as f64 / deliveries as f64;
        println!(
            "1 -> {SUBSCRIBERS}, W={outstanding}: {deliveries} deliveries, {carriers} calls that \
             carry them ({each:.4} each), {others} others: {calls:?}"
        );
        if each > carriers_max {
            faults.push(format!(
                "W={outstanding}: {each:.3} calls for a delivery, {carriers_max} are allowed"
            ));
        }
        let connections = SUBSCRIBERS + PUBLISHERS;
        if others > OTHERS_PER_CONNECTION * connections + OTHERS_OF_THE_CORE {
            faults.push(format!(
                "W={outstanding}: {others} calls that carry no message, for {connections} connections"
            ));
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

/// Deliveries of one run, and the calls of the core's thread from before it until after it.
fn count(programs: &Path, outstanding: u32) -> Result<(u64, BTreeMap<String, u64>), String> {
    let broker = Broker::start(programs, 1, None)?;
    let core = thread_of(broker.id(), "core-0")?;
    let table = std::env::temp_dir().join(format!("ringwire-syscalls-{}", broker.id()));
    let mut strace = Command::new("strace");
    strace.args(["-c", "-U", "name,calls", "-p", &core.to_string(), "-o"]);
    strace.arg(&table).stderr(Stdio::piped());
    let mut strace =
        Running::start(&mut strace).map_err(|error| format!("{error} (Debian package strace)"))?;
    let _heard = hear(strace.0.stderr.take(), "attached")?;

    let report = load(programs, &broker, outstanding)?;
    interrupt(&strace.0)?;
    strace
        .0
        .wait()
        .map_err(|error| format!("strace: {error}"))?;
    let calls =
        fs::read_to_string(&table).map_err(|error| format!("strace wrote nothing: {error}"))?;
    fs::remove_file(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let deliveries = report.number("integrity", "received")? as u64;
    Ok((deliveries, parse(&calls)))
}

fn load(programs: &Path, broker: &Broker, outstanding: u32) -> Result<Report, String> {
    let [subscribers, publishers] = [SUBSCRIBERS, PUBLISHERS].map(|count| count.to_string());
    let outstanding = outstanding.to_string();
    let who = ["--subscribers", &subscribers, "--publishers", &publishers];
    let what = ["--outstanding", &outstanding, "--payload", "64"];
    let times = ["--warm-up", "500ms", "--duration", "2s"];
    let patience = ["--patience", "20s"];
    broker.load(programs, &[&who[..], &what, &times, &patience].concat())
}

fn thread_of(process: u32, name: &str) -> Result<u32, String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).map_err(|error| error.to_string())?;
    tasks
        .filter_map(|task| {
            let task = task.ok()?;
            let comm = fs::read_to_string(task.path().join("comm")).ok()?;
            let id = task.file_name().to_str()?.parse().ok()?;
            (comm.trim() == name).then_some(id)
        })
        .next()
        .ok_or_else(|| format!("ringwire has no thread {name}"))
}

/// Asks strace to let go and to write its table.
fn interrupt(strace: &Child) -> Result<(), String> {
    let killed = Command::new("sh")
        .args(["-c", "kill -INT \"$0\"", &strace.id().to_string()])
        .status();
    match killed {
        Ok(status) if status.success() => Ok(()),
        _ => Err("strace ended before the load did".into()),
    }
}

/// The lines `name calls` of strace's table.
fn parse(table: &str) -> BTreeMap<String, u64> {
    let entry = |line: &str| {
        let (name, calls) = line.trim().split_once(char::is_whitespace)?;
        Some((name.to_owned(), calls.trim().parse().ok()?))
    };
    let mut calls: BTreeMap<String, u64> = table.lines().filter_map(entry).collect();
    calls.remove("total");
    calls
}

/// Calls that carry messages, and others.
fn split(calls: &BTreeMap<String, u64>) -> (u64, u64) {
    let carries = |name: &&String| CARRIERS.contains(&name.as_str());
    let carriers = calls
        .iter()
        .filter(|(name, _)| carries(name))
        .map(|(_, count)| count)
        .sum();
    let all: u64 = calls.values().sum();
    (carriers, all - carriers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_and_others_are_told_apart() {
        let table = "syscall               calls\n---------------- ----------\nio_uring_enter          1200\n\
                     sendto                    30\nclose                    101\n---------------- ----------\n\
                     total                   1331\n";
        assert_eq!(split(&parse(table)), (1230, 101));
    }
}
