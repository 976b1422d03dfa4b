//! What the threads of the generator tell each other: in a closed loop, which messages one of them has seen back completely;
//! and all of them to the timeline, what happened in each interval.
//!
//! A notice is for the thread whose publisher sent the message. With one thread nothing leaves it. The channels need no bound
//! of their own: a message is reported once by each thread, and only so many are outstanding.

use std::sync::mpsc::{Receiver, Sender, channel};

use reactor::{Driver, Waker};

use super::reception::Returned;
use crate::plan::Layout;
use crate::timeline::Part;

/// One thread's end of all lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    thread: usize,
    layout: Layout,
    senders: Vec<Sender<Vec<Returned>>>,
    receiver: Receiver<Vec<Returned>>,
    parts: Sender<Part>,
    /// In the order of threads, once all of them are there.
    wakers: Vec<Waker>,
}

impl Lanes {
    /// The ends for each of `threads` threads. What they do in each interval goes to `parts`.
    pub(super) fn new(threads: usize, layout: Layout, parts: Sender<Part>) -> Vec<Lanes> {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..threads).map(|_| channel()).unzip();
        let end = |(thread, receiver)| Lanes {
            thread,
            layout,
            senders: senders.clone(),
            receiver,
            parts: parts.clone(),
            wakers: Vec::new(),
        };
        receivers.into_iter().enumerate().map(end).collect()
    }

    /// Where this thread's intervals go.
    pub(super) fn parts(&self) -> Sender<Part> {
        self.parts.clone()
    }

    /// Every thread is there and can be woken.
    pub(super) fn open(&mut self, wakers: Vec<Waker>) {
        self.wakers = wakers;
    }

    /// Sends away what concerns other threads and adds what they have sent: `returned` is then this thread's own.
    pub(super) fn exchange<D: Driver>(&self, returned: &mut Vec<Returned>, driver: &mut D) {
        if self.senders.len() == 1 {
            return;
        }
        for (thread, sender) in self
            .senders
            .iter()
            .enumerate()
            .filter(|(thread, _)| *thread != self.thread)
        {
            let theirs: Vec<Returned> = returned
                .extract_if(.., |message| self.owner(message.line) == thread)
                .collect();
            // A thread that is gone has failed, and with it the run: nobody waits for the message.
            if !theirs.is_empty() && sender.send(theirs).is_ok() {
                driver.wake(&self.wakers[thread]);
            }
        }
        returned.extend(self.receiver.try_iter().flatten());
    }

    fn owner(&self, line: u32) -> usize {
        self.layout.publisher_of(line) as usize % self.senders.len()
    }
}
