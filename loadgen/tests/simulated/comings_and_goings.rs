//! Subscribers that come at their times, leave and come back: when, and what they miss, to the message.

use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use ringwire_load::turnover::Outcome;
use sim::Conditions;

use crate::broker::{Act, MS};
use crate::{ideal, plan, run, stage};

fn outcome(evidence: &Evidence) -> &Outcome {
    evidence.turnover.as_ref().expect("somebody left")
}

#[test]
fn a_ramp_begins_connections_at_their_times() {
    let options = "--idle -s 21 --connect-rate 100 --duration 50ms";
    let evidence = run(options, |_| Act::Drop);
    assert_eq!(evidence.connecting_ns, 200 * MS);
    assert_eq!(evidence.connect_latency.count(), 21);
    assert_eq!(evidence.connect_latency.max_ns(), 0);
}

#[test]
fn a_connection_counts_from_the_time_at_which_it_was_due() {
    // Each takes three ways of 20 ms and only one may be on its way, but another one is due every 10 ms.
    let conditions = Conditions {
        travel_ns: 20 * MS..=20 * MS,
        ..ideal()
    };
    let plan = plan("--idle -s 5 --connect-rate 100 --connecting 1 --duration 50ms");
    let evidence = Engine::new(&plan).run_on(stage(1, conditions, |_| Act::Drop), 1);
    for (percent, expected_ms) in [
        (20.0, 60),
        (40.0, 110),
        (60.0, 160),
        (80.0, 210),
        (100.0, 260),
    ] {
        let measured_ns = evidence.connect_latency.percentile_ns(percent);
        // A bucket is a thousandth wide.
        let off_ns = measured_ns.abs_diff(expected_ms * MS);
        assert!(
            off_ns <= expected_ms * MS / 1000,
            "p{percent}: {measured_ns}"
        );
    }
}

#[test]
fn churn_replaces_connections_at_its_rate_and_they_hear_the_next_message() {
    for options in [
        "-s 10 --rate 500 --churn 50 --warm-up 20ms --duration 400ms",
        "-s 9 -t 3 -p 6 --rate 600 --churn 50 --warm-up 20ms --duration 400ms",
    ] {
        let evidence = run(options, |_| Act::After(MS));
        let churned = outcome(&evidence).connections.as_ref();
        let churned = churned.expect("there was churn");
        assert_eq!((churned.ended, churned.stood), (20, 20), "{options}");
        assert_eq!((churned.until_delivery.count(), churned.unheard), (20, 0));
        assert_eq!(evidence.lost, 0, "{options}");
        assert_eq!(evidence.total.received(), evidence.expected, "{options}");
        assert_eq!(evidence.departures, []);
    }
}

#[test]
fn an_idle_run_can_churn_too() {
    let evidence = run("--idle -s 4 --churn 50 --duration 400ms", |_| Act::Drop);
    let churned = outcome(&evidence).connections.as_ref();
    let churned = churned.expect("there was churn");
    assert_eq!((churned.stood, churned.unheard), (20, 20));
    assert_eq!(evidence.expected, 0);
}

#[test]
fn a_message_lost_between_two_that_a_newcomer_hears_is_lost() {
    // One is replaced at the beginning of the window and one after 250 ms; message 40 is due at 200 ms.
    let script = |number| match number {
        40 => Act::Drop,
        44 => Act::Twice,
        _ => Act::After(0),
    };
    let options = "-s 10 --rate 200 --churn 4 --warm-up 20ms --duration 400ms";
    let evidence = run(options, script);
    let churned = outcome(&evidence).connections.as_ref();
    assert_eq!(churned.expect("there was churn").ended, 2);
    assert_eq!((evidence.lost, evidence.total.duplicated), (10, 10));
    assert_eq!(evidence.total.received() + evidence.lost, evidence.expected);
}

#[test]
fn without_resumption_what_is_published_meanwhile_is_lost() {
    // Of the two that are cut off 122 ms after publishing began one comes back at once, the other 100 ms later: messages 25 to
    // 44 are due meanwhile.
    let evidence = run(
        "-s 4 --rate 200 --reconnect 50%@100ms --connect-rate 10 --warm-up 22ms --duration 400ms",
        |_| Act::After(0),
    );
    let reconnected = outcome(&evidence).reconnect.as_ref();
    let reconnected = reconnected.expect("there was a cut");
    assert_eq!((reconnected.cut, reconnected.stood), (2, 2));
    assert_eq!(
        (reconnected.resumed, reconnected.messages_recovered),
        (0, 0)
    );
    assert_eq!(evidence.lost, 20);
    assert_eq!(reconnected.until_all_stood_ns, 100 * MS);
    assert_eq!(evidence.departures, []);
}
