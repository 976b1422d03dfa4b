//! The generator against a server that is known to stall: the histogram must show all of it, counted from the time at which each
//! message should have been sent.
//!
//! Times are real here, and a busy machine adds to them as it likes: so these are the least that must be seen. That it is
//! exactly that, in every bucket, is shown where time is simulated.

mod scripted;

use std::net::SocketAddr;

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use scripted::Act;

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

fn percentile_ms(evidence: &Evidence, percent: f64) -> u64 {
    evidence.latency.percentile_ns(percent) / 1_000_000
}

#[test]
fn an_open_loop_shows_what_messages_wait_behind_a_stall() {
    let evidence = run(
        scripted::relay(stalls),
        "-s 2 --rate 20 --warm-up 25ms --duration 3s --settle 0s --patience 20s",
    );
    assert!(evidence.total.published >= 60, "{:?}", evidence.total);
    assert_eq!(evidence.expected, evidence.total.published * 2);
    assert_eq!(evidence.lost, 0);
    for (percent, least_ms) in [(75.0, 50), (85.0, 100), (95.0, 150)] {
        let measured_ms = percentile_ms(&evidence, percent);
        assert!(measured_ms >= least_ms, "p{percent} is {measured_ms} ms");
    }
}

#[test]
fn a_closed_loop_shows_the_stalled_message_itself() {
    let evidence = run(
        scripted::relay(stalls),
        "-s 2 --outstanding 1 --warm-up 0s --duration 1s --settle 0s --patience 20s",
    );
    assert_eq!(evidence.lost, 0);
    let worst_ms = percentile_ms(&evidence, 100.0);
    assert!(worst_ms >= 150, "{worst_ms} ms");
}
