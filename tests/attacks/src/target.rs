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
    _certificate: Option<Certificate>,
    program: Option<PathBuf>,
    connections: AtomicU64,
}

impl Target {
    /// Starts ringwire on one core with this configuration, which has no `[log]`, and [`TLS`] where it is to have a
    /// certificate.
    pub fn start(config: &str, program: Option<PathBuf>) -> Self {
        let certificate = config.contains(TLS).then(Certificate::new);
        let tls = certificate.as_ref().map(Certificate::config);
        let tls = tls.unwrap_or_default();
        let launch = Launch {
            config: format!("{LOG}{}", config.replace(TLS, &tls)),
            cores: 1,
            program: program.clone(),
            keeps_log: true,
            ..Launch::default()
        };
        let broker = launch.start();
        let target = Self {
            address: broker.address(),
            path: None,
            process: Some(Process(broker.id())),
            broker: Some(broker),
            _certificate: certificate,
            program,
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
        // Where a row has made the limits small, this is refused, and there is less to touch.
        drop(honest);
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
            _certificate: None,
            program: None,
            connections: AtomicU64::new(0),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS, if it does.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.broker.as_ref().and_then(Broker::tls_address)
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

    /// Whether ringwire would start with this configuration.
    ///
    /// # Errors
    /// If this is no ringwire, or it cannot be asked.
    pub fn accepts_config(&self, config: &str) -> Result<bool, String> {
        let program = self.program.clone();
        let launch = self.is_ours().then(|| Launch {
            config: config.to_owned(),
            program,
            ..Launch::default()
        });
        Ok(launch
            .ok_or("only ringwire's configuration is known")?
            .is_accepted())
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

/// The place of a certificate in a row's configuration.
pub const TLS: &str = "[a certificate]";

/// What a second listener, for TLS, shows.
#[derive(Debug)]
struct Certificate {
    folder: PathBuf,
}

impl Certificate {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let own = format!("ringwire-attacks-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(own);
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a good request");
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        for (name, pem) in [
            ("cert.pem", made.cert.pem()),
            ("key.pem", made.signing_key.serialize_pem()),
        ] {
            fs::write(folder.join(name), pem).expect("a temporary file can be written");
        }
        Self { folder }
    }

    fn config(&self) -> String {
        let folder = self.folder.display();
        format!(
            "[tls]\nlisten = \"127.0.0.1:0\"\ncertificates = [\
             {{ certificate = \"{folder}/cert.pem\", key = \"{folder}/key.pem\" }}]\n"
        )
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        // A folder that stays behind harms nobody.
        drop(fs::remove_dir_all(&self.folder));
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
