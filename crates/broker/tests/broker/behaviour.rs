//! What is counted, what leaves no trace, and what is refused.

use bytes::Bytes;
use ringwire_broker::{
    Format, Kind, Limits, Notice, Output, Position, Publisher, Refusal, Rule, Start, TopicName,
};

use crate::scene::*;
use crate::world::{Plain, World};

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
    let twice = vec![(topic("x/1"), position), (topic("x/1"), position)];
    assert_eq!(ask("x/*", Start::SinceEach(twice)), Err(Refusal::Start));
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
            notice: Notice::Unpublished {
                refusal: Refusal::Topics,
            },
        },
    ] = &notices[..]
    else {
        panic!("{notices:?}")
    };
    assert_eq!(*told, client);
}
