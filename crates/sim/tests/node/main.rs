//! The whole server over the simulated network: what clients see, whatever the network does.
//!
//! Each test runs many seeds; a failing one is named in its message and runs again the same way. In every third run all
//! clients speak TLS.

mod backpressure;
mod certificates;
mod client;
mod closing;
mod encrypted;
mod entrance;
mod hostile;

use std::collections::BTreeMap;

use client::Client;
use ringwire_sim::{Conditions, SimNode};
use server::config::{Config, Period, Size};
use server::hub::Settings;

/// The generator of the tests' own choices (Steele, Lea, Flood: SplitMix64).
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// A publisher's message; of some lengths it is worth compressing.
fn text(publisher: usize, sequence: u64) -> String {
    let words = "and so on ".repeat((sequence % 5) as usize * 4);
    format!("{publisher}:{sequence}:{words}")
}

/// One run: a node, subscribers of several topics in both formats, plain and with windows of
/// several sizes, publishers on all of them.
struct Run {
    seed: u64,
    choices: Choices,
    node: SimNode,
    topics: u64,
    subscribers: Vec<(String, Client)>,
    publishers: Vec<(String, Client, u64)>,
}

impl Run {
    fn new(seed: u64, change: impl FnOnce(&mut Config)) -> Self {
        let mut choices = Choices(seed);
        let mut config = Config::default();
        config.io.lane_capacity = 2 + choices.below(6) as usize;
        config.io.receive_buffers = 1 << choices.below(4);
        config.compression.enabled = true;
        config.compression.threshold_bytes = Size::from_bytes(1);
        change(&mut config);
        let cores = 1 + choices.below(4) as usize;
        let settings = Settings {
            tls: seed.is_multiple_of(3).then(certificates::server),
            ..Settings::from(&config)
        };
        let node = SimNode::start_with(seed, Conditions::default(), cores, &config, settings);
        let topics = 1 + choices.below(4);
        Self {
            seed,
            choices,
            node,
            topics,
            subscribers: Vec::new(),
            publishers: Vec::new(),
        }
    }

    fn topic(&mut self) -> String {
        format!("topic/{}", self.choices.below(self.topics))
    }

    fn subscribe(&mut self, topic: String) -> usize {
        let envelope = self.choices.below(2);
        let target = format!("/t/{topic}?mode=sub&envelope={envelope}");
        let window_bits = [None, Some(15), Some(13), Some(8)][self.choices.below(4) as usize];
        let client = Client::connect_compressed(&self.node, &target, window_bits);
        self.subscribers.push((topic, client));
        self.subscribers.len() - 1
    }

    fn turn(&mut self) {
        self.node.turn();
        self.subscribers
            .iter_mut()
            .for_each(|(_, client)| client.turn());
        self.publishers
            .iter_mut()
            .for_each(|(_, client, _)| client.turn());
    }

    fn turn_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        for _ in 0..200_000 {
            if done(self) {
                return;
            }
            self.turn();
        }
        panic!("seed {}: {what} does not happen", self.seed);
    }

    fn publish(&mut self, messages: u64) {
        for _ in 0..messages {
            let index = self.choices.below(self.publishers.len() as u64) as usize;
            let (_, client, sequence) = &mut self.publishers[index];
            *sequence += 1;
            client.send(&text(index, *sequence));
            for _ in 0..self.choices.below(3) {
                self.turn();
            }
        }
    }

    /// What was published to `topic` by each publisher.
    fn published(&self, topic: &str) -> u64 {
        self.publishers
            .iter()
            .filter(|(name, ..)| name == topic)
            .map(|(_, _, sequence)| sequence)
            .sum()
    }
}

#[test]
fn all_subscribers_of_a_topic_see_one_order_without_a_hole() {
    for seed in 0..60 {
        let mut run = Run::new(seed, |_| {});
        for topic in 0..run.topics {
            run.subscribe(format!("topic/{topic}"));
        }
        for _ in 0..1 + run.choices.below(4) {
            let topic = run.topic();
            let publisher = Client::connect(&run.node, &format!("/t/{topic}?mode=pub"));
            run.publishers.push((topic, publisher, 0));
        }
        run.turn_until("opening", |run| {
            run.subscribers.iter().all(|(_, client)| client.is_open())
                && run.publishers.iter().all(|(_, client, _)| client.is_open())
        });
        let witnesses = run.subscribers.len();
        run.publish(30);
        for _ in 0..run.choices.below(6) {
            let topic = run.topic();
            run.subscribe(topic);
        }
        run.publish(30);
        let total: BTreeMap<String, u64> = run
            .subscribers
            .iter()
            .map(|(topic, _)| (topic.clone(), run.published(topic)))
            .collect();
        run.turn_until("delivery to the first subscribers", |run| {
            run.subscribers[..witnesses]
                .iter()
                .all(|(topic, client)| client.messages.len() as u64 == total[topic])
        });
        run.turn_until("delivery to the later subscribers", |run| {
            run.subscribers[witnesses..].iter().all(|(topic, client)| {
                let witness = run.subscribers[..witnesses]
                    .iter()
                    .find(|(name, _)| name == topic)
                    .expect("each topic has one");
                client.is_open()
                    && (client.messages.is_empty()
                        || client.messages.last() == witness.1.messages.last())
            })
        });
        check_order(&run, witnesses);
    }
}

