//! `cargo xtask instructions`: how many instructions of our own each step on a message's way takes,
//! beside a committed record. Wall times on a shared machine differ by tens of per cent; these counts
//! are the same on every run, so a few per cent more are a change of the code.
//!
//! valgrind counts whole processes. Each case runs twice, for so many rounds and for twice as many;
//! the difference is that of the rounds alone. What is counted is in benches/userspace, the record in
//! its `instructions.toml`, written by `--record`.

mod record;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::programs;
use record::{Record, Tools};

const RECORD: &str = "benches/userspace/instructions.toml";

/// By how much a case may grow, in per cent.
const GROWTH_MAX: f64 = 3.0;
/// The same when the record was made by another compiler or for other SIMD, whose counts differ by
/// themselves: only a change of the algorithm is beyond this.
const FOREIGN_GROWTH_MAX: f64 = 25.0;

/// One case, as the program lists it.
#[derive(Clone)]
struct Case {
    name: String,
    rounds: u64,
    units: u64,
    unit: String,
}

/// Counts every case and compares, or records.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let recording = match arguments {
        [] => false,
        [flag] if flag == "--record" => true,
        _ => return Err("usage: cargo xtask instructions [--record]".into()),
    };
    let program = programs::release(root, &["ringwire-userspace"])?.join("ringwire-instructions");
    let (simd, cases) = list(&program)?;
    let counted = Record {
        tools: Tools::find(simd)?,
        counts: count_all(&program, &cases)?,
    };
    let path = root.join(RECORD);
    if recording {
        print(&cases, &counted, None);
        return counted.write(&path);
    }
    let recorded = Record::read(&path)?;
    print(&cases, &counted, Some(&recorded));
    judge(&recorded, &counted)
}

/// The SIMD that the program finds under valgrind, and its cases.
fn list(program: &Path) -> Result<(String, Vec<Case>), String> {
    let output = valgrind("none", program, &[])?;
    let mut lines = output.0.lines();
    let simd = lines.next().unwrap_or_default().to_owned();
    let case = |line: &str| {
        let mut fields = line.split('\t');
        Some(Case {
            name: fields.next()?.to_owned(),
            rounds: fields.next()?.parse().ok()?,
            units: fields.next()?.parse().ok()?,
            unit: fields.next()?.to_owned(),
        })
    };
    let cases: Option<Vec<Case>> = lines.map(case).collect();
    let cases = cases.ok_or("ringwire-instructions lists no cases")?;
    Ok((simd, cases))
}

/// Instructions for each unit, case by case; as many processes at once as there are CPUs.
fn count_all(program: &Path, cases: &[Case]) -> Result<Vec<(String, f64)>, String> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = Mutex::new(cases.iter().enumerate());
    let done = Mutex::new(vec![Err("not counted".to_owned()); cases.len()]);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().expect("no counter panics").next();
                    let Some((index, case)) = taken else { return };
                    let counted = count(program, case).map(|count| (case.name.clone(), count));
                    done.lock().expect("no counter panics")[index] = counted;
                }
            });
        }
    });
    let done = done.into_inner().expect("no counter panics");
    done.into_iter().collect()
}

fn count(program: &Path, case: &Case) -> Result<f64, String> {
    let of = |rounds: u64| instructions(program, &[&case.name, &rounds.to_string()]);
    let (once, twice) = (of(case.rounds)?, of(2 * case.rounds)?);
    let units = case.rounds * case.units;
    Ok(twice.saturating_sub(once) as f64 / units as f64)
}

fn instructions(program: &Path, arguments: &[&str]) -> Result<u64, String> {
    let (_, report) = valgrind("callgrind", program, arguments)?;
    // ==1234== Collected : 453032
    report
        .lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
        .ok_or_else(|| format!("callgrind counted nothing:\n{report}"))
}

