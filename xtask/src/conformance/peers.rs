//! Who stands before the suite: the broker, the client machine, and for comparison the servers of two libraries that
//! everybody knows.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cases::{Case, Verdict};
use super::suite::{Certificate, Suite, remove};
use crate::clients;
use crate::programs::{Running, free_address, mortal, target};

/// Raised bounds: case 9.1.6 has a message of 16 MiB, 9.3.1 one of 65,536 fragments with an empty one behind them.
/// The suite takes its time to read what it has sent, and counts a ping of ours as a fault. A topic's backlog has to hold two messages, used or not.
const CONFIG: &str = r#"
[server]
echo = true
cores = 2
[websocket]
message_bytes_max = "16MiB"
fragments_max = 65537
write_timeout = "100s"
ping_interval = "0s"
[topic_default]
backlog_bytes_max = "32MiB"
[compression]
enabled = true
"#;

/// As much of permessage-deflate as there is, behind what stands above: messages of any length, and clients whose
/// contexts are kept. Without it stand the defaults, which is how the broker runs over TLS.
const COMPRESS_ALL: &str = r#"
threshold_bytes = "0B"
contexts_bytes_max = "1MiB"
context_window_bits = 15
"#;

/// Who is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// The broker's `/echo`.
    Server,
    /// The client machine, in the program of tests/autobahn.
    Client,
    /// npm `ws`, as a server.
    Ws,
    /// Python's `websockets`, as a server.
    Websockets,
}

/// Over what it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// `ws://`
    Plain,
    /// `wss://`
    Secure,
}

/// One column of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) peer: Peer,
    pub(super) transport: Transport,
}

/// Where the programs of all peers are.
pub(super) struct Places {
    clients: PathBuf,
    programs: PathBuf,
    config: PathBuf,
    compressing: PathBuf,
    certificate: Certificate,
    python: PathBuf,
}

impl Places {
    /// Builds ours and, if they are wanted, installs the others.
    pub(super) fn prepare(root: &Path, with_others: bool) -> Result<Self, String> {
        let target = target(root);
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--package",
                "ringwire",
                "--package",
                "ringwire-autobahn",
            ])
            .current_dir(root)
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return Err("the build failed".into());
        }
        let programs = target.join("debug");
        let folder = target.join("autobahn/peers");
        let [config, compressing] =
            ["default.toml", "compressing.toml"].map(|file| folder.join(file));
        // A certificate is never written over another one.
        remove(&folder)?;
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&config, CONFIG))
            .and_then(|()| fs::write(&compressing, format!("{CONFIG}{COMPRESS_ALL}")))
            .map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
        let certificate = Certificate::make(&programs.join("ringwire"), &folder)?;
        let clients = root.join("tests/clients");
        let mut python = PathBuf::new();
        if with_others {
            python = clients::python(&clients, &target)?;
            clients::node_modules(&clients)?;
        }
        Ok(Self {
            clients,
            programs,
            config,
            compressing,
            certificate,
            python,
        })
    }
}

impl Peer {
    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Server | Self::Client => "ringwire",
            Self::Ws => "npm ws",
            Self::Websockets => "Python websockets",
        }
    }

    /// Which end of the connection it is.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server | Self::Ws | Self::Websockets => "server",
        }
    }

    /// The pinned version, ours the workspace's.
    pub(super) fn version(self, root: &Path) -> Result<String, String> {
        let (file, before, after) = match self {
            Self::Server | Self::Client => ("Cargo.toml", "\nversion = \"", "\""),
            Self::Ws => ("tests/clients/package.json", "\"ws\": \"", "\""),
            Self::Websockets => ("tests/clients/requirements.txt", "\nwebsockets==", "\n"),
        };
        let text = fs::read_to_string(root.join(file))
            .map_err(|error| format!("cannot read {file}: {error}"))?;
        let version = text
            .split_once(before)
            .and_then(|(_, rest)| rest.split_once(after));
        version
            .map(|(version, _)| version.to_owned())
            .ok_or_else(|| format!("no version in {file}"))
    }
}

impl Transport {
    /// The scheme of its URLs.
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "ws",
            Self::Secure => "wss",
        }
    }
}

impl Subject {
    /// For names of files.
    pub(super) fn short_name(self) -> String {
        format!("{:?}-{}", self.peer, self.transport.scheme()).to_lowercase()
    }

    /// Plays `cases` with it.
    pub(super) fn face(
        self,
        suite: &Suite,
        places: &Places,
        run: &str,
        cases: &[Case],
    ) -> Result<BTreeMap<Case, Verdict>, String> {
        let Self { peer, transport } = self;
        let certificate = &places.certificate;
        if peer == Peer::Client {
            let secure = (transport == Transport::Secure).then_some(certificate);
            return suite.judge_client(run, cases, secure, |url, agent| {
                let mut client = mortal(places.programs.join("ringwire-autobahn"));
                client.args([url, agent]);
                client.args(secure.map(|certificate| &certificate.authority));
                client
            });
        }
        let address = free_address()?;
        let mut command = peer.server(places, transport, address)?;
        command.current_dir(&places.clients);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut server = Running::start(&mut command)?;
        server.until_it_listens(address)?;
        let url = format!("{}://{address}/echo", transport.scheme());
        suite.judge_server(run, &url, cases)
    }
}

impl Peer {
    /// The command that serves there.
    fn server(
        self,
        places: &Places,
        transport: Transport,
        address: SocketAddr,
    ) -> Result<Command, String> {
        let port = address.port().to_string();
        let mut command;
        match self {
            Self::Ws => {
                command = mortal("node");
                command.args(["echo/ws.mjs", &port]);
            }
            Self::Websockets => {
                command = mortal(&places.python);
                command.args(["echo/server.py", &port]);
            }
            Self::Server | Self::Client => {
                command = mortal(places.programs.join("ringwire"));
                let listen = match transport {
                    Transport::Plain => {
                        command.arg("--config").arg(&places.compressing);
                        address
                    }
                    Transport::Secure => {
                        command.arg("--config").arg(&places.config);
                        let certificate = &places.certificate;
                        command.args(["--tls-listen", &address.to_string()]);
                        command.arg("--tls-certificate").arg(&certificate.chain);
                        command.arg("--tls-key").arg(&certificate.key);
                        free_address()?
                    }
                };
                command.args(["--listen", &listen.to_string()]);
            }
        }
        Ok(command)
    }
}
