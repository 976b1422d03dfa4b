//! The report's shape and the verdict's rules, on evidence made up for the purpose.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::arguments::Arguments;
use crate::evidence::ServerUse;
use crate::process::{CpuUse, Switches};
use crate::slow_readers::SlowFindings;
use crate::tally::Counts;

pub(super) fn plan(line: &str) -> Plan {
    let words = std::iter::once("ringwire-load").chain(line.split_whitespace());
    <Arguments as clap::Parser>::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan")
}

/// Ten seconds, 1000 publishes to 100 subscribers, nothing wrong.
pub(super) fn flawless() -> Evidence {
    let counts = Counts {
        published: 1_000,
        deliveries: 100_000,
        ..Counts::default()
    };
    let mut evidence = Evidence {
        connections: 101,
        connecting_ns: 10_000_000,
        window_ns: 10_000_000_000,
        total: counts,
        window: counts,
        expected: 100_000,
        own_cpu: CpuUse {
            total_ns: 1_000_000_000,
            busiest_thread_ns: 1_000_000_000,
            wanted_thread_ns: 1_000_000_000,
            threads: 1,
            ..CpuUse::default()
        },
        ..Evidence::default()
    };
    evidence.latency.record(50_000, 1);
    evidence.lateness.record(5_000, 1);
    evidence
}

pub(super) fn with_server(mut evidence: Evidence, busy_ns: u64) -> Evidence {
    let cpu = CpuUse {
        total_ns: busy_ns,
        busiest_thread_ns: busy_ns,
        threads: 2,
        ..CpuUse::default()
    };
    evidence.server = Some(ServerUse {
        pid: 7,
        cpu,
        connecting_cpu: CpuUse {
            total_ns: 5_000_000,
            ..CpuUse::default()
        },
        switches: Switches {
            voluntary: 50_000,
            involuntary: 100,
        },
        resident_bytes_connected: 101_000,
        resident_bytes_end: 202_000,
        ..ServerUse::default()
    });
    evidence
}

fn json(plan: &Plan, evidence: &Evidence) -> Value {
    serde_json::from_str(&Report::new(plan, evidence, vec!["ringwire-load".into()]).to_json())
        .expect("valid JSON")
}

#[test]
fn the_json_has_every_figure_with_its_unit() {
    let evidence = with_server(flawless(), 2_000_000_000);
    let report = json(&plan("--rate 100"), &evidence);
    for (pointer, expected) in [
        ("/tool/name", "ringwire-load".into()),
        ("/load/loop", "open".into()),
        ("/load/rate_per_second", 100.0.into()),
        ("/load/outstanding", Value::Null),
        ("/load/payload_bytes", 64.into()),
        ("/verdict/valid", true.into()),
        ("/verdict/outcome", "fine".into()),
        ("/verdict/exit_code", 0.into()),
        ("/window/seconds", 10.0.into()),
        ("/connect/per_second", 10_100.0.into()),
        ("/connect/server_cpu_share", 0.5.into()),
        (
            "/connect/server_cpu_ns_per_connection",
            (5_000_000.0 / 101.0).into(),
        ),
        ("/generator/busy_share_busiest_thread", 0.1.into()),
        ("/server/resident_bytes_per_connection_end", 2_000.0.into()),
        ("/throughput/deliveries_per_second", 10_000.0.into()),
        ("/throughput/publishes_per_second", 100.0.into()),
        ("/latency/counted_from", "intended send time".into()),
        ("/latency/max_ns", 50_000.into()),
        ("/latency/p99_99_ns", 50_000.into()),
        ("/integrity/reach", 1.0.into()),
        ("/integrity/lost", 0.into()),
        ("/generator/lateness/max_ns", 5_000.into()),
        ("/generator/cpu_ns_per_delivery", 10_000.0.into()),
        ("/server/cpu_ns_per_delivery", 20_000.0.into()),
        ("/server/cpu_share", 0.2.into()),
        ("/server/voluntary_switches_per_second", 5_000.0.into()),
        ("/server/voluntary_switches_per_delivery", 0.5.into()),
        ("/server/involuntary_switches_per_second", 10.0.into()),
        ("/server/resident_bytes_per_connection", 1_000.0.into()),
    ] {
        assert_eq!(report.pointer(pointer), Some(&expected), "{pointer}");
    }
}