/// The first subscriber of each topic has all of it, in each publisher's order; every other has
/// the end of exactly that.
fn check_order(run: &Run, witnesses: usize) {
    for (topic, witness) in &run.subscribers[..witnesses] {
        for (index, (name, _, sequence)) in run.publishers.iter().enumerate() {
            if name == topic {
                let own: Vec<_> = witness
                    .messages
                    .iter()
                    .filter(|message| message.starts_with(&format!("{index}:")))
                    .collect();
                let expected: Vec<_> = (1..=*sequence)
                    .map(|sequence| text(index, sequence))
                    .collect();
                assert_eq!(
                    own,
                    expected.iter().collect::<Vec<_>>(),
                    "seed {}: publisher {index}",
                    run.seed
                );
            }
        }
        for (_, other) in run.subscribers.iter().filter(|(name, _)| name == topic) {
            let end = witness.messages.len() - other.messages.len();
            assert_eq!(
                other.messages,
                witness.messages[end..],
                "seed {}: {topic}",
                run.seed
            );
        }
    }
}

#[test]
fn a_reader_that_stops_is_closed_and_delays_nobody() {
    for seed in 0..20 {
        let mut run = Run::new(seed, |config| {
            // What is published here compresses to next to nothing, and nobody would be behind.
            config.compression.enabled = false;
            config.websocket.message_bytes_max = Size::from_kib(4);
            config.topic_default.backlog_bytes_max = Size::from_kib(64);
            config.websocket.write_timeout = Period::from_secs(3600);
        });
        run.topics = 1;
        for _ in 0..6 {
            run.subscribe("topic/0".into());
        }
        let publisher = Client::connect(&run.node, "/t/topic/0?mode=pub");
        run.publishers.push(("topic/0".into(), publisher, 0));
        run.turn_until("opening", |run| {
            run.subscribers.iter().all(|(_, client)| client.is_open())
                && run.publishers[0].1.is_open()
        });
        run.subscribers[0].1.stop_reading();
        let filler = "x".repeat(1000);
        for number in 0..400 {
            run.publishers[0].1.send(&format!("0:{number}:{filler}"));
            run.turn();
        }
        run.turn_until("delivery to those who read", |run| {
            run.subscribers[1..]
                .iter()
                .all(|(_, client)| client.messages.len() == 400)
        });
        // Longer than a closing handshake may take: its end must still say why.
        let resumes_ns = run.node.network().now_ns() + 5_000_000_000;
        run.turn_until("a pause", |run| run.node.network().now_ns() >= resumes_ns);
        run.subscribers[0].1.read_again();
        run.turn_until("the end of the one that stopped", |run| {
            run.subscribers[0].1.is_closed()
        });
        let stopped = &run.subscribers[0].1;
        assert_eq!(
            stopped.messages,
            run.subscribers[1].1.messages[..stopped.messages.len()],
            "seed {seed}: what it got has no hole"
        );
        assert_eq!(stopped.close_code(), Some(4408), "seed {seed}");
    }
}

#[test]
fn a_stop_delivers_what_was_accepted_and_says_goodbye() {
    for seed in 0..40 {
        let mut run = Run::new(seed, |_| {});
        for _ in 0..4 {
            let topic = run.topic();
            run.subscribe(topic);
        }
        for topic in 0..run.topics {
            let topic = format!("topic/{topic}");
            let publisher = Client::connect(&run.node, &format!("/t/{topic}?mode=pub"));
            run.publishers.push((topic, publisher, 0));
        }
        run.turn_until("opening", |run| {
            run.subscribers.iter().all(|(_, client)| client.is_open())
                && run.publishers.iter().all(|(_, client, _)| client.is_open())
        });
        run.publish(40);
        run.turn_until("every byte of the publishers under way", |run| {
            run.publishers
                .iter()
                .all(|(_, client, _)| client.has_sent_all())
        });
        run.node.drain();
        let mut turns = 0;
        while run.node.turn() {
            run.subscribers
                .iter_mut()
                .for_each(|(_, client)| client.turn());
            run.publishers
                .iter_mut()
                .for_each(|(_, client, _)| client.turn());
            turns += 1;
            assert!(turns < 200_000, "seed {seed}: the node does not end");
        }
        for _ in 0..100 {
            run.node.network().advance(1_000_000);
            run.subscribers
                .iter_mut()
                .for_each(|(_, client)| client.turn());
        }
        for (topic, subscriber) in &run.subscribers {
            assert_eq!(subscriber.close_code(), Some(1001), "seed {seed}: {topic}");
            let is_encrypted = run.node.tls_address().is_some();
            assert_eq!(subscriber.has_heard_the_end(), is_encrypted, "seed {seed}");
            for (_, other) in run.subscribers.iter().filter(|(name, _)| name == topic) {
                assert_eq!(subscriber.messages, other.messages, "seed {seed}: {topic}");
            }
        }
    }
}

#[test]
fn connections_spread_evenly_over_the_cores() {
    for seed in 0..10 {
        let mut run = Run::new(seed, |_| {});
        for _ in 0..100 {
            run.subscribe("topic/0".into());
        }
        run.turn_until("opening", |run| {
            run.subscribers.iter().all(|(_, client)| client.is_open())
        });
        let connections = run.node.connections();
        let (least, most) = (
            connections.iter().min().unwrap(),
            connections.iter().max().unwrap(),
        );
        assert!(most - least <= 3, "seed {seed}: {connections:?}");
    }
}
