//! Connections that publish and receive: round trips and rooms, against servers that are known to do the right thing and against
//! some that do not.

mod scripted;

use std::net::SocketAddr;

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::{Evidence, Who};
use ringwire_load::plan::Plan;
use ringwire_load::verdict::Verdict;
use scripted::Act;

/// For runs in which something is lost, and waited for in vain: longer than a machine may pause.
const LOSSY: &str = "--patience 3s";

fn plan(server: SocketAddr, options: &str) -> Plan {
    let url = format!("ws://{server}");
    let words = ["ringwire-load", &url]
        .into_iter()
        .chain("--warm-up 20ms --duration 200ms --settle 0s --patience 20s".split(' '))
        .chain(options.split(' '));
    Arguments::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan")
}

fn run(server: SocketAddr, options: &str) -> Evidence {
    Engine::new(&plan(server, options)).run().expect("a run")
}

/// Every message came to everybody whom it was for, and `hearers` is how many those are for each message.
fn assert_faultless(server: SocketAddr, options: &str, hearers: u64) {
    let evidence = run(server, options);
    let published = evidence.total.published;
    assert!(published > 0, "{options}");
    assert_eq!(evidence.expected, published * hearers, "{options}");
    assert_eq!(evidence.total.received(), evidence.expected, "{options}");
    assert_eq!(
        Verdict::of(&plan(server, options), &evidence).imperfect,
        [""; 0],
        "{options}"
    );
    assert_eq!(evidence.total.unasked, 0, "{options}");
}

#[test]
fn whoever_sends_hears_itself_over_a_server_that_knows_no_topics() {
    let server = scripted::echo(|_| Act::Relay);
    for options in [
        "--echo --driver url -s 3 --rate 300",
        "--echo --driver url -s 5 -w 2 --threads 2",
        "--echo --driver url -s 1 -w 1",
    ] {
        assert_faultless(server, options, 1);
    }
}

#[test]
fn everybody_in_a_room_hears_everybody() {
    for (options, hearers) in [
        ("--rooms 2 -s 6 --rate 300", 3),
        ("--rooms 2 -s 8 -w 2 --threads 3", 4),
        ("--rooms 1 -s 5 -w 1", 5),
        ("--echo -s 4 --rate 300", 1),
    ] {
        assert_faultless(scripted::relay(|_| Act::Relay), options, hearers);
    }
}

#[test]
fn a_server_that_leaves_the_sender_out_is_asked_for_nothing_else() {
    for (options, hearers) in [
        ("--rooms 2 -s 6 --no-local --rate 300", 2),
        ("--rooms 2 -s 8 --no-local -w 2 --threads 3", 3),
        ("--rooms 1 -s 2 --no-local -w 1 --threads 2", 1),
    ] {
        assert_faultless(scripted::relay(|_| Act::RelayToOthers), options, hearers);
    }
}

#[test]
fn a_wrong_idea_of_who_hears_what_is_seen() {
    let left_out = run(
        scripted::relay(|_| Act::RelayToOthers),
        &format!("--rooms 1 -s 3 --rate 300 {LOSSY}"),
    );
    assert_eq!(
        left_out.lost, left_out.total.published,
        "each at its sender"
    );
    let sent_back = run(
        scripted::relay(|_| Act::Relay),
        "--rooms 1 -s 3 --no-local --rate 300",
    );
    assert_eq!(sent_back.lost, 0);
    assert_eq!(sent_back.total.unasked, sent_back.total.published);
    assert_eq!(sent_back.total.received(), sent_back.expected);
}

#[test]
fn faults_of_each_sender_are_counted_for_each_member() {
    let script = |number| match number {
        3 => Act::Drop,
        5 => Act::Twice,
        7 => Act::AfterNext,
        10 => Act::Corrupt,
        _ => Act::Relay,
    };
    let options = format!("--rooms 2 -s 4 --rate 400 {LOSSY}");
    let evidence = run(scripted::relay(script), &options);
    let total = &evidence.total;
    // Four streams, each heard by two members.
    assert_eq!((evidence.lost, total.duplicated), (2 * 8, 8));
    assert_eq!((total.reordered, total.corrupted), (8, 8));
    let options = format!("--echo --driver url -s 2 --rate 200 {LOSSY}");
    let evidence = run(scripted::echo(script), &options);
    assert_eq!((evidence.lost, evidence.total.duplicated), (2 * 2, 2));
}

#[test]
fn a_member_that_is_sent_away_neither_hears_nor_publishes() {
    let evidence = run(
        scripted::relay(|number| match number {
            5 => Act::CloseAll(1008, "out"),
            _ => Act::Relay,
        }),
        "--rooms 1 -s 3 --rate 300",
    );
    assert_eq!(evidence.departures.len(), 1, "{:?}", evidence.departures);
    assert_eq!(evidence.departures[0].who, Who::Member);
    assert_eq!(evidence.departures[0].count, 3);
    assert!(
        evidence
            .cut_short
            .is_some_and(|reason| reason.contains("a member"))
    );
}
