//! The generator in simulated time, beside a broker that does what a script says to the nanosecond: what the report says must be
//! exactly what the script says, in every bucket.
//!
//! Whatever is expected here is computed from the script and the timetable alone, never by the generator's own code.

mod broker;
mod comings_and_goings;
#[path = "../scripted/mod.rs"]
mod scripted;
mod stage;

use std::net::SocketAddr;
use std::ops::Range;

use broker::{Act, Broker, MS, Script, US};
use clap::Parser;
use reactor::{Driver, ListenOptions};
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use ringwire_load::failure::Outcome;
use ringwire_load::plan::Plan;
use ringwire_load::report::Report;
use ringwire_load::tally::Distribution;
use ringwire_load::verdict::Verdict;
use sim::{Conditions, Network};
use stage::Stage;

const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7464);

/// A network that takes no time and breaks nothing. It still cuts what is sent into pieces.
fn ideal() -> Conditions {
    Conditions {
        travel_ns: 0..=0,
        completion_ns: 0..=0,
        window_bytes: 64 << 20,
        starvations_per_million: 0,
        ..Conditions::default()
    }
}

fn plan(options: &str) -> Plan {
    let words = ["ringwire-load", "ws://127.0.0.1:7464", "--settle", "0s"];
    Arguments::try_parse_from(words.into_iter().chain(options.split_whitespace()))
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan")
}

fn stage(seed: u64, conditions: Conditions, script: Script) -> Stage<Broker> {
    let mut driver = Network::new(seed, conditions).driver(512);
    driver
        .listen(ADDRESS, &ListenOptions::default())
        .expect("the simulated address is free");
    Stage::new(driver, Broker::new(script))
}

fn run(options: &str, script: Script) -> Evidence {
    let evidence = Engine::new(&plan(options)).run_on(stage(1, ideal(), script), 1);
    assert_eq!(evidence.failure, None, "{options}");
    evidence
}

/// When publishing begins: connecting takes no time here, and every simulated clock begins with a second.
const START_NS: u64 = 1_000_000_000;

/// What an open loop shows: `(due, delivered)` of each message due before `window` ends.
fn open_loop(interval_ns: u64, until_ns: u64, script: Script) -> Vec<(u64, u64)> {
    let mut free_ns = 0;
    (0..until_ns.div_ceil(interval_ns))
        .map(|number| {
            let due_ns = number * interval_ns;
            let begun_ns = due_ns.max(free_ns);
            let delivered_ns = match script(number) {
                Act::After(delay_ns) => begun_ns + delay_ns,
                Act::Stall(stall_ns) => {
                    free_ns = begun_ns + stall_ns;
                    free_ns
                }
                // 64 bytes and two in front of them.
                Act::Trickle(gap_ns) => begun_ns + 66 * gap_ns,
                other => panic!("{other:?} has no latency"),
            };
            (due_ns, delivered_ns)
        })
        .collect()
}

/// The latencies of those messages that were sent in the window, at each of `subscribers`.
fn latencies(messages: &[(u64, u64)], window_ns: Range<u64>, subscribers: u64) -> Distribution {
    let mut distribution = Distribution::default();
    for (sent_ns, delivered_ns) in messages {
        if window_ns.contains(sent_ns) {
            distribution.record(delivered_ns - sent_ns, subscribers);
        }
    }
    distribution
}

/// Mostly 20 us; one in ten takes 1 ms, another one 50 ms; message 700 stalls the broker for 300 ms, and message 1500 trickles.
fn calibrated(number: u64) -> Act {
    match number {
        700 => Act::Stall(300 * MS),
        1500 => Act::Trickle(11 * US),
        _ => match number % 10 {
            3 => Act::After(MS),
            7 => Act::After(50 * MS),
            _ => Act::After(20 * US),
        },
    }
}

