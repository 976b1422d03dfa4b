//! One thread's receiving side: judges each delivery, times it, and finds out which messages are back completely.
//!
//! This is done for each delivery, so it is what must be cheaper than the server. Two things make it so. Messages of one line
//! that follow each other are booked together, as a [`Run`]. And subscribers of a topic are sent the same bytes, so what was
//! taken apart and verified at one of them is kept as a [`Page`]: who receives exactly these bytes has received exactly these
//! messages, and only their order at this subscriber is left to judge. Nothing is allocated while messages come in order.

use super::homecoming::{Change, Homecoming};
use crate::ledger::{Arrival, Ledger, Room};
use crate::payload::Stamp;
use crate::plan::{Layout, Pace, Plan};
use crate::returns::Countdown;
use crate::tally::Counts;
use crate::timeline::Recorder;

/// Topics whose last page is kept.
const PAGES_MAX: u32 = 64;

/// A message that all subscribers of one thread have received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Returned {
    pub(super) line: u32,
    pub(super) sequence: u64,
}

/// The subscribers of one thread.
#[derive(Debug)]
pub(super) struct Reception {
    run: u32,
    layout: Layout,
    payload_bytes: usize,
    subscribers: Vec<Subscriber>,
    /// Each subscriber's ledgers, one for each line of its topic.
    ledgers: Vec<Ledger>,
    room: Room,
    /// This thread's subscribers of each topic.
    listeners: Vec<u32>,
    /// How many of this thread's subscribers each line's messages are for.
    wanted: Vec<u32>,
    /// By topic, those that are `PAGES_MAX` apart taking turns.
    pages: Vec<Page>,
    reading: Reading,
    /// In a closed loop.
    countdown: Option<Countdown>,
    returned: Vec<Returned>,
    pub(super) counts: Counts,
    pub(super) recorder: Recorder,
    /// If subscribers leave and come back.
    pub(super) homecoming: Option<Box<Homecoming>>,
}

#[derive(Clone, Copy, Debug)]
struct Subscriber {
    topic: u32,
    ledgers_from: u32,
    is_here: bool,
}

/// Intact messages of one line, received one after another: consecutive numbers, one sending time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    line: u32,
    /// Which of its topic's lines that is.
    rank: u32,
    first: u64,
    count: u64,
    sent_ns: u64,
}

/// What is heard of one subscriber in one go, until it is booked.
#[derive(Debug, Default)]
struct Reading {
    runs: Vec<Run>,
    /// Not everything was an intact message of the topic.
    is_flawed: bool,
}

/// Bytes as they came to one subscriber of a topic, and the messages in them.
#[derive(Debug, Default)]
struct Page {
    topic: u32,
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

impl Reception {
    /// The side of the subscribers with these numbers.
    pub(super) fn new(plan: &Plan, run: u32, subscribers: impl Iterator<Item = u32>) -> Reception {
        let layout = plan.layout;
        let mut listeners = vec![0; layout.topics as usize];
        let mut ledgers = Vec::new();
        let mut own = Vec::new();
        let subscribers = subscribers
            .map(|number| {
                let topic = layout.topic_of_subscriber(number);
                let ledgers_from = ledgers.len() as u32;
                listeners[topic as usize] += 1;
                ledgers.resize(
                    ledgers.len() + layout.lines_of_topic(topic) as usize,
                    Ledger::default(),
                );
                if layout.leaves_out_own() {
                    ledgers[(ledgers_from + number / layout.topics) as usize] = Ledger::closed();
                    own.push(number);
                }
                Subscriber {
                    topic,
                    ledgers_from,
                    is_here: true,
                }
            })
            .collect();
        let lines = 0..layout.lines();
        let mut wanted: Vec<u32> = lines
            .map(|line| listeners[layout.topic_of(line) as usize])
            .collect();
        own.into_iter()
            .for_each(|line: u32| wanted[line as usize] -= 1);
        Reception {
            run,
            layout,
            payload_bytes: plan.payload_bytes,
            subscribers,
            ledgers,
            room: Room::default(),
            listeners,
            wanted,
            pages: (0..layout.topics.min(PAGES_MAX))
                .map(|_| Page::default())
                .collect(),
            reading: Reading::default(),
            countdown: match plan.pace {
                Pace::Open { .. } | Pace::Idle => None,
                Pace::Closed { outstanding } => Some(Countdown::new(layout.lines(), outstanding)),
            },
            returned: Vec::new(),
            counts: Counts::default(),
            recorder: Recorder::default(),
            homecoming: (!plan.turnover.is_none()).then(Box::default),
        }
    }

