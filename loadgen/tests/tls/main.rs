//! The generator over TLS, against fronts with known habits and faults: what a good one passes on arrives as without TLS, and
//! what is wrong with a bad one is said with its remedy.

mod front;
#[path = "../scripted/mod.rs"]
mod scripted;

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use front::{BreakOff, Front, Habits, Identity};
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use rustls::version::{TLS12, TLS13};
use scripted::Act;

const SHORT: &str = "--warm-up 20ms --duration 200ms --settle 0s --patience 20s";

fn run(server: SocketAddr, options: &str) -> Evidence {
    let url = format!("wss://{server}");
    let words = ["ringwire-load", &url]
        .into_iter()
        .chain(SHORT.split_whitespace())
        .chain(options.split_whitespace());
    let plan = Arguments::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan");
    Engine::new(&plan).run().expect("a sensible plan")
}

/// Why a run against it cannot be made.
fn refusal(server: SocketAddr, options: &str) -> String {
    let evidence = run(server, options);
    evidence
        .failure
        .expect("a run that could not be made")
        .to_string()
}

fn relay(identity: &Identity, habits: Habits) -> Front {
    identity.before(scripted::relay(|_| Act::Relay), habits)
}

fn trusting(identity: &Identity, options: &str) -> String {
    format!("--ca {} {options}", identity.ca.display())
}

/// How many handshakes were full, and how many took up an earlier session.
fn handshakes(evidence: &Evidence) -> (u64, u64) {
    let count = |is_resumed| {
        let all = evidence.handshakes.0.iter();
        let of_kind = all.filter(|(agreement, _)| agreement.is_resumed == is_resumed);
        of_kind.map(|(_, count)| count).sum()
    };
    (count(false), count(true))
}

fn assert_flawless(evidence: &Evidence) {
    assert_eq!(evidence.failure, None);
    assert_eq!(evidence.departures, []);
    assert!(evidence.total.published > 0, "{:?}", evidence.total);
    assert_eq!(evidence.expected, evidence.total.received());
}

#[test]
fn a_server_that_is_trusted_is_measured_in_either_version_and_loop() {
    for (version, name) in [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")] {
        let identity = Identity::new("127.0.0.1", 2020..2120, &[version]);
        let server = relay(&identity, Habits::default());
        for options in [
            "-s 5 --rate 300",
            "-s 4 -t 2 -p 2 -w 8 --threads 2",
            "-s 3 -w 2 --payload 40KiB",
        ] {
            let evidence = run(server.address, &trusting(&identity, options));
            assert_flawless(&evidence);
            let mut agreements = evidence.handshakes.0.keys();
            assert!(
                agreements.all(|agreement| agreement.version == name),
                "{options}"
            );
            let (full, resumed) = handshakes(&evidence);
            assert_eq!(full + resumed, evidence.connections, "{options}");
        }
    }
}

#[test]
fn publications_go_over_https_too() {
    let identity = Identity::good();
    let subscribers = scripted::Subscribers::default();
    let relay = scripted::serve(move |stream| {
        scripted::relay_connection(stream, &subscribers, |_| Act::Relay);
    });
    let secure = identity.before(relay, Habits::default()).address;
    for (pace, requests) in [("--rate 200", 40), ("-w 4", 4)] {
        let options = format!(
            "--subscribe-url ws://{relay}/t/{{topic}}?mode=sub --publish-url https://{secure}/t/{{topic}} -s 3 {pace}"
        );
        let evidence = run(secure, &trusting(&identity, &options));
        assert_flawless(&evidence);
        let answers = evidence.http_answers.as_ref().expect("it went over HTTP");
        assert!(answers.accepted >= requests, "{answers:?}");
        assert_eq!(answers.accepted, evidence.total.published);
        // Subscribers are in the clear, the publisher is not.
        let (full, resumed) = handshakes(&evidence);
        assert_eq!(full + resumed, 1, "{pace}");
    }
    let evidence = run(
        secure,
        &format!(
            "--subscribe-url ws://{relay}/t/{{topic}}?mode=sub --publish-url https://{secure}/t/{{topic}} -s 1"
        ),
    );
    let text = evidence
        .failure
        .expect("a stranger's certificate")
        .to_string();
    assert!(text.contains("--ca"), "{text}");
}

#[test]
fn sessions_are_taken_up_unless_each_connection_is_to_be_a_strangers() {
    let identity = Identity::good();
    let server = relay(&identity, Habits::default());
    let one_by_one = trusting(&identity, "-s 9 --rate 100 --connecting 1");
    assert_eq!(handshakes(&run(server.address, &one_by_one)), (1, 9));
    let strangers = format!("{one_by_one} --tls-handshakes full");
    assert_eq!(handshakes(&run(server.address, &strangers)), (10, 0));
    let threads = format!("{one_by_one} --threads 2");
    assert_eq!(handshakes(&run(server.address, &threads)), (2, 8));
}

