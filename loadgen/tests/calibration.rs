//! The generator against a server whose every delay is known: the histogram must show exactly those, counted from the time at
//! which each message should have been sent.
//!
//! Times are real here. The delays are long beside what a busy machine adds, and the tolerances wide enough for that.

mod scripted;

use std::net::SocketAddr;

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use scripted::Act;

/// What another process may steal from a test.
const TOLERANCE_MS: u64 = 15;

fn run(server: SocketAddr, options: &str) -> Evidence {
    let url = format!("ws://{server}");
    let words = ["ringwire-load", &url]
        .into_iter()
        .chain(options.split_whitespace());
    let plan = Arguments::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan");
    Engine::new(&plan).run().expect("a run")
}

/// Every tenth message finds a server that does nothing for 150 ms, and sends arrive every 50 ms: so of ten messages one takes
/// 150 ms, the two behind it 100 and 50, and seven nothing.
fn stalls(number: u64) -> Act {
    if number.is_multiple_of(10) {
        Act::StallMs(150)
    } else {
        Act::Relay
    }
}

fn assert_percentile(evidence: &Evidence, percent: f64, expected_ms: u64) {
    let measured_ms = evidence.latency.percentile_ns(percent) / 1_000_000;
    assert!(
        (expected_ms..=expected_ms + TOLERANCE_MS).contains(&measured_ms),
        "p{percent} is {measured_ms} ms, the script says {expected_ms} ms"
    );
}

#[test]
fn an_open_loop_shows_what_messages_wait_behind_a_stall() {
    let evidence = run(
        scripted::relay(stalls),
        "-s 2 --rate 20 --warm-up 25ms --duration 3s --settle 0s",
    );
    // The warm-up ends between the first message and the second.
    assert_eq!(
        (evidence.total.published, evidence.latency.count()),
        (61, 120)
    );
    assert_eq!((evidence.expected, evidence.lost), (122, 0));
    for (percent, expected_ms) in [(60.0, 0), (75.0, 50), (85.0, 100), (95.0, 150)] {
        assert_percentile(&evidence, percent, expected_ms);
    }
}

#[test]
fn a_closed_loop_shows_only_the_stalled_message_itself() {
    let evidence = run(
        scripted::relay(stalls),
        "-s 2 --outstanding 1 --warm-up 0s --duration 1s --settle 0s",
    );
    assert!(
        evidence.total.published > 30,
        "{}",
        evidence.total.published
    );
    assert_percentile(&evidence, 85.0, 0);
    assert_percentile(&evidence, 95.0, 150);
}

#[test]
fn the_window_holds_what_was_sent_in_it_even_if_it_arrives_later() {
    let last_stalls = |number| {
        if number == 9 {
            Act::StallMs(400)
        } else {
            Act::Relay
        }
    };
    let evidence = run(
        scripted::relay(last_stalls),
        "-s 1 --rate 10 --warm-up 50ms --duration 900ms --settle 0s",
    );
    assert_eq!(evidence.total.deliveries, 10);
    assert_eq!(evidence.latency.count(), 9, "the first was sent before");
    assert_percentile(&evidence, 100.0, 400);
    assert_eq!(evidence.window.deliveries, 8, "the last arrived after it");
}

/// Message 5 of 10, one every 100 ms, finds a server that does nothing for 250 ms: two more wait behind it.
#[test]
fn the_timeline_shows_when_it_happened() {
    let fifth_stalls = |number| {
        if number == 5 {
            Act::StallMs(250)
        } else {
            Act::Relay
        }
    };
    let evidence = run(
        scripted::relay(fifth_stalls),
        "-s 2 --rate 10 --warm-up 50ms --duration 900ms --settle 0s --interval 100ms",
    );
    let timeline = &evidence.timeline;
    assert_eq!(timeline.interval_ns, 100_000_000);
    assert_eq!(timeline.measured_ns.start / 10_000_000, 5);
    let intervals = &timeline.intervals[..10];
    for interval in intervals {
        assert_eq!(
            (
                interval.counts.published,
                interval.sent_expected,
                interval.sent_received
            ),
            (1, 2, 2),
            "each interval sent one message to two subscribers, whenever they arrived: {timeline:?}"
        );
        assert_eq!((interval.connections, interval.errors()), (3, 0));
    }
    let arrived: Vec<u64> = intervals
        .iter()
        .map(|interval| interval.latency.count())
        .collect();
    assert_eq!(arrived, [2, 2, 2, 2, 2, 0, 0, 6, 2, 2]);
    assert!((250..270).contains(&(intervals[7].latency.max_ns() / 1_000_000)));
}
