//! The project's own programs as they are shipped: the broker, and the load that measures it.
//!
//! For gates that run the real thing. Both run on loopback and end with the value that stands for them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take until it listens, and how often that is looked at.
const LISTENS_WITHIN: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Builds these packages in release; returns the folder in which their programs lie.
pub(crate) fn release(root: &Path, packages: &[&str]) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet"])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .current_dir(root)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err("the build failed".into());
    }
    Ok(target(root).join("release"))
}

/// Cargo's target folder.
pub(crate) fn target(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// A loopback address where nobody listens; a new one each time, so that no connection of an earlier run is in
/// the way.
pub(crate) fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port on 127.0.0.1: {error}"))
}

/// A process that ends with this value.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn();
        child
            .map(Self)
            .map_err(|error| format!("cannot start {name}: {error}"))
    }

    /// Waits until it takes connections there.
    pub(crate) fn until_it_listens(&mut self, address: SocketAddr) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < LISTENS_WITHIN {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Err(format!("a server ended at its start ({status})"));
            }
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            thread::sleep(LOOK_AGAIN);
        }
        let within_s = LISTENS_WITHIN.as_secs();
        Err(format!("nobody listens on {address} within {within_s} s"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is what is hoped for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A broker that is ready.
pub(crate) struct Broker {
    process: Running,
    pub(crate) address: SocketAddr,
    _heard: BufReader<ChildStdout>,
}

impl Broker {
    /// With the default configuration and so many cores, on a free port; on these CPUs (as `taskset` names them) or any.
    pub(crate) fn start(programs: &Path, cores: u32, cpus: Option<&str>) -> Result<Self, String> {
        let address = free_address()?;
        let program = programs.join("ringwire");
        let mut command = match cpus {
            Some(cpus) => {
                let mut pinned = mortal("taskset");
                pinned.args(["-c", cpus]).arg(program);
                pinned
            }
            None => mortal(program),
        };
        command.env("RINGWIRE_IO_DRIVER", "io_uring");
        command.args(["--cores", &cores.to_string()]);
        command.args(["--listen", &address.to_string()]);
        let mut process = Running::start(command.stdout(Stdio::piped()))?;
        let heard = hear(process.0.stdout.take(), "ready")?;
        Ok(Self {
            process,
            address,
            _heard: heard,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Runs `ringwire-load` against it with these arguments, to the end; the report.
    pub(crate) fn load(&self, programs: &Path, arguments: &[&str]) -> Result<Report, String> {
        let output = Command::new(programs.join("ringwire-load"))
            .arg(format!("ws://{}", self.address))
            .args(["--server-pid", &self.id().to_string(), "--json"])
            .args(arguments)
            .stderr(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start ringwire-load: {error}"))?;
        let report = serde_json::from_slice(&output.stdout).map_or(Report(Value::Null), Report);
        // 4: the generator was the limit, which is no fault of the broker's; a lost message is.
        match output.status.code() {
            Some(0) => Ok(report),
            Some(4) if report.is_faultless() => Ok(report),
            code => Err(format!("ringwire-load {arguments:?} ended with {code:?}")),
        }
    }
}

/// A command that ends with this process, however that ends.
pub(crate) fn mortal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]).arg(program);
    command
}

/// Reads lines until one has the word. The rest is the caller's to keep: a program that says more into
/// a closed pipe would end.
pub(crate) fn hear<R: Read>(output: Option<R>, word: &str) -> Result<BufReader<R>, String> {
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

/// What `ringwire-load` says, as JSON.
pub(crate) struct Report(Value);

impl Report {
    /// The number of that name in a section.
    pub(crate) fn number(&self, section: &str, name: &str) -> Result<f64, String> {
        self.0[section][name]
            .as_f64()
            .ok_or_else(|| format!("no {section}.{name} in the report"))
    }

    /// Whether every message arrived once and in order.
    fn is_faultless(&self) -> bool {
        self.0["verdict"]["faults"]
            .as_array()
            .is_some_and(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_without_its_verdict_is_not_faultless() {
        let report = |verdict| Report(json!({"verdict": verdict, "server": {"cpu_share": 0.9}}));
        assert!(report(json!({"faults": []})).is_faultless());
        assert!(!report(json!({"faults": ["12 lost"]})).is_faultless());
        assert!(!report(json!({})).is_faultless());
        assert_eq!(report(json!({})).number("server", "cpu_share"), Ok(0.9));
        assert!(report(json!({})).number("peer", "cpu_share").is_err());
    }

    #[test]
    fn hearing_stops_at_the_word_and_fails_without_it() {
        let mut rest = String::new();
        let mut heard = hear(Some(&b"one\ntwo ready\nthree\n"[..]), "ready").unwrap();
        heard.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "three\n");
        assert!(hear(Some(&b"one\n"[..]), "ready").is_err());
    }
}