    /// If `bytes` begin with what another subscriber of the topic has received before, enters those messages and returns how
    /// many bytes they take.
    #[inline]
    pub(super) fn recognise(
        &mut self,
        subscriber: u32,
        bytes: &[u8],
        now_ns: u64,
    ) -> Option<usize> {
        let topic = self.subscribers[subscriber as usize].topic;
        let at = topic as usize % self.pages.len();
        let page = &mut self.pages[at];
        if page.topic != topic || page.bytes.is_empty() || !bytes.starts_with(&page.bytes) {
            return None;
        }
        let length = page.bytes.len();
        let runs = std::mem::take(&mut page.runs);
        runs.iter()
            .for_each(|run| self.book(subscriber, *run, now_ns));
        self.pages[at].runs = runs;
        Some(length)
    }

    /// Takes one message that a subscriber received; it counts from [`Reception::enter`] on.
    #[inline]
    pub(super) fn hear(&mut self, subscriber: u32, payload: &[u8]) {
        let topic = self.subscribers[subscriber as usize].topic;
        match self.judge(topic, payload) {
            Some(run) => self.reading.add(run),
            None => self.reading.is_flawed = true,
        }
    }

    /// Enters what was heard of a subscriber since the last call. If that was in `bytes`, and nothing else was, others may be
    /// recognised by them.
    #[inline]
    pub(super) fn enter(&mut self, subscriber: u32, bytes: Option<&[u8]>, now_ns: u64) {
        let mut reading = std::mem::take(&mut self.reading);
        if self
            .homecoming
            .as_ref()
            .is_some_and(|homecoming| homecoming.is_anybody_catching_up())
        {
            self.catch_up(subscriber, &reading.runs, now_ns);
        } else {
            reading
                .runs
                .iter()
                .for_each(|run| self.book(subscriber, *run, now_ns));
        }
        let topic = self.subscribers[subscriber as usize].topic;
        if let Some(bytes) = bytes
            && !reading.is_flawed
            && self.listeners[topic as usize] > 1
        {
            let at = topic as usize % self.pages.len();
            let page = &mut self.pages[at];
            page.topic = topic;
            page.bytes.clear();
            page.bytes.extend_from_slice(bytes);
            std::mem::swap(&mut page.runs, &mut reading.runs);
        }
        reading.runs.clear();
        reading.is_flawed = false;
        self.reading = reading;
    }

    /// Whose message it is, if it is whole and belongs where it came.
    #[inline]
    fn judge(&mut self, topic: u32, payload: &[u8]) -> Option<Run> {
        let Ok(stamp) = Stamp::read(payload, self.payload_bytes) else {
            self.counts.corrupted += 1;
            return None;
        };
        if stamp.run != self.run {
            self.counts.foreign += 1;
            return None;
        }
        let line = self.layout.line(stamp.publisher, stamp.topic);
        // A topic with one line, which is most of them, needs no division.
        let rank = if line == topic {
            0
        } else {
            line / self.layout.topics
        };
        if stamp.topic != topic
            || line >= self.layout.lines()
            || rank * self.layout.topics + topic != line
        {
            self.counts.misrouted += 1;
            return None;
        }
        Some(Run {
            line,
            rank,
            first: stamp.sequence,
            count: 1,
            sent_ns: stamp.sent_ns,
        })
    }

