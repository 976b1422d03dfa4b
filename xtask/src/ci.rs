//! `cargo xtask ci`: every gate in order, each with the time it took.
//!
//! The same gates run by hand and on the build machine; `.ci/run` adds only what the machine may lack.
//! A gate that fails does not stop the next ones: one run tells everything that is wrong.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long each fuzz target runs here, two at a time; a longer run is `cargo xtask fuzz <seconds>`.
const FUZZ_SECONDS: &str = "10";

struct Gate {
    name: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const fn gate(name: &'static str, arguments: &'static [&'static str]) -> Gate {
    Gate {
        name,
        arguments,
        environment: &[],
    }
}

/// What every commit has to pass; all are cargo's commands. The cheap ones come first.
const GATES: &[Gate] = &[
    gate("format", &["fmt", "--all", "--check"]),
    gate("tidy", &["xtask", "tidy"]),
    gate("requirements", &["xtask", "requirements", "--check"]),
    gate(
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    ),
    Gate {
        name: "test",
        arguments: &["test", "--workspace"],
        // One commit, one verdict: what property tests make up comes from one seed here. By hand each run has another.
        environment: &[("PROPTEST_RNG_SEED", "6455")],
    },
    Gate {
        name: "docs",
        arguments: &["doc", "--workspace", "--no-deps"],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    gate("fuzz", &["xtask", "fuzz", FUZZ_SECONDS, "--jobs", "2"]),
    gate("clients", &["xtask", "clients"]),
    gate("conformance", &["xtask", "conformance"]),
    gate("instructions", &["xtask", "instructions"]),
    gate("syscalls", &["xtask", "syscalls"]),
];

/// Runs every gate; fails if one did.
pub(crate) fn run(root: &Path, _arguments: &[String]) -> Result<(), String> {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for gate in GATES {
        println!("\n=== {}: cargo {}", gate.name, gate.arguments.join(" "));
        let started = Instant::now();
        let passed = pass(root, gate);
        let verdict = if passed { "passed" } else { "FAILED" };
        lines.push(format!(
            "{:<12} {verdict} {:>7}",
            gate.name,
            seconds(started.elapsed())
        ));
        if !passed {
            failed.push(gate.name);
        }
    }
    println!("\n=== the gates\n{}", lines.join("\n"));
    println!(
        "gates: {} passed, {} failed",
        GATES.len() - failed.len(),
        failed.len()
    );
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}

fn pass(root: &Path, gate: &Gate) -> bool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args(gate.arguments)
        .envs(gate.environment.iter().copied())
        .current_dir(root)
        .status()
        .is_ok_and(|status| status.success())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
