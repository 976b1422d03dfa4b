//! `cargo xtask fuzz [SECONDS] [TARGET...]`: builds the fuzz targets and runs each for a while.
//!
//! libFuzzer needs coverage instrumentation, which the stable compiler can add; so this asks for no
//! other toolchain and no further tool. Address checks, which it cannot add openly, are for `--asan`: a
//! wrong result, a panic, an endless loop and unbounded memory are found without them.

mod build;
mod corpus;
mod options;
mod record;

use options::Options;
use record::Run;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

const MEMORY_MIB_MAX: u32 = 2048;
/// An endless loop is longer than that on any machine, and a machine that pauses is not.
const INPUT_SECONDS_MAX: u32 = 20;

/// The targets that read text, and the words that mean something to them.
const DICTIONARIES: &[(&str, &str)] = &[
    ("extensions", "extensions.dict"),
    ("handshake", "http.dict"),
    ("head", "http.dict"),
    ("json_command", "json.dict"),
    ("negotiation", "extensions.dict"),
    ("peer_handshake", "http.dict"),
    ("topic", "topic.dict"),
];

/// Builds all targets, then runs the wanted ones; every finding is told, and fails the whole.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let folder = root.join("fuzz");
    let options = Options::parse(arguments, targets(&folder)?)?;
    if let Some(cases) = &options.cases {
        corpus::learn(&folder, Path::new(cases))?;
    }
    let programs = build::build(&folder, options.asan)?;
    if options.minimise {
        for target in &options.targets {
            corpus::minimise(&folder, &programs.join(target), target)?;
        }
        return Ok(());
    }
    let runs = fuzz_all(&folder, &programs, &options)?;
    if options.record {
        record::add(&root.join("docs/fuzzing.md"), &runs)?;
    }
    let found: Vec<&str> = runs
        .iter()
        .filter(|run| run.finding)
        .map(|run| run.target.as_str())
        .collect();
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "findings: {}; their inputs lie in fuzz/artifacts",
            found.join(", ")
        ))
    }
}

/// The names of the files in `fuzz_targets`.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let names = names(&folder.join("fuzz_targets"))?;
    let targets: Vec<String> = names
        .iter()
        .filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned()))
        .collect();
    if targets.is_empty() {
        Err("fuzz/fuzz_targets is empty".to_owned())
    } else {
        Ok(targets)
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// As many targets at once as there are jobs.
fn fuzz_all(folder: &Path, programs: &Path, options: &Options) -> Result<Vec<Run>, String> {
    let waiting = Mutex::new(options.targets.iter());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no job panics").next();
                    let Some(target) = next else { return };
                    let run = fuzz(folder, programs, target, options.seconds);
                    done.lock().expect("no job panics").push(run);
                }
            });
        }
    });
    let runs = done.into_inner().expect("no job panics");
    runs.into_iter().collect()
}

/// Runs one target. What it learns stays in `corpus-local`; `seeds` and `corpus` only start it.
fn fuzz(folder: &Path, programs: &Path, target: &str, seconds: u32) -> Result<Run, String> {
    let learned = folder.join("corpus-local").join(target);
    let artifacts = folder.join("artifacts").join(target);
    for made in [&learned, &artifacts] {
        fs::create_dir_all(made)
            .map_err(|error| format!("cannot make {}: {error}", made.display()))?;
    }
    let started = Instant::now();
    let output = Command::new(programs.join(target))
        .arg(&learned)
        .args(corpus::committed(folder, target))
        .args(dictionary(folder, target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        .current_dir(folder)
        .output()
        .map_err(|error| format!("cannot run the fuzz target {target}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let finding = !output.status.success();
    if finding {
        let told: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
        println!("{}", told.join("\n"));
    }
    let run = Run::read(target, &said, started.elapsed(), finding);
    println!("fuzz {run}");
    Ok(run)
}

/// The words that mean something to a target, if there is a list of them.
fn dictionary(folder: &Path, target: &str) -> Option<String> {
    let (_, list) = DICTIONARIES.iter().find(|(known, _)| *known == target)?;
    let path = folder.join("dictionaries").join(list);
    Some(format!("-dict={}", path.display()))
}