#[test]
fn an_open_loop_shows_every_delay_of_the_script_in_every_bucket() {
    let evidence = run("-s 3 --rate 1000 --warm-up 500ms --duration 2s", calibrated);
    let messages = open_loop(MS, 2_500 * MS, calibrated);
    let expected = latencies(&messages, 500 * MS..2_500 * MS, 3);
    assert_eq!(evidence.latency, expected);
    assert_eq!(evidence.latency.count(), 2_000 * 3);
    // Message 707 waits 293 ms for the end of the stall, and then 50.
    for (percent, ns) in [(50.0, 20 * US), (100.0, 343 * MS)] {
        let told_ns = evidence.latency.percentile_ns(percent);
        assert!(told_ns.abs_diff(ns) <= ns / 1000, "p{percent}: {told_ns}");
    }
    assert_eq!(evidence.latency.max_ns(), 343 * MS);
    assert_eq!(
        evidence.lateness.max_ns(),
        0,
        "a simulated generator is never late"
    );
    assert_eq!(evidence.lateness.count(), 2_000);
    assert_eq!(evidence.total.published, 2_500);
    assert_eq!((evidence.expected, evidence.lost), (7_500, 0));
    assert_eq!(evidence.window_ns, 2_000 * MS);
}

#[test]
fn a_closed_loop_shows_each_message_from_when_it_was_sent() {
    let evidence = run("-s 3 -w 1 --warm-up 500ms --duration 20s", calibrated);
    let (mut sent_ns, mut messages) = (0, Vec::new());
    for number in 0.. {
        let took_ns = match calibrated(number) {
            Act::After(delay_ns) => delay_ns,
            Act::Stall(stall_ns) => stall_ns,
            Act::Trickle(gap_ns) => 66 * gap_ns,
            other => panic!("{other:?} has no latency"),
        };
        if sent_ns >= 20_500 * MS {
            break;
        }
        messages.push((sent_ns, sent_ns + took_ns));
        sent_ns += took_ns;
    }
    assert_eq!(evidence.total.published, messages.len() as u64);
    assert!(messages.len() > 3_000, "{}", messages.len());
    assert_eq!(
        evidence.latency,
        latencies(&messages, 500 * MS..20_500 * MS, 3)
    );
}

/// The last of ten messages, one every 100 ms, finds a broker that does nothing for 400 ms.
#[test]
fn the_window_holds_what_was_sent_in_it_even_if_it_arrives_later() {
    let script = |number| match number {
        9 => Act::Stall(400 * MS),
        _ => Act::After(0),
    };
    let evidence = run("-s 1 --rate 10 --warm-up 50ms --duration 900ms", script);
    assert_eq!(evidence.total.deliveries, 10);
    assert_eq!(evidence.latency.count(), 9, "the first was sent before");
    assert_eq!(evidence.latency.max_ns(), 400 * MS);
    assert_eq!(evidence.window.deliveries, 8, "the last arrived after it");
}

/// Message 5 of 10, one every 100 ms, finds a broker that does nothing for 250 ms: two more wait behind it.
#[test]
fn the_timeline_shows_when_it_happened() {
    let script = |number| match number {
        5 => Act::Stall(250 * MS),
        _ => Act::After(0),
    };
    let options = "-s 2 --rate 10 --warm-up 50ms --duration 900ms --interval 100ms";
    let timeline = run(options, script).timeline;
    assert_eq!(timeline.interval_ns, 100 * MS);
    assert_eq!(timeline.measured_ns.start, 50 * MS);
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
    let arrived = intervals.iter().map(|interval| interval.latency.count());
    let arrived: Vec<u64> = arrived.collect();
    assert_eq!(arrived, [2, 2, 2, 2, 2, 0, 0, 6, 2, 2]);
    assert_eq!(intervals[7].latency.max_ns(), 250 * MS);
}

#[test]
fn a_closed_loop_gives_a_lost_message_up_and_goes_on() {
    let script = |number| match number {
        2 => Act::Drop,
        _ => Act::After(MS),
    };
    let options = "-s 2 -w 1 --patience 50ms --warm-up 20ms --duration 200ms";
    let evidence = run(options, script);
    assert_eq!((evidence.total.given_up, evidence.lost), (1, 2));
    // One each millisecond but for the 50 of patience, at whose end is looked every 20.
    let published = evidence.total.published;
    assert!((140..=171).contains(&published), "{published}");
}

#[test]
fn a_way_of_known_length_is_added_to_every_latency_and_to_nothing_else() {
    let conditions = Conditions {
        travel_ns: 150 * US..=150 * US,
        ..ideal()
    };
    let plan = plan("-s 2 --rate 500 --warm-up 100ms --duration 1s");
    let evidence = Engine::new(&plan).run_on(stage(1, conditions, |_| Act::After(MS)), 1);
    let mut expected = Distribution::default();
    expected.record(MS + 300 * US, 1_000);
    assert_eq!(evidence.latency, expected);
    assert_eq!(evidence.lateness.max_ns(), 0);
}