#[test]
fn a_report_is_read_as_it_was_written() {
    for (line, evidence) in [
        ("--rate 100", with_server(flawless(), 2_000_000_000)),
        ("--idle", Evidence::default()),
    ] {
        let command = vec!["ringwire-load".to_owned(), "\"\u{202e}".to_owned()];
        let report = Report::new(&plan(line), &evidence, command).made_on(Environment::look());
        let read = Report::from_json(&report.to_json()).expect("its own JSON");
        assert_eq!(read.to_json(), report.to_json());
    }
}

#[test]
fn reports_of_other_versions_are_read_and_other_files_are_not() {
    let mut value = json(&plan("--rate 100"), &flawless());
    value["from_the_future"] = 1.into();
    value["latency"]["p99_999_ns"] = 1.into();
    let fields = value.as_object_mut().expect("an object");
    fields.retain(|name, _| ["tool", "verdict", "latency", "from_the_future"].contains(&&**name));
    value["latency"]
        .as_object_mut()
        .expect("an object")
        .remove("curve");
    let report = Report::from_json(&value.to_string()).expect("what matters is there");
    assert_eq!(report.latency.figures.max_ns, 50_000);
    assert!(report.latency.figures.curve.is_empty() && report.load.scenario.is_empty());
    for other in ["{}", "[]", "", r#"{"tool":"wrk"}"#] {
        assert!(Report::from_json(other).is_err(), "{other}");
    }
}

#[test]
fn the_curve_climbs_to_the_largest_value() {
    let mut evidence = flawless();
    (1..=10_000).for_each(|at| evidence.latency.record(100_000 + at * 1_000, 1));
    let report = Report::new(&plan("--rate 100"), &evidence, Vec::new());
    let figures = report.latency.figures;
    let curve = &figures.curve;
    assert!(
        curve.is_sorted_by(|one, next| one.0 <= next.0 && one.1 <= next.1),
        "{curve:?}"
    );
    assert_eq!(curve.last(), Some(&(1.0, figures.max_ns)));
    assert!((50..100).contains(&curve.len()), "{} points", curve.len());
    for (quantile, ns) in [
        (0.5, figures.p50_ns),
        (0.99, figures.p99_ns),
        (0.999, figures.p99_9_ns),
    ] {
        let (_, above) = curve
            .iter()
            .find(|point| point.0 >= quantile)
            .expect("up to 1");
        let (_, below) = curve
            .iter()
            .rfind(|point| point.0 <= quantile)
            .expect("from 0");
        assert!(
            (*below..=*above).contains(&ns),
            "{quantile}: {below} {ns} {above}"
        );
    }
}

#[test]
fn every_fault_is_told_and_decides_the_exit_code() {
    type Fault = fn(&mut Evidence);
    let faults: [(&str, Fault); 7] = [
        ("lost", |evidence| evidence.lost = 1),
        ("duplicated", |evidence| evidence.total.duplicated = 1),
        ("reordered", |evidence| evidence.total.reordered = 1),
        ("corrupted", |evidence| evidence.total.corrupted = 1),
        ("another topic", |evidence| evidence.total.misrouted = 1),
        ("never sent", |evidence| evidence.total.unsent = 1),
        ("ended early", |evidence| {
            evidence.departures.push(Departure {
                who: crate::evidence::Who::Subscriber,
                how: "4408".into(),
                count: 1,
            });
        }),
    ];
    for (word, inject) in faults {
        let mut evidence = flawless();
        inject(&mut evidence);
        let report = Report::new(&plan("--rate 100"), &evidence, Vec::new());
        assert_eq!(report.outcome(), Outcome::Imperfect, "{word}");
        assert!(
            report.to_string().contains(&format!("FAULT: 1 {word}"))
                || report.to_string().contains(word),
            "{report}"
        );
        assert!(report.verdict.faults[0].contains(word), "{word}");
    }
}

