//! A topic's log on its home core: the epoch, the next offset, and what is kept for recovery and history.
//!
//! Each publication is kept once, as published; a replay encodes it for whoever asks. Where its payload lies is told in `payloads.rs`. Kept
//! offsets have no holes, so the floor and the number kept say everything. What a turn has not closed yet is no part of the log.

use std::collections::VecDeque;
use std::ops::Range;

use crate::limits::RETAINED_OVERHEAD_BYTES;
use crate::notice::Loss;
use crate::payloads::{Payloads, Place, Source};
use crate::position::{Epoch, Position};
use crate::publication::{Kind, Publication};
use crate::rules::Rule;

/// One publication that is to be kept.
#[derive(Debug)]
pub(crate) struct Keep<'a> {
    pub(crate) kind: Kind,
    pub(crate) time_ms: u64,
    pub(crate) payload: Source<'a>,
}

/// One that is.
#[derive(Debug)]
struct Kept {
    time_ms: u64,
    payload: Place,
    kind: Kind,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Log {
    epoch: Epoch,
    /// The newest offset; 0 before the first.
    last: u64,
    kept: VecDeque<Kept>,
    payloads: Payloads,
    payload_bytes: usize,
}

impl Log {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            last: 0,
            kept: VecDeque::new(),
            payloads: Payloads::default(),
            payload_bytes: 0,
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn end(&self) -> Position {
        Position {
            epoch: self.epoch,
            offset: self.last,
        }
    }

