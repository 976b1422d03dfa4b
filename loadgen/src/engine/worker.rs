//! One thread of the generator: its connections, its share of the work, and its turn.
//!
//! A turn follows the phase, opens connections or publishes what is due, sends everything in one submission, waits, and takes
//! what has arrived (see `arrivals`).

use std::ops::Range;

use reactor::{Driver, Wait};

use super::arrivals::Arrivals;
use super::conductor::Conductor;
use super::course::{Course, Phase};
use super::intervals::Intervals;
use super::lanes::Lanes;
use super::links::Member;
use super::opening::{Opening, Topics};
use super::publishing::Publishing;
use super::reception::Reception;
use super::slow_reading::SlowReading;
use super::turnover::Turnover;
use crate::evidence::Evidence;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::tally::Counts;

/// How often the books are searched: for what is overdue in a closed loop, for what may still arrive at the end.
const SEARCH_INTERVAL_NS: u64 = 20_000_000;

/// What still arrives when publishing has ended is waited for at most so many times as long as `--patience`, however steadily it
/// comes: a server that is minutes behind, or that lets messages trickle, does not hold the report back.
const DRAIN_PATIENCES_MAX: u32 = 12;

/// How long closing handshakes may take at the end.
const CLOSE_PATIENCE_NS: u64 = 1_000_000_000;

/// One thread of the generator.
pub(super) struct Worker<'r, D> {
    driver: D,
    plan: &'r Plan,
    course: &'r Course,
    thread: u32,
    /// On the first thread.
    conductor: Option<Conductor>,
    lanes: Lanes,
    arrivals: Arrivals<'r>,
    intervals: Intervals,
    phase: Phase,
    is_connected: bool,
    drain: Drain,
    next_search_ns: u64,
    close_until_ns: u64,
    counts_before: Counts,
    window: Counts,
    spin: Spin,
}

/// Time spent polling in vain, by a thread that polls instead of sleeping.
#[derive(Debug, Default)]
struct Spin {
    /// When it was last known whether there was something to do.
    looked_ns: u64,
    total_ns: u64,
    before_ns: u64,
    window_ns: u64,
}

/// How far waiting for the last deliveries has come.
#[derive(Debug, Default)]
struct Drain {
    received: u64,
    moved_ns: u64,
    until_ns: u64,
    is_over: bool,
    /// The healthy ones have all they are going to get: what is missing was waited for in vain.
    is_settled: bool,
}

/// Which part of the run a thread does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) thread: u32,
    pub(super) threads: u32,
}

impl Share {
    /// Those of `0..count` that are this thread's.
    fn of(self, count: u32) -> impl Iterator<Item = u32> {
        (self.thread..count).step_by(self.threads as usize)
    }
}

