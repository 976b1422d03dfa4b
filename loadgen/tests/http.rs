//! Publishing over HTTP, against a server that does what a script says.

mod scripted;

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::{Evidence, Who};
use ringwire_load::failure::Outcome;
use ringwire_load::http_answers::HttpAnswers;
use ringwire_load::verdict::Verdict;
use scripted::{Act, Script};

/// For runs in which something is lost, and waited for in vain: longer than a machine may pause.
const LOSSY: &str = "--patience 3s";

/// Subscribers over WebSocket, publishers over HTTP.
fn run(script: Script, options: &str) -> (Evidence, Verdict) {
    let server = scripted::relay(script);
    let line = format!(
        "ringwire-load --subscribe-url ws://{server}/t/{{topic}}?mode=sub --publish-url http://{server}/t/{{topic}} \
         --warm-up 20ms --duration 300ms --settle 0s --patience 20s --late-max 1h {options}"
    );
    let plan = Arguments::try_parse_from(line.split_whitespace())
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan");
    let evidence = Engine::new(&plan).run().expect("a run");
    let verdict = Verdict::of(&plan, &evidence);
    (evidence, verdict)
}

fn answers(evidence: &Evidence) -> &HttpAnswers {
    evidence.http_answers.as_ref().expect("it went over HTTP")
}

#[test]
fn every_message_is_the_body_of_a_request_in_either_loop() {
    for options in [
        "-s 4 --rate 300",
        "-s 4 -t 2 -p 3 --rate 300 --threads 2 --payload 4KiB",
        "-s 4 -w 8",
    ] {
        let (evidence, verdict) = run(|_| Act::Relay, options);
        assert!(evidence.total.published > 0, "{options}");
        assert_eq!(verdict.imperfect, [""; 0], "{options}");
        let expected = HttpAnswers {
            accepted: evidence.total.published,
            ..HttpAnswers::default()
        };
        assert_eq!(answers(&evidence), &expected, "{options}");
    }
}

#[test]
fn messages_wait_behind_a_request_and_that_is_latency() {
    let stalls = |number| match number {
        0 => Act::StallMs(100),
        _ => Act::Relay,
    };
    let (evidence, _) = run(stalls, "-s 1 --rate 100 --warm-up 0s");
    // Ten messages were due while the first one was not answered; the second of them waited 90 ms.
    assert_eq!(evidence.lost, 0);
    let latency_ms = |percent| evidence.latency.percentile_ns(percent) / 1_000_000;
    // A busy machine only adds to that.
    assert!(latency_ms(100.0) >= 100, "{}", latency_ms(100.0));
    assert!(latency_ms(96.0) >= 85, "{}", latency_ms(96.0));
}

#[test]
fn another_status_is_a_fault_and_is_told() {
    let refuses = |number| match number {
        3 | 4 => Act::Answer(503),
        7 => Act::Answer(413),
        _ => Act::Relay,
    };
    let (evidence, verdict) = run(refuses, &format!("-s 2 --rate 300 {LOSSY}"));
    let answers = answers(&evidence);
    assert_eq!(
        answers.refused.iter().collect::<Vec<_>>(),
        [(&413, &1), (&503, &2)]
    );
    assert_eq!(answers.accepted + 3, evidence.total.published);
    assert_eq!(evidence.lost, 6, "three messages, two subscribers");
    assert_ne!(verdict.outcome(), Outcome::Fine);
    assert!(
        verdict
            .imperfect
            .iter()
            .any(|fault| fault.starts_with("3 publishes over HTTP")),
        "{verdict:?}"
    );
}

#[test]
fn a_connection_that_the_server_closes_is_opened_again() {
    let closes = |number| match number {
        9 => Act::RelayAndClose,
        _ => Act::Relay,
    };
    let (evidence, verdict) = run(closes, "-s 2 --rate 300");
    assert_eq!(verdict.imperfect, [""; 0]);
    let answers = answers(&evidence);
    assert_eq!(answers.reopened, evidence.total.published / 10);
    assert!(answers.reopened > 3, "{answers:?}");
}

#[test]
fn a_request_that_is_not_answered_is_told_and_not_sent_again() {
    let hangs_up = |number| match number {
        9 => Act::HangUp,
        _ => Act::Relay,
    };
    let (evidence, verdict) = run(hangs_up, &format!("-s 1 --rate 300 {LOSSY}"));
    let answers = answers(&evidence);
    assert_eq!(answers.broken_off, evidence.lost);
    assert!(answers.broken_off > 3, "{answers:?}");
    assert_eq!(answers.reopened, answers.broken_off);
    // On a machine that lacks a CPU it is invalid beside that.
    assert_ne!(verdict.outcome(), Outcome::Fine);
    assert!(!verdict.imperfect.is_empty(), "{verdict:?}");
}

#[test]
fn a_server_that_never_answers_has_disconnected_the_publisher() {
    let (evidence, _) = run(|_| Act::HangUp, &format!("-s 1 --rate 300 {LOSSY}"));
    assert_eq!(
        (evidence.departures.len(), evidence.departures[0].who),
        (1, Who::Publisher)
    );
    assert_eq!(answers(&evidence).broken_off, 1);
    assert!(evidence.cut_short.is_some());
}