    /// The oldest kept position; one beyond the end if nothing is kept.
    pub(crate) fn first(&self) -> Position {
        Position {
            epoch: self.epoch,
            offset: self.last - self.kept.len() as u64 + 1,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// What the log counts against the bytes of all logs.
    pub(crate) fn cost(&self) -> usize {
        self.payload_bytes + self.kept.len() * RETAINED_OVERHEAD_BYTES
    }

    /// Goes on to offset `last`. Of the publications up to there, the newest ones are `kept`; without all of them, what was kept before goes.
    pub(crate) fn extend<'a>(
        &mut self,
        last: u64,
        kept: impl ExactSizeIterator<Item = Keep<'a>>,
        rule: &Rule,
    ) {
        if kept.len() as u64 != last - self.last {
            self.clear();
        }
        self.last = last;
        for publication in kept {
            let payload = self.payloads.add(publication.payload, self.payload_bytes);
            self.payload_bytes += payload.len();
            self.kept.push_back(Kept {
                time_ms: publication.time_ms,
                payload,
                kind: publication.kind,
            });
        }
        while self.kept.len() > rule.messages_max as usize || self.payload_bytes > rule.bytes_max {
            self.drop_oldest();
        }
        self.release();
    }

    /// Lets go of what is older than the rule keeps.
    pub(crate) fn age(&mut self, rule: &Rule, time_ms: u64) {
        while self
            .kept
            .front()
            .is_some_and(|oldest| oldest.time_ms.saturating_add(rule.age_max_ms) <= time_ms)
        {
            self.drop_oldest();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
        self.release();
    }

    pub(crate) fn clear(&mut self) {
        self.kept = VecDeque::new();
        self.payload_bytes = 0;
        self.release();
    }

    fn drop_oldest(&mut self) {
        if let Some(gone) = self.kept.pop_front() {
            self.payload_bytes -= gone.payload.len();
        }
    }

    /// Lets go of payloads that are kept no more.
    fn release(&mut self) {
        let oldest = self.kept.front().map(|kept| kept.payload);
        self.payloads.release(oldest);
    }

    /// What follows a position, if none of it is gone.
    pub(crate) fn since(&self, position: Position) -> Result<Range<usize>, Loss> {
        if position.epoch != self.epoch {
            return Err(Loss::Epoch);
        }
        if position.offset > self.last {
            return Err(Loss::Ahead);
        }
        match (position.offset + 1).checked_sub(self.first().offset) {
            Some(start) => Ok(start as usize..self.kept.len()),
            None => Err(Loss::Retention),
        }
    }

    /// What was published from a time on. Times may step back with the wall clock: it starts at the first that is late enough.
    pub(crate) fn since_time(&self, time_ms: u64) -> Range<usize> {
        let start = self
            .kept
            .iter()
            .position(|publication| publication.time_ms >= time_ms);
        start.unwrap_or(self.kept.len())..self.kept.len()
    }

    /// The newest part of `range` within both bounds, each publication counted with `name_bytes` more; with `at_least_one`, one
    /// may be larger.
    pub(crate) fn newest(
        &self,
        range: Range<usize>,
        messages_max: usize,
        bytes_max: usize,
        name_bytes: usize,
        at_least_one: bool,
    ) -> Range<usize> {
        let mut bytes = 0;
        let mut start = range.end;
        while start > range.start && range.end - start < messages_max {
            bytes += self.kept[start - 1].payload.len() + name_bytes;
            if bytes > bytes_max && !(at_least_one && start == range.end) {
                break;
            }
            start -= 1;
        }
        start..range.end
    }

    /// The oldest part of `range` within both bounds; one publication may be larger.
    pub(crate) fn oldest(
        &self,
        range: Range<usize>,
        messages_max: usize,
        bytes_max: usize,
    ) -> Range<usize> {
        let mut bytes = 0;
        let mut end = range.start;
        while end < range.end && end - range.start < messages_max {
            bytes += self.kept[end].payload.len();
            if bytes > bytes_max && end > range.start {
                break;
            }
            end += 1;
        }
        range.start..end
    }

    /// The payload bytes of a range that one of the above gave.
    pub(crate) fn payload_bytes(&self, range: Range<usize>) -> usize {
        let kept = self.kept.range(range);
        kept.map(|publication| publication.payload.len()).sum()
    }

    /// Its publications.
    pub(crate) fn read(&self, range: Range<usize>) -> impl Iterator<Item = Publication<'_>> {
        let first = self.first().offset + range.start as u64;
        self.kept
            .range(range)
            .zip(first..)
            .map(|(kept, offset)| Publication {
                at: Position {
                    epoch: self.epoch,
                    offset,
                },
                kind: kept.kind,
                time_ms: kept.time_ms,
                payload: self.payloads.get(kept.payload),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Epochs;

    fn keep(time_ms: u64, bytes: usize) -> Keep<'static> {
        Keep {
            kind: Kind::Text,
            time_ms,
            payload: Source::Shared(vec![b'x'; bytes].into()),
        }
    }

    fn log(rule: &Rule, sizes: &[usize]) -> Log {
        let mut log = Log::new(Epochs::new(1).birth());
        for (&bytes, offset) in sizes.iter().zip(1..) {
            log.extend(offset, [keep(offset, bytes)].into_iter(), rule);
        }
        log
    }

    #[test]
    fn each_bound_of_the_rule_lets_the_oldest_go() {
        let rule = Rule {
            messages_max: 3,
            bytes_max: 100,
            age_max_ms: 10,
            ..Rule::default()
        };
        assert_eq!(log(&rule, &[1, 1, 1, 1]).first().offset, 2);
        assert_eq!(log(&rule, &[60, 60]).first().offset, 2);
        assert_eq!(log(&rule, &[1, 101]).first().offset, 3);
        let mut aged = log(&rule, &[1, 1, 1]);
        aged.age(&rule, 12);
        assert_eq!(
            (aged.first().offset, aged.cost()),
            (3, 1 + RETAINED_OVERHEAD_BYTES)
        );
    }

    #[test]
    fn a_position_is_taken_up_exactly_when_nothing_after_it_is_gone() {
        let rule = Rule {
            messages_max: 3,
            ..Rule::default()
        };
        let log = log(&rule, &[1; 5]);
        let since = |offset| {
            log.since(Position {
                epoch: log.epoch(),
                offset,
            })
        };
        assert_eq!(since(1), Err(Loss::Retention));
        assert_eq!(since(2), Ok(0..3));
        assert_eq!(since(5), Ok(3..3));
        assert_eq!(since(6), Err(Loss::Ahead));
        assert_eq!(since(u64::MAX), Err(Loss::Ahead));
        let mut epochs = Epochs::new(2);
        assert_eq!(
            log.since(Position {
                epoch: epochs.birth(),
                offset: 5
            }),
            Err(Loss::Epoch)
        );
    }

    #[test]
    fn a_turn_that_brings_more_than_is_kept_leaves_no_hole() {
        let rule = Rule {
            messages_max: 2,
            ..Rule::default()
        };
        let mut log = log(&rule, &[1; 2]);
        log.extend(9, [keep(8, 4), keep(9, 4)].into_iter(), &rule);
        let offsets: Vec<_> = log
            .read(0..log.len())
            .map(|publication| publication.at.offset)
            .collect();
        assert_eq!(offsets, [8, 9]);
    }

    #[test]
    fn parts_are_bounded_from_either_end() {
        let log = log(&Rule::default(), &[10; 5]);
        assert_eq!(log.newest(0..5, 2, 100, 0, false), 3..5);
        assert_eq!(log.newest(0..5, 9, 35, 0, false), 2..5);
        assert_eq!(log.newest(0..5, 9, 35, 2, false), 3..5);
        assert_eq!(log.newest(0..5, 9, 36, 2, false), 2..5);
        assert_eq!(log.newest(0..5, 9, 5, 0, false), 5..5);
        assert_eq!(log.newest(0..5, 9, 5, 0, true), 4..5);
        assert_eq!(log.oldest(1..5, 9, 25), 1..3);
        assert_eq!(log.oldest(1..5, 9, 5), 1..2);
        assert_eq!(log.since_time(3), 2..5);
    }
}
