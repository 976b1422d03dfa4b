//! A client that comes back with its position misses nothing and sees nothing twice.
//!
//! Clients drop their connections again and again, without a word, while publishing goes on; each resumes
//! from the last message that it saw. Several topics, so that both cores are home to some.

use std::thread;

use ringwire_tests::{Broker, Client, Driver, Launch, on_each_driver};
use serde_json::json;

on_each_driver! {
    reconnecting_gives_exactly_the_missing_messages
}

const TOPICS: usize = 8;
const MESSAGES: usize = 2_000;

const CONFIG: &str = "[topic_default]\nmessages_max = 10000\nbytes_max = \"8MiB\"\n";

/// With history kept long enough, the messages over all connections are exactly those published, in order.
fn reconnecting_gives_exactly_the_missing_messages(driver: Driver) {
    let broker = Launch::two_cores(driver, CONFIG).start();
    interrupt_and_resume(&broker);
    broker.stop();
}

/// Publishes to each topic, and reads it over many connections at the same time.
fn interrupt_and_resume(broker: &Broker) {
    thread::scope(|scope| {
        for topic in 0..TOPICS {
            let name = format!("resume/{topic}");
            // The position before the first message, so that no start is missed.
            let mut first = Client::json(broker);
            let start = subscribe(&mut first, &name, None);
            let subscriber = name.clone();
            scope.spawn(move || read_with_interruptions(broker, &subscriber, start));
            scope.spawn(move || {
                let mut publisher = Client::connect(broker, &format!("/t/{name}?mode=pub"));
                for number in 0..MESSAGES {
                    publisher.send(&number.to_string());
                }
            });
        }
    });
}

/// Reads all messages over many connections, each of which lives for a few messages only.
fn read_with_interruptions(broker: &Broker, topic: &str, start: String) {
    let mut at = start;
    let mut next = 0;
    let mut lifetime = 1;
    while next < MESSAGES {
        let mut client = Client::json(broker);
        subscribe(&mut client, topic, Some(&at));
        // 1 to 97 messages: now from the history alone, now well into the live ones.
        lifetime = lifetime * 5 % 97 + 1;
        for _ in 0..lifetime.min(MESSAGES - next) {
            let message = client.value();
            assert_eq!(message["text"], next.to_string(), "{message}");
            at = message["at"]
                .as_str()
                .expect("a message has a position")
                .to_owned();
            next += 1;
        }
    }
}

/// Subscribes, from a position if there is one; the topic's present position.
fn subscribe(client: &mut Client, topic: &str, since: Option<&str>) -> String {
    let command = match since {
        Some(since) => json!({ "id": 1, "subscribe": topic, "since": since }),
        None => json!({ "id": 1, "subscribe": topic }),
    };
    client.send(&command.to_string());
    let answer = client.value();
    if since.is_some() {
        assert_eq!(answer["ok"]["recovered"], true, "{answer}");
    }
    answer["ok"]["at"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}