/// Runs the program to its end under one of valgrind's tools; its output, and valgrind's.
fn valgrind(tool: &str, program: &Path, arguments: &[&str]) -> Result<(String, String), String> {
    let mut command = Command::new("valgrind");
    command.arg(format!("--tool={tool}"));
    if tool == "callgrind" {
        command.arg("--callgrind-out-file=/dev/null");
    }
    // Nothing of the caller's environment may move the stack or change what the allocator does.
    let search = std::env::var_os("PATH").unwrap_or_default();
    let output = command
        .arg(program)
        .args(arguments)
        .env_clear()
        .env("PATH", search)
        // mimalloc would give memory back by the clock.
        .env("MIMALLOC_PURGE_DELAY", "-1")
        .output()
        .map_err(|error| format!("cannot run valgrind (Debian package valgrind): {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, report) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() {
        Ok((said, report))
    } else {
        Err(format!("{arguments:?} failed under valgrind:\n{report}"))
    }
}

fn print(cases: &[Case], counted: &Record, recorded: Option<&Record>) {
    println!(
        "{:<28} {:>10} {:>10}  of one",
        "instructions", "recorded", "now"
    );
    for case in cases {
        let now = counted.count(&case.name).unwrap_or_default();
        let before = recorded.and_then(|recorded| recorded.count(&case.name));
        let recorded = before.map_or_else(String::new, |before| format!("{before:.1}"));
        let change = before.map_or(0.0, |before| growth(before, now));
        let mark = if change.abs() > GROWTH_MAX {
            format!("  ({change:+.1} %)")
        } else {
            String::new()
        };
        println!(
            "{:<28} {recorded:>10} {now:>10.1}  {}{mark}",
            case.name, case.unit
        );
    }
}

/// In per cent.
fn growth(before: f64, now: f64) -> f64 {
    (now / before - 1.0) * 100.0
}

/// Whether the counts may stand beside the record. What shrank is said, and passes.
fn judge(recorded: &Record, counted: &Record) -> Result<(), String> {
    let growth_max = if recorded.tools == counted.tools {
        GROWTH_MAX
    } else {
        println!(
            "\nThe record is of other tools, so only what grew by {FOREIGN_GROWTH_MAX} % counts.\n  \
             recorded: {}\n  here:     {}\nRecord it here to compare exactly: cargo xtask instructions --record",
            recorded.tools, counted.tools
        );
        FOREIGN_GROWTH_MAX
    };
    let mut faults = Vec::new();
    let mut shrunk = Vec::new();
    for (name, now) in &counted.counts {
        match recorded.count(name).map(|before| growth(before, *now)) {
            None => faults.push(format!("`{name}` is not recorded")),
            Some(grown) if grown > growth_max => {
                faults.push(format!("`{name}` takes {grown:.1} % more"))
            }
            Some(grown) if grown < -GROWTH_MAX => shrunk.push(name.as_str()),
            Some(_) => {}
        }
    }
    let gone = recorded
        .counts
        .iter()
        .filter(|(name, _)| counted.count(name).is_none());
    faults.extend(gone.map(|(name, _)| format!("`{name}` is recorded and not counted any more")));
    if !shrunk.is_empty() && growth_max == GROWTH_MAX {
        println!(
            "\nLess than recorded: {}. To keep it so: cargo xtask instructions --record",
            shrunk.join(", ")
        );
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}. If the change is worth that: `cargo xtask instructions --record`, and say why in the commit",
        faults.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rustc: &str, counts: &[(&str, f64)]) -> Record {
        let counts = counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        Record {
            tools: Tools::of(rustc),
            counts: counts.collect(),
        }
    }

    #[test]
    fn a_case_may_grow_by_three_per_cent_and_shrink_by_any() {
        let recorded = record("1.95.0", &[("a", 100.0), ("b", 100.0)]);
        let judge_counts = |a, b| judge(&recorded, &record("1.95.0", &[("a", a), ("b", b)]));
        assert_eq!(judge_counts(102.9, 50.0), Ok(()));
        let refused = judge_counts(103.1, 104.0).unwrap_err();
        assert!(
            refused.contains("`a`") && refused.contains("`b` takes 4.0 % more"),
            "{refused}"
        );
    }

    #[test]
    fn another_compiler_is_compared_by_a_wider_measure() {
        let recorded = record("1.95.0", &[("a", 100.0)]);
        assert_eq!(judge(&recorded, &record("1.99.0", &[("a", 124.0)])), Ok(()));
        assert!(judge(&recorded, &record("1.99.0", &[("a", 126.0)])).is_err());
    }

    #[test]
    fn cases_and_record_are_the_same_list() {
        let one = record("1.95.0", &[("a", 100.0)]);
        let two = record("1.95.0", &[("a", 100.0), ("b", 1.0)]);
        assert!(
            judge(&one, &two)
                .unwrap_err()
                .contains("`b` is not recorded")
        );
        assert!(
            judge(&two, &one)
                .unwrap_err()
                .contains("`b` is recorded and not")
        );
    }
}