    #[inline]
    fn book(&mut self, subscriber: u32, run: Run, now_ns: u64) {
        let ledgers_from = self.subscribers[subscriber as usize].ledgers_from;
        let ledger = &mut self.ledgers[(ledgers_from + run.rank) as usize];
        self.counts.deliveries += run.count;
        if ledger.enter_run(run.first, run.count) {
            self.credit(run, now_ns);
        } else {
            self.book_each(subscriber, run, now_ns);
        }
    }

    /// A run that does not follow on what came before it.
    #[cold]
    fn book_each(&mut self, subscriber: u32, run: Run, now_ns: u64) {
        let ledger = (self.subscribers[subscriber as usize].ledgers_from + run.rank) as usize;
        if let Some(homecoming) = &mut self.homecoming {
            homecoming.note_first(subscriber, now_ns);
        }
        if self.ledgers[ledger].is_closed() {
            self.counts.deliveries -= run.count;
            self.counts.unasked += run.count;
            return;
        }
        for sequence in run.first..run.first + run.count {
            match self.ledgers[ledger].enter(sequence, &mut self.room) {
                Arrival::InOrder | Arrival::Ahead => {}
                Arrival::Reordered => self.counts.reordered += 1,
                Arrival::Early => {
                    self.counts.deliveries -= 1;
                    continue;
                }
                Arrival::Duplicate => {
                    self.counts.duplicated += 1;
                    continue;
                }
            }
            self.credit(
                Run {
                    first: sequence,
                    count: 1,
                    ..run
                },
                now_ns,
            );
        }
    }

    /// Enters what somebody heard while some may be hearing what they have missed.
    #[cold]
    fn catch_up(&mut self, subscriber: u32, runs: &[Run], now_ns: u64) {
        for run in runs {
            let received = self.counts.received();
            self.book(subscriber, *run, now_ns);
            let Some(homecoming) = &mut self.homecoming else {
                continue;
            };
            match homecoming.catches_up_to(subscriber) {
                Some(stood_ns) if run.sent_ns < stood_ns => {
                    homecoming.note_recovered(self.counts.received() - received);
                }
                Some(_) => homecoming.end_catching_up(subscriber),
                None => {}
            }
        }
    }

    /// A subscriber leaves, and another is to take its place: what it had heard was all that it was to hear from its first
    /// message to its last.
    pub(super) fn leave(&mut self, subscriber: u32) {
        let Subscriber {
            topic,
            ledgers_from,
            ..
        } = self.subscribers[subscriber as usize];
        let ledgers_until = ledgers_from + self.layout.lines_of_topic(topic);
        if let Some(homecoming) = &mut self.homecoming {
            let ledgers = &mut self.ledgers[ledgers_from as usize..ledgers_until as usize];
            homecoming.leave(subscriber, ledgers, &mut self.room);
        }
    }

    /// The other one stands.
    pub(super) fn come(&mut self, subscriber: u32, change: Change, now_ns: u64) {
        if let Some(homecoming) = &mut self.homecoming {
            homecoming.come(subscriber, change, now_ns);
        }
    }

    /// A subscriber that was cut off goes on where it was: what was sent before `stood_ns` and arrives from now on, it had missed.
    pub(super) fn come_back(&mut self, subscriber: u32, stood_ns: u64) {
        if let Some(homecoming) = &mut self.homecoming {
            homecoming.come_back(subscriber, stood_ns);
        }
    }

    /// Times messages that came for the first time, and counts them as returned.
    #[inline]
    fn credit(&mut self, run: Run, now_ns: u64) {
        self.recorder.record(run.sent_ns, now_ns, run.count);
        let Some(countdown) = &mut self.countdown else {
            return;
        };
        let wanted = self.wanted[run.line as usize];
        for sequence in run.first..run.first + run.count {
            if countdown.note(run.line, sequence, wanted) {
                self.returned.push(Returned {
                    line: run.line,
                    sequence,
                });
            }
        }
    }

    /// The messages that came back completely since the last call.
    pub(super) fn take_returned(&mut self) -> Vec<Returned> {
        std::mem::take(&mut self.returned)
    }

