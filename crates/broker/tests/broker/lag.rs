//! Slow subscribers: what waits is bounded, those who lag are told exactly, and nobody else notices.

use ringwire_broker::naive::Seen;
use ringwire_broker::{Format, Kind, Limits, OnLag, Rule, Start};

use crate::scene::*;

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
