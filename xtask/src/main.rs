//! The project's own build scripts, as one small program: `cargo xtask <task>`.
//!
//! Written in Rust over little more than the standard library, so that it builds in seconds and runs
//! wherever the project does. It judges and drives; it never changes a source file.

#![forbid(unsafe_code)]

mod attacks;
mod ci;
mod clients;
mod compare;
mod conformance;
mod cores;
mod fuzz;
mod instructions;
mod mutants;
mod programs;
mod requirements;
mod syscalls;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A task gets the workspace's root and its own arguments; its error is the last line said.
type Task = fn(&Path, &[String]) -> Result<(), String>;

/// One line for each task: its name, what it does, its entry.
const TASKS: &[(&str, &str, Task)] = &[
    (
        "ci",
        "every gate in order, with the time each took",
        ci::run,
    ),
    (
        "tidy",
        "the rules of the house that no compiler checks",
        tidy::run,
    ),
    (
        "requirements",
        "docs/conformance.md from its rows: cargo xtask requirements [--check]",
        requirements::run,
    ),
    (
        "clients",
        "real clients (websockets, ws, curl, Chromium) against a real server",
        clients::run,
    ),
    (
        "conformance",
        "the Autobahn test suite, server and client: cargo xtask conformance [--full] [--record] [--cases PATTERN]",
        conformance::run,
    ),
    (
        "attacks",
        "hostile clients against a real server: cargo xtask attacks [--peers] [--row ID] [--json FILE]",
        attacks::run,
    ),
    (
        "fuzz",
        "every fuzz target for a while: cargo xtask fuzz [seconds] [target...]\n               \
         [--jobs N] [--asan] [--record] [--cases FOLDER] [--minimise]",
        fuzz::run,
    ),
    (
        "mutants",
        "small bugs planted in frame and protocol, which the tests have to notice: [--record] [PART...]",
        mutants::run,
    ),
    (
        "instructions",
        "how many each step of a message's way takes, beside the record: cargo xtask instructions [--record]",
        instructions::run,
    ),
    (
        "syscalls",
        "how few system calls a delivery takes, and no others",
        syscalls::run,
    ),
    (
        "cores",
        "a delivery's CPU time on two cores beside one: cargo xtask cores [rounds]",
        cores::run,
    ),
    (
        "floor",
        "the broker's CPU per delivery beside programs that only send; all five take\n               \
         [--rounds N] [--row TEXT] [--arm NAME,...] [--json FILE] [--steered]",
        compare::floor,
    ),
    (
        "peers",
        "the same beside other servers: tokio, Bun, nchan, mosquitto, NATS",
        compare::peers,
    ),
    (
        "latency",
        "how long a delivery takes in the broker and in them, at the same rates",
        compare::latency,
    ),
    (
        "bystanders",
        "the same of those who read, while half of the subscribers stop reading",
        compare::bystanders,
    ),
    (
        "compression",
        "what permessage-deflate costs and saves, beside a server that compresses for each connection",
        compare::compression,
    ),
    (
        "idle",
        "what 10,000 subscribed connections take, in memory and to make",
        compare::idle,
    ),
    (
        "tls",
        "what a delivery costs over TLS, beside Bun and nginx with the same certificate",
        compare::tls,
    ),
    (
        "handshakes",
        "what a TLS connection costs to make, full and resumed, beside them",
        compare::handshakes,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage();
    };
    let Some((_, _, task)) = TASKS.iter().find(|(task, _, _)| task == name) else {
        return usage();
    };
    match task(&root(), rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask {name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: the folder above this package.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
        .to_path_buf()
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask <task>\n");
    for (name, what, _) in TASKS {
        eprintln!("  {name:<12} {what}");
    }
    ExitCode::from(2)
}