    /// Gives the vector of [`Reception::take_returned`] back, so that its memory serves again.
    pub(super) fn reuse(&mut self, mut emptied: Vec<Returned>) {
        emptied.clear();
        self.returned = emptied;
    }

    /// The connection of a subscriber is gone: nothing more is expected to come from it.
    pub(super) fn depart(&mut self, subscriber: u32) {
        self.subscribers[subscriber as usize].is_here = false;
    }

    /// Whether this thread had subscribers and all are gone.
    pub(super) fn is_deserted(&self) -> bool {
        !self.subscribers.is_empty()
            && self
                .subscribers
                .iter()
                .all(|subscriber| !subscriber.is_here)
    }

    /// Deliveries that were to arrive at this thread, when each line has published as often as `published` says.
    pub(super) fn expected(&self, published: impl Fn(u32) -> u64) -> u64 {
        if let Some(homecoming) = &self.homecoming {
            let here = self.of_all(|ledger, line| ledger.expected(published(line)));
            return homecoming.expected + here;
        }
        let wanted = (0..self.layout.lines()).zip(&self.wanted);
        wanted
            .map(|(line, wanted)| published(line) * u64::from(*wanted))
            .sum()
    }

    /// Those of them that have not arrived.
    pub(super) fn lost(&self, published: impl Fn(u32) -> u64) -> u64 {
        let before = self.homecoming.as_ref().map_or(0, |left| left.lost);
        before + self.of_all(|ledger, line| ledger.lost(published(line)))
    }

    /// Those of them that have not arrived and still can.
    pub(super) fn awaited(&self, published: impl Fn(u32) -> u64) -> u64 {
        let here = self
            .subscribers
            .iter()
            .filter(|subscriber| subscriber.is_here);
        here.map(|subscriber| self.of(subscriber, |ledger, line| ledger.lost(published(line))))
            .sum()
    }

    /// Those of them that are not known one by one any more, so that a late one counts as repeated.
    pub(super) fn forgotten(&self) -> u64 {
        self.room.forgotten()
    }

    /// The sum of something over all ledgers and their lines.
    fn of_all(&self, count: impl Fn(&Ledger, u32) -> u64) -> u64 {
        let subscribers = self.subscribers.iter();
        subscribers
            .map(|subscriber| self.of(subscriber, &count))
            .sum()
    }

