//! Every built-in scenario of the load generator, shortened, against a real broker.

use std::process::{Command, Output};

use ringwire_tests::{Driver, Launch, load_generator};
use serde_json::Value;

/// Beside these exit codes nothing is expected: on a busy machine the generator may be late, and says so.
const FINE: i32 = 0;
const INVALID: i32 = 4;

fn load(words: &[&str]) -> Output {
    Command::new(load_generator())
        .args(words)
        .output()
        .expect("the generator can be started")
}

/// Each of them runs, publishes if it is to, and everything arrives.
#[test]
fn every_built_in_scenario_runs_against_the_broker() {
    let broker = Launch::two_cores(Driver::IoUring, "").start();
    let url = format!("ws://{}", broker.address());
    let publish_url = format!("http://{}/t/{{topic}}", broker.address());
    let list = String::from_utf8(load(&["scenarios"]).stdout).expect("text");
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.contains(&"fan-out"), "{list}");
    for name in names {
        let shortened = [
            "--scenario",
            name,
            "--subscribers",
            "100",
            "--warm-up",
            "200ms",
            "--duration",
            "500ms",
            "--json",
            "-",
            &url,
        ];
        // What speaks of a place or a time that this run does not have.
        let adapted: &[&str] = match name {
            "publish-http" => &["--publish-url", &publish_url],
            "reconnect-storm" => &["--reconnect", "50%@200ms"],
            _ => &[],
        };
        let is_sweep = name == "sweep";
        let words = match is_sweep {
            true => [&["sweep", "--to", "100"][..], &shortened].concat(),
            false => [&shortened, adapted].concat(),
        };
        let output = load(&words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code().expect("it ended by itself");
        assert!(
            [FINE, INVALID].contains(&code),
            "{name} ended with {code}: {complaint}"
        );
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let report = if is_sweep {
            &report["steps"][0]["report"]
        } else {
            &report
        };
        assert_eq!(report["integrity"]["reach"], 1.0, "{name}: {report:#}");
        let has_published = report["throughput"]["publishes"].as_u64() > Some(0);
        assert_eq!(has_published, report["load"]["loop"] != "none", "{name}");
    }
}
