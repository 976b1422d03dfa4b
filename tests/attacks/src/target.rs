//! Whom the attacks are run against: ringwire, started for it, or any other server on loopback.
//!
//! Both have an address, a path where a message comes back to who sent it, and perhaps a process that can be measured. Of
//! ringwire the log is read as well, for the reason that it gives when a connection ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use ringwire_tests::{Broker, Launch};

use crate::measure::Process;
use crate::peer::{PATIENCE, Pace, Peer};
use crate::wire;

/// What the log says when a connection ends, and at which level it has to be kept.
const LOG: &str = "[log]\nlevel = \"debug\"\nformat = \"json\"\n";

/// Twice the receive buffers of one core.
const WARM_UP_MESSAGES: usize = 256;
const WARM_UP_MESSAGE_BYTES: usize = 17 << 10;

/// A server.
#[derive(Debug)]
pub struct Target {
    address: SocketAddr,
    path: Option<String>,
    process: Option<Process>,
    /// ringwire itself, ended with this.
    broker: Option<Broker>,
    connections: AtomicU64,
}

impl Target {
    /// Starts ringwire on one core with this configuration, which has no `[log]`.
    pub fn start(config: &str, program: Option<PathBuf>) -> Self {
        let launch = Launch {
            config: format!("{LOG}{config}"),
            cores: 1,
            program,
            keeps_log: true,
            ..Launch::default()
        };
        let broker = launch.start();
        let target = Self {
            address: broker.address(),
            path: None,
            process: Some(Process(broker.id())),
            broker: Some(broker),
            connections: AtomicU64::new(0),
        };
        target.warm_up();
        target
    }

    /// Has everything touched once that a server needs for any work: a ring of receive buffers is memory, and no attacker's
    /// gain.
    fn warm_up(&self) {
        let honest = Peer::echo(self).and_then(|mut peer| {
            let message = wire::frame(wire::BINARY, &[0; WARM_UP_MESSAGE_BYTES]);
            for _ in 0..WARM_UP_MESSAGES {
                peer.send(&message, Pace::AtOnce)?;
                peer.frame(PATIENCE)
                    .map_err(|end| io::Error::other(format!("{end:?}")))?;
            }
            Ok(())
        });
        honest.expect("the broker serves an honest client");
    }

    /// A server that echoes messages at `path`.
    ///
    /// # Errors
    /// If it is on another machine: nobody is attacked but who agreed.
    pub fn other(url: &str, process: Option<u32>) -> Result<Self, String> {
        let rest = url
            .strip_prefix("ws://")
            .ok_or_else(|| format!("{url}: a target is ws://127.0.0.1:PORT/path"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.replace("localhost:", "127.0.0.1:");
        let address: SocketAddr = authority
            .parse()
            .map_err(|_| format!("{authority}: neither address nor port"))?;
        if !address.ip().is_loopback() {
            return Err(format!("{address} is not on this machine"));
        }
        Ok(Self {
            address,
            path: Some(if path.is_empty() { "/" } else { path }.to_owned()),
            process: process.map(Process),
            broker: None,
            connections: AtomicU64::new(0),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As a `Host` field names it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Its process, if that is known.
    pub fn process(&self) -> Option<Process> {
        self.process
    }

    /// Whether it is ringwire, of which more is asked.
    pub fn is_ours(&self) -> bool {
        self.broker.is_some()
    }

    /// A path where whatever is sent comes back. ringwire's is a topic of its own for each connection.
    pub fn echo_path(&self) -> String {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        match &self.path {
            Some(path) => path.clone(),
            None => format!("/t/attack/{number}"),
        }
    }

    /// How much is in the log by now.
    pub fn log_length(&self) -> u64 {
        let log = self.broker.as_ref().and_then(Broker::log);
        log.and_then(|path| fs::metadata(path).ok())
            .map_or(0, |log| log.len())
    }

    /// The reasons for which connections ended since the log had that length, and how often each.
    ///
    /// # Errors
    /// If there is no log.
    pub fn reasons_since(&self, length: u64) -> io::Result<Reasons> {
        let path = self.broker.as_ref().and_then(Broker::log);
        let path = path.ok_or_else(|| io::Error::other("no log is kept"))?;
        let mut file = fs::File::open(path)?;
        file.seek(SeekFrom::Start(length))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let mut reasons = Reasons::new();
        for reason in text.lines().filter_map(reason) {
            *reasons.entry(reason).or_default() += 1;
        }
        Ok(reasons)
    }
}

/// How many connections ended for each reason.
pub type Reasons = BTreeMap<String, usize>;

/// The reason in a line of the log, if it is about a connection's end.
fn reason(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(line["fields"]["reason"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_a_target() {
        assert!(Target::other("ws://127.0.0.1:9000/echo", None).is_ok());
        assert!(Target::other("ws://[::1]:9000", None).is_ok());
        assert!(Target::other("ws://localhost:9000", None).is_ok());
        assert!(Target::other("ws://192.0.2.1:9000/echo", None).is_err());
        assert!(Target::other("ws://example.com:9000/echo", None).is_err());
        assert!(Target::other("wss://127.0.0.1:9000/echo", None).is_err());
    }
}