    fn of(&self, subscriber: &Subscriber, count: impl Fn(&Ledger, u32) -> u64) -> u64 {
        let ranks = 0..self.layout.lines_of_topic(subscriber.topic);
        ranks
            .map(|rank| {
                let line = rank * self.layout.topics + subscriber.topic;
                let ledger = &self.ledgers[(subscriber.ledgers_from + rank) as usize];
                count(ledger, line)
            })
            .sum()
    }
}

impl Reading {
    #[inline]
    fn add(&mut self, run: Run) {
        match self.runs.last_mut() {
            Some(last)
                if (last.line, last.sent_ns) == (run.line, run.sent_ns)
                    && last.first + last.count == run.first =>
            {
                last.count += 1;
            }
            _ => self.runs.push(run),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use proptest::prelude::*;

    use super::*;
    use crate::arguments::Arguments;
    use crate::payload::PAYLOAD_BYTES_MIN;

    const RUN: u32 = 7;

    /// Four subscribers of two topics, three publishers.
    fn reception() -> Reception {
        let words = "ringwire-load -s 4 -t 2 -p 3 -w 8 --payload 40".split(' ');
        let plan = Arguments::try_parse_from(words)
            .expect("a sensible line")
            .plan()
            .expect("a sensible plan");
        let mut reception = Reception::new(&plan, RUN, 0..4);
        reception.recorder.window_ns = 3..1000;
        reception
    }

    fn message(
        run: u32,
        publisher: u32,
        topic: u32,
        sequence: u64,
        flip: Option<usize>,
    ) -> Vec<u8> {
        let mut payload = vec![b'x'; PAYLOAD_BYTES_MIN + 8];
        let stamp = Stamp {
            run,
            publisher,
            topic,
            sequence,
            sent_ns: sequence / 2,
        };
        stamp.write(&mut payload);
        if let Some(at) = flip {
            payload[at] ^= 1;
        }
        payload
    }

    fn any_message() -> impl Strategy<Value = Vec<u8>> {
        let run = prop_oneof![12 => Just(RUN), 1 => Just(RUN + 1)];
        let flip = prop_oneof![12 => Just(None), 1 => (0..PAYLOAD_BYTES_MIN + 8).prop_map(Some)];
        // Publishers 0 and 2 have topic 0, publisher 1 has topic 1.
        let pair = prop_oneof![5 => Just((0, 0)), 5 => Just((1, 1)), 5 => Just((2, 0)), 1 => Just((1, 0)), 1 => Just((9, 1))];
        (run, pair, 0..12_u64, flip).prop_map(|(run, (publisher, topic), sequence, flip)| {
            message(run, publisher, topic, sequence, flip)
        })
    }

    /// What one read brings, taken apart without looking at any page.
    fn hear_all(
        reception: &mut Reception,
        subscriber: u32,
        bytes: &[u8],
        now_ns: u64,
        keeps: bool,
    ) {
        bytes
            .chunks(PAYLOAD_BYTES_MIN + 8)
            .for_each(|payload| reception.hear(subscriber, payload));
        reception.enter(subscriber, keeps.then_some(bytes), now_ns);
    }

    proptest! {
        /// Recognising what another subscriber has received before finds exactly what taking it apart again finds: whoever
        /// receives it, however often, wherever it is cut, and whatever faults are in it.
        #[test]
        fn a_page_is_what_is_written_on_it(
            parts in prop::collection::vec(prop::collection::vec(any_message(), 1..6), 1..5),
            reads in prop::collection::vec((0..4_u32, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..60),
        ) {
            let (mut paged, mut plain) = (reception(), reception());
            for (now_ns, (subscriber, first, last)) in (0..).zip(reads) {
                let (first, last) = (first.index(parts.len()), last.index(parts.len()));
                let bytes = parts[first.min(last)..=first.max(last)].concat().concat();
                hear_all(&mut plain, subscriber, &bytes, now_ns, false);
                let mut at = 0;
                while at < bytes.len() {
                    at += paged.recognise(subscriber, &bytes[at..], now_ns).unwrap_or_else(|| {
                        hear_all(&mut paged, subscriber, &bytes[at..], now_ns, true);
                        bytes.len() - at
                    });
                }
                prop_assert_eq!(paged.counts, plain.counts);
                prop_assert_eq!(paged.take_returned(), plain.take_returned());
            }
            prop_assert_eq!(paged.lost(|_| 12), plain.lost(|_| 12));
            let latencies = |reception: &mut Reception| -> Vec<_> {
                let timed = reception.recorder.take();
                [timed.inside, timed.outside].into_iter().flatten().map(|d| d.values().collect::<Vec<_>>()).collect()
            };
            prop_assert_eq!(latencies(&mut paged), latencies(&mut plain));
        }
    }

    #[test]
    fn only_intact_messages_of_one_topic_make_a_page() {
        let mut reception = reception();
        let good = message(RUN, 0, 0, 0, None);
        hear_all(&mut reception, 0, &good, 5, true);
        assert_eq!(reception.recognise(2, &good, 5), Some(good.len()));
        assert_eq!(
            reception.recognise(1, &good, 5),
            None,
            "a subscriber of the other topic"
        );
        let damaged = message(RUN, 0, 0, 1, Some(39));
        assert_eq!(reception.recognise(2, &damaged, 5), None);
        hear_all(&mut reception, 2, &damaged, 5, true);
        assert_eq!(
            reception.recognise(0, &damaged, 5),
            None,
            "it is judged again each time"
        );
        assert_eq!(
            (reception.counts.deliveries, reception.counts.corrupted),
            (2, 1)
        );
    }
}
