//! Subscribers that come at their times, leave and come back: against servers that do the right thing, and against some that do not.
//!
//! Times are real here. They are long beside what a busy machine adds, and the tolerances wide enough for that.

mod scripted;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use ringwire_load::turnover::{Churned, Outcome, Reconnected};
use scripted::{Act, Script, Subscribers, relay_connection, serve};

/// What another process may steal from a test.
const TOLERANCE_MS: u64 = 15;

fn run(server: SocketAddr, options: &str) -> Evidence {
    let url = format!("ws://{server}");
    let words = ["ringwire-load", &url]
        .into_iter()
        .chain("--warm-up 20ms --duration 400ms --settle 0s --patience 500ms".split(' '))
        .chain(options.split(' '));
    let plan = Arguments::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan");
    Engine::new(&plan).run().expect("a run")
}

fn outcome(evidence: &Evidence) -> &Outcome {
    evidence.turnover.as_ref().expect("somebody left")
}

fn churned(evidence: &Evidence) -> &Churned {
    outcome(evidence)
        .connections
        .as_ref()
        .expect("there was churn")
}

fn reconnected(evidence: &Evidence) -> &Reconnected {
    outcome(evidence)
        .reconnect
        .as_ref()
        .expect("there was a cut")
}

/// A relay that keeps each connection with a number of `slow` waiting for that long before it says anything.
fn relay_greeting(wait: fn(u64) -> Duration, script: Script) -> SocketAddr {
    let (subscribers, number) = (Subscribers::default(), Arc::new(AtomicU64::new(0)));
    serve(move |stream| {
        std::thread::sleep(wait(number.fetch_add(1, Ordering::SeqCst)));
        relay_connection(stream, &subscribers, script);
    })
}

#[test]
fn a_ramp_begins_connections_at_their_times() {
    let options = "--idle -s 21 --connect-rate 100 --duration 50ms";
    let evidence = run(scripted::relay(|_| Act::Relay), options);
    assert!(
        (200..300).contains(&(evidence.connecting_ns / 1_000_000)),
        "{} ns",
        evidence.connecting_ns
    );
    assert_eq!(evidence.connect_latency.count(), 21);
    let median_ms = evidence.connect_latency.percentile_ns(50.0) / 1_000_000;
    assert!(median_ms <= TOLERANCE_MS, "{median_ms} ms");
}

#[test]
fn a_connection_counts_from_the_time_at_which_it_was_due() {
    // Each takes 50 ms and only one may be on its way, but another one is due every 10 ms.
    let server = relay_greeting(|_| Duration::from_millis(50), |_| Act::Relay);
    let options = "--idle -s 5 --connect-rate 100 --connecting 1 --duration 50ms";
    let evidence = run(server, options);
    for (percent, expected_ms) in [
        (20.0, 50),
        (40.0, 90),
        (60.0, 130),
        (80.0, 170),
        (100.0, 210),
    ] {
        let measured_ms = evidence.connect_latency.percentile_ns(percent) / 1_000_000;
        assert!(
            (expected_ms..=expected_ms + 2 * TOLERANCE_MS).contains(&measured_ms),
            "p{percent} is {measured_ms} ms, the script says {expected_ms} ms"
        );
    }
}

#[test]
fn churn_replaces_connections_and_nothing_that_should_arrive_is_missed() {
    for options in [
        "-s 10 --rate 500 --churn 50",
        "-s 9 -t 3 -p 6 --rate 600 --churn 50 --threads 2",
    ] {
        let evidence = run(scripted::relay(|_| Act::Relay), options);
        let churned = churned(&evidence);
        assert!((19..=21).contains(&churned.ended), "{options}: {churned:?}");
        assert_eq!(churned.stood, churned.ended, "{options}");
        assert_eq!(churned.until_standing.count(), churned.stood);
        assert_eq!(
            churned.until_delivery.count() + churned.unheard,
            churned.stood,
            "{options}"
        );
        assert!(churned.unheard <= 2, "{options}: {churned:?}");
        assert_eq!(evidence.lost, 0, "{options}");
        assert_eq!(evidence.total.received(), evidence.expected, "{options}");
        assert_eq!(evidence.total.duplicated + evidence.total.reordered, 0);
        assert!(evidence.departures.is_empty(), "{:?}", evidence.departures);
        assert!(outcome(&evidence).setbacks.0.is_empty());
    }
}

#[test]
fn a_message_lost_between_two_that_a_newcomer_hears_is_lost() {
    // One is replaced at the beginning of the window and one after 250 ms; message 40 is due at 200 ms.
    let script: Script = |number| match number {
        40 => Act::Drop,
        44 => Act::Twice,
        _ => Act::Relay,
    };
    let evidence = run(scripted::relay(script), "-s 10 --rate 200 --churn 4");
    assert_eq!(churned(&evidence).ended, 2);
    assert_eq!((evidence.lost, evidence.total.duplicated), (10, 10));
    assert_eq!(evidence.total.received() + evidence.lost, evidence.expected);
}

#[test]
fn an_idle_run_can_churn_too() {
    let evidence = run(scripted::relay(|_| Act::Relay), "--idle -s 4 --churn 50");
    let churned = churned(&evidence);
    assert!((19..=21).contains(&churned.stood), "{churned:?}");
    assert_eq!((churned.unheard, evidence.expected), (churned.stood, 0));
}

#[test]
fn who_is_refused_when_it_comes_back_tries_again() {
    let (subscribers, number) = (Subscribers::default(), Arc::new(AtomicU64::new(0)));
    let server = serve(
        move |mut stream| match number.fetch_add(1, Ordering::SeqCst) {
            // Two subscribers and a publisher are there by then.
            3 | 4 => stream
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
                .expect("the client listens"),
            _ => relay_connection(stream, &subscribers, |_| Act::Relay),
        },
    );
    let evidence = run(server, "-s 2 --rate 100 --reconnect 100%@50ms");
    let reconnected = reconnected(&evidence);
    assert_eq!((reconnected.cut, reconnected.stood), (2, 2));
    assert!(
        reconnected.until_all_stood_ns >= 100_000_000,
        "{reconnected:?}"
    );
    let setbacks = &outcome(&evidence).setbacks.0;
    assert_eq!(setbacks.values().sum::<u64>(), 2, "{setbacks:?}");
    assert!(
        setbacks.keys().all(|how| how.contains("503")),
        "{setbacks:?}"
    );
}

#[test]
fn without_resumption_what_is_published_meanwhile_is_lost() {
    // Of the two that are cut off one comes back at once, the other 100 ms later.
    let evidence = run(
        scripted::relay(|_| Act::Relay),
        "-s 4 --rate 200 --reconnect 50%@100ms --connect-rate 10",
    );
    let reconnected = reconnected(&evidence);
    assert_eq!((reconnected.cut, reconnected.stood), (2, 2));
    assert_eq!(
        (reconnected.resumed, reconnected.messages_recovered),
        (0, 0)
    );
    assert!((18..=26).contains(&evidence.lost), "{}", evidence.lost);
    assert!(
        (100..150).contains(&(reconnected.until_all_stood_ns / 1_000_000)),
        "{reconnected:?}"
    );
    assert!(evidence.departures.is_empty(), "{:?}", evidence.departures);
}
