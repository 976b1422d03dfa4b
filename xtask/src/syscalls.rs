//! `cargo xtask syscalls`: how many system calls a core makes for each delivery, counted by strace
//! on the real program under the load generator.
//!
//! Batching is what io_uring rewards, so under load one entry of the kernel has to carry many
//! deliveries, and nothing but entering, or sending, may be called on a message's way. strace
//! stretches every call, which changes rates and hardly counts: how much meets in one turn is
//! bounded by the messages under way.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::programs;

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

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is what is hoped for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Deliveries of one run, and the calls of the core's thread from before it until after it.
fn count(programs: &Path, outstanding: u32) -> Result<(u64, BTreeMap<String, u64>), String> {
    let address = free_address()?;
    let mut server = Command::new(programs.join("ringwire"));
    server.args(["--cores", "1", "--listen", &address.to_string()]);
    let mut server = Running(start(server.stdout(Stdio::piped()))?);
    let _heard = wait_for_line(server.0.stdout.take(), "ready")?;
    let core = thread_of(server.0.id(), "core-0")?;

    let table = std::env::temp_dir().join(format!("ringwire-syscalls-{}", server.0.id()));
    let mut strace = Command::new("strace");
    strace.args(["-c", "-U", "name,calls", "-p", &core.to_string(), "-o"]);
    strace.arg(&table).stderr(Stdio::piped());
    let mut strace =
        Running(start(&mut strace).map_err(|error| format!("{error} (Debian package strace)"))?);
    let _heard = wait_for_line(strace.0.stderr.take(), "attached")?;

    let report = load(programs, address, outstanding)?;
    interrupt(&strace.0)?;
    strace
        .0
        .wait()
        .map_err(|error| format!("strace: {error}"))?;
    let calls =
        fs::read_to_string(&table).map_err(|error| format!("strace wrote nothing: {error}"))?;
    fs::remove_file(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let deliveries =
        number_in(&report, "\"received\"").ok_or("the load's report has no deliveries")?;
    Ok((deliveries, parse(&calls)))
}

fn start(command: &mut Command) -> Result<Child, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .spawn()
        .map_err(|error| format!("cannot start {name}: {error}"))
}

/// Reads lines until one has the word. The rest is the caller's to keep: a program that says more into
/// a closed pipe would end.
fn wait_for_line<R: Read>(output: Option<R>, word: &str) -> Result<BufReader<R>, String> {
    let mut output = BufReader::new(output.ok_or("no output to read")?);
    let mut said = String::new();
    loop {
        let begun = said.len();
        match output.read_line(&mut said) {
            Ok(0) => return Err(format!("never said `{word}`:\n{said}")),
            Ok(_) if said[begun..].contains(word) => return Ok(output),
            Ok(_) => {}
            Err(error) => return Err(format!("waiting for `{word}`: {error}")),
        }
    }
}

fn load(programs: &Path, address: SocketAddr, outstanding: u32) -> Result<String, String> {
    let output = Command::new(programs.join("ringwire-load"))
        .arg(format!("ws://{address}"))
        .args(["--subscribers", &SUBSCRIBERS.to_string()])
        .args(["--publishers", &PUBLISHERS.to_string()])
        .args(["--outstanding", &outstanding.to_string()])
        .args([
            "--payload",
            "64",
            "--warm-up",
            "500ms",
            "--duration",
            "2s",
            "--json",
        ])
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start ringwire-load: {error}"))?;
    // 4: the generator was the limit, which is no matter here.
    match output.status.code() {
        Some(0 | 4) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        code => Err(format!("ringwire-load ended with {code:?}")),
    }
}

fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port: {error}"))
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

fn number_in(report: &str, key: &str) -> Option<u64> {
    let value = report[report.find(key)? + key.len()..].trim_start_matches([':', ' ']);
    let end = value.find([',', '\n', '}'])?;
    value[..end].trim().parse().ok()
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