impl<'r, D: Driver> Worker<'r, D> {
    /// The thread that does `share`. `run` marks this run's messages, `seed` is its own for each thread.
    pub(super) fn new(
        driver: D,
        plan: &'r Plan,
        course: &'r Course,
        share: Share,
        lanes: Lanes,
        run: u32,
        seed: u64,
    ) -> Worker<'r, D> {
        let layout = plan.layout;
        let healthy = share
            .of(layout.subscribers)
            .filter(|&number| !plan.is_slow(number));
        let reception = Reception::new(plan, run, healthy);
        let publishing = Publishing::new(plan, run, share.of(layout.publishers), |line| {
            threads_of(plan, line)
        });
        let (topics, members) = members(plan, share, &publishing);
        let slow = SlowReading::new(plan, &topics.slow, driver.now_ns());
        let turnover = Turnover::new(plan, share, topics.subscribers.len());
        let opening = Opening::new(plan, topics, members, share, seed, driver.now_ns());
        let intervals = Intervals::new(lanes.parts(), plan.interval.as_nanos() as u64);
        Worker {
            driver,
            plan,
            course,
            thread: share.thread,
            conductor: None,
            lanes,
            arrivals: Arrivals::new(plan, course, opening, reception, publishing, slow, turnover),
            intervals,
            phase: Phase::Connect,
            is_connected: false,
            drain: Drain::default(),
            next_search_ns: 0,
            close_until_ns: u64::MAX,
            counts_before: Counts::default(),
            window: Counts::default(),
            spin: Spin::default(),
        }
    }

    /// Makes this the thread that leads.
    pub(super) fn lead(&mut self, conductor: Conductor) {
        self.conductor = Some(conductor);
    }

    /// Turns until the run is over, and returns what this thread has found. What goes wrong ends the run for all threads, and
    /// is told with what was found until then.
    pub(super) fn run(mut self) -> Evidence {
        while !self.is_over() {
            let wait = self.turn();
            let has_sent = self.arrivals.links.flush(&mut self.driver);
            let spins = self.plan.spins && self.phase <= Phase::Measure;
            if let Err(error) = self.driver.wait(if spins { Wait::Poll } else { wait }) {
                let failure = Failure::Environment(format!("waiting failed: {error}"));
                self.course.fail(failure);
                break;
            }
            let has_received = self
                .arrivals
                .take_all(&mut self.driver)
                .unwrap_or_else(|failure| {
                    self.course.fail(failure);
                    true
                });
            if spins {
                self.spin
                    .note(self.driver.now_ns(), has_sent || has_received);
            }
        }
        self.intervals.end(self.driver.now_ns(), &mut self.arrivals);
        self.testify()
    }

    /// Nothing is left to close, and every thread has said what it published.
    fn is_over(&self) -> bool {
        self.phase == Phase::Close
            && ((self.arrivals.links.is_empty() && self.course.all_stopped())
                || self.driver.now_ns() >= self.close_until_ns)
    }

    /// Does what it is time for, and says how long to wait.
    fn turn(&mut self) -> Wait {
        let now_ns = self.driver.now_ns();
        let lead_ns = self
            .conductor
            .as_mut()
            .and_then(|conductor| conductor.turn(self.course, &self.driver));
        self.follow(now_ns);
        self.intervals.close_until(now_ns, &mut self.arrivals);
        self.course
            .note_standing(self.thread, self.arrivals.standing());
        let slow_ns = self.arrivals.slow.turn(&mut self.driver, now_ns);
        let turnover_ns = self.turn_over(now_ns);
        if self.phase < Phase::Close {
            self.arrivals.reopen(&mut self.driver, now_ns);
        }
        let own_ns = match self.phase {
            Phase::Connect => match self.connect(now_ns) {
                Ok(again_ns) => again_ns,
                Err(failure) => {
                    self.course.fail(failure);
                    return Wait::Poll;
                }
            },
            Phase::WarmUp | Phase::Measure => match self.publish() {
                Wait::Poll => return Wait::Poll,
                Wait::Until(until_ns) => until_ns,
            },
            Phase::Drain => self.drain(now_ns),
            Phase::Close => Some(self.close_until_ns),
        };
        let all_ns = [
            lead_ns,
            own_ns,
            slow_ns,
            turnover_ns,
            self.intervals.end_ns(),
        ];
        Wait::Until(all_ns.into_iter().flatten().min())
    }

    /// Enters the phases that have begun since the last turn, one after another. A run that is given up goes from any of them
    /// to the last.
    fn follow(&mut self, now_ns: u64) {
        let phase = self.course.phase();
        if self.phase == phase {
            return;
        }
        let counts_before = self.arrivals.counts();
        if self.phase < Phase::WarmUp && (Phase::WarmUp..Phase::Close).contains(&phase) {
            self.lanes.open(self.course.wakers());
            self.intervals
                .begin(self.course.publish_from_ns(), &mut self.arrivals);
            let Arrivals {
                publishing,
                slow,
                links,
                ..
            } = &mut self.arrivals;
            slow.begin(&mut self.driver, now_ns);
            publishing.begin(
                links,
                self.plan.layout.publishers,
                self.course.publish_from_ns(),
            );
        }
        if self.phase < Phase::Measure && (Phase::Measure..Phase::Close).contains(&phase) {
            self.counts_before = counts_before;
            self.spin.before_ns = self.spin.total_ns;
            self.arrivals.reception.recorder.window_ns = self.course.window_ns();
        }
        if self.phase < Phase::Drain && phase >= Phase::Drain {
            let window_ns = self.course.window_ns();
            if phase == Phase::Drain {
                self.send_overdue(&window_ns);
            }
            if !window_ns.is_empty() {
                self.window = self.arrivals.counts().since(&self.counts_before);
                self.spin.window_ns = self.spin.total_ns - self.spin.before_ns;
            }
            self.arrivals.reception.recorder.window_ns = window_ns;
            self.course
                .note_stopped(self.arrivals.publishing.published());
            self.drain.moved_ns = now_ns;
            self.drain.until_ns = now_ns + self.patience_ns() * u64::from(DRAIN_PATIENCES_MAX);
        }
        if self.phase < Phase::Close && phase >= Phase::Close {
            self.intervals.end(now_ns, &mut self.arrivals);
            self.close_until_ns = now_ns + CLOSE_PATIENCE_NS;
            self.arrivals.say_goodbye(now_ns);
        }
        self.phase = phase;
    }

    fn connect(&mut self, now_ns: u64) -> Result<Option<u64>, Failure> {
        if self.is_connected {
            return Ok(None);
        }
        let Arrivals { opening, links, .. } = &mut self.arrivals;
        let again_ns = opening.advance(&mut self.driver, links, now_ns)?;
        if opening.is_done() {
            self.is_connected = true;
            self.course.note_connected();
        }
        Ok(again_ns)
    }

    /// Lets subscribers leave and come back while others publish.
    fn turn_over(&mut self, now_ns: u64) -> Option<u64> {
        if self.arrivals.turnover.is_none() || !(Phase::WarmUp..Phase::Close).contains(&self.phase)
        {
            return None;
        }
        let mut times = None;
        if self.phase == Phase::Measure {
            let window_ns = self.course.window_ns();
            times = self
                .arrivals
                .let_leave(&mut self.driver, &window_ns, now_ns);
        }
        let come = self.arrivals.hurry(now_ns).and_then(|()| {
            let Arrivals { opening, links, .. } = &mut self.arrivals;
            opening.advance(&mut self.driver, links, now_ns)
        });
        let again_ns = come.unwrap_or_else(|failure| {
            self.course.fail(failure);
            None
        });
        times.into_iter().chain(again_ns).min()
    }

    fn publish(&mut self) -> Wait {
        let Arrivals {
            reception,
            publishing,
            links,
            ..
        } = &mut self.arrivals;
        let mut returned = reception.take_returned();
        self.lanes.exchange(&mut returned, &mut self.driver);
        let now_ns = self.driver.now_ns();
        publishing.take_back(&returned, links, true, now_ns);
        reception.reuse(returned);
        if now_ns >= self.next_search_ns {
            self.next_search_ns = now_ns + SEARCH_INTERVAL_NS;
            publishing.give_up(links, now_ns);
        }
        match publishing.send_due(links, &reception.recorder.window_ns, now_ns) {
            true => Wait::Poll,
            false => Wait::Until(Some(
                publishing.next_due_ns().unwrap_or(self.next_search_ns),
            )),
        }
    }

    /// Sends what was due before the window ended and has not been sent. A generator that did not run at its end would else
    /// leave out just the messages that show it.
    fn send_overdue(&mut self, window_ns: &Range<u64>) {
        let Arrivals {
            publishing, links, ..
        } = &mut self.arrivals;
        while publishing.send_due(links, window_ns, self.driver.now_ns()) {}
    }

    /// Waits until everything has arrived that can, or nothing has for as long as patience lasts.
    fn drain(&mut self, now_ns: u64) -> Option<u64> {
        if self.drain.is_over || !self.course.all_stopped() {
            return None;
        }
        let reception = &self.arrivals.reception;
        let received = reception.counts.received();
        if received != self.drain.received {
            self.drain.received = received;
            self.drain.moved_ns = now_ns;
        }
        let published = |line| self.course.published(line);
        let opening = &self.arrivals.opening;
        let gives_up_ns = self.drain.moved_ns.max(opening.moved_ns()) + self.patience_ns();
        let is_searched = now_ns >= self.next_search_ns;
        if is_searched {
            self.next_search_ns = now_ns + SEARCH_INTERVAL_NS;
        }
        let has_all = match self.arrivals.turnover.is_some() {
            true => is_searched && opening.is_at_rest() && reception.awaited(published) == 0,
            false => {
                received == reception.expected(published)
                    || (is_searched && reception.awaited(published) == 0)
            }
        };
        let has_all = has_all && !self.arrivals.awaits_answers();
        self.drain.is_settled |= has_all || now_ns >= gives_up_ns;
        let is_done = self.drain.is_settled || now_ns >= self.drain.until_ns;
        let patience_ns = self.patience_ns();
        let Arrivals { slow, .. } = &mut self.arrivals;
        if is_done && slow.catch_up(&mut self.driver, now_ns, patience_ns) {
            self.drain.is_over = true;
            self.course.note_drained();
            return None;
        }
        Some(self.next_search_ns)
    }

    fn patience_ns(&self) -> u64 {
        self.plan.times.patience.as_nanos() as u64
    }

    fn testify(self) -> Evidence {
        let published = |line| self.course.published(line);
        let reception = &self.arrivals.reception;
        let undecided = match self.drain.is_settled {
            true => 0,
            false => reception.awaited(published),
        };
        let mut evidence = Evidence {
            connections: self.arrivals.opening.stood(),
            expected: reception.expected(published),
            lost: reception.lost(published) - undecided,
            undecided,
            forgotten: reception.forgotten(),
            total: self.arrivals.counts(),
            window: self.window,
            lateness: self.arrivals.publishing.lateness.clone(),
            handshakes: self.arrivals.handshakes.clone(),
            departures: self.arrivals.departures().collect(),
            connect_latency: self.arrivals.opening.latency.clone(),
            turnover: self.arrivals.turnover_outcome(),
            http_answers: (self.plan.publish.url.is_http()).then(|| self.arrivals.answers.clone()),
            slow_readers: self.plan.slow.map(|_| {
                let layout = self.plan.layout;
                let lines = |topic| (topic..layout.lines()).step_by(layout.topics as usize);
                self.arrivals
                    .slow
                    .findings(|topic| lines(topic).map(published).sum())
            }),
            spun_ns: self.plan.spins.then_some(self.spin.window_ns),
            ..Evidence::default()
        };
        if let Some(conductor) = self.conductor {
            conductor.testify(self.course, &mut evidence);
        }
        evidence
    }
}

