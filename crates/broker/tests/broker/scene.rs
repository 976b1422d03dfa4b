//! What the tests have in common: worlds with one rule, and the steps of a story.

use ringwire_broker::naive::Seen;
use ringwire_broker::{
    Format, Formats, Kind, Limits, Outcome, Pattern, Position, Recovery, Rule, Rules, Start,
    TopicName,
};

use crate::world::{Person, World};

pub(crate) fn topic(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

pub(crate) fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

pub(crate) fn keeping(rule: Rule) -> Rules {
    Rules {
        ordered: Vec::new(),
        default: rule,
    }
}

pub(crate) fn world(cores: usize, rule: Rule, limits: Limits) -> World {
    World::new(
        cores,
        keeping(rule),
        limits,
        Formats::NONE.with(Format::RAW),
    )
}

pub(crate) fn publish(world: &mut World, core: usize, text: &str, count: usize) {
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

pub(crate) fn subscribed(
    world: &mut World,
    core: usize,
    format: Format,
    text: &str,
    start: Start,
) -> usize {
    let who = world.open(core, format);
    world.subscribe(who, &pattern(text), start).unwrap();
    who
}

/// How the newest subscription of a client was answered.
pub(crate) fn standing(person: &Person) -> (Position, Recovery, usize) {
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
