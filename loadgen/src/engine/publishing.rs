//! One thread's sending side: decides which messages are due, stamps them, and queues them on their links.
//!
//! Open loop: the timetable decides. Closed loop: the window of each publisher does.

use std::ops::Range;

use protocol::ws::Kind;
use reactor::Socket;

use super::links::{Link, Links, Stage};
use super::reception::Returned;
use crate::dialect::Envelope;
use crate::payload::{Filler, Stamp};
use crate::plan::{Pace, Plan};
use crate::returns::Window;
use crate::schedule::Schedule;
use crate::stages::Curve;
use crate::tally::{Counts, Distribution};
use crate::timeline::{BySending, Grid};

/// Bytes that may wait on one link for the server to take them. What is due beyond is not sent, and counted.
pub(super) const BACKLOG_BYTES_MAX: usize = 16 << 20;

/// Messages encoded in one go, so that a backlog of due messages never keeps a thread from receiving.
const BATCH_MESSAGES_MAX: usize = 1024;

/// The publishers of one thread.
#[derive(Debug)]
pub(super) struct Publishing {
    run: u32,
    lines: Vec<Line>,
    publishers: Vec<Publisher>,
    /// Where a line of the whole run stands in `lines`; `u32::MAX` for those of other threads.
    places: Vec<u32>,
    pace: Turns,
    filler: Filler,
    /// Of each topic.
    envelopes: Vec<Envelope>,
    /// Of WebSocket messages.
    kind: Kind,
    message: Vec<u8>,
    pub(super) counts: Counts,
    pub(super) lateness: Distribution,
    late_max_ns: u64,
    /// Messages that left later than that after their time, in the present interval.
    late: u64,
    /// How many subscribers each topic's messages are for, at all threads.
    audiences: Vec<u32>,
    /// Deliveries that what was published in the present interval should have.
    expected: BySending,
}

#[derive(Debug)]
struct Line {
    number: u32,
    topic: u32,
    /// Index into `publishers`.
    publisher: u32,
    link: Option<Socket>,
    published: u64,
    /// In a closed loop: what is on its way, and how many threads report it back.
    window: Option<Window>,
    threads: u32,
}

#[derive(Debug)]
struct Publisher {
    number: u32,
    /// Its lines, and which of them is next.
    lines: Range<u32>,
    turn: u32,
    outstanding: u32,
}

#[derive(Debug)]
enum Turns {
    /// Until the first publish the timetable has no beginning.
    OpenUnset(Curve),
    Open(Schedule),
    Closed {
        outstanding: u32,
        patience_ns: u64,
    },
    Never,
}

impl Publishing {
    /// The side of the publishers with these numbers. `threads_of_line` says how many threads have subscribers for what a line
    /// publishes.
    pub(super) fn new(
        plan: &Plan,
        run: u32,
        publishers: impl Iterator<Item = u32>,
        threads_of_line: impl Fn(u32) -> u32,
    ) -> Publishing {
        let layout = plan.layout;
        let mut lines = Vec::new();
        let mut places = vec![u32::MAX; layout.lines() as usize];
        let publishers = publishers
            .enumerate()
            .map(|(index, number)| {
                let first = lines.len() as u32;
                for line in (number..layout.lines()).step_by(layout.publishers as usize) {
                    places[line as usize] = lines.len() as u32;
                    let topic = layout.topic_of(line);
                    lines.push(Line::new(
                        line,
                        topic,
                        index as u32,
                        plan.pace,
                        threads_of_line(line),
                    ));
                }
                Publisher {
                    number,
                    lines: first..lines.len() as u32,
                    turn: 0,
                    outstanding: 0,
                }
            })
            .collect();
        let pace = match plan.pace {
            Pace::Open { .. } => plan.curve().map_or(Turns::Never, Turns::OpenUnset),
            Pace::Closed { outstanding } => Turns::Closed {
                outstanding,
                patience_ns: plan.times.patience.as_nanos() as u64,
            },
            Pace::Idle => Turns::Never,
        };
        Publishing {
            run,
            lines,
            publishers,
            places,
            pace,
            filler: Filler::new(plan.filling, plan.payload_bytes),
            envelopes: plan
                .topic_names
                .iter()
                .map(|name| plan.dialect.envelope(name, plan.payload_bytes))
                .collect(),
            kind: plan.dialect.kind(),
            message: Vec::new(),
            counts: Counts::default(),
            lateness: Distribution::default(),
            late_max_ns: plan.times.late_max.as_nanos() as u64,
            late: 0,
            audiences: (0..layout.topics)
                .map(|topic| plan.audience_of(topic))
                .collect(),
            expected: BySending::new(Grid {
                from_ns: 0,
                interval_ns: u64::MAX,
            }),
        }
    }

