//! The broker alone: a publish, its chunk, and what its subscribers gather of it.

use std::hint::black_box;

use broker::{
    Broker, Client, Format, Formats, Kind, Limits, Output, Pattern, Publisher, Rules, Settings,
    Start, TopicRef,
};
use bytes::Bytes;
use server::wire::{Compressing, WireEncoder};

const TIME_MS: u64 = 1_000;
const TOPIC: &str = "the/one";
const PAYLOAD: [u8; 64] = [b'x'; 64];
/// Raw messages in the largest window.
const COMPRESSED: Format = Format::new(6);
/// More than a topic keeps: from then on each publication removes one.
const WARM_UP: usize = 200;

struct World {
    broker: Broker,
    encoder: WireEncoder,
    format: Format,
    payload: Vec<u8>,
    clients: u32,
    pieces: Vec<Bytes>,
}

impl World {
    fn new() -> Self {
        Self {
            broker: Broker::new(Settings {
                core: 0,
                cores: 1,
                hash_key: [1, 2],
                seed: 3,
                rules: Rules::default(),
                limits: Limits {
                    topics_max: usize::MAX,
                    ..Limits::default()
                },
                gapless: Formats::NONE.with(Format::RAW),
            }),
            encoder: WireEncoder::default(),
            format: Format::RAW,
            payload: PAYLOAD.to_vec(),
            clients: 0,
            pieces: Vec::new(),
        }
    }

    fn subscribe(&mut self, name: &str) -> Client {
        let client = Client {
            index: self.clients,
            generation: 0,
        };
        self.clients += 1;
        self.broker.open(client);
        let pattern = Pattern::parse(name).expect("a valid name");
        let (encoder, format) = (&mut self.encoder, self.format);
        self.broker
            .subscribe(
                encoder,
                client,
                None,
                &pattern,
                format,
                Start::Live,
                TIME_MS,
            )
            .expect("room for a subscription");
        self.take_notices();
        client
    }

    fn take_notices(&mut self) {
        while let Some(output) = self.broker.next_output() {
            assert!(
                matches!(output, Output::Notice { .. }),
                "one core has no lanes"
            );
        }
    }

    /// A publication and all its deliveries; returns how many.
    fn publish(&mut self) -> u32 {
        let topic = TopicRef::parse(TOPIC).expect("a valid name");
        let (nobody, payload) = (Publisher::Nobody, black_box(&self.payload[..]));
        self.broker
            .publish(
                &mut self.encoder,
                nobody,
                topic,
                Kind::Text,
                payload,
                TIME_MS,
            )
            .expect("room for a publication");
        self.broker.end_turn();
        self.take_notices();
        let mut deliveries = 0;
        while let Some(client) = self.broker.next_behind() {
            let more = self.broker.gather(client, &mut self.pieces, 64, 1 << 20);
            assert!(!more, "one chunk is all");
            deliveries += 1;
            self.pieces.clear();
        }
        deliveries
    }
}

/// Publishes to so many subscribers, beside so many other topics with one subscriber each.
pub(super) fn publish(subscribers: u32, others: u32, rounds: usize) {
    let mut world = World::new();
    for other in 0..others {
        world.subscribe(&format!("others/{}/{other}", other % 1000));
    }
    for _ in 0..subscribers {
        world.subscribe(TOPIC);
    }
    for _ in 0..WARM_UP + rounds {
        assert_eq!(world.publish(), subscribers);
    }
}

/// Publishes a kilobyte of JSON to one subscriber, compressed as by default.
pub(super) fn publish_compressed(rounds: usize) {
    let rows = (0..).map(|row| format!("{{\"row\":{row},\"square\":{}}},", row * row));
    let mut world = World {
        encoder: WireEncoder::new(Some(Compressing {
            level: 3,
            threshold_bytes: 256,
        })),
        format: COMPRESSED,
        payload: rows.flat_map(String::into_bytes).take(1024).collect(),
        ..World::new()
    };
    world.subscribe(TOPIC);
    for _ in 0..WARM_UP + rounds {
        assert_eq!(world.publish(), 1);
    }
    let published = (WARM_UP + rounds) as u64;
    assert_eq!(world.encoder.compressions(), published);
}

/// Asks on behalf of a thousand subscribers who have everything already.
pub(super) fn gather_nothing(rounds: usize) {
    let mut world = World::new();
    let clients: Vec<Client> = (0..1000).map(|_| world.subscribe(TOPIC)).collect();
    assert_eq!(world.publish(), 1000);
    for _ in 0..rounds {
        for client in &clients {
            let more = world.broker.gather(*client, &mut world.pieces, 64, 1 << 20);
            assert!(!more && world.pieces.is_empty());
        }
    }
}
