//! History and recovery: exactly what is kept, and a reason where it is not.

use proptest::prelude::*;
use ringwire_broker::{
    Format, Kind, Limits, Loss, Notice, Outcome, Output, Position, Recovery, Refusal, Rule, Start,
    naive::Seen,
};

use crate::scene::*;
use crate::world::{Plain, World, decode};

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
    let none = Vec::new();
    let cases = [
        (Start::Last(3), 100, vec![8, 9, 10], Recovery::NotAsked),
        (Start::Last(3), 2, vec![9, 10], Recovery::NotAsked),
        (Start::Since(at(4)), 2, vec![5, 6], Recovery::Recovered),
        (
            Start::Since(at(6)),
            100,
            vec![7, 8, 9, 10],
            Recovery::Recovered,
        ),
        (Start::Since(at(10)), 100, none.clone(), Recovery::Recovered),
        (
            Start::Since(at(1)),
            2,
            vec![3, 4],
            Recovery::Lost(Loss::Retention),
        ),
        (Start::Since(at(11)), 2, none, Recovery::Lost(Loss::Ahead)),
        (Start::SinceTime(0), 1, vec![3], Recovery::NotAsked),
    ];
    for (start, messages_max, offsets, recovery) in cases {
        assert_eq!(
            ask(start.clone(), messages_max),
            (offsets, recovery),
            "{start:?}"
        );
    }
}