#[test]
fn every_fault_is_counted_exactly_as_scripted() {
    fn script(number: u64) -> Act {
        match number % 20 {
            3 => Act::Drop,
            5 => Act::Twice,
            7 => Act::AfterNext,
            10 => Act::Corrupt,
            12 => Act::Misroute,
            14 => Act::Foreign,
            _ => Act::After(0),
        }
    }
    // 4 publishers on 2 topics with 3 subscribers each; 100 rounds of the script on each line.
    let evidence = run(
        "-s 6 -t 2 -p 4 --rate 8000 --warm-up 0s --duration 1s --patience 100ms",
        script,
    );
    let total = &evidence.total;
    assert_eq!(total.published, 8_000);
    assert_eq!(evidence.expected, 8_000 * 3);
    let each = 4 * 100 * 3;
    assert_eq!(
        (
            total.duplicated,
            total.reordered,
            total.corrupted,
            total.misrouted,
            total.foreign
        ),
        (each, each, each, each, each)
    );
    assert_eq!(
        evidence.lost,
        4 * each,
        "dropped, corrupted, misrouted, and taken for another run's"
    );
    assert_eq!(total.received(), evidence.expected - evidence.lost);
    assert_eq!(evidence.latency.count(), total.received());
}

#[test]
fn a_generator_that_was_stopped_does_not_hide_it() {
    let options = "-s 1 --rate 1000 --warm-up 0s --duration 2s";
    // In the middle of the window, and over its end.
    for stopped_ms in [1_200..1_400, 2_900..3_150] {
        let plan = plan(options);
        let stage = stage(1, ideal(), |_| Act::After(20 * US));
        let stopped_ns = stopped_ms.start * MS..stopped_ms.end * MS;
        let evidence = Engine::new(&plan).run_on(stage.stopped(stopped_ns.clone()), 1);
        let until_ns = stopped_ns.end.max(START_NS + 2_000 * MS);
        let mut lateness = Distribution::default();
        let mut latency = Distribution::default();
        for due_ns in (START_NS..until_ns).step_by(MS as usize) {
            let sent_ns = if stopped_ns.contains(&due_ns) {
                stopped_ns.end
            } else {
                due_ns
            };
            lateness.record(sent_ns - due_ns, 1);
            latency.record(sent_ns + 20 * US - due_ns, 1);
        }
        assert_eq!(evidence.lateness, lateness, "{stopped_ms:?}");
        assert_eq!(evidence.latency, latency, "{stopped_ms:?}");
        let verdict = Verdict::of(&plan, &evidence);
        assert_eq!(verdict.outcome(), Outcome::Invalid);
        assert!(verdict.invalid[0].contains("late"), "{verdict:?}");
    }
}

#[test]
fn the_same_seed_and_script_give_the_same_report_to_the_byte() {
    fn script(number: u64) -> Act {
        match number % 17 {
            3 => Act::Drop,
            5 => Act::Twice,
            7 => Act::AfterNext,
            11 => Act::Corrupt,
            _ => calibrated(number),
        }
    }
    for options in [
        "-s 5 -t 2 -p 3 --rate 2000 --warm-up 200ms --duration 1s --patience 300ms",
        "-s 5 -t 2 -p 3 -w 4 --warm-up 200ms --duration 1s --patience 300ms",
    ] {
        let report = |seed| {
            let plan = plan(options);
            // A network that cuts, delays and starves as chance has it.
            let evidence =
                Engine::new(&plan).run_on(stage(seed, Conditions::default(), script), seed);
            let command = vec!["ringwire-load".to_owned()];
            Report::new(&plan, &evidence, command).to_json()
        };
        let first = report(7);
        assert_eq!(first, report(7), "{options}");
        assert_ne!(first, report(8), "{options}: chance has its part in it");
    }
}

/// A run that is interrupted so long after publishing began.
fn interrupted(options: &str, after_ms: u64, script: Script) -> (Evidence, Verdict) {
    let plan = plan(options);
    let engine = Engine::new(&plan);
    let brake = engine.brake();
    let stage = stage(1, ideal(), script);
    let stage = stage.at(START_NS + after_ms * MS, move || brake.pull("interrupted"));
    let evidence = engine.run_on(stage, 1);
    assert_eq!(evidence.cut_short.as_deref(), Some("interrupted"));
    let verdict = Verdict::of(&plan, &evidence);
    (evidence, verdict)
}

