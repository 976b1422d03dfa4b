//! `cargo xtask fuzz [seconds]`: builds the fuzz targets and runs each for a while.
//!
//! libFuzzer needs coverage instrumentation, which the stable compiler can add; so this asks for no
//! other toolchain and no further tool. Address checks, which it cannot add, are left out: a wrong
//! result, a panic, an endless loop and unbounded memory are found without them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SECONDS_DEFAULT: u32 = 60;
const MEMORY_MIB_MAX: u32 = 1024;
const INPUT_SECONDS_MAX: u32 = 5;

/// What libFuzzer reads while it runs: edge counters, their addresses, and compared values.
const COVERAGE_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cdebug-assertions -Ccodegen-units=1 \
     -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds all targets, then runs one after another; the first finding fails.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let seconds = match arguments.first() {
        Some(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is no number of seconds"))?,
        None => SECONDS_DEFAULT,
    };
    let folder = root.join("fuzz");
    let built = build(&folder)?;
    for target in targets(&folder)? {
        println!("--- fuzz {target}: {seconds} s");
        fuzz(&folder, &built, &target, seconds)?;
    }
    Ok(())
}

/// The names of the files in `fuzz_targets`.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder.join("fuzz_targets"))
        .map_err(|error| format!("cannot read fuzz/fuzz_targets: {error}"))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    if names.is_empty() {
        Err("fuzz/fuzz_targets is empty".to_owned())
    } else {
        Ok(names)
    }
}

/// Builds and returns the folder of the programs. The target is named, so that build scripts and
/// macros, which run on this machine, are not instrumented.
fn build(folder: &Path) -> Result<PathBuf, String> {
    let host = host()?;
    let status = Command::new("cargo")
        .args(["build", "--release", "--bins", "--target", &host])
        .current_dir(folder)
        .env("RUSTFLAGS", COVERAGE_FLAGS)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("the fuzz targets do not build".to_owned());
    }
    Ok(folder.join("target").join(host).join("release"))
}

fn host() -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .ok_or_else(|| "rustc does not say what its host is".to_owned())
}

/// Runs one target. What it learns stays in `corpus-local`; `corpus`, where there is one, only seeds it.
fn fuzz(folder: &Path, built: &Path, target: &str, seconds: u32) -> Result<(), String> {
    let learned = folder.join("corpus-local").join(target);
    let artifacts = folder.join("artifacts").join(target);
    for made in [&learned, &artifacts] {
        fs::create_dir_all(made)
            .map_err(|error| format!("cannot make {}: {error}", made.display()))?;
    }
    let seeds = folder.join("corpus").join(target);
    let output = Command::new(built.join(target))
        .arg(&learned)
        .args(seeds.is_dir().then_some(&seeds))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-print_final_stats=1", "-verbosity=0"])
        .current_dir(folder)
        .output()
        .map_err(|error| format!("cannot run the fuzz target {target}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let artifacts = artifacts.display();
        return Err(format!(
            "{said}{target} has a finding; its input lies in {artifacts}"
        ));
    }
    let numbers = said.lines().filter(|line| line.starts_with("stat::"));
    println!("{}", numbers.collect::<Vec<_>>().join("\n"));
    Ok(())
}
