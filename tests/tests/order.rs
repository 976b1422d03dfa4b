//! One order for all: a million deliveries, with subscribers and publishers on both cores.
//!
//! Each topic has a home core, which the test cannot see; so there are several topics, and enough
//! connections that the kernel spreads them over both cores. What every subscriber of a topic saw is compared
//! message by message.

use std::thread;
use std::time::Duration;

use ringwire_tests::{Broker, Client, Driver, Launch, on_each_driver};

on_each_driver! {
    a_million_deliveries_come_in_one_order
}

const TOPICS: usize = 8;
const SUBSCRIBERS_PER_TOPIC: usize = 10;
const PUBLISHERS: usize = 8;
const MESSAGES_PER_PUBLISHER_AND_TOPIC: usize = 1_600;
const MESSAGES_PER_TOPIC: usize = PUBLISHERS * MESSAGES_PER_PUBLISHER_AND_TOPIC;

const _: () = assert!(TOPICS * SUBSCRIBERS_PER_TOPIC * MESSAGES_PER_TOPIC >= 1_000_000);

/// Nobody may be left behind here, however the machine schedules the readers.
const CONFIG: &str = "[topic_default]\nbacklog_bytes_max = \"64MiB\"\n";

/// A message: who sent it, and its number among that publisher's messages to that topic.
type Seen = Vec<(usize, usize)>;

/// Every subscriber of a topic sees every message once, in one order that keeps each publisher's own.
fn a_million_deliveries_come_in_one_order(driver: Driver) {
    let broker = Launch::two_cores(driver, CONFIG).start();
    see_all_in_one_order(&broker);
    let run_times = broker.core_run_times();
    let total: Duration = run_times.iter().sum();
    assert_eq!(run_times.len(), 2);
    // How much each does is chance: it depends on which topics are at home there.
    assert!(
        run_times.iter().all(|time| *time > total / 20),
        "both cores took part: {run_times:?}"
    );
    broker.stop();
}

/// Subscribes, publishes, and compares what everybody saw.
fn see_all_in_one_order(broker: &Broker) {
    thread::scope(|scope| {
        let mut subscribers = Vec::new();
        for topic in 0..TOPICS {
            for _ in 0..SUBSCRIBERS_PER_TOPIC {
                let mut client = Client::connect(broker, &format!("/t/order/{topic}?mode=sub"));
                subscribers.push((topic, scope.spawn(move || read_all(&mut client))));
            }
        }
        for publisher in 0..PUBLISHERS {
            scope.spawn(move || publish_to_all(broker, publisher));
        }
        let mut firsts: Vec<Option<Seen>> = vec![None; TOPICS];
        for (topic, subscriber) in subscribers {
            let seen = subscriber.join().expect("a subscriber sees every message");
            let first = firsts[topic].get_or_insert_with(|| seen.clone());
            assert!(
                seen == *first,
                "two subscribers of topic {topic} saw two orders"
            );
        }
        for seen in firsts.into_iter().flatten() {
            assert_publishers_in_order(&seen);
        }
    });
}

fn publish_to_all(broker: &Broker, publisher: usize) {
    let connect = |topic| Client::connect(broker, &format!("/t/order/{topic}?mode=pub"));
    let mut clients: Vec<Client> = (0..TOPICS).map(connect).collect();
    for number in 0..MESSAGES_PER_PUBLISHER_AND_TOPIC {
        for client in &mut clients {
            client.send(&format!("{publisher} {number}"));
        }
    }
}

fn read_all(client: &mut Client) -> Seen {
    (0..MESSAGES_PER_TOPIC)
        .map(|_| {
            let text = client.text();
            let (publisher, number) = text.split_once(' ').expect("as it was published");
            let parse = |text: &str| text.parse().expect("as it was published");
            (parse(publisher), parse(number))
        })
        .collect()
}

/// Nothing lost, nothing twice, and each publisher's messages in its own order.
fn assert_publishers_in_order(seen: &Seen) {
    let mut next = [0; PUBLISHERS];
    for (publisher, number) in seen {
        assert_eq!(*number, next[*publisher], "publisher {publisher}");
        next[*publisher] += 1;
    }
    assert_eq!(next, [MESSAGES_PER_PUBLISHER_AND_TOPIC; PUBLISHERS]);
}
