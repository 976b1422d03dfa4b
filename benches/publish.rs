//! What does a publish to one subscriber cost while there are many other topics and patterns?
//!
//! The broker alone, without sockets: a publication of 64 bytes is appended, its chunk closed, and
//! gathered for the one subscriber of its topic. Beside it stand as many other topics, each with a
//! subscriber, and as many patterns that do not match. The answer should not depend on them.
//!
//! `cargo bench -p ringwire-benches --bench publish`

use std::hint::black_box;
use std::time::Duration;

use broker::{
    Broker, Client, Format, Formats, Kind, Limits, Output, Pattern, Publisher, Rule, Rules,
    Settings, Start, TopicRef,
};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use server::wire::WireEncoder;

/// Other topics, and patterns.
const CROWDS: [(u32, u32); 3] = [(0, 0), (100_000, 10_000), (1_000_000, 100_000)];

const TIME_MS: u64 = 1_000;

fn crowded(topics: u32, patterns: u32) -> Broker {
    let mut broker = Broker::new(Settings {
        core: 0,
        cores: 1,
        hash_key: [1, 2],
        seed: 3,
        // History would add its own cost to each publish: what is asked is delivery.
        rules: Rules {
            ordered: Vec::new(),
            default: Rule {
                messages_max: 0,
                ..Rule::default()
            },
        },
        limits: Limits {
            subscriptions_max: u32::MAX,
            pattern_subscriptions_max: u32::MAX,
            topics_max: usize::MAX,
            ..Limits::default()
        },
        gapless: Formats::NONE.with(Format::RAW),
    });
    let names = (0..topics).map(|topic| format!("others/{}/{topic}", topic % 1000));
    let globs = (0..patterns).map(|pattern| format!("globs/{pattern}/*"));
    for (index, name) in names.chain(globs).chain(["the/one".into()]).enumerate() {
        let client = Client {
            index: index as u32,
            generation: 0,
        };
        broker.open(client);
        let pattern = Pattern::parse(&name).expect("a valid name");
        let mut encoder = WireEncoder::default();
        broker
            .subscribe(
                &mut encoder,
                client,
                None,
                &pattern,
                Format::RAW,
                Start::Live,
                TIME_MS,
            )
            .expect("room for a subscription");
        while broker.next_output().is_some() {}
    }
    broker
}

fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    for (topics, patterns) in CROWDS {
        let mut broker = crowded(topics, patterns);
        let mut encoder = WireEncoder::default();
        let mut pieces: Vec<Bytes> = Vec::new();
        let payload = [b'x'; 64];
        group.bench_function(
            format!("beside {topics} topics and {patterns} patterns"),
            |bencher| {
                bencher.iter(|| {
                    let topic = TopicRef::parse("the/one").expect("a valid name");
                    broker
                        .publish(
                            &mut encoder,
                            Publisher::Nobody,
                            topic,
                            Kind::Text,
                            black_box(&payload),
                            TIME_MS,
                        )
                        .expect("room for a publication");
                    broker.end_turn();
                    while let Some(output) = broker.next_output() {
                        assert!(
                            matches!(output, Output::Notice { .. }),
                            "one core has no lanes"
                        );
                    }
                    let client = broker.next_behind().expect("the one subscriber");
                    assert!(
                        !broker.gather(client, &mut pieces, 64, 1 << 20),
                        "one chunk is all"
                    );
                    assert_eq!(pieces.len(), 1);
                    pieces.clear();
                });
            },
        );
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = publish
}
criterion_main!(benches);