#[test]
fn a_topic_that_never_was_has_an_empty_history_in_an_epoch_of_its_own() {
    let mut world = world(2, Rule::default(), Limits::default());
    let position = Position {
        epoch: "1".parse().unwrap(),
        offset: 1,
    };
    let who = world.open(0, Format::JSON);
    world
        .history(who, &topic("never"), Start::Since(position), 10)
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
fn those_who_come_back_together_share_one_replay() {
    let mut world = world(1, Rule::default(), Limits::default());
    publish(&mut world, 0, "a", 60);
    world.end_turn(0);
    let last = world.known.last().unwrap().1;
    for offset in [0, 10, 59, 60, 0] {
        let start = Start::Since(Position { offset, ..last });
        let who = subscribed(&mut world, 0, Format::JSON, "a", start);
        assert_eq!(
            standing(&world.people[who]),
            (last, Recovery::Recovered, 60 - offset as usize)
        );
    }
    assert_eq!(world.counters()[0].replay_encodes, 60);
    subscribed(&mut world, 0, Format::RAW, "a", Start::Last(5));
    assert_eq!(world.counters()[0].replay_encodes, 65);
    publish(&mut world, 0, "a", 1);
    subscribed(&mut world, 0, Format::JSON, "a", Start::Last(5));
    assert_eq!(world.counters()[0].replay_encodes, 70);
    world.judge();
}

#[test]
fn a_pattern_brings_no_more_from_all_cores_than_from_one() {
    let limits = Limits {
        replay_messages_max: 5,
        ..Limits::default()
    };
    let mut world = world(2, Rule::default(), limits);
    let topics = [0, 1].map(|core| {
        let mut names = (0..).map(|number| format!("a/{number}"));
        names.find(|name| world.home_of(name) == core).unwrap()
    });
    for name in &topics {
        subscribed(&mut world, 0, Format::JSON, name, Start::Live);
        publish(&mut world, 0, name, 4);
    }
    world.settle();
    let mut begins = world.known.to_vec();
    begins.retain(|(_, at)| at.offset == 1);
    assert_eq!(begins.len(), 2);
    let mut brought = |start| {
        let who = subscribed(&mut world, 0, Format::JSON, "a/*", start);
        world.settle();
        let seen = world.people[who].view.seen.iter();
        let answer = seen.rev().find_map(|(_, seen)| match seen {
            Seen::Subscribed {
                outcome: Outcome::Pattern(standings),
                replay,
                ..
            } => Some((standings.clone(), replay.len())),
            _ => None,
        });
        let (standings, messages) = answer.unwrap();
        let mut recoveries: Vec<_> = standings.iter().map(|each| each.recovery).collect();
        recoveries.sort_by_key(|recovery| *recovery != Recovery::Recovered);
        (recoveries, messages)
    };
    assert_eq!(
        brought(Start::SinceEach(begins)),
        (vec![Recovery::Recovered, Recovery::Lost(Loss::Limit)], 3)
    );
    assert_eq!(brought(Start::Last(2)), (vec![Recovery::NotAsked; 2], 4));
    assert_eq!(brought(Start::Last(4)), (vec![Recovery::NotAsked], 4));
}

#[test]
fn an_answer_to_a_history_query_is_bounded_in_bytes_but_brings_one_message() {
    let limits = Limits {
        history_bytes_max: 20,
        ..Limits::default()
    };
    let mut world = world(2, Rule::default(), limits);
    for payload in [&[b'x'; 8][..], &[b'y'; 12], &[b'z'; 21], b"w"] {
        world.publish(0, &topic("a"), Kind::Text, payload).unwrap();
    }
    world.settle();
    let last = world.known.last().unwrap().1;
    let who = world.open(1, Format::JSON);
    let mut page = |start| {
        world.history(who, &topic("a"), start, 1000).unwrap();
        world.settle();
        let history = world.people[who].histories.pop().unwrap();
        let messages = history.messages.iter();
        messages.map(|message| message.at).collect::<Vec<_>>()
    };
    let at = |offset| Position { offset, ..last };
    // As a client goes on: after the last message, until that is the newest.
    let mut pages = vec![page(Start::Since(at(0)))];
    while *pages.last().unwrap().last().unwrap() != last {
        let after = *pages.last().unwrap().last().unwrap();
        pages.push(page(Start::Since(after)));
    }
    assert_eq!(pages, [vec![at(1), at(2)], vec![at(3)], vec![at(4)]]);
    assert_eq!(page(Start::Last(4)), [at(4)]);
    assert_eq!(page(Start::SinceTime(0)), [at(1), at(2)]);
}

#[test]
fn a_long_replay_comes_in_pieces_that_cut_no_message() {
    let mut world = world(
        1,
        Rule {
            bytes_max: 1 << 20,
            messages_max: 10_000,
            ..Rule::default()
        },
        Limits {
            replay_messages_max: 10_000,
            ..Limits::default()
        },
    );
    for _ in 0..2000 {
        world
            .publish(0, &topic("a"), Kind::Binary, &[7; 200])
            .unwrap();
    }
    let client = world.people[0].client;
    let broker = &mut world.brokers[0];
    broker
        .subscribe(
            &mut Plain,
            client,
            None,
            &pattern("a"),
            Format::JSON,
            Start::Last(2000),
            0,
        )
        .unwrap();
    let Some(Output::Notice {
        notice: Notice::Subscribed { replay, .. },
        ..
    }) = broker.next_output()
    else {
        panic!("an answer")
    };
    assert!(replay.len() > 4 && replay.iter().all(|piece| piece.len() < 70_000));
    assert_eq!(
        replay
            .iter()
            .map(|piece| decode(Format::JSON, piece).len())
            .sum::<usize>(),
        2000
    );
}

#[test]
fn a_second_answer_has_the_clients_own_position_whatever_was_swept_or_reborn_between() {
    // The topic's home has answered, the other core has not; meanwhile the client gathers, and its idle feed is swept.
    let mut swept = world(2, Rule::default(), Limits::default());
    let core = swept.home_of("a/1");
    let who = subscribed(&mut swept, core, Format::JSON, "a/*", Start::Live);
    swept.carry_all();
    publish(&mut swept, core, "a/1", 1);
    swept.end_turn(core);
    let first = (
        topic("a/1"),
        Position {
            offset: 0,
            ..swept.known[0].1
        },
    );
    swept
        .subscribe(who, &pattern("a/*"), Start::SinceEach(vec![first]))
        .unwrap();
    swept.gather(who, 1, 1);
    for _ in 0..5 {
        swept.sweep(core);
    }
    swept.judge();

    // A slow subscriber keeps the feed of a topic's first life, while the topic begins a second one.
    let mut reborn = world(
        1,
        Rule {
            messages_max: 0,
            ..Rule::default()
        },
        Limits {
            topics_max: 1,
            ..Limits::default()
        },
    );
    subscribed(&mut reborn, 0, Format::JSON, "**", Start::Live);
    publish(&mut reborn, 0, "a/1", 4);
    reborn.end_turn(0);
    publish(&mut reborn, 0, "b", 1);
    let old = vec![(topic("a/1"), reborn.known[0].1)];
    let who = subscribed(
        &mut reborn,
        0,
        Format::JSON,
        "a/*",
        Start::SinceEach(old.clone()),
    );
    reborn
        .subscribe(who, &pattern("a/**"), Start::SinceEach(old))
        .unwrap();
    reborn.judge();
}
