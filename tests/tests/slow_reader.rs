//! A subscriber that stops reading changes nothing for the others, and costs no memory that grows.
//!
//! Many stalled subscribers, a few that read, and far more bytes than the topic's bound. A queue for each
//! subscriber would hold all of it, once for each of the stalled.

use std::sync::mpsc;
use std::thread;

use ringwire_tests::{Broker, Client, Driver, Ending, Launch, on_each_driver};
use serde_json::{Value, json};

on_each_driver! {
    stalled_readers_change_nothing_for_others
    a_reader_left_behind_is_told_exactly_what_it_missed
}

const STALLED: usize = 20;
const HEALTHY: usize = 4;
const MESSAGE_BYTES: usize = 4096;
const MESSAGES: usize = 10_000;

/// So many messages are under way at most; far less than the backlog's bound, so that nobody who reads is behind.
const WINDOW: usize = 64;

const BACKLOG_BYTES_MAX: usize = 1 << 20;

/// A busy machine may take longer over a test than a stalled client is otherwise given.
const CONFIG: &str = r#"
[websocket]
write_timeout = "5m"
[topic_default]
backlog_bytes_max = "1MiB"
bytes_max = "256KiB"
on_lag = "disconnect"
"#;

/// What the process may grow by: the bounds of the one topic, and as much again, several times, for the
/// allocator's and the connections' own needs.
const GROWTH_BYTES_MAX: u64 = 16 << 20;

const _: () = assert!(WINDOW * MESSAGE_BYTES * 2 < BACKLOG_BYTES_MAX);
const _: () = assert!((MESSAGES * MESSAGE_BYTES) as u64 > 2 * GROWTH_BYTES_MAX);

/// Healthy subscribers get everything in order while the stalled ones are left behind, memory stays inside
/// its bound, and the stalled learn by their close code that they were too slow.
fn stalled_readers_change_nothing_for_others(driver: Driver) {
    let broker = Launch::two_cores(driver, CONFIG).start();
    let connect = |_| Client::connect(&broker, "/t/slow?mode=sub");
    let stalled: Vec<Client> = (0..STALLED).map(connect).collect();
    let before = broker.resident_bytes();
    let most = publish_in_step(&broker);
    let growth = most.saturating_sub(before);
    assert!(
        growth < GROWTH_BYTES_MAX,
        "the broker grew by {growth} bytes"
    );
    for mut client in stalled {
        assert_eq!(client.ending(), Ending::Closed(4408));
    }
    broker.stop();
}

/// Publishes as fast as the healthy subscribers take it; the most memory that the broker had meanwhile.
fn publish_in_step(broker: &Broker) -> u64 {
    thread::scope(|scope| {
        let (taken, progress) = mpsc::channel();
        for _ in 0..HEALTHY {
            let mut client = Client::connect(broker, "/t/slow?mode=sub");
            let taken = taken.clone();
            scope.spawn(move || {
                for number in 0..MESSAGES {
                    assert_eq!(client.text(), message(number));
                    taken.send(()).expect("the publisher waits for all of them");
                }
            });
        }
        // Only the subscribers' senders are left: should all of them fail, the wait below fails as well.
        drop(taken);
        let mut publisher = Client::connect(broker, "/t/slow?mode=pub");
        let (mut most, mut delivered) = (0, 0);
        for number in 0..MESSAGES {
            publisher.send(&message(number));
            // At the end nothing is under way any more.
            let window = if number + 1 < MESSAGES { WINDOW } else { 0 };
            while (number + 1) * HEALTHY - delivered > window {
                progress.recv().expect("healthy subscribers go on");
                delivered += 1;
            }
            if number % 100 == 0 {
                most = most.max(broker.resident_bytes());
            }
        }
        most
    })
}

/// Where the topic's rule is to skip, a client that was left behind is told which messages it missed, and gets
/// all others: what it received and what it was told to have missed are everything, in order.
fn a_reader_left_behind_is_told_exactly_what_it_missed(driver: Driver) {
    let broker = Launch::two_cores(driver, &CONFIG.replace("disconnect", "skip")).start();
    let mut stalled = Client::json(&broker);
    stalled.send(&json!({ "id": 1, "subscribe": "slow" }).to_string());
    assert!(stalled.value()["ok"].is_object());
    publish_confirmed(&broker, MESSAGES / 2);
    let (mut next, mut missed) = (1, 0);
    while next <= MESSAGES / 2 {
        let received = stalled.value();
        let gap = &received["gap"];
        if gap.is_object() {
            assert_eq!(offset(&gap["after"]), next - 1, "{gap}");
            missed += offset(&gap["until"]) + 1 - next;
            next = offset(&gap["until"]) + 1;
        } else {
            assert_eq!(offset(&received["at"]), next);
            assert_eq!(received["text"], message(next - 1));
            next += 1;
        }
    }
    assert!(missed > 0, "the backlog's bound was never reached");
    drop(stalled);
    broker.stop();
}

/// Publishes and waits for the broker's word on each message.
fn publish_confirmed(broker: &Broker, messages: usize) {
    let mut publisher = Client::json(broker);
    for first in (0..messages).step_by(WINDOW) {
        let window = first..messages.min(first + WINDOW);
        for number in window.clone() {
            let command = json!({ "id": number, "publish": "slow", "text": message(number) });
            publisher.send(&command.to_string());
        }
        for number in window {
            assert_eq!(offset(&publisher.value()["ok"]["at"]), number + 1);
        }
    }
}

/// The offset of a position, `epoch:offset`.
fn offset(position: &Value) -> usize {
    let offset = position
        .as_str()
        .and_then(|text| text.split_once(':')?.1.parse().ok());
    offset.unwrap_or_else(|| panic!("{position} is no position"))
}

fn message(number: usize) -> String {
    format!("{number:0MESSAGE_BYTES$}")
}
