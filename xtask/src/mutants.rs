//! `cargo xtask mutants [--record] [PART...]`: small bugs are planted in `frame` and `protocol`, one at
//! a time, and the tests have to notice each.
//!
//! cargo-mutants plants them and runs each crate's own tests; what survives those in `protocol` has to
//! survive the conformance suite before the machines as well. Then every survivor needs an explanation
//! in `tests/conformance/mutants.toml`, and every explanation its survivor. `--record` writes the
//! counts there. All parts take an hour on two cores: this is for before a release, not for each commit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const RECORD: &str = "tests/conformance/mutants.toml";

/// What cargo-mutants leaves behind, in the target folder.
const OUTPUT: &str = "target/mutants";

/// Some of the code, and the tests that know it.
struct Part {
    name: &'static str,
    package: &'static str,
    files: &'static str,
    tests: &'static [&'static str],
    /// Whether the conformance suite sees this code.
    is_in_suite: bool,
}

const PARTS: &[Part] = &[
    Part {
        name: "frame",
        package: "ringwire-frame",
        files: "crates/frame/src/**/*.rs",
        tests: &["--lib"],
        is_in_suite: false,
    },
    Part {
        name: "protocol/http1",
        package: "ringwire-protocol",
        files: "crates/protocol/src/http1/*.rs",
        tests: &["--lib", "--test=http1"],
        is_in_suite: true,
    },
    Part {
        name: "protocol/handshake",
        package: "ringwire-protocol",
        files: "crates/protocol/src/handshake/*.rs",
        tests: &["--lib", "--test=handshake"],
        is_in_suite: true,
    },
    Part {
        name: "protocol/ws",
        package: "ringwire-protocol",
        files: "crates/protocol/src/ws/*.rs",
        tests: &["--lib", "--test=ws"],
        is_in_suite: true,
    },
    Part {
        name: "protocol",
        package: "ringwire-protocol",
        files: "crates/protocol/src/*.rs",
        tests: &["--lib"],
        is_in_suite: false,
    },
];

/// What became of each mutant, by its name.
type Outcomes = BTreeMap<String, String>;

/// Runs the parts that are named, or all.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let (flags, names): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|word| word.starts_with("--"));
    if flags.iter().any(|flag| *flag != "--record") {
        return Err("usage: cargo xtask mutants [--record] [PART...]".to_owned());
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| PARTS.iter().all(|part| part.name != **name))
    {
        return Err(format!("no part is called {unknown}"));
    }
    let version = version()?;
    let path = root.join(RECORD);
    let text =
        fs::read_to_string(&path).map_err(|error| format!("cannot read {RECORD}: {error}"))?;
    let mut record: toml::Table = text.parse().map_err(|error| format!("{RECORD}: {error}"))?;
    let mut findings = Vec::new();
    for part in PARTS
        .iter()
        .filter(|part| names.is_empty() || names.iter().any(|name| *name == part.name))
    {
        let outcomes = mutate(root, part)?;
        let counts = Counts::of(&outcomes);
        println!("{}: {counts}", part.name);
        findings.extend(compare(part, &outcomes, &record));
        counts.put_into(&mut record, part.name, &version);
    }
    if !flags.is_empty() {
        let text = text.lines().take_while(|line| line.starts_with('#'));
        let head: String = text.map(|line| format!("{line}\n")).collect();
        fs::write(&path, format!("{head}\n{record}"))
            .map_err(|error| format!("cannot write {RECORD}: {error}"))?;
    }
    match findings.as_slice() {
        [] => Ok(()),
        findings => Err(findings.join("\n  ")),
    }
}

fn version() -> Result<String, String> {
    let output = Command::new("cargo")
        .args(["mutants", "--version"])
        .output();
    let output = output.ok().filter(|output| output.status.success());
    let output = output.ok_or("cargo-mutants is needed: cargo install cargo-mutants --locked")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().trim_start_matches("cargo-mutants ").to_owned())
}

/// Each mutant before the part's own tests, and survivors before the conformance suite.
fn mutate(root: &Path, part: &Part) -> Result<Outcomes, String> {
    let folder = root.join(OUTPUT).join(part.name);
    // What an earlier run left must not be taken for what this one finds.
    drop(fs::remove_dir_all(folder.join("mutants.out")));
    fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let own: Vec<_> = part
        .tests
        .iter()
        .map(|test| format!("--cargo-arg={test}"))
        .collect();
    let mut outcomes = plant(root, part, &folder, &own)?;
    if part.is_in_suite && outcomes.values().any(|outcome| outcome == "MissedMutant") {
        let suite = [
            "--iterate",
            "--baseline=skip",
            "--test-package=ringwire-conformance",
            "--cargo-arg=--test=suite",
            "--",
            "--",
            "machine",
        ];
        outcomes.extend(plant(root, part, &folder, &suite.map(str::to_owned))?);
    }
    Ok(outcomes)
}