    /// The topics of this thread's lines, in their order.
    pub(super) fn topics(&self) -> Vec<u32> {
        self.lines.iter().map(|line| line.topic).collect()
    }

    /// The connection of a line stands.
    pub(super) fn attach(&mut self, line: u32, socket: Socket) {
        self.lines[line as usize].link = Some(socket);
    }

    /// The connection of a line is gone.
    pub(super) fn detach(&mut self, line: u32) {
        self.lines[line as usize].link = None;
    }

    /// Whether this thread had lines and all are gone.
    pub(super) fn is_deserted(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.link.is_none())
    }

    /// From now on what is published belongs to intervals.
    pub(super) fn count_intervals(&mut self, grid: Grid) {
        self.expected = BySending::new(grid);
    }

    /// Deliveries that what was published since the last call should have, by the interval of its sending time.
    pub(super) fn take_expected(&mut self) -> Vec<(u64, u64)> {
        self.expected.take()
    }

    /// How many messages left too late since the last call.
    pub(super) fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }

    /// Publishing begins: sets the timetable, or fills the windows.
    pub(super) fn begin(&mut self, links: &mut Links, publishers_of_all: u32, start_ns: u64) {
        match &self.pace {
            Turns::OpenUnset(curve) => {
                let curve = curve.clone();
                let places = self
                    .publishers
                    .iter()
                    .map(|publisher| publisher.number)
                    .collect();
                self.pace = Turns::Open(Schedule::new(places, publishers_of_all, curve, start_ns));
            }
            Turns::Open(_) | Turns::Never => {}
            Turns::Closed { .. } => (0..self.publishers.len())
                .for_each(|publisher| self.refill(publisher, links, start_ns)),
        }
    }

    /// Open loop: queues what is due before the window ends. True if more is due than one batch.
    pub(super) fn send_due(
        &mut self,
        links: &mut Links,
        window_ns: &Range<u64>,
        now_ns: u64,
    ) -> bool {
        let due_until_ns = now_ns.min(window_ns.end.saturating_sub(1));
        for _ in 0..BATCH_MESSAGES_MAX {
            let Turns::Open(schedule) = &mut self.pace else {
                return false;
            };
            let Some((publisher, due_ns)) = schedule.take_due(due_until_ns) else {
                return false;
            };
            let line = self.publishers[publisher].next_line();
            let link = self.lines[line].link.and_then(|socket| links.at(socket));
            let Some(link) = link.filter(|link| takes_more(link)) else {
                self.counts.unsent += 1;
                continue;
            };
            let sequence = self.lines[line].published;
            self.write(line, sequence, due_ns, link);
            let late_ns = now_ns - due_ns;
            if window_ns.contains(&due_ns) {
                self.lateness.record(late_ns, 1);
            }
            self.late += u64::from(late_ns > self.late_max_ns);
            let socket = link.socket;
            links.mark(socket);
        }
        true
    }

    /// When the next message is due, in an open loop that has begun.
    pub(super) fn next_due_ns(&self) -> Option<u64> {
        match &self.pace {
            Turns::Open(schedule) => schedule.next_due_ns(),
            Turns::OpenUnset(_) | Turns::Closed { .. } | Turns::Never => None,
        }
    }

    /// Closed loop: messages of this thread's publishers are back at one thread. Sends the next ones, if `may_send`.
    pub(super) fn take_back(
        &mut self,
        returned: &[Returned],
        links: &mut Links,
        may_send: bool,
        now_ns: u64,
    ) {
        for message in returned {
            let at = self.places[message.line as usize] as usize;
            let line = &mut self.lines[at];
            let is_back = line
                .window
                .as_mut()
                .is_some_and(|window| window.take_back(message.sequence));
            if is_back {
                self.publishers[line.publisher as usize].outstanding -= 1;
            }
        }
        if !may_send {
            return;
        }
        for message in returned {
            let at = self.places[message.line as usize] as usize;
            self.refill(self.lines[at].publisher as usize, links, now_ns);
        }
    }

    /// Closed loop: stops waiting for messages that are overdue, and sends others in their place.
    pub(super) fn give_up(&mut self, links: &mut Links, now_ns: u64) {
        let Turns::Closed { patience_ns, .. } = self.pace else {
            return;
        };
        let before_ns = now_ns.saturating_sub(patience_ns);
        for at in 0..self.lines.len() {
            let line = &mut self.lines[at];
            let given_up = line
                .window
                .as_mut()
                .map_or(0, |window| window.give_up(before_ns));
            if given_up > 0 {
                let publisher = line.publisher as usize;
                self.counts.given_up += u64::from(given_up);
                self.publishers[publisher].outstanding -= given_up;
                self.refill(publisher, links, now_ns);
            }
        }
    }

    /// How many messages each line has published.
    pub(super) fn published(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.lines.iter().map(|line| (line.number, line.published))
    }

    /// Sends until the publisher's window is full or none of its lines can take more.
    fn refill(&mut self, publisher: usize, links: &mut Links, now_ns: u64) {
        let Turns::Closed { outstanding, .. } = self.pace else {
            return;
        };
        let mut refused = 0;
        while self.publishers[publisher].outstanding < outstanding
            && refused < self.publishers[publisher].lines.len()
        {
            let at = self.publishers[publisher].next_line();
            let line = &mut self.lines[at];
            let link = line
                .link
                .and_then(|socket| links.at(socket))
                .filter(|link| takes_more(link));
            let window = line.window.as_mut().filter(|window| window.has_room());
            let (Some(link), Some(window)) = (link, window) else {
                refused += 1;
                continue;
            };
            refused = 0;
            let sequence = window.send(now_ns, line.threads);
            self.publishers[publisher].outstanding += 1;
            self.write(at, sequence, now_ns, link);
            let socket = link.socket;
            links.mark(socket);
        }
    }

    fn write(&mut self, line: usize, sequence: u64, sent_ns: u64, link: &mut Link) {
        let Line {
            topic, publisher, ..
        } = self.lines[line];
        let publisher = self.publishers[publisher as usize].number;
        let payload = self.filler.next_payload();
        Stamp {
            run: self.run,
            publisher,
            topic,
            sequence,
            sent_ns,
        }
        .write(payload);
        let envelope = &self.envelopes[topic as usize];
        if let Some(post) = &mut link.ends.post {
            post.push(payload);
            if link.stage == Stage::Posting {
                post.write_next(&mut link.ends.out);
            }
        } else if envelope.is_bare() {
            link.ends.send(self.kind, payload);
        } else {
            self.message.clear();
            envelope.wrap(payload, &mut self.message);
            link.ends.send(self.kind, &self.message);
        }
        self.lines[line].published += 1;
        self.counts.published += 1;
        let audience = self.audiences[topic as usize];
        self.expected.note(sent_ns, u64::from(audience));
    }
}

impl Line {
    fn new(number: u32, topic: u32, publisher: u32, pace: Pace, threads: u32) -> Line {
        let window = match pace {
            Pace::Open { .. } | Pace::Idle => None,
            Pace::Closed { outstanding } => Some(Window::new(outstanding)),
        };
        Line {
            number,
            topic,
            publisher,
            link: None,
            published: 0,
            window,
            threads,
        }
    }
}

impl Publisher {
    fn next_line(&mut self) -> usize {
        let line = self.lines.start + self.turn;
        self.turn = (self.turn + 1) % self.lines.len() as u32;
        line as usize
    }
}

fn takes_more(link: &Link) -> bool {
    if let Some(post) = &link.ends.post {
        return matches!(link.stage, Stage::Connecting | Stage::Posting)
            && post.waiting_bytes() < BACKLOG_BYTES_MAX;
    }
    link.stage == Stage::Open
        && link.ends.machine.is_open()
        && link.ends.out.len() < BACKLOG_BYTES_MAX
}
