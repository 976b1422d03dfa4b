//! Random commands on one to four cores, carried in random order: every client's view is what the judge allows, and nothing is left behind.

use proptest::prelude::*;
use proptest::sample::Index;
use ringwire_broker::{
    Format, Formats, Kind, Limits, OnLag, Pattern, Position, Rule, Rules, Start, TopicName,
};

use crate::world::World;

const TOPICS: [&str; 5] = ["a/1", "a/2", "b/1", "b/2/x", "c"];
const PATTERNS: [&str; 10] = [
    "a/1", "a/2", "b/1", "b/2/x", "c", "a/*", "**", "b/**", "*/1", "a/**",
];

#[derive(Clone, Debug)]
enum Op {
    Open {
        core: Index,
        raw: bool,
    },
    Close {
        who: Index,
    },
    Subscribe {
        who: Index,
        pattern: Index,
        start: Ask,
    },
    Unsubscribe {
        who: Index,
        pattern: Index,
    },
    Publish {
        core: Index,
        topic: Index,
        bytes: u8,
        times: u8,
    },
    History {
        who: Index,
        topic: Index,
        start: Ask,
    },
    Requests {
        from: Index,
        to: Index,
        count: usize,
    },
    Deliveries {
        from: Index,
        to: Index,
        count: usize,
    },
    EndTurn {
        core: Index,
    },
    Gather {
        who: Index,
        pieces_max: usize,
        bytes_max: usize,
    },
    Sweep {
        core: Index,
    },
    CarryAll,
}

#[derive(Clone, Debug)]
enum Ask {
    Live,
    Since { at: Index, shift: i8 },
    SinceEach(Vec<(Index, i8)>),
    Last(u32),
    All,
    Nothing,
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => Just(Ask::Live),
        4 => (any::<Index>(), -2..3i8).prop_map(|(at, shift)| Ask::Since { at, shift }),
        2 => prop::collection::vec((any::<Index>(), -2..2i8), 0..4).prop_map(Ask::SinceEach),
        2 => (0..6u32).prop_map(Ask::Last),
        1 => Just(Ask::All),
        1 => Just(Ask::Nothing),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    prop_oneof![
        3 => (index(), any::<bool>()).prop_map(|(core, raw)| Op::Open { core, raw }),
        1 => index().prop_map(|who| Op::Close { who }),
        10 => (index(), index(), ask()).prop_map(|(who, pattern, start)| Op::Subscribe { who, pattern, start }),
        4 => (index(), index()).prop_map(|(who, pattern)| Op::Unsubscribe { who, pattern }),
        12 => (index(), index(), 0..60u8, 1..6u8)
            .prop_map(|(core, topic, bytes, times)| Op::Publish { core, topic, bytes, times }),
        2 => (index(), index(), ask()).prop_map(|(who, topic, start)| Op::History { who, topic, start }),
        10 => (index(), index(), 1..4usize).prop_map(|(from, to, count)| Op::Requests { from, to, count }),
        10 => (index(), index(), 1..4usize).prop_map(|(from, to, count)| Op::Deliveries { from, to, count }),
        8 => index().prop_map(|core| Op::EndTurn { core }),
        8 => (index(), 1..5usize, 1..400usize)
            .prop_map(|(who, pieces_max, bytes_max)| Op::Gather { who, pieces_max, bytes_max }),
        2 => index().prop_map(|core| Op::Sweep { core }),
        2 => Just(Op::CarryAll),
    ]
}

fn rules(backlog_bytes_max: usize) -> Rules {
    let rule = |messages_max, bytes_max, on_lag| Rule {
        messages_max,
        bytes_max,
        age_max_ms: u64::MAX,
        backlog_bytes_max,
        on_lag,
    };
    let named = |pattern, rule| (Pattern::parse(pattern).unwrap(), rule);
    Rules {
        ordered: vec![
            named("a/1", rule(4, 1000, OnLag::Skip)),
            named("a/*", rule(100, 90, OnLag::Latest)),
            named("b/1", rule(0, 1000, OnLag::Disconnect)),
            named("b/**", rule(3, 1000, OnLag::Skip)),
        ],
        default: rule(100, 10_000, OnLag::Disconnect),
    }
}

fn topic(index: &Index) -> TopicName {
    TopicName::parse(TOPICS[index.index(TOPICS.len())]).unwrap()
}

fn pattern(index: &Index) -> Pattern {
    Pattern::parse(PATTERNS[index.index(PATTERNS.len())]).unwrap()
}

/// A position near one that is known of the topic, or of another.
fn near(
    world: &World,
    topic: Option<&TopicName>,
    at: &Index,
    shift: i8,
) -> Option<(TopicName, Position)> {
    let own: Vec<_> = world
        .known
        .iter()
        .filter(|(other, _)| topic.is_none_or(|topic| other == topic))
        .collect();
    let from = if own.is_empty() {
        world.known.iter().collect()
    } else {
        own
    };
    let (name, position) = (!from.is_empty()).then(|| at.get(&from))?;
    let offset = position.offset.saturating_add_signed(shift.into());
    Some((
        name.clone(),
        Position {
            offset,
            ..*position
        },
    ))
}

fn start(world: &World, pattern: &Pattern, ask: &Ask) -> Start {
    let positions = |topics: &[(Index, i8)]| {
        let mut positions: Vec<_> = topics
            .iter()
            .filter_map(|(at, shift)| near(world, None, at, *shift))
            .collect();
        positions.retain(|(topic, _)| pattern.matches(topic.as_str()));
        positions.sort();
        positions.dedup_by(|a, b| a.0 == b.0);
        positions
    };
    match ask {
        Ask::Live => Start::Live,
        Ask::Since { at, shift } => near(world, pattern.topic().as_ref(), at, *shift)
            .map_or(Start::Live, |(_, position)| Start::Since(position)),
        Ask::SinceEach(topics) => Start::SinceEach(positions(topics)),
        Ask::Last(count) => Start::Last(*count),
        Ask::All => Start::SinceTime(0),
        Ask::Nothing => Start::SinceTime(u64::MAX),
    }
}

