//! What the page must hold, on reports made up for the purpose.

use serde_json::Value;

use super::super::tests::{flawless, plan, with_server};
use super::super::timeline::{Interval, Timeline};
use super::*;
use crate::evidence::{Departure, Evidence, Who};

/// A run of `intervals` seconds with something in each, latencies from 2^16 ns upwards.
fn timeline(intervals: u32, rows: u32) -> Timeline {
    let interval = |second: u32| {
        let mut interval = Interval {
            at_seconds: f64::from(second),
            publishes: 100,
            deliveries: 10_000,
            expected: 10_000,
            received: 9_999,
            connections: 101,
            ..Interval::default()
        };
        interval.latency.count = 10_000;
        interval.latency.p50_ns = 70_000;
        interval.latency.p99_ns = 90_000 + u64::from(second % 7) * 1_000;
        interval.latency.max_ns = 100_000;
        interval.heat = (64..64 + rows)
            .map(|row| {
                (
                    (f64::from(row) / 4.0).exp2() as u64,
                    u64::from(row + second),
                )
            })
            .collect();
        interval
    };
    Timeline {
        interval_seconds: 1.0,
        seconds: f64::from(intervals),
        measured_from_seconds: 2.0,
        measured_until_seconds: f64::from(intervals) - 1.0,
        intervals: (0..intervals).map(interval).collect(),
    }
}

fn report(line: &str, evidence: &Evidence) -> Report {
    let words = std::iter::once("ringwire-load").chain(line.split_whitespace());
    Report::new(&plan(line), evidence, words.map(str::to_owned).collect())
}

/// Everything that a page can have.
fn full() -> Report {
    let mut evidence = with_server(flawless(), 2_000_000_000);
    (1..1_000).for_each(|at| evidence.latency.record(at * 1_000, 1));
    let mut report = report("--rate 100", &evidence).made_on(crate::report::Environment::look());
    report.timeline = timeline(12, 20);
    report
}

/// What stands between two marks, everywhere in the page.
fn between<'p>(page: &'p str, start: &'p str, end: &'p str) -> impl Iterator<Item = &'p str> {
    page.split(start)
        .skip(1)
        .filter_map(move |rest| rest.split(end).next())
}

fn leaves(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            leaves(&format!("{path}{dot}{name}"), value, found);
        }),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, value)| leaves(&format!("{path}[{index}]"), value, found)),
        Value::Null if !path.contains('.') => {}
        _ => found.push(path.to_owned()),
    }
}