fn plant(
    root: &Path,
    part: &Part,
    folder: &Path,
    arguments: &[String],
) -> Result<Outcomes, String> {
    Command::new("cargo")
        .args([
            "mutants",
            "--jobs=1",
            "--package",
            part.package,
            "--file",
            part.files,
        ])
        .arg("--output")
        .arg(folder)
        .args(arguments)
        .current_dir(root)
        // Mutants are compiled more than they run.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .map_err(|error| format!("cannot run cargo mutants: {error}"))?;
    // Its exit code tells survivors from failures of its own less well than what it wrote.
    let path = folder.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let json: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let outcomes = json["outcomes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let named = |outcome: &Value| {
        let name = outcome["scenario"]["Mutant"]["name"].as_str()?;
        Some((name.to_owned(), outcome["summary"].as_str()?.to_owned()))
    };
    if json["end_time"].is_null() {
        return Err(format!("{} did not come to its end", part.name));
    }
    Ok(outcomes.iter().filter_map(named).collect())
}

/// How many there were of each kind.
struct Counts {
    mutants: usize,
    caught: usize,
    timeout: usize,
    unviable: usize,
    missed: usize,
}

impl Counts {
    fn of(outcomes: &Outcomes) -> Self {
        let count = |wanted: &str| {
            outcomes
                .values()
                .filter(|outcome| *outcome == wanted)
                .count()
        };
        Self {
            mutants: outcomes.len(),
            caught: count("CaughtMutant"),
            timeout: count("Timeout"),
            unviable: count("Unviable"),
            missed: count("MissedMutant"),
        }
    }

    /// Replaces the part's entry, and adds it if there is none.
    fn put_into(&self, record: &mut toml::Table, part: &str, version: &str) {
        let mut entry = toml::Table::new();
        entry.insert("name".into(), part.into());
        entry.insert("cargo_mutants".into(), version.into());
        for (key, count) in self.named() {
            entry.insert(key.into(), (count as i64).into());
        }
        let entries = record
            .entry("crate")
            .or_insert_with(|| toml::Value::Array(Vec::new()));
        if let Some(entries) = entries.as_array_mut() {
            entries.retain(|entry| entry.get("name").and_then(toml::Value::as_str) != Some(part));
            entries.push(entry.into());
        }
    }

    fn named(&self) -> [(&'static str, usize); 5] {
        [
            ("mutants", self.mutants),
            ("caught", self.caught),
            ("timeout", self.timeout),
            ("unviable", self.unviable),
            ("missed", self.missed),
        ]
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = self.named().map(|(name, count)| format!("{count} {name}"));
        formatter.write_str(&named.join(", "))
    }
}

/// Survivors that nobody has explained, and explanations of what does not survive.
fn compare(part: &Part, outcomes: &Outcomes, record: &toml::Table) -> Vec<String> {
    let explained = record.get("survivor").and_then(toml::Value::as_array);
    let explained = explained.map(Vec::as_slice).unwrap_or_default();
    let explained: Vec<_> = explained
        .iter()
        .filter(|entry| entry.get("crate").and_then(toml::Value::as_str) == Some(part.name))
        .filter_map(|entry| entry.get("mutant")?.as_str())
        .collect();
    let survivors = outcomes
        .iter()
        .filter(|(_, outcome)| *outcome == "MissedMutant");
    let survivors: Vec<_> = survivors.map(|(name, _)| without_place(name)).collect();
    let unexplained = survivors
        .iter()
        .filter(|survivor| !explained.contains(&survivor.as_str()));
    let unexplained =
        unexplained.map(|survivor| format!("survives without an explanation: {survivor}"));
    let stale = explained
        .iter()
        .filter(|mutant| survivors.iter().all(|survivor| survivor != *mutant));
    let stale = stale.map(|mutant| format!("is explained and does not survive: {mutant}"));
    unexplained.chain(stale).collect()
}

/// `crates/frame/src/header.rs:114:66: replace | with ^ in Header::encode` without line and column,
/// which change with every edit above.
fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    let file = parts.next().unwrap_or_default();
    let what = parts.nth(2).unwrap_or_default();
    format!("{file}:{what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "crates/frame/src/header.rs:114:66: replace | with ^ in Header::encode";

    fn outcomes() -> Outcomes {
        [
            (NAME.to_owned(), "MissedMutant".to_owned()),
            (
                "a.rs:1:1: replace a with b".to_owned(),
                "CaughtMutant".to_owned(),
            ),
        ]
        .into()
    }

    /// A survivor has to be explained, and what is explained has to survive.
    #[test]
    fn survivors_and_explanations_are_the_same() {
        let none = toml::Table::new();
        assert_eq!(compare(&PARTS[0], &outcomes(), &none).len(), 1);
        let explained = "[[survivor]]\ncrate = 'frame'\nwhy = 'same bits'\n\
                         mutant = 'crates/frame/src/header.rs: replace | with ^ in Header::encode'";
        let explained: toml::Table = explained.parse().unwrap();
        assert_eq!(
            compare(&PARTS[0], &outcomes(), &explained),
            Vec::<String>::new()
        );
        assert_eq!(compare(&PARTS[0], &Outcomes::new(), &explained).len(), 1);
        assert_eq!(compare(&PARTS[1], &Outcomes::new(), &explained).len(), 0);
    }

    /// Recording a part again replaces its counts.
    #[test]
    fn counts_are_recorded_once() {
        let mut record = toml::Table::new();
        for _ in 0..2 {
            Counts::of(&outcomes()).put_into(&mut record, "frame", "27.1.0");
        }
        let crates = record["crate"].as_array().unwrap();
        assert_eq!(crates.len(), 1);
        assert_eq!(crates[0]["missed"].as_integer(), Some(1));
        assert_eq!(crates[0]["caught"].as_integer(), Some(1));
    }
}