#[test]
fn an_interrupt_at_any_time_reports_what_there_is_by_then() {
    let options = "-s 2 --rate 100 --warm-up 1s --duration 1s";
    let script = |_| Act::After(400 * MS);
    // Silence before the first publish.
    let silent = format!("{options} --settle 1s");
    let (evidence, verdict) = interrupted(&silent, 500, script);
    assert_eq!((evidence.connections, evidence.total.published), (3, 0));
    assert_eq!(verdict.outcome(), Outcome::Invalid);
    // Warm-up: what was sent is still waited for, and nothing was measured.
    let (evidence, verdict) = interrupted(options, 505, script);
    assert_eq!(
        (evidence.total.published, evidence.total.received()),
        (51, 102)
    );
    assert_eq!((evidence.latency.count(), evidence.window_ns), (0, 0));
    assert_eq!((evidence.lost, evidence.undecided), (0, 0));
    assert_eq!(verdict.outcome(), Outcome::Invalid);
    // The window: half of it.
    let (evidence, verdict) = interrupted(options, 1_505, script);
    assert_eq!(evidence.window_ns, 505 * MS);
    assert_eq!(evidence.latency.count(), 51 * 2);
    assert_eq!(verdict.outcome(), Outcome::Fine);
    // What is on its way: the window stands, and what has not come by then is not called lost.
    let (evidence, verdict) = interrupted(options, 2_105, script);
    assert_eq!(evidence.window_ns, 1_000 * MS);
    assert_eq!(
        (evidence.total.published, evidence.total.received()),
        (200, 342)
    );
    assert_eq!((evidence.lost, evidence.undecided), (0, 58));
    assert_eq!(verdict.outcome(), Outcome::Imperfect);
}

#[test]
fn an_interrupt_while_connections_are_on_their_way_does_not_wait_for_them() {
    let plan = plan("-s 5 --connecting 2");
    let engine = Engine::new(&plan);
    let brake = engine.brake();
    let conditions = Conditions {
        travel_ns: 100 * MS..=100 * MS,
        ..ideal()
    };
    // A connection takes three ways: two stand after 300 ms, and two more are on theirs.
    let stage = stage(1, conditions, |_| Act::Drop);
    let stage = stage.at(START_NS + 450 * MS, move || brake.pull("interrupted"));
    let evidence = engine.run_on(stage, 1);
    assert_eq!((evidence.connections, evidence.connections_wanted), (2, 6));
    assert_eq!(evidence.connecting_ns, 450 * MS);
}

#[test]
fn messages_that_trickle_for_ever_do_not_hold_the_report_back() {
    // Message k is due after k times 10 ms and arrives after k times 100 ms: always sooner than patience lasts.
    let script = |number| Act::After(number * 90 * MS);
    let evidence = run(
        "-s 1 --rate 100 --warm-up 0s --duration 1s --patience 155ms",
        script,
    );
    // 12 times 155 ms after the end of the window, looked at every 20 ms.
    assert_eq!(evidence.total.received(), 29);
    assert_eq!(
        (evidence.expected, evidence.lost, evidence.undecided),
        (100, 0, 71)
    );
}

#[test]
fn a_server_that_stops_for_good_loses_what_it_owes() {
    let script = |number| match number {
        150 => Act::Stall(3_600_000 * MS),
        _ => Act::After(MS),
    };
    let evidence = run(
        "-s 2 --rate 100 --warm-up 1s --duration 1s --patience 500ms",
        script,
    );
    assert_eq!(
        (evidence.total.published, evidence.latency.count()),
        (200, 100)
    );
    assert_eq!(
        (evidence.expected, evidence.lost, evidence.undecided),
        (400, 100, 0)
    );
    let closed = run(
        "-s 2 -w 3 --warm-up 1s --duration 1s --patience 500ms",
        script,
    );
    // Three are outstanding and given up again and again: each time 500 ms, found at most 20 ms later.
    assert_eq!(closed.lost, (closed.total.published - 150) * 2);
    assert!(closed.total.given_up >= 6, "{:?}", closed.total);
}