#[test]
fn every_connection_ends_with_a_goodbye() {
    let identity = Identity::good();
    let server = relay(&identity, Habits::default());
    let evidence = run(server.address, &trusting(&identity, "-s 6 --rate 100"));
    assert_flawless(&evidence);
    for _ in 0..evidence.connections {
        assert_eq!(
            server.endings.recv_timeout(Duration::from_secs(60)),
            Ok(true)
        );
    }
}

#[test]
fn bytes_one_by_one_and_new_keys_change_nothing() {
    let identity = Identity::good();
    for habits in [
        Habits {
            piece_bytes: Some(1),
            ..Habits::default()
        },
        Habits {
            updates_keys: true,
            ..Habits::default()
        },
        Habits {
            piece_bytes: Some(7),
            updates_keys: true,
            ..Habits::default()
        },
    ] {
        let server = relay(&identity, habits);
        assert_flawless(&run(
            server.address,
            &trusting(&identity, "-s 3 --rate 100"),
        ));
    }
}

#[test]
fn a_certificate_that_is_no_good_is_refused_with_the_remedy_and_taken_by_insecure() {
    let others = Identity::good();
    for (identity, trusted, remedies) in [
        (Identity::good(), &others, ["nobody who is trusted", "--ca"]),
        (
            Identity::new("other.example", 2020..2120, rustls::ALL_VERSIONS),
            &others,
            ["other.example", "--insecure"],
        ),
    ] {
        let trusted = if remedies[0] == "other.example" {
            &identity
        } else {
            trusted
        };
        let server = relay(&identity, Habits::default());
        let text = refusal(server.address, &trusting(trusted, "-s 2 --rate 100"));
        assert!(
            remedies.iter().all(|remedy| text.contains(remedy)),
            "{text}"
        );
        assert_flawless(&run(server.address, "--insecure -s 2 --rate 100"));
    }
    let expired = Identity::new("127.0.0.1", 2020..2021, rustls::ALL_VERSIONS);
    let server = relay(&expired, Habits::default());
    let text = refusal(server.address, &trusting(&expired, "-s 2 --rate 100"));
    assert!(text.contains("expired") && text.contains("clock"), "{text}");
}

#[test]
fn a_server_that_wants_certificates_of_its_clients_is_told_from_others() {
    let identity = Identity::good().asking_for_certificates();
    let server = relay(&identity, Habits::default());
    let text = refusal(server.address, &trusting(&identity, "-s 2 --rate 100"));
    assert!(text.contains("certificate of its clients"), "{text}");
}

#[test]
fn a_plain_server_is_recognised() {
    let talkative = scripted::serve(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    });
    let text = refusal(talkative, "--insecure -s 2 --rate 100");
    assert!(
        text.contains("not TLS") && text.contains("give ws://"),
        "{text}"
    );
    let brusque = scripted::serve(drop);
    let text = refusal(brusque, "--insecure -s 2 --rate 100");
    assert!(
        text.contains("before TLS was agreed on") && text.contains("give ws://"),
        "{text}"
    );
}

#[test]
fn a_handshake_that_is_cut_short_is_told_as_such() {
    let identity = Identity::good();
    for bytes in [0, 1, 5, 100, 500] {
        let habits = |how| Habits {
            breaks_off: Some((bytes, how)),
            ..Habits::default()
        };
        let server = relay(&identity, habits(BreakOff::HangsUp));
        let text = refusal(server.address, "--insecure -s 1 --rate 100");
        assert!(text.contains("before TLS was agreed on"), "{bytes}: {text}");
        let server = relay(&identity, habits(BreakOff::FallsSilent));
        let text = refusal(
            server.address,
            "--insecure -s 1 --rate 100 --connect-timeout 200ms",
        );
        assert!(text.contains("does not answer in TLS"), "{bytes}: {text}");
    }
}

#[test]
fn a_connection_whose_tls_ends_in_the_middle_is_gone_and_said_to_be() {
    let identity = Identity::good();
    for (how, text) in [
        (BreakOff::SaysGoodbye, "ended without a Close"),
        (BreakOff::HangsUp, "ended without a Close"),
        (BreakOff::RunsWild, "TLS is broken"),
    ] {
        // Behind the handshake and some deliveries.
        let habits = Habits {
            breaks_off: Some((4000, how)),
            ..Habits::default()
        };
        let evidence = run(
            relay(&identity, habits).address,
            "--insecure -s 3 --rate 500 --patience 300ms",
        );
        assert_eq!(evidence.failure, None);
        let departures = &evidence.departures;
        assert!(
            departures
                .iter()
                .any(|departure| departure.how.contains(text)),
            "{how:?}: {departures:?}"
        );
    }
}
