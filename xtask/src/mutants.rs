//! `cargo xtask mutants [--record] [PART...]`: small bugs are planted in `frame` and `protocol`, one at
//! a time, and the tests have to notice each.
//!
//! cargo-mutants plants them and runs each crate's own tests; what survives those in `protocol` has to
//! survive the conformance suite before the machines as well. Then every survivor needs an explanation
//! in `tests/conformance/mutants.toml`, and every explanation its survivor. `--record` writes the
//! counts there. All parts take some forty minutes: this is for before a release, not for each commit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The counts and the explanations.
pub(crate) const RECORD: &str = "tests/conformance/mutants.toml";

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
    let mut findings = Vec::new();
    for part in PARTS
        .iter()
        .filter(|part| names.is_empty() || names.iter().any(|name| *name == part.name))
    {
        let outcomes = mutate(root, part)?;
        // Not before: a part takes its time, in which people explain what they see survive.
        let text =
            fs::read_to_string(&path).map_err(|error| format!("cannot read {RECORD}: {error}"))?;
        let mut record: Record =
            toml::from_str(&text).map_err(|error| format!("{RECORD}: {error}"))?;
        let judged = Judged::new(part, &version, &outcomes);
        println!("{judged}");
        findings.extend(compare(part, &outcomes, &record));
        record.put(judged);
        if !flags.is_empty() {
            let head = text.lines().take_while(|line| line.starts_with('#'));
            let head: String = head.map(|line| format!("{line}\n")).collect();
            let record = toml::to_string(&record).map_err(|error| error.to_string())?;
            fs::write(&path, format!("{head}\n{record}"))
                .map_err(|error| format!("cannot write {RECORD}: {error}"))?;
        }
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
    let missed = outcomes
        .iter()
        .filter(|(_, outcome)| *outcome == "MissedMutant");
    let missed: Vec<_> = missed
        .map(|(name, _)| format!("--re={}", pattern(name)))
        .collect();
    if part.is_in_suite && !missed.is_empty() {
        let suite = [
            "--baseline=skip",
            "--timeout=300",
            "--test-package=ringwire-conformance",
            "--cargo-arg=--test=suite",
            "--",
            "--",
            "machine",
        ];
        let suite = suite.map(str::to_owned);
        outcomes.extend(plant(root, part, &folder, &[&missed[..], &suite].concat())?);
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
        // One folder for several copies of the tree would take one copy's mutant for another's.
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

/// What was found so far.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    #[serde(rename = "part", default)]
    pub(crate) parts: Vec<Judged>,
    #[serde(rename = "survivor", default)]
    pub(crate) survivors: Vec<Survivor>,
}

/// One part's mutants, and how many there were of each kind.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Judged {
    name: String,
    pub(crate) files: String,
    cargo_mutants: String,
    mutants: usize,
    caught: usize,
    timeout: usize,
    /// Those that do not compile.
    unviable: usize,
    pub(crate) missed: usize,
}

/// A mutant that no test notices, and why that is as it should be.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Survivor {
    part: String,
    pub(crate) mutant: String,
    pub(crate) why: String,
}

impl Record {
    /// Replaces what was known of this part; parts stand in the order in which they run.
    fn put(&mut self, judged: Judged) {
        self.parts.retain(|part| part.name != judged.name);
        self.parts.push(judged);
        self.parts
            .sort_by_key(|judged| PARTS.iter().position(|part| part.name == judged.name));
    }
}

impl Judged {
    fn new(part: &Part, cargo_mutants: &str, outcomes: &Outcomes) -> Self {
        let count = |wanted: &str| {
            outcomes
                .values()
                .filter(|outcome| *outcome == wanted)
                .count()
        };
        Self {
            name: part.name.to_owned(),
            files: part.files.to_owned(),
            cargo_mutants: cargo_mutants.to_owned(),
            mutants: outcomes.len(),
            caught: count("CaughtMutant"),
            timeout: count("Timeout"),
            unviable: count("Unviable"),
            missed: count("MissedMutant"),
        }
    }

    /// Those that compile.
    pub(crate) fn viable(&self) -> usize {
        self.mutants - self.unviable
    }

    pub(crate) fn noticed(&self) -> usize {
        self.caught + self.timeout
    }
}

impl std::fmt::Display for Judged {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            mutants,
            caught,
            timeout,
            unviable,
            missed,
            ..
        } = self;
        write!(
            formatter,
            "{name}: {mutants} mutants, {caught} caught, {timeout} timeout, {unviable} unviable, {missed} missed"
        )
    }
}

/// Survivors that nobody has explained, and explanations of what does not survive.
fn compare(part: &Part, outcomes: &Outcomes, record: &Record) -> Vec<String> {
    let explained = record
        .survivors
        .iter()
        .filter(|survivor| survivor.part == part.name);
    let explained: Vec<_> = explained.map(|survivor| survivor.mutant.as_str()).collect();
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

/// The regular expression that this name alone matches.
fn pattern(name: &str) -> String {
    let escaped = name.chars().flat_map(|character| {
        let is_special = r"\.+*?()|[]{}^$".contains(character);
        is_special.then_some('\\').into_iter().chain([character])
    });
    format!("^{}$", escaped.collect::<String>())
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
        let none = toml::from_str("").unwrap();
        assert_eq!(compare(&PARTS[0], &outcomes(), &none).len(), 1);
        let explained = "[[survivor]]\npart = 'frame'\nwhy = 'same bits'\n\
                         mutant = 'crates/frame/src/header.rs: replace | with ^ in Header::encode'";
        let explained = toml::from_str(explained).unwrap();
        assert_eq!(
            compare(&PARTS[0], &outcomes(), &explained),
            Vec::<String>::new()
        );
        assert_eq!(compare(&PARTS[0], &Outcomes::new(), &explained).len(), 1);
        assert_eq!(compare(&PARTS[1], &Outcomes::new(), &explained).len(), 0);
    }

    #[test]
    fn a_pattern_takes_a_name_literally() {
        assert_eq!(
            pattern("a.rs:1:2: replace | with ^ in <A>::b -> [u8]"),
            r"^a\.rs:1:2: replace \| with \^ in <A>::b -> \[u8\]$"
        );
    }

    /// Recording a part again replaces its counts.
    #[test]
    fn counts_are_recorded_once_and_in_the_order_of_the_parts() {
        let mut record: Record = toml::from_str("").unwrap();
        for part in [&PARTS[1], &PARTS[0], &PARTS[1]] {
            record.put(Judged::new(part, "27.1.0", &outcomes()));
        }
        let names: Vec<_> = record.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, [PARTS[0].name, PARTS[1].name]);
        let judged = &record.parts[0];
        assert_eq!(
            (judged.viable(), judged.noticed(), judged.missed),
            (2, 1, 1)
        );
    }
}