#[test]
fn a_late_generator_makes_an_open_loop_invalid() {
    let mut evidence = flawless();
    evidence.lateness.record(1_200_000, 1);
    let report = Report::new(&plan("--rate 100 --late-max 1ms"), &evidence, Vec::new());
    assert_eq!(report.outcome(), Outcome::Invalid);
    assert!(report.to_string().contains("INVALID"), "{report}");
    let report = Report::new(&plan("--rate 100 --late-max 2ms"), &evidence, Vec::new());
    assert_eq!(report.outcome(), Outcome::Fine);
    let report = Report::new(&plan("--outstanding 1"), &evidence, Vec::new());
    assert_eq!(
        report.outcome(),
        Outcome::Fine,
        "a closed loop has no intended time to be late for"
    );
}

#[test]
fn a_saturated_generator_needs_a_saturated_server() {
    let mut evidence = flawless();
    evidence.own_cpu.wanted_thread_ns = 9_900_000_000;
    let outcome =
        |line: &str, evidence: &Evidence| Report::new(&plan(line), evidence, Vec::new()).outcome();
    assert_eq!(
        outcome("--rate 100", &with_server(evidence.clone(), 10_000_000_000)),
        Outcome::Invalid
    );
    assert_eq!(
        outcome("--outstanding 9", &evidence),
        Outcome::Invalid,
        "nobody knows about the server"
    );
    assert_eq!(
        outcome(
            "--outstanding 9",
            &with_server(evidence.clone(), 8_000_000_000)
        ),
        Outcome::Invalid
    );
    assert_eq!(
        outcome("--outstanding 9", &with_server(evidence, 9_500_000_000)),
        Outcome::Fine
    );
}

#[test]
fn a_generator_without_a_cpu_is_saturated_however_little_it_ran() {
    let mut evidence = flawless();
    evidence.own_cpu.wanted_thread_ns = 9_900_000_000;
    evidence.own_cpu.waited_thread_ns = 8_900_000_000;
    let report = Report::new(&plan("-w 9"), &evidence, Vec::new());
    assert_eq!(report.outcome(), Outcome::Invalid);
    let text = report.to_string();
    assert!(text.contains("none for 89.0 %"), "{text}");
    assert!(text.contains("or waited for one, for 99 %"), "{text}");
}

#[test]
fn a_thread_that_polls_in_vain_is_not_saturated() {
    let mut evidence = flawless();
    evidence.own_cpu.wanted_thread_ns = 10_000_000_000;
    evidence.spun_ns = Some(1_000_000_000);
    let outcome = |evidence: &Evidence| {
        Report::new(&plan("--rate 100 --spin"), evidence, Vec::new()).outcome()
    };
    assert_eq!(outcome(&evidence), Outcome::Fine);
    evidence.spun_ns = Some(400_000_000);
    assert_eq!(outcome(&evidence), Outcome::Invalid, "it was busy for 96 %");
}

