//! The judge itself: a right view passes, and each way of being wrong is found.

use ringwire_broker::naive::{Message, Naive, Seen, View};
use ringwire_broker::{
    Epoch, Kind, Limits, Loss, OnLag, Outcome, Pattern, Position, Recovery, Rule, Rules, Standing,
    Start, TopicName,
};

fn at(offset: u64) -> Position {
    Position {
        epoch: "k3v9".parse::<Epoch>().unwrap(),
        offset,
    }
}

fn message(offset: u64) -> Message {
    let topic = TopicName::parse("a").unwrap();
    Message {
        topic,
        at: at(offset),
        kind: Kind::Text,
        payload: offset.to_string().into_bytes(),
    }
}

fn subscribed(start: Start, offset: u64, recovery: Recovery, replay: &[u64]) -> Seen {
    let topic = TopicName::parse("a").unwrap();
    let pattern = Pattern::from(topic.clone());
    let outcome = Outcome::Topic(Standing {
        topic,
        at: at(offset),
        recovery,
    });
    Seen::Subscribed {
        pattern,
        start,
        outcome,
        replay: replay.iter().map(|&offset| message(offset)).collect(),
    }
}

/// Ten publications, one at each step from 101 on, of which the rule keeps five.
fn naive(on_lag: OnLag) -> Naive {
    let rules = Rules {
        ordered: Vec::new(),
        default: Rule {
            messages_max: 5,
            on_lag,
            ..Rule::default()
        },
    };
    let mut naive = Naive::new(rules, Limits::default());
    for offset in 1..=10 {
        naive
            .published(message(offset), 100 + offset, 100 + offset)
            .unwrap();
    }
    naive
}

fn judge(naive: &Naive, seen: Vec<Seen>) -> Result<(), String> {
    let asked = Seen::Asked(Pattern::parse("a").unwrap());
    let seen = std::iter::once(asked)
        .chain(seen)
        .zip(1..)
        .map(|(seen, step)| (step, seen))
        .collect();
    naive.judge(&View {
        seen,
        complete: true,
    })
}

fn live(offsets: impl IntoIterator<Item = u64>) -> Vec<Seen> {
    let messages = offsets
        .into_iter()
        .map(|offset| Seen::Message(message(offset)));
    std::iter::once(subscribed(Start::Live, 0, Recovery::NotAsked, &[]))
        .chain(messages)
        .collect()
}

#[test]
fn right_views_pass() {
    let naive = naive(OnLag::Skip);
    assert_eq!(naive.judge_topics(), Ok(()));
    assert_eq!(judge(&naive, live(1..=10)), Ok(()));
    let gap = Seen::Gap {
        topic: message(1).topic,
        after: at(3),
        until: at(8),
    };
    let mut skipping = live(1..=3);
    skipping.push(gap);
    skipping.extend([9, 10].map(|offset| Seen::Message(message(offset))));
    assert_eq!(judge(&naive, skipping), Ok(()));
    let resumed = subscribed(Start::Since(at(7)), 10, Recovery::Recovered, &[8, 9, 10]);
    assert_eq!(judge(&naive, vec![resumed]), Ok(()));
    let lost = subscribed(
        Start::Since(at(4)),
        10,
        Recovery::Lost(Loss::Retention),
        &[],
    );
    assert_eq!(judge(&naive, vec![lost]), Ok(()));
}

#[test]
fn a_hole_a_repetition_a_swap_and_a_missing_end_are_found() {
    let naive = naive(OnLag::Skip);
    for wrong in [
        vec![1, 2, 4],
        vec![2, 3],
        vec![1, 2, 2, 3],
        vec![2, 1],
        (1..=9).collect(),
    ] {
        assert!(judge(&naive, live(wrong.clone())).is_err(), "{wrong:?}");
    }
}

#[test]
fn another_payload_or_kind_is_found() {
    let naive = naive(OnLag::Skip);
    for (kind, payload) in [(Kind::Text, "x"), (Kind::Json, "1")] {
        let mut seen = live([]);
        seen.push(Seen::Message(Message {
            kind,
            payload: payload.into(),
            ..message(1)
        }));
        assert!(
            judge(&naive, seen)
                .unwrap_err()
                .contains("not as published")
        );
    }
}

#[test]
fn messages_without_a_subscription_are_found() {
    let naive = naive(OnLag::Skip);
    assert!(judge(&naive, vec![Seen::Message(message(1))]).is_err());
    let mut seen = live(1..=10);
    seen.insert(5, Seen::Unsubscribed(Pattern::parse("a").unwrap()));
    assert!(judge(&naive, seen).is_err());
}

#[test]
fn recoveries_that_claim_too_much_or_too_little_are_found() {
    let naive = naive(OnLag::Skip);
    let wrong = [
        subscribed(Start::Since(at(7)), 10, Recovery::Recovered, &[8, 10]),
        subscribed(Start::Since(at(7)), 10, Recovery::Recovered, &[]),
        subscribed(
            Start::Since(at(4)),
            10,
            Recovery::Recovered,
            &[6, 7, 8, 9, 10],
        ),
        subscribed(
            Start::Since(at(7)),
            10,
            Recovery::Lost(Loss::Retention),
            &[],
        ),
        subscribed(Start::Since(at(11)), 10, Recovery::Recovered, &[]),
        subscribed(Start::Since(at(7)), 10, Recovery::Lost(Loss::Live), &[]),
        subscribed(Start::Live, 10, Recovery::Recovered, &[]),
        subscribed(Start::Last(2), 10, Recovery::NotAsked, &[8, 9, 10]),
    ];
    for seen in wrong {
        assert!(judge(&naive, vec![seen.clone()]).is_err(), "{seen:?}");
    }
}

#[test]
fn gaps_at_the_wrong_place_or_against_the_rule_are_found() {
    let gap = |after, until| Seen::Gap {
        topic: message(1).topic,
        after: at(after),
        until: at(until),
    };
    let view = |gap: Seen| {
        let mut seen = live(1..=3);
        seen.push(gap);
        seen.extend([9, 10].map(|offset| Seen::Message(message(offset))));
        seen
    };
    assert!(judge(&naive(OnLag::Disconnect), view(gap(3, 8))).is_err());
    for (after, until) in [(2, 8), (4, 8), (3, 7), (3, 9), (3, 3)] {
        assert!(
            judge(&naive(OnLag::Skip), view(gap(after, until))).is_err(),
            "{after} {until}"
        );
    }
}

#[test]
fn a_topic_that_lost_or_repeated_an_offset_is_found() {
    let mut naive = naive(OnLag::Skip);
    assert!(naive.published(message(10), 1, 1).is_err());
    naive.published(message(12), 1, 1).unwrap();
    assert!(naive.judge_topics().is_err());
}
