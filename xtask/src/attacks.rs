//! `cargo xtask attacks`: the catalogue of attacks against a release build of ringwire, with the CPU time of both sides.
//!
//! With `--peers` the same rows run against npm `ws`, Python `websockets` and Bun as well, one server after the other. What
//! else is given goes to `ringwire-attacks` as it stands.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::clients;
use crate::programs::{self, Running, hear};

/// A server that echoes messages: its name, and how it is started on a port.
struct Peer {
    name: &'static str,
    command: fn(&Path, &str) -> Result<Command, String>,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "npm ws",
        command: |root, port| {
            clients::node_modules(&root.join("tests/clients"))?;
            let mut command = Command::new("node");
            command.arg(script(root, "ws.mjs")).arg(port);
            Ok(command)
        },
    },
    Peer {
        name: "Python websockets",
        command: |root, port| {
            let folder = root.join("tests/clients");
            let mut command = Command::new(clients::python(&folder, &programs::target(root))?);
            command.arg(script(root, "websockets_server.py")).arg(port);
            Ok(command)
        },
    },
    Peer {
        name: "Bun",
        command: |root, port| {
            let folder = root.join("benches/peers/bun");
            clients::node_modules(&folder)?;
            let mut command = Command::new(folder.join("node_modules/.bin/bun"));
            command.arg(script(root, "bun.js")).arg(port);
            Ok(command)
        },
    },
];

fn script(root: &Path, name: &str) -> PathBuf {
    root.join("tests/attacks/peers").join(name)
}

/// Runs the rows; fails if ringwire fails one. What becomes of a peer is told, and is no fault of ours.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let programs = programs::release(root, &["ringwire", "ringwire-attacks", "ringwire-load"])?;
    let (peers, arguments): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|word| *word == "--peers");
    let attacks = || Command::new(programs.join("ringwire-attacks"));
    let ours = attacks()
        .arg("--program")
        .arg(programs.join("ringwire"))
        .args(&arguments)
        .status()
        .map_err(|error| format!("cannot start ringwire-attacks: {error}"))?;
    if !peers.is_empty() {
        for peer in PEERS {
            println!("\n{}", peer.name);
            attack(root, peer, attacks().args(&arguments))?;
        }
    }
    match ours.success() {
        true => Ok(()),
        false => Err("a row is not as it must be".into()),
    }
}

fn attack(root: &Path, peer: &Peer, attacks: &mut Command) -> Result<(), String> {
    let port = programs::free_address()?.port().to_string();
    let mut command = (peer.command)(root, &port)?;
    let mut server = Running::start(command.stdout(Stdio::piped()))?;
    let _heard = hear(server.0.stdout.take(), "ready")?;
    attacks
        .args(["--target", &format!("ws://127.0.0.1:{port}/")])
        .args(["--pid", &server.0.id().to_string()])
        .status()
        .map(drop)
        .map_err(|error| format!("cannot start ringwire-attacks: {error}"))
}
