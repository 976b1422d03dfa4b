//! The load generator against a real broker: every built-in scenario, shortened, and every driver that ringwire understands.

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
            "--patience",
            "20s",
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
        let length = match name {
            "ramp" => ["--rate", "50..400:500ms"],
            // Time for everybody to come back.
            "reconnect-storm" => ["--duration", "3s"],
            _ => ["--duration", "500ms"],
        };
        let is_sweep = name == "sweep";
        let words = match is_sweep {
            // How late anything is, is the machine's business.
            true => {
                let limits = ["sweep", "--to", "100", "--limit", "p99<1h"];
                [&limits[..], &length, &shortened].concat()
            }
            false => [&shortened[..], &length, adapted].concat(),
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

/// Runs for less than a second unless `words` say otherwise, with everything to be had in the end however busy the machine is; the report.
fn measure(words: &[&str]) -> Value {
    let short = "--warm-up 100ms --duration 500ms --patience 20s --json -";
    let output = load(&[&short.split(' ').collect::<Vec<_>>(), words].concat());
    let complaint = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().expect("it ended by itself");
    assert!([FINE, INVALID].contains(&code), "{code}: {complaint}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Something was published, and everybody who is judged had each message once and in order.
fn assert_all_heard(report: &Value) {
    let integrity = &report["integrity"];
    assert!(integrity["expected"].as_u64() > Some(100), "{integrity}");
    assert_eq!(integrity["reach"], 1.0, "{integrity}");
    for fault in ["lost", "duplicated", "reordered", "corrupted", "foreign"] {
        assert_eq!(integrity[fault], 0, "{fault}: {integrity}");
    }
}

/// `--driver ringwire-json`, the same in words of one's own, and publishing over HTTP.
#[test]
fn every_way_of_speaking_reaches_everybody() {
    let broker = Launch::two_cores(Driver::IoUring, "").start();
    let url = format!("ws://{}", broker.address());
    let json_url = format!("{url}/ws");
    let publish_url = format!("http://{}/t/{{topic}}", broker.address());
    let crowd = ["-s", "40", "-t", "2", "-p", "2", "--rate", "200"];
    let json = measure(&[&crowd[..], &["--driver", "ringwire-json", &url]].concat());
    assert_all_heard(&json);
    assert_eq!(json["load"]["driver"], "ringwire-json");
    let template = [
        "--driver=template",
        "--subprotocol=ringwire.v1.json",
        r#"--subscribe-message={"id":1,"subscribe":"{topic}"}"#,
        r#"--subscribed-when="subscribed""#,
        r#"--publish-message={"publish":"{topic}","base64":"{payload}"}"#,
        &json_url,
    ];
    assert_all_heard(&measure(&[&crowd[..], &template].concat()));
    let http = measure(&[&crowd[..], &["--publish-url", &publish_url, &url]].concat());
    assert_all_heard(&http);
    let answers = &http["http_answers"];
    assert!(answers["accepted"].as_u64() > Some(100), "{answers}");
    broker.stop();
}

/// Half of the subscribers lose their connections in the middle, name their positions, and miss nothing.
#[test]
fn everybody_recovers_from_a_reconnect_storm() {
    let broker = Launch::two_cores(Driver::IoUring, "").start();
    let url = format!("ws://{}", broker.address());
    let report = measure(&[
        "--driver=ringwire-json",
        "--reconnect=50%@200ms",
        // The last comes back 200 ms after the first, and the window is open much longer.
        "--connect-rate=100",
        "--duration=3s",
        "--subscribers=40",
        "--rate=200",
        &url,
    ]);
    assert_all_heard(&report);
    let reconnect = &report["reconnect"];
    for count in ["cut", "stood", "resumed", "recovered"] {
        assert_eq!(reconnect[count], 20, "{count}: {reconnect}");
    }
    assert_eq!(reconnect["position_lost"], 0, "{reconnect}");
    assert!(
        reconnect["messages_recovered"].as_u64() > Some(0),
        "{reconnect}"
    );
    broker.stop();
}

/// Half of the subscribers stop reading: the broker cuts them off, and the others have everything.
#[test]
fn slow_readers_are_cut_off_and_the_others_lose_nothing() {
    let config = r#"
[topic_default]
backlog_bytes_max = "1MiB"
bytes_max = "256KiB"
on_lag = "disconnect"
"#;
    let broker = Launch::two_cores(Driver::IoUring, config).start();
    let url = format!("ws://{}", broker.address());
    // In step with those who read, who are then never far behind; and for long, since a slow machine has much to send until
    // others are.
    let report = measure(&[
        "--slow=50%",
        "--subscribers=8",
        "--outstanding=8",
        "--payload=32KiB",
        "--duration=5s",
        &url,
    ]);
    assert_all_heard(&report);
    let slow = &report["slow_readers"];
    assert_eq!(slow["count"], 4, "{slow}");
    assert_eq!(slow["cut_off"], 4, "{slow}");
    assert_eq!(slow["standing"], 0, "{slow}");
    broker.stop();
}