impl Spin {
    fn note(&mut self, now_ns: u64, was_busy: bool) {
        if !was_busy && self.looked_ns > 0 {
            self.total_ns += now_ns - self.looked_ns;
        }
        self.looked_ns = now_ns;
    }
}

/// Who is to be connected by a thread, in the order of connecting, and each one's topic.
fn members(plan: &Plan, share: Share, publishing: &Publishing) -> (Topics, Vec<Member>) {
    let layout = plan.layout;
    let mut topics = Topics::default();
    let mut members: Vec<Member> = share
        .of(layout.subscribers)
        .map(|number| {
            let (among, kind): (_, fn(u32) -> Member) = match layout.is_duplex() {
                true => (&mut topics.subscribers, Member::Both),
                false if plan.is_slow(number) => (&mut topics.slow, Member::Slow),
                false => (&mut topics.subscribers, Member::Subscriber),
            };
            among.push(layout.topic_of_subscriber(number));
            kind(among.len() as u32 - 1)
        })
        .collect();
    if !layout.is_duplex() {
        topics.lines = publishing.topics();
        members.extend((0..topics.lines.len() as u32).map(Member::Line));
    }
    (topics, members)
}

/// How many threads have healthy subscribers for what a line publishes.
fn threads_of(plan: &Plan, line: u32) -> u32 {
    let layout = plan.layout;
    let subscribers = (layout.topic_of(line)..layout.subscribers)
        .step_by(layout.topics as usize)
        .filter(|&subscriber| !plan.is_slow(subscriber))
        .filter(|&subscriber| !(layout.leaves_out_own() && subscriber == line));
    let mut seen = vec![false; plan.threads as usize];
    let mut missing = plan.threads;
    for subscriber in subscribers {
        let seen = &mut seen[(subscriber % plan.threads) as usize];
        missing -= u32::from(!std::mem::replace(seen, true));
        if missing == 0 {
            break;
        }
    }
    plan.threads - missing
}
