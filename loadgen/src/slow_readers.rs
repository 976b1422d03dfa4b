//! Which subscribers read slowly, or not at all.
//!
//! They are dealt out evenly over the topics and over the generator's threads, and stand between the healthy ones in the
//! order of connecting: a server that goes through its subscribers in that order meets them in turn.

use std::collections::BTreeMap;

use crate::plan::Layout;

/// A share of the subscribers, as the command line has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Portion {
    /// So many.
    Count(u32),
    /// A part of all, from 0 to 1.
    Share(f64),
}

/// The subscribers that read slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowReaders {
    /// How many they are.
    pub count: u32,
    /// What each of them reads from the first publish on. 0: nothing.
    pub bytes_per_second: u64,
}

/// What became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlowFindings {
    /// Messages that were published to them.
    pub messages_expected: u64,
    /// Messages that they received, reading again in the end included.
    pub messages: u64,
    /// Bytes that they received while they were slow, frames included.
    pub bytes_while_slow: u64,
    /// How long they were slow.
    pub slow_ns: u64,
    /// Connections that the server ended, by how it did.
    pub cut_off: BTreeMap<String, u64>,
    /// When the first such end was seen, from the first publish on. Who reads nothing sees it when they read again.
    pub first_cut_off_ns: Option<u64>,
    /// Connections that stood until the generator closed them.
    pub standing: u64,
}

impl SlowFindings {
    /// Adds what another thread has found.
    pub fn add(&mut self, other: SlowFindings) {
        self.messages_expected += other.messages_expected;
        self.messages += other.messages;
        self.bytes_while_slow += other.bytes_while_slow;
        self.slow_ns = self.slow_ns.max(other.slow_ns);
        self.first_cut_off_ns = self
            .first_cut_off_ns
            .into_iter()
            .chain(other.first_cut_off_ns)
            .min();
        self.standing += other.standing;
        for (how, count) in other.cut_off {
            *self.cut_off.entry(how).or_default() += count;
        }
    }
}

impl Portion {
    /// Reads `50%` or `20`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Portion, String> {
        let wanted = || "give a number, or a share such as 50%".to_owned();
        match text.strip_suffix('%') {
            None => text.parse().map(Portion::Count).map_err(|_| wanted()),
            Some(percent) => match percent.parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => {
                    Ok(Portion::Share(percent / 100.0))
                }
                _ => Err(wanted()),
            },
        }
    }

    /// That part of `whole`, to the nearest one.
    pub fn of(self, whole: u32) -> u32 {
        match self {
            Portion::Count(count) => count,
            Portion::Share(share) => (share * f64::from(whole)).round() as u32,
        }
    }
}

impl SlowReaders {
    /// Whether a subscriber is one of them, in a run on so many threads.
    pub fn include(&self, layout: &Layout, threads: u32, subscriber: u32) -> bool {
        // In a row that has topic after topic, and in each the subscribers of one thread after another, each next one
        // brings the count forward by the same part of a whole.
        let (topic, rank) = (subscriber % layout.topics, subscriber / layout.topics);
        // A topic's subscribers go round so many threads.
        let round = (1..threads).find(|round| (round * layout.topics).is_multiple_of(threads));
        let before = regrouped(topic, layout.subscribers, layout.topics);
        let among = regrouped(rank, layout.subscribers_of(topic), round.unwrap_or(threads));
        let place = before + among;
        let until =
            |place: u32| u64::from(place) * u64::from(self.count) / u64::from(layout.subscribers);
        until(place + 1) > until(place)
    }

    /// How many of a topic's subscribers are healthy.
    pub fn healthy_of(&self, layout: &Layout, threads: u32, topic: u32) -> u32 {
        let subscribers = (topic..layout.subscribers).step_by(layout.topics as usize);
        subscribers
            .filter(|&subscriber| !self.include(layout, threads, subscriber))
            .count() as u32
    }
}

/// The place of `number` when `0..count` are put in the order of their remainder by `groups`, and then of their size.
fn regrouped(number: u32, count: u32, groups: u32) -> u32 {
    let group = number % groups;
    group * (count / groups) + group.min(count % groups) + number / groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::Roles;

    proptest! {
        /// As many as wanted, and of each topic on each thread its part, give or take one.
        #[test]
        fn they_are_spread_evenly(subscribers in 1_u32..200, topics in 1_u32..8, threads in 1_u32..5, part in 0.0_f64..=1.0) {
            let layout = Layout { subscribers, publishers: 1, topics, roles: Roles::Apart };
            let slow = SlowReaders { count: Portion::Share(part).of(subscribers), bytes_per_second: 0 };
            let is_slow = |subscriber: &u32| slow.include(&layout, threads, *subscriber);
            prop_assert_eq!((0..subscribers).filter(is_slow).count() as u32, slow.count);
            for topic in 0..topics {
                for thread in 0..threads {
                    let here = |subscriber: &u32| subscriber % topics == topic && subscriber % threads == thread;
                    let all = (0..subscribers).filter(here).count() as f64;
                    let found = (0..subscribers).filter(here).filter(is_slow).count() as f64;
                    let wanted = all * f64::from(slow.count) / f64::from(subscribers);
                    prop_assert!((found - wanted).abs() <= 1.0, "{found} of {all} for {wanted}");
                }
            }
        }
    }

    #[test]
    fn portions_are_numbers_or_shares() {
        assert_eq!(Portion::parse("20").map(|it| it.of(7)), Ok(20));
        assert_eq!(Portion::parse("50%").map(|it| it.of(7)), Ok(4));
        assert_eq!(Portion::parse("0.5%").map(|it| it.of(1000)), Ok(5));
        for nonsense in ["", "%", "101%", "-1", "half", "1.5", "nan%"] {
            assert!(Portion::parse(nonsense).is_err(), "{nonsense}");
        }
    }
}
