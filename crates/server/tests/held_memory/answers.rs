//! Answers that are not read: what was handed to the kernel, and what waits behind it.

use broker::{Kind, Publisher, TopicName};
use ringwire::hub::Hub;

use crate::formula::Formula;
use crate::stage::{Row, frame, upgrade};

/// What the topic of [`escaped_topic`] is as JSON.
pub(crate) const ESCAPED_BYTES: usize = 6 * 4 * 65_000;

/// A topic that keeps as much as it may, of bytes that JSON has to escape.
pub(crate) fn escaped_topic(hub: &mut Hub) {
    (0..4).for_each(|_| publish(hub, "a", 65_000));
}

/// Topics with the longest names, as many as one replay has room for.
fn long_names(hub: &mut Hub) {
    for number in 0..4_000 {
        let quotes = "\"".repeat(251);
        publish(hub, &format!("{number:05}{quotes}"), 6);
    }
}

/// As many topics as one replay may bring messages, and as many bytes.
fn many_topics(hub: &mut Hub) {
    for number in 0..10_000 {
        publish(hub, &format!("{number:05}"), 99);
    }
}

fn publish(hub: &mut Hub, topic: &str, bytes: usize) {
    let topic = TopicName::parse(topic).expect("a name");
    let payload = vec![1; bytes];
    hub.publish(Publisher::Nobody, (&topic).into(), Kind::Text, &payload)
        .expect("room");
}

/// So many commands: the first two each in a read of its own, as the second is looked at while the answer to the first is
/// in flight.
pub(crate) fn commands(command: &str, count: usize) -> Vec<Vec<u8>> {
    let command = frame(0x81, command.as_bytes());
    vec![command.clone(), command.clone(), command.repeat(count)]
}

pub(crate) fn rows(formula: &Formula) -> Vec<Row> {
    let long_id = format!(r#"{{"id":"{}","ping":true}}"#, "i".repeat(126));
    let row = |name, sends, answers, held_least| {
        let held_max = formula.websocket() + formula.held() + answers;
        Row {
            opening: upgrade("/ws", "none"),
            ..Row::new(name, sends, held_max, held_least)
        }
    };
    vec![
        Row {
            setup: escaped_topic,
            connections: 10,
            ..row(
                "histories of all that a topic keeps, one in flight, one waiting",
                commands(r#"{"id":1,"history":"a"}"#, 1_000),
                2 * formula.history(),
                2 * ESCAPED_BYTES,
            )
        },
        Row {
            setup: escaped_topic,
            connections: 4,
            ..row(
                "the same in all of the receive buffers at once",
                commands(r#"{"id":1,"history":"a"}"#, 70_000),
                2 * formula.history(),
                2 * ESCAPED_BYTES + 70_000 * 30,
            )
        },
        Row {
            setup: long_names,
            connections: 4,
            ..row(
                "the newest message of each of 4,000 topics with long names",
                commands(r#"{"id":1,"subscribe":"**","last":1}"#, 500),
                formula.replay(),
                2 * 4_000 * 507,
            )
        },
        Row {
            setup: many_topics,
            connections: 4,
            ..row(
                "the newest message of each of 10,000 topics",
                commands(r#"{"id":1,"subscribe":"**","last":1}"#, 500),
                formula.replay(),
                6 * 10_000 * 99,
            )
        },
        row(
            "short answers, as many as may wait",
            commands(&long_id, 5_000),
            2 * formula.outbox(),
            2 * 256 * 1024,
        ),
    ]
}