/// All but the lists that are drawn, and objects that do not apply.
#[test]
fn every_figure_of_the_json_appears() {
    let mut report = full();
    report.departures.push(crate::report::Departed {
        who: "subscriber".into(),
        how: "4408".into(),
        count: 3,
    });
    let page = page(&report);
    let mut found = Vec::new();
    leaves(
        "",
        &serde_json::to_value(&report).expect("plain fields"),
        &mut found,
    );
    let drawn = |path: &String| {
        path.contains(".curve[") || path.contains(".intervals[") || path.contains(".command[")
    };
    assert!(
        found.iter().filter(|path| drawn(path)).count() > 100,
        "curves, intervals and the command are there"
    );
    found.retain(|path| !drawn(path));
    assert!(found.len() > 80, "{} figures", found.len());
    for path in found {
        assert!(page.contains(&format!("title=\"{path}\"")), "{path}");
    }
    for shown in [
        "20.00 µs",
        "999.0 µs",
        "100 %",
        "ringwire-load --rate 100",
        "4408",
        "10.00 k/s",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn the_json_inside_is_the_report() {
    let report = full();
    let page = page(&report);
    let json = between(
        &page,
        "<script class=\"report\" type=\"application/json\">",
        "</script>",
    )
    .next();
    let read = Report::from_json(json.expect("an element with the report")).expect("JSON");
    assert_eq!(read.to_json(), report.to_json());
}

#[test]
fn hostile_words_stay_words() {
    let hostile = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>\"<!--";
    let mut evidence = flawless();
    evidence.cut_short = Some(hostile.to_owned());
    evidence.departures.push(Departure {
        who: Who::Subscriber,
        how: hostile.to_owned(),
        count: 1,
    });
    let mut report = report("--rate 100", &evidence);
    report.tool.command.push(hostile.to_owned());
    report.load.scenario = hostile.to_owned();
    let page = page(&report);
    for broken in ["<script>alert", "<img", "<!--"] {
        assert!(!page.contains(broken), "{broken}");
    }
    assert!(
        page.matches("&lt;img src=x").count() >= 4,
        "it is told, escaped, wherever it stands"
    );
    let json = between(&page, "type=\"application/json\">", "</script>")
        .next()
        .expect("the report");
    assert_eq!(
        Report::from_json(json).expect("JSON").tool.command,
        report.tool.command
    );
}

/// A drawing of nothing, of one value, of an interval without length: no figure that is none may come out.
#[test]
fn every_kind_of_run_has_a_page() {
    let nothing = Evidence {
        cut_short: Some("interrupted".into()),
        ..Evidence::default()
    };
    let idle = Evidence {
        connections: 100,
        connecting_ns: 1_000_000,
        window_ns: 1_000_000_000,
        ..Evidence::default()
    };
    let mut late = flawless();
    late.lateness.record(9_000_000, 1);
    let mut empty_intervals = report("--rate 100", &flawless());
    empty_intervals.timeline = Timeline {
        intervals: vec![Interval::default(); 3],
        ..Timeline::default()
    };
    let mut one_interval = report("--rate 100", &flawless());
    one_interval.timeline = timeline(1, 1);
    for (what, report, words) in [
        (
            "empty",
            report("", &nothing),
            ["INVALID", "interrupted", "no message to measure"],
        ),
        (
            "one value",
            report("--rate 100", &flawless()),
            ["Fine", "50.00 µs", "<svg"],
        ),
        (
            "idle",
            report("--idle", &idle),
            ["Fine", "stood to its end", "100.0 k/s"],
        ),
        (
            "late",
            report("--rate 100", &late),
            ["INVALID", "the generator was late", "class=\"invalid\""],
        ),
        (
            "closed loop",
            report("-w 4", &flawless()),
            ["closed loop, 4 outstanding", "actual send time", "<svg"],
        ),
        (
            "empty intervals",
            empty_intervals,
            ["Fine", "What happened when", "<svg"],
        ),
        (
            "one interval",
            one_interval,
            ["Fine", "class=\"heat\"", "at 0 s: 10 000 deliveries"],
        ),
    ] {
        let page = page(&report);
        for word in words {
            assert!(page.contains(word), "{what}: {word}");
        }
        let numbers = between(&page, " d=\"", "\"").chain(between(&page, "style=\"", "\""));
        for number in numbers {
            assert!(
                !number.contains("NaN") && !number.contains("inf"),
                "{what}: {number}"
            );
        }
    }
}

#[test]
fn an_invalid_run_cannot_be_mistaken() {
    let mut late = flawless();
    late.lateness.record(9_000_000, 1);
    let page = page(&report("--rate 100", &late));
    let head = page
        .split("class=\"tiles\"")
        .next()
        .expect("what stands above the figures");
    assert!(
        head.contains("INVALID") && head.contains("the generator was late"),
        "above the figures"
    );
    assert!(
        page.contains("<body class=\"invalid\">"),
        "every drawing is stamped by the style"
    );
    assert!(!super::page(&full()).contains("<body class=\"invalid\">"));
}

#[test]
fn the_page_asks_the_network_for_nothing() {
    let page = page(&full());
    assert!(page.contains("default-src 'none'"));
    for word in ["http://", "https://", "url(", "@import", "src=", "href="] {
        assert!(!page.contains(word), "{word}");
    }
}

/// A usual run fits into a mail, the longest into the memory of a telephone.
#[test]
fn the_page_is_small() {
    let usual = page(&full()).len();
    assert!(usual < 100_000, "{usual} bytes");
    let mut longest = full();
    longest.timeline = timeline(600, 40);
    let longest = page(&longest).len();
    assert!((400_000..1_500_000).contains(&longest), "{longest} bytes");
}

#[test]
fn what_was_lost_is_never_rounded_away() {
    assert_eq!(words::share(1.0), "100 %");
    assert_eq!(words::share(0.999_999_999), "99.9999 %");
    assert_eq!(words::share(0.5), "50.0 %");
    assert_eq!(words::share(0.0), "0 %");
}

#[test]
fn the_command_is_quoted_for_a_shell() {
    let words = [
        "ringwire-load",
        "--driver",
        "url",
        "ws://h/{topic}?a=b&c",
        "it's",
        "",
    ]
    .map(str::to_owned);
    assert_eq!(
        quoted(&words),
        r"ringwire-load --driver url 'ws://h/{topic}?a=b&c' 'it'\''s' ''"
    );
}
