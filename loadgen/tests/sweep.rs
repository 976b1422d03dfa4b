//! A sweep against a server whose capacity is known, and one whose first rate is already too much.

mod scripted;

use std::ffi::OsString;
use std::net::SocketAddr;

use ringwire_load::interrupt::Interrupt;
use ringwire_load::program::{Program, Task};
use ringwire_load::sweep::Sweep;
use scripted::Act;
use serde_json::Value;

fn sweep(server: SocketAddr, options: &str) -> Value {
    let line = format!(
        "ringwire-load sweep ws://{server} -s 1 --warm-up 0s --settle 0s --late-max 1h --runs 1 {options}"
    );
    let words = line.split_whitespace().map(OsString::from);
    let program = Program::from_words(words).expect("a sensible line");
    let Some(Task::Sweep(options)) = program.task else {
        panic!("it is a sweep: {:?}", program.task);
    };
    let sweep = Sweep::new(options.arguments, &options.sweep).expect("a sensible sweep");
    let report = sweep.run(&Interrupt::default(), |_| {}).expect("a server");
    serde_json::from_str(&report.to_json()).expect("JSON")
}

/// 20 ms for each message, or more on a busy machine, are 50 messages a second at most: at a rate above that, the last of a second
/// wait for rate / 50 - 1 seconds. At 50 a second only a machine that pauses makes them wait.
#[test]
fn the_rate_at_which_queues_grow_is_found() {
    let report = sweep(
        scripted::relay(|_| Act::StallMs(20)),
        "--limit p90<3s --from 50 --to 1000 --precision 50% --duration 1s --patience 20s",
    );
    let answer = &report["answer"];
    assert_eq!(answer["kind"], "between", "{answer}");
    let rate = |name: &str| answer[name].as_f64().expect("a rate");
    let (holds_at, breaks_at) = (rate("holds_at_per_second"), rate("breaks_at_per_second"));
    let limit = 50.0 * (1.0 + 3.0 / 0.9);
    assert!((50.0..=limit).contains(&holds_at), "{answer}");
    assert!(breaks_at <= 1.5 * holds_at, "{answer}");
    let steps = report["steps"].as_array().expect("a list");
    assert_eq!(steps[0]["report"]["load"]["rate_per_second"], 50.0);
    assert_eq!(steps[0]["verdict"], "holds");
    assert_eq!(
        steps.last().expect("several")["report"]["tool"]["name"],
        "ringwire-load"
    );
}

/// A server that loses messages breaks `reach>=1`, which nobody has to ask for.
#[test]
fn a_server_that_loses_messages_holds_nowhere() {
    let loses = |number| if number == 3 { Act::Drop } else { Act::Relay };
    let report = sweep(
        scripted::relay(loses),
        "--limit p99<1h --from 50 --duration 200ms --patience 3s",
    );
    assert_eq!(report["answer"]["kind"], "nowhere");
    assert_eq!(report["answer"]["exit_code"], 5);
    let because = report["steps"][0]["because"][0].as_str().expect("a reason");
    assert!(
        because.starts_with("reach is 9") && because.ends_with(", not >=1"),
        "{because}"
    );
}
