//! Where the run stands, shared by all threads: the phase, its times, and why it ends early.
//!
//! One thread leads (see `conductor`), the others follow at their next turn and are woken for it. Everything here is written a
//! few times in a run, so plain atomics and locks do.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use reactor::Waker;

use crate::failure::Failure;
pub(super) use crate::observer::Phase;

const PHASES: [Phase; 5] = [
    Phase::Connect,
    Phase::WarmUp,
    Phase::Measure,
    Phase::Drain,
    Phase::Close,
];

/// The shared state of one run.
#[derive(Debug)]
pub(super) struct Course {
    threads: u32,
    phase: AtomicU8,
    publish_from_ns: AtomicU64,
    window_from_ns: AtomicU64,
    window_until_ns: AtomicU64,
    /// Connections that stand, for each thread.
    standing: Box<[AtomicU64]>,
    /// Threads whose connections all stand.
    connected: AtomicU32,
    /// Threads that publish no more.
    stopped: AtomicU32,
    /// Threads that wait for nothing more.
    drained: AtomicU32,
    /// Messages published on each line, valid when all threads have stopped.
    published: Box<[AtomicU64]>,
    has_end: AtomicBool,
    early_end: Mutex<Option<String>>,
    failure: Mutex<Option<Failure>>,
    wakers: Mutex<Vec<(u32, Waker)>>,
}

impl Course {
    pub(super) fn new(threads: u32, lines: u32) -> Course {
        Course {
            threads,
            phase: AtomicU8::new(0),
            publish_from_ns: AtomicU64::new(0),
            window_from_ns: AtomicU64::new(u64::MAX),
            window_until_ns: AtomicU64::new(u64::MAX),
            standing: (0..threads).map(|_| AtomicU64::new(0)).collect(),
            connected: AtomicU32::new(0),
            stopped: AtomicU32::new(0),
            drained: AtomicU32::new(0),
            published: (0..lines).map(|_| AtomicU64::new(0)).collect(),
            has_end: AtomicBool::new(false),
            early_end: Mutex::default(),
            failure: Mutex::default(),
            wakers: Mutex::default(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire))]
    }

    /// Publishing begins at `now_ns`.
    pub(super) fn begin_warm_up(&self, now_ns: u64) {
        self.publish_from_ns.store(now_ns, Ordering::Release);
        self.enter(Phase::WarmUp);
    }

    /// The measured window begins at `now_ns`, and publishing with it if there was no warm-up.
    pub(super) fn begin_window(&self, now_ns: u64) {
        if self.phase() < Phase::WarmUp {
            self.publish_from_ns.store(now_ns, Ordering::Release);
        }
        self.window_from_ns.store(now_ns, Ordering::Release);
        self.enter(Phase::Measure);
    }

    /// The measured window, if there was one, ends at `now_ns`, and publishing with it.
    pub(super) fn begin_drain(&self, now_ns: u64) {
        self.window_until_ns.store(now_ns, Ordering::Release);
        self.enter(Phase::Drain);
    }

    pub(super) fn begin_close(&self) {
        self.enter(Phase::Close);
    }

    /// The run was given up in the middle of the measured window.
    pub(super) fn cut_window(&self, now_ns: u64) {
        self.window_until_ns.store(now_ns, Ordering::Release);
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
        self.wake_all();
    }

    pub(super) fn publish_from_ns(&self) -> u64 {
        self.publish_from_ns.load(Ordering::Acquire)
    }

    /// The measured window as far as it is known: its end is at infinity until it has come.
    pub(super) fn window_ns(&self) -> std::ops::Range<u64> {
        self.window_from_ns.load(Ordering::Acquire)..self.window_until_ns.load(Ordering::Acquire)
    }

    /// How many connections of a thread stand, for those who look on.
    pub(super) fn note_standing(&self, thread: u32, count: u64) {
        let noted = &self.standing[thread as usize];
        // A line of the cache that other threads read is only written when there is something new.
        if noted.load(Ordering::Relaxed) != count {
            noted.store(count, Ordering::Relaxed);
        }
    }

    /// How many connections stand.
    pub(super) fn standing(&self) -> u64 {
        let noted = self.standing.iter();
        noted.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// One thread's connections all stand.
    pub(super) fn note_connected(&self) {
        self.connected.fetch_add(1, Ordering::AcqRel);
        self.wake_all();
    }

    pub(super) fn all_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire) == self.threads
    }

    /// One thread publishes no more; its lines have published this many messages.
    pub(super) fn note_stopped(&self, lines: impl Iterator<Item = (u32, u64)>) {
        for (line, published) in lines {
            self.published[line as usize].store(published, Ordering::Release);
        }
        self.stopped.fetch_add(1, Ordering::AcqRel);
        self.wake_all();
    }

    pub(super) fn all_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire) == self.threads
    }

    /// How many messages a line has published, when all threads have stopped.
    pub(super) fn published(&self, line: u32) -> u64 {
        self.published[line as usize].load(Ordering::Acquire)
    }

    /// One thread has all its deliveries, or has given up on them.
    pub(super) fn note_drained(&self) {
        self.drained.fetch_add(1, Ordering::AcqRel);
        self.wake_all();
    }

    pub(super) fn all_drained(&self) -> bool {
        self.drained.load(Ordering::Acquire) == self.threads
    }

    /// Asks for an end before the time; the first reason stays.
    pub(super) fn end_early(&self, reason: String) {
        lock(&self.early_end).get_or_insert(reason);
        self.has_end.store(true, Ordering::Release);
        self.wake_all();
    }

    /// Why the run is to end, or has ended, before its time.
    pub(super) fn early_end(&self) -> Option<String> {
        if !self.has_end.load(Ordering::Acquire) {
            return None;
        }
        lock(&self.early_end).clone()
    }

    /// The run cannot go on. The first failure stays; every thread closes what it has and tells what it found.
    pub(super) fn fail(&self, failure: Failure) {
        lock(&self.failure).get_or_insert(failure);
        self.begin_close();
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        lock(&self.failure).clone()
    }

    /// A thread says how it is woken, before it does anything else.
    pub(super) fn enrol(&self, thread: u32, waker: Waker) {
        lock(&self.wakers).push((thread, waker));
    }

    /// Everybody's wakers in the order of threads. Complete once all threads are connected.
    pub(super) fn wakers(&self) -> Vec<Waker> {
        let mut wakers = lock(&self.wakers).clone();
        wakers.sort_by_key(|(thread, _)| *thread);
        wakers.into_iter().map(|(_, waker)| waker).collect()
    }

    fn wake_all(&self) {
        for (_, waker) in lock(&self.wakers).iter() {
            waker.wake();
        }
    }
}

/// A thread that panicked has said so by [`Course::fail`]; what it held is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
