//! One promise a test: what is counted, what is bounded, and what a client sees when a bound is met.

use bytes::Bytes;
use proptest::prelude::*;
use ringwire_broker::naive::Seen;
use ringwire_broker::{
    Format, Formats, Kind, Limits, Loss, Notice, OnLag, Outcome, Output, Pattern, Position,
    Publisher, Recovery, Refusal, Rule, Rules, Start, TopicName,
};

use crate::world::{Person, Plain, World};

fn topic(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn keeping(rule: Rule) -> Rules {
    Rules {
        ordered: Vec::new(),
        default: rule,
    }
}

fn world(cores: usize, rule: Rule, limits: Limits) -> World {
    World::new(
        cores,
        keeping(rule),
        limits,
        Formats::NONE.with(Format::RAW),
    )
}

fn publish(world: &mut World, core: usize, text: &str, count: usize) {
    for number in 0..count {
        world
            .publish(
                core,
                &topic(text),
                Kind::Text,
                format!("{number:08}").as_bytes(),
            )
            .unwrap();
    }
}

fn subscribed(world: &mut World, core: usize, format: Format, text: &str, start: Start) -> usize {
    let who = world.open(core, format);
    world.subscribe(who, &pattern(text), start).unwrap();
    who
}

/// How the newest subscription of a client was answered.
fn standing(person: &Person) -> (Position, Recovery, usize) {
    let answers = person
        .view
        .seen
        .iter()
        .rev()
        .find_map(|(_, seen)| match seen {
            Seen::Subscribed {
                outcome: Outcome::Topic(standing),
                replay,
                ..
            } => Some((standing.at, standing.recovery, replay.len())),
            _ => None,
        });
    answers.expect("a subscription to a topic")
}

#[test]
fn each_message_is_encoded_once_for_each_format_in_use() {
    let mut world = world(3, Rule::default(), Limits::default());
    for core in 0..3 {
        for _ in 0..20 {
            subscribed(&mut world, core, Format::JSON, "a/b", Start::Live);
            subscribed(&mut world, core, Format::JSON, "a/*", Start::Live);
        }
    }
    world.carry_all();
    publish(&mut world, 1, "a/b", 50);
    world.judge();
    let encodes = |world: &World| {
        world
            .counters()
            .iter()
            .map(|counters| counters.encodes)
            .sum::<u64>()
    };
    assert_eq!(encodes(&world), 50);
    subscribed(&mut world, 2, Format::RAW, "**", Start::Live);
    world.carry_all();
    publish(&mut world, 0, "a/b", 10);
    world.judge();
    assert_eq!(encodes(&world), 50 + 2 * 10);
}

#[test]
fn those_who_are_up_to_date_are_given_the_same_memory() {
    let mut world = world(2, Rule::default(), Limits::default());
    for core in [0, 0, 1, 1] {
        subscribed(&mut world, core, Format::JSON, "a", Start::Live);
    }
    world.carry_all();
    publish(&mut world, 0, "a", 10);
    world.carry_all();
    let gather = |world: &mut World, who: usize| {
        let (core, client) = (world.people[who].core, world.people[who].client);
        let mut pieces: Vec<Bytes> = Vec::new();
        assert!(!world.brokers[core].gather(client, &mut pieces, 8, 1 << 20));
        assert_eq!(pieces.len(), 1, "ten messages of one turn are one piece");
        pieces.remove(0)
    };
    let first = world.people.len() - 4;
    let pieces: Vec<Bytes> = (first..first + 4)
        .map(|who| gather(&mut world, who))
        .collect();
    assert!(
        pieces
            .iter()
            .all(|piece| piece.as_ptr() == pieces[0].as_ptr())
    );
    assert!(world.counters().iter().all(|counters| counters.chunks == 0));
}

#[test]
fn a_publish_that_nobody_hears_and_nothing_keeps_leaves_no_trace() {
    let mut world = world(
        1,
        Rule {
            messages_max: 0,
            ..Rule::default()
        },
        Limits::default(),
    );
    for number in 0..1000 {
        publish(&mut world, 0, &format!("a/{number}"), 1);
    }
    world.end_turn(0);
    let counters = world.counters()[0];
    assert_eq!(
        (
            counters.publications,
            counters.topics,
            counters.encodes,
            counters.log_bytes
        ),
        (1000, 0, 0, 0)
    );
}

#[test]
fn many_births_and_deaths_leave_nothing() {
    let mut world = world(
        2,
        Rule {
            age_max_ms: 10,
            ..Rule::default()
        },
        Limits::default(),
    );
    for round in 0..30 {
        for number in 0..200 {
            let name = format!("a/{round}/{number}");
            let who = subscribed(&mut world, number % 2, Format::JSON, &name, Start::Live);
            let also = subscribed(
                &mut world,
                1,
                Format::RAW,
                &format!("a/{round}/*/x{number}"),
                Start::Live,
            );
            world.carry_all();
            publish(&mut world, 1, &name, 1);
            world.close(who);
            world.close(also);
        }
        world.settle();
        world.time_ms += 11;
        world.sweep_all();
        for counters in world.counters() {
            let left = (
                counters.topics,
                counters.log_bytes,
                counters.feeds,
                counters.patterns,
                counters.patterns_local,
            );
            assert_eq!(left, (0, 0, 0, 0, 0), "round {round}");
        }
    }
}

#[test]
fn a_slow_subscriber_is_disconnected_at_its_bound_and_nobody_else_notices() {
    let rule = Rule {
        backlog_bytes_max: 2000,
        ..Rule::default()
    };
    let mut world = world(1, rule, Limits::default());
    let quick = subscribed(&mut world, 0, Format::JSON, "a", Start::Live);
    let slow = subscribed(&mut world, 0, Format::JSON, "a", Start::Live);
    for _ in 0..100 {
        publish(&mut world, 0, "a", 1);
        world.end_turn(0);
        assert!(world.counters()[0].backlog_bytes <= 2000);
        world.gather(quick, 8, 1 << 20);
    }
    assert!(world.people[slow].lagged && !world.people[quick].lagged);
    assert_eq!(world.people[quick].messages().count(), 100);
    assert_eq!(
        (world.counters()[0].lagged, world.counters()[0].members),
        (1, 1)
    );
    world.judge();
}

#[test]
fn those_who_skip_are_told_of_one_gap_however_often_they_lagged() {
    for (on_lag, format) in [
        (OnLag::Skip, Format::JSON),
        (OnLag::Latest, Format::JSON),
        (OnLag::Latest, Format::RAW),
    ] {
        let mut world = world(
            1,
            Rule {
                backlog_bytes_max: 2000,
                on_lag,
                ..Rule::default()
            },
            Limits::default(),
        );
        let who = subscribed(&mut world, 0, format, "a", Start::Live);
        while world.counters()[0].lagged < 3 {
            publish(&mut world, 0, "a", 1);
            world.end_turn(0);
        }
        world.judge();
        let person = &world.people[who];
        let gaps = person
            .view
            .seen
            .iter()
            .filter(|(_, seen)| matches!(seen, Seen::Gap { .. }))
            .count();
        assert_eq!((gaps, person.lagged), (1, false));
        assert_eq!(
            person.messages().last().unwrap().at,
            world.known.last().unwrap().1
        );
        assert_eq!(person.messages().count() == 1, on_lag == OnLag::Latest);
    }
}

#[test]
fn a_format_without_gaps_is_disconnected_where_others_skip() {
    let mut world = world(
        1,
        Rule {
            backlog_bytes_max: 500,
            on_lag: OnLag::Skip,
            ..Rule::default()
        },
        Limits::default(),
    );
    let raw = subscribed(&mut world, 0, Format::RAW, "a", Start::Live);
    let json = subscribed(&mut world, 0, Format::JSON, "a", Start::Live);
    for _ in 0..10 {
        publish(&mut world, 0, "a", 1);
        world.end_turn(0);
    }
    assert!(world.people[raw].lagged && !world.people[json].lagged);
    world.judge();
}

#[test]
fn all_backlogs_together_are_bounded_and_the_oldest_goes_first() {
    let limits = Limits {
        backlog_bytes_max: 3000,
        ..Limits::default()
    };
    let mut world = world(
        1,
        Rule {
            on_lag: OnLag::Skip,
            ..Rule::default()
        },
        limits,
    );
    let who = world.open(0, Format::JSON);
    for number in 0..50 {
        let name = format!("a/{number}");
        world.subscribe(who, &pattern(&name), Start::Live).unwrap();
        publish(&mut world, 0, &name, 1);
        world.end_turn(0);
        assert!(world.counters()[0].backlog_bytes <= 3000);
    }
    world.judge();
    let person = &world.people[who];
    let came: Vec<_> = person
        .messages()
        .map(|message| message.topic.to_string())
        .collect();
    assert!(
        came.len() > 10 && came.contains(&"a/49".to_owned()) && !came.contains(&"a/0".to_owned())
    );
}

#[test]
fn a_message_larger_than_the_backlog_still_reaches_those_who_keep_up() {
    let mut world = world(
        1,
        Rule {
            backlog_bytes_max: 10,
            ..Rule::default()
        },
        Limits::default(),
    );
    let who = subscribed(&mut world, 0, Format::JSON, "a", Start::Live);
    for _ in 0..3 {
        world
            .publish(0, &topic("a"), Kind::Binary, &[7; 200])
            .unwrap();
        world.end_turn(0);
        world.gather(who, 1, 1);
    }
    assert_eq!(world.people[who].messages().count(), 3);
    world.judge();
}

#[test]
fn a_busy_topic_does_not_keep_the_others_waiting() {
    let mut world = world(1, Rule::default(), Limits::default());
    let who = world.open(0, Format::JSON);
    for name in ["busy", "quiet"] {
        world.subscribe(who, &pattern(name), Start::Live).unwrap();
    }
    for _ in 0..10 {
        publish(&mut world, 0, "busy", 1);
        world.end_turn(0);
    }
    publish(&mut world, 0, "quiet", 1);
    world.end_turn(0);
    world.gather(who, 2, 1 << 20);
    let topics: Vec<_> = world.people[who]
        .messages()
        .map(|message| message.topic.to_string())
        .collect();
    assert_eq!(topics, ["busy", "quiet"]);
    world.judge();
}

proptest! {
    #[test]
    fn every_position_recovers_exactly_or_says_why_not(
        published in 0..30usize,
        messages_max in 0..30u32,
        replay_messages_max in 0..30usize,
        replay_bytes_max in 0..200usize,
    ) {
        let limits = Limits { replay_messages_max, replay_bytes_max, ..Limits::default() };
        let mut world = world(2, Rule { messages_max, ..Rule::default() }, limits);
        subscribed(&mut world, 0, Format::JSON, "a", Start::Live);
        world.carry_all();
        publish(&mut world, 1, "a", published);
        world.carry_all();
        if let Some((_, last)) = world.known.last().cloned() {
            for offset in 0..=last.offset + 1 {
                subscribed(&mut world, 0, Format::JSON, "a", Start::Since(Position { offset, ..last }));
                subscribed(&mut world, 1, Format::RAW, "a", Start::Since(Position { offset, ..last }));
                subscribed(&mut world, 1, Format::JSON, "a", Start::Last(offset as u32));
            }
            publish(&mut world, 0, "a", 2);
        }
        world.judge();
    }
}

#[test]
fn what_is_too_old_is_not_replayed() {
    let mut world = world(
        1,
        Rule {
            age_max_ms: 1000,
            ..Rule::default()
        },
        Limits::default(),
    );
    subscribed(&mut world, 0, Format::JSON, "a", Start::Live);
    publish(&mut world, 0, "a", 2);
    world.time_ms += 600;
    publish(&mut world, 0, "a", 1);
    world.time_ms += 400;
    let last = world.known.last().unwrap().1;
    let resume = |world: &mut World, offset| {
        let who = subscribed(
            world,
            0,
            Format::JSON,
            "a",
            Start::Since(Position { offset, ..last }),
        );
        standing(&world.people[who])
    };
    assert_eq!(resume(&mut world, 2), (last, Recovery::Recovered, 1));
    assert_eq!(
        resume(&mut world, 1),
        (last, Recovery::Lost(Loss::Retention), 0)
    );
    let who = subscribed(&mut world, 0, Format::JSON, "a", Start::SinceTime(0));
    assert_eq!(standing(&world.people[who]), (last, Recovery::NotAsked, 1));
}

#[test]
fn topics_are_given_up_least_recently_used_first_and_their_next_life_is_told_apart() {
    let mut world = world(
        1,
        Rule::default(),
        Limits {
            topics_max: 3,
            ..Limits::default()
        },
    );
    subscribed(&mut world, 0, Format::JSON, "wanted", Start::Live);
    publish(&mut world, 0, "wanted", 1);
    publish(&mut world, 0, "old", 1);
    publish(&mut world, 0, "new", 1);
    let at = |world: &World, name: &str| {
        world
            .known
            .iter()
            .rev()
            .find(|(topic, _)| topic.as_str() == name)
            .unwrap()
            .1
    };
    let (wanted, old, new) = (at(&world, "wanted"), at(&world, "old"), at(&world, "new"));
    publish(&mut world, 0, "newest", 1);
    let who = subscribed(&mut world, 0, Format::JSON, "new", Start::Since(new));
    assert_eq!(standing(&world.people[who]), (new, Recovery::Recovered, 0));
    let who = subscribed(&mut world, 0, Format::JSON, "old", Start::Since(old));
    let (reborn, recovery, _) = standing(&world.people[who]);
    assert_eq!(
        (recovery, reborn.offset, reborn.epoch == old.epoch),
        (Recovery::Lost(Loss::Epoch), 0, false)
    );
    let who = subscribed(&mut world, 0, Format::JSON, "wanted", Start::Since(wanted));
    assert_eq!(
        standing(&world.people[who]),
        (wanted, Recovery::Recovered, 0)
    );
    let who = world.open(0, Format::JSON);
    assert_eq!(world.subscribe(who, &pattern("more"), Start::Live), Ok(()));
    world.judge();
    assert_eq!(
        world.refused,
        [Refusal::Topics],
        "all three are wanted by name"
    );
}

#[test]
fn all_logs_together_are_bounded_and_wanted_topics_keep_their_epoch() {
    let mut world = world(
        1,
        Rule::default(),
        Limits {
            log_bytes_max: 10_000,
            ..Limits::default()
        },
    );
    subscribed(&mut world, 0, Format::JSON, "wanted", Start::Live);
    publish(&mut world, 0, "wanted", 10);
    let first = world.known[0].1;
    for number in 0..100 {
        publish(&mut world, 0, &format!("a/{number}"), 10);
        world.end_turn(0);
        assert!(world.counters()[0].log_bytes <= 10_000);
    }
    let who = subscribed(&mut world, 0, Format::JSON, "wanted", Start::Since(first));
    assert_eq!(
        standing(&world.people[who]).1,
        Recovery::Recovered,
        "topics that nobody wants go first"
    );
    for number in 0..100 {
        let name = format!("b/{number}");
        subscribed(&mut world, 0, Format::JSON, &name, Start::Live);
        publish(&mut world, 0, &name, 10);
        world.end_turn(0);
        assert!(world.counters()[0].log_bytes <= 10_000);
    }
    let who = subscribed(&mut world, 0, Format::JSON, "wanted", Start::Since(first));
    let (at, recovery, _) = standing(&world.people[who]);
    assert_eq!(
        (at.epoch, recovery),
        (first.epoch, Recovery::Lost(Loss::Retention))
    );
}

#[test]
fn history_pages_forward_and_says_where_it_begins_and_ends() {
    let mut world = world(
        2,
        Rule {
            messages_max: 8,
            ..Rule::default()
        },
        Limits::default(),
    );
    publish(&mut world, 0, "a", 10);
    world.settle();
    let last = world.known.last().unwrap().1;
    let at = |offset| Position { offset, ..last };
    let who = world.open(1, Format::JSON);
    let mut ask = |start, messages_max| {
        world
            .history(who, &topic("a"), start, messages_max)
            .unwrap();
        world.settle();
        let history = world.people[who].histories.pop().unwrap();
        assert_eq!((history.first, history.last), (at(3), at(10)));
        assert!(
            history
                .messages
                .iter()
                .all(|message| message.payload == format!("{:08}", message.at.offset - 1))
        );
        let offsets: Vec<_> = history
            .messages
            .iter()
            .map(|message| message.at.offset)
            .collect();
        (offsets, history.recovery)
    };
    assert_eq!(
        ask(Start::Last(3), 100),
        (vec![8, 9, 10], Recovery::NotAsked)
    );
    assert_eq!(ask(Start::Last(3), 2), (vec![9, 10], Recovery::NotAsked));
    assert_eq!(
        ask(Start::Since(at(4)), 2),
        (vec![5, 6], Recovery::Recovered)
    );
    assert_eq!(
        ask(Start::Since(at(6)), 100),
        (vec![7, 8, 9, 10], Recovery::Recovered)
    );
    assert_eq!(
        ask(Start::Since(at(10)), 100),
        (vec![], Recovery::Recovered)
    );
    assert_eq!(
        ask(Start::Since(at(1)), 2),
        (vec![3, 4], Recovery::Lost(Loss::Retention))
    );
    assert_eq!(
        ask(Start::Since(at(11)), 2),
        (vec![], Recovery::Lost(Loss::Ahead))
    );
    assert_eq!(ask(Start::SinceTime(0), 1), (vec![3], Recovery::NotAsked));
    let who = world.open(0, Format::JSON);
    world
        .history(who, &topic("never"), Start::Since(at(1)), 10)
        .unwrap();
    world.settle();
    let history = world.people[who].histories.pop().unwrap();
    assert_eq!(
        (
            history.first.offset,
            history.last.offset,
            history.messages.len()
        ),
        (1, 0, 0)
    );
    assert_eq!(history.recovery, Recovery::Lost(Loss::Epoch));
    assert_eq!(
        world.history(who, &topic("a"), Start::Live, 10),
        Err(Refusal::Start)
    );
}

#[test]
fn wildcards_do_not_reach_the_brokers_own_topics() {
    let mut world = world(1, Rule::default(), Limits::default());
    let all = subscribed(&mut world, 0, Format::JSON, "**", Start::Live);
    let named = subscribed(&mut world, 0, Format::JSON, "$SYS/**", Start::Live);
    let own = TopicName::reserved("$SYS/uptime").unwrap();
    world.brokers[0]
        .publish(&mut Plain, Publisher::Nobody, &own, Kind::Text, b"1", 0)
        .unwrap();
    world.end_turn(0);
    let mut gathered = |who: usize| {
        let mut pieces = Vec::new();
        world.brokers[0].gather(world.people[who].client, &mut pieces, 8, 1000);
        pieces.len()
    };
    assert_eq!((gathered(all), gathered(named)), (0, 1));
}

#[test]
fn each_limit_of_a_client_is_a_refusal_of_its_own() {
    let limits = Limits {
        subscriptions_max: 3,
        pattern_subscriptions_max: 1,
        payload_bytes_max: 10,
        ..Limits::default()
    };
    let mut world = world(1, Rule::default(), limits);
    let who = world.open(0, Format::JSON);
    let mut ask = |text: &str, start| world.subscribe(who, &pattern(text), start);
    assert_eq!(ask("a", Start::Live), Ok(()));
    assert_eq!(ask("x/*", Start::Live), Ok(()));
    assert_eq!(ask("y/*", Start::Live), Err(Refusal::PatternSubscriptions));
    assert_eq!(ask("b", Start::Live), Ok(()));
    assert_eq!(ask("c", Start::Live), Err(Refusal::Subscriptions));
    assert_eq!(
        ask("a", Start::Live),
        Ok(()),
        "what it has may be asked for again"
    );
    assert_eq!(ask("a", Start::SinceEach(Vec::new())), Err(Refusal::Start));
    let position = Position {
        epoch: "1".parse().unwrap(),
        offset: 1,
    };
    assert_eq!(ask("x/*", Start::Since(position)), Err(Refusal::Start));
    assert_eq!(
        ask("x/*", Start::SinceEach(vec![(topic("y/1"), position)])),
        Err(Refusal::Start)
    );
    assert_eq!(
        world.publish(0, &topic("a"), Kind::Binary, &[0; 11]),
        Err(Refusal::Payload)
    );
    let client = world.people[who].client;
    let again = world.brokers[0].subscribe(
        &mut Plain,
        client,
        None,
        &pattern("a"),
        Format::RAW,
        Start::Live,
        0,
    );
    assert_eq!(again, Err(Refusal::Format));
    world.close(who);
    assert_eq!(
        world.subscribe(who, &pattern("a"), Start::Live),
        Err(Refusal::Closed)
    );
}

#[test]
fn an_unconfirmed_publisher_hears_only_of_refusals_even_from_another_core() {
    let mut world = world(
        2,
        Rule::default(),
        Limits {
            topics_max: 1,
            ..Limits::default()
        },
    );
    let (mut near, mut far) = (0..100)
        .map(|n| format!("t{n}"))
        .partition::<Vec<_>, _>(|name| world.home_of(name) == 0);
    let (_, taken, refused) = (near.pop(), far.pop().unwrap(), far.pop().unwrap());
    subscribed(&mut world, 1, Format::JSON, &taken, Start::Live);
    world.carry_all();
    let who = world.open(0, Format::RAW);
    let client = world.people[who].client;
    for name in [&taken, &refused] {
        let publisher = Publisher::Unconfirmed(client);
        world.brokers[0]
            .publish(&mut Plain, publisher, &topic(name), Kind::Text, b"x", 0)
            .unwrap();
    }
    let mut notices = Vec::new();
    let requests: Vec<_> = std::iter::from_fn(|| world.brokers[0].next_output()).collect();
    for output in requests {
        let Output::Request { to: 1, request } = output else {
            panic!("{output:?}")
        };
        world.brokers[1].take_request(&mut Plain, 0, request, 0);
        while let Some(output) = world.brokers[1].next_output() {
            let Output::Delivery { to: 0, delivery } = output else {
                continue;
            };
            world.brokers[0].take_delivery(1, delivery);
            notices.extend(std::iter::from_fn(|| world.brokers[0].next_output()));
        }
    }
    let [
        Output::Notice {
            client: told,
            notice:
                Notice::Refused {
                    echo: None,
                    refusal: Refusal::Topics,
                },
        },
    ] = &notices[..]
    else {
        panic!("{notices:?}")
    };
    assert_eq!(*told, client);
}