fn apply(world: &mut World, op: &Op, serial: &mut u32) {
    let cores = world.brokers.len();
    let core = |index: &Index| index.index(cores);
    match op {
        Op::Open { core: at, raw } => {
            let format = if *raw { Format::RAW } else { Format::JSON };
            world.open(core(at), format);
        }
        Op::Publish {
            core: at,
            topic: index,
            bytes,
            times,
        } => {
            for _ in 0..*times {
                *serial += 1;
                let kind = [Kind::Text, Kind::Binary, Kind::Json][*serial as usize % 3];
                let mut payload = serial.to_be_bytes().to_vec();
                payload.resize(usize::from(*bytes).max(4), b'.');
                let _ = world.publish(core(at), &topic(index), kind, &payload);
            }
        }
        Op::Requests { from, to, count } => {
            world.carry_requests(core(from), core(to), *count);
        }
        Op::Deliveries { from, to, count } => {
            world.carry_deliveries(core(from), core(to), *count);
        }
        Op::EndTurn { core: at } => world.end_turn(core(at)),
        Op::Sweep { core: at } => world.sweep(core(at)),
        Op::CarryAll => world.carry_all(),
        Op::Close { who } | Op::Subscribe { who, .. } | Op::Unsubscribe { who, .. } => {
            apply_to(world, who, op)
        }
        Op::History { who, .. } | Op::Gather { who, .. } => apply_to(world, who, op),
    }
}

/// What one of the guests does. A refusal is as good an answer as any.
fn apply_to(world: &mut World, who: &Index, op: &Op) {
    // The first ones are the publishers.
    let guests: Vec<usize> = (world.brokers.len()..world.people.len())
        .filter(|&who| world.people[who].open)
        .collect();
    if guests.is_empty() {
        return;
    }
    let who = *who.get(&guests);
    match op {
        Op::Close { .. } => world.close(who),
        Op::Subscribe {
            pattern: index,
            start: ask,
            ..
        } => {
            let pattern = pattern(index);
            let start = start(world, &pattern, ask);
            let _ = world.subscribe(who, &pattern, start);
        }
        Op::Unsubscribe { pattern: index, .. } => {
            let _ = world.unsubscribe(who, &pattern(index));
        }
        Op::History {
            topic: index,
            start: ask,
            ..
        } => {
            let topic = topic(index);
            let start = start(world, &Pattern::from(topic.clone()), ask);
            let _ = world.history(who, &topic, start, 5);
        }
        Op::Gather {
            pieces_max,
            bytes_max,
            ..
        } => {
            world.gather(who, *pieces_max, *bytes_max);
        }
        _ => unreachable!("nobody's own"),
    }
}

/// After everybody has left and a few sweeps, what is not kept by a rule is gone.
fn is_empty_after_all(world: &mut World) {
    world.empty();
    for counters in world.counters() {
        assert_eq!(
            (counters.chunks, counters.backlog_bytes),
            (0, 0),
            "chunks after quiet"
        );
        assert_eq!(
            (counters.feeds, counters.members),
            (0, 0),
            "feeds after the last close"
        );
        assert_eq!(
            (counters.patterns, counters.patterns_local),
            (0, 0),
            "interest after the last close"
        );
    }
    world.time_ms = u64::MAX;
    world.empty();
    for counters in world.counters() {
        assert_eq!(
            (counters.topics, counters.log_bytes),
            (0, 0),
            "topics after their age"
        );
    }
}

fn run(cores: usize, backlog_bytes_max: usize, gapless: Formats, limits: Limits, ops: &[Op]) {
    let mut world = World::new(cores, rules(backlog_bytes_max), limits, gapless);
    let mut serial = 0;
    for op in ops {
        apply(&mut world, op, &mut serial);
    }
    world.judge();
    is_empty_after_all(&mut world);
}

proptest! {
    // `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_view_is_what_the_judge_allows(
        cores in 1..=4usize,
        backlog_bytes_max in prop_oneof![Just(300usize), Just(900), Just(100_000)],
        raw_is_gapless: bool,
        chunk_bytes_max in prop_oneof![Just(100usize), Just(64 << 10)],
        ops in prop::collection::vec(op(), 1..150),
    ) {
        let gapless = if raw_is_gapless { Formats::NONE.with(Format::RAW) } else { Formats::NONE };
        let limits = Limits { chunk_bytes_max, replay_messages_max: 1 << 20, replay_bytes_max: 1 << 30, ..Limits::default() };
        run(cores, backlog_bytes_max, gapless, limits, &ops);
    }

    #[test]
    fn every_view_is_right_while_topics_are_given_up(
        cores in 1..=3usize,
        topics_max in 1..4usize,
        backlog_bytes_max in prop_oneof![Just(400usize), Just(2000)],
        ops in prop::collection::vec(op(), 1..150),
    ) {
        let limits = Limits {
            topics_max,
            patterns_max: 2,
            subscriptions_max: 4,
            pattern_subscriptions_max: 2,
            pending_max: 5,
            backlog_bytes_max,
            replay_messages_max: 1 << 20,
            replay_bytes_max: 1 << 30,
            ..Limits::default()
        };
        run(cores, 1000, Formats::NONE, limits, &ops);
    }
}