#[test]
fn an_idle_run_speaks_of_connections_and_of_nothing_else() {
    let evidence = Evidence {
        connections: 100,
        connecting_ns: 10_000_000,
        window_ns: 1_000_000_000,
        ..Evidence::default()
    };
    let report = Report::new(
        &plan("--idle"),
        &with_server(evidence, 7_000_000),
        Vec::new(),
    );
    assert_eq!(report.outcome(), Outcome::Fine);
    let text = report.to_string();
    for words in [
        "idle, 100 subscribers",
        "10.00 k/s",
        "server memory",
        "stood to its end",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for words in ["deliver", "latency", "publish"] {
        assert!(!text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_run_that_never_measured_is_invalid_and_still_reported() {
    let evidence = Evidence {
        cut_short: Some("interrupted".into()),
        ..Evidence::default()
    };
    let report = Report::new(&plan(""), &evidence, Vec::new());
    assert_eq!(report.outcome(), Outcome::Invalid);
    let text = report.to_string();
    assert!(
        text.contains("interrupted") && text.contains("no message"),
        "{text}"
    );
    assert_eq!(
        json(&plan(""), &evidence).pointer("/generator/cpu_ns_per_delivery"),
        Some(&Value::Null)
    );
}

#[test]
fn the_text_says_which_loop_it_was() {
    let open = Report::new(&plan("--rate 100"), &flawless(), Vec::new()).to_string();
    assert!(
        open.contains("open loop")
            && open.contains("intended send time")
            && open.contains("own lateness"),
        "{open}"
    );
    let closed = Report::new(&plan("-w 4"), &flawless(), Vec::new()).to_string();
    assert!(
        closed.contains("closed loop, 4 outstanding") && closed.contains("actual send time"),
        "{closed}"
    );
    assert!(!closed.contains("own lateness"), "{closed}");
}

#[test]
fn a_condition_that_comes_true_has_an_exit_code_and_what_was_seen() {
    let conditions = ["p99>5ms", "reach<1", "server.cpu_share>0"]
        .map(|text| Condition::parse(text).expect(text));
    let report = |evidence: &Evidence| Report::new(&plan(""), evidence, Vec::new());
    let held = report(&flawless()).judged_by(&conditions[..2]);
    assert_eq!(held.outcome(), Outcome::Fine);
    assert!(
        held.to_string().contains("ok            --fail-if p99>5ms"),
        "{held}"
    );

    let failed = report(&flawless()).judged_by(&conditions);
    assert_eq!(
        (failed.outcome(), failed.outcome() as u8),
        (Outcome::Failed, 5)
    );
    assert!(failed.to_string().contains("not measured"), "{failed}");
    let json: Value = serde_json::from_str(&failed.to_json()).expect("JSON");
    assert_eq!(json["verdict"]["thresholds"][0]["figure"], "latency.p99_ns");
    assert_eq!(json["verdict"]["thresholds"][1]["seen"], 1.0);
    assert_eq!(json["verdict"]["exit_code"], 5);
}

#[test]
fn an_invalid_run_can_break_no_condition() {
    let condition = Condition::parse("p99>1ns").expect("sensible");
    let report = Report::new(&plan(""), &Evidence::default(), Vec::new()).judged_by(&[condition]);
    assert_eq!(report.outcome(), Outcome::Invalid);
}

#[test]
fn slow_readers_are_reported_apart_and_are_no_fault() {
    let mut evidence = flawless();
    evidence.slow_readers = Some(SlowFindings {
        messages_expected: 50_000,
        messages: 20_000,
        bytes_while_slow: 5_000_000,
        slow_ns: 10_000_000_000,
        cut_off: BTreeMap::from([("4408 slow consumer".to_owned(), 49)]),
        first_cut_off_ns: Some(2_500_000_000),
        standing: 1,
    });
    let plan = plan("--slow 50% --slow-rate 10KiB");
    let report = json(&plan, &evidence);
    for (pointer, expected) in [
        ("/count", 50.into()),
        ("/bytes_per_second", 10_240.into()),
        ("/read_bytes_per_second", 10_000.0.into()),
        ("/messages_expected", 50_000.into()),
        ("/messages_received", 20_000.into()),
        ("/cut_off", 49.into()),
        ("/first_cut_off_seconds", 2.5.into()),
        ("/standing", 1.into()),
        ("/cut_offs/0/how", "4408 slow consumer".into()),
        ("/cut_offs/0/count", 49.into()),
    ] {
        let pointer = format!("/slow_readers{pointer}");
        assert_eq!(report.pointer(&pointer), Some(&expected), "{pointer}");
    }
    let report = Report::new(&plan, &evidence, Vec::new());
    assert_eq!(report.outcome(), Outcome::Fine);
    assert!(report.to_string().contains("49: 4408 slow consumer"));
}

#[test]
fn stages_are_named() {
    let plan = plan("--rate 100..1000:30s,1000:60s");
    let report = Report::new(&plan, &flawless(), Vec::new());
    let text = report.to_string();
    assert!(
        text.contains("publishes 100 to 1.000 k/s in 30s, 1.000 k/s for 60s: latency"),
        "{text}"
    );
    assert_eq!(
        json(&plan, &flawless()).pointer("/load/stages/0"),
        Some(
            &serde_json::json!({ "from_per_second": 100.0, "to_per_second": 1000.0, "seconds": 30.0 })
        )
    );
}
