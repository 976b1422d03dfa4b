//! What is kept of a comparison: every run with its commands and the load generator's whole report, and where and
//! with what it was made.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::options::Options;
use super::places::says;
use super::rounds::Entrant;
use super::run::{Bench, Run};

/// Where, when and with what.
pub(super) fn circumstances(bench: &Bench, entrants: &[Entrant], options: &Options) -> Value {
    let root = &bench.places().root;
    let versions = entrants.iter().map(|entrant| {
        let version = match &entrant.absent {
            Some(reason) => reason.clone(),
            None => (entrant.arm.version)(bench.places()),
        };
        (entrant.arm.title.to_owned(), Value::String(version))
    });
    json!({
        "date": says("date", &["--utc", "+%Y-%m-%dT%H:%M:%SZ"]),
        "commit": git(root, &["rev-parse", "HEAD"]),
        "has_uncommitted_changes": !git(root, &["status", "--porcelain", "--untracked-files=no"]).is_empty(),
        "kernel": says("uname", &["-srvm"]),
        "cpu": cpu_model(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
        "cpus": std::thread::available_parallelism().map_or(0, usize::from),
        "rustc": says("rustc", &["--version"]),
        "goes_before_other_processes": bench.goes_first(),
        "receiving_steered_to_clients": options.steered,
        "rounds": options.rounds,
        "versions": Value::Object(versions.collect()),
    })
}

/// The same in one paragraph of Markdown.
pub(super) fn in_words(circumstances: &Value) -> String {
    let text = |name: &str| circumstances[name].as_str().unwrap_or("?");
    let versions = circumstances["versions"].as_object().into_iter().flatten();
    let versions: Vec<String> = versions
        .map(|(title, version)| format!("{title}: {}", version.as_str().unwrap_or("?")))
        .collect();
    let mut words = vec![
        format!("{} CPUs ({})", circumstances["cpus"], text("cpu")),
        text("kernel").to_owned(),
        text("rustc").to_owned(),
        format!("commit {:.10}", text("commit")),
        text("date").to_owned(),
        format!("rounds: {}", circumstances["rounds"]),
    ];
    if circumstances["has_uncommitted_changes"] == true {
        words.push("with uncommitted changes".to_owned());
    }
    if circumstances["goes_before_other_processes"] == false {
        words.push("without real-time priority".to_owned());
    }
    if circumstances["receiving_steered_to_clients"] == true {
        words.push("receiving steered to the clients' CPU".to_owned());
    }
    format!("{}.\n{}.", words.join("; "), versions.join("; "))
}

/// One run.
pub(super) fn of_run(run: &Run) -> Value {
    json!({
        "arm": run.arm,
        "load": run.load,
        "round": run.round,
        "failure": run.outcome.as_ref().err(),
        "server_command": run.server_command,
        "load_command": run.load_command,
        "report": run.report,
    })
}

/// Writes the file that `--json` asks for.
pub(super) fn write(path: &Path, circumstances: Value, runs: Vec<Value>) -> Result<(), String> {
    let record = json!({"circumstances": circumstances, "runs": runs});
    fs::write(path, format!("{record:#}\n"))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output();
    output.map_or_else(
        |_| String::new(),
        |it| String::from_utf8_lossy(&it.stdout).trim().to_owned(),
    )
}

fn cpu_model(cpuinfo: &str) -> &str {
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    model.map_or("?", |rest| rest.trim_start_matches([' ', '\t', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words name the machine, the commit and every version, and what makes the figures special.
    #[test]
    fn circumstances_are_put_into_words() {
        let words = in_words(&json!({
            "date": "D", "commit": "0123456789abcdef", "kernel": "Linux 6", "cpu": "Xeon", "cpus": 2, "rustc": "rustc 1",
            "rounds": 3, "has_uncommitted_changes": true, "goes_before_other_processes": true,
            "receiving_steered_to_clients": true, "versions": {"NATS": "v2.15.1"},
        }));
        let expected = "2 CPUs (Xeon); Linux 6; rustc 1; commit 0123456789; D; rounds: 3; with uncommitted changes; \
                        receiving steered to the clients' CPU.\nNATS: v2.15.1.";
        assert_eq!(words, expected);
    }

    /// The model is what stands behind the colon.
    #[test]
    fn the_cpu_has_a_name() {
        assert_eq!(
            cpu_model("processor\t: 0\nmodel name\t: Intel X\n"),
            "Intel X"
        );
        assert_eq!(cpu_model(""), "?");
    }
}
