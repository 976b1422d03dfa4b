//! One thread's slow readers: when each of them may read, what they have received, and how the server took it.
//!
//! From the first publish on they read no more than their share of bytes, or nothing: receiving is paused, and what the server
//! sends stays with it, by way of TCP's window. They are judged by nothing else: latency, loss and reach are those of the
//! healthy subscribers. When those have everything, the slow ones read again for a bounded time, because a server's Close
//! lies behind all that was sent before it.

use reactor::{Driver, Socket, SocketOptions, Timers};

use crate::plan::Plan;
use crate::slow_readers::SlowFindings;

/// `SO_RCVBUF` of a slow reader. The kernel's own choice (128 KiB, and more for who reads fast) would take in two thousand small
/// messages before the server noticed anything.
const RECEIVE_BUFFER_BYTES: u32 = 8 << 10;

/// Reading again in the end is over when nothing has come for this long.
const QUIET_NS: u64 = 200_000_000;

/// The slow readers of one thread.
#[derive(Debug)]
pub(super) struct SlowReading {
    /// What each of them reads. 0: nothing.
    bytes_per_second: u64,
    readers: Vec<Reader>,
    part: Part,
    /// When publishing began.
    since_ns: u64,
    /// Those that have read more than they may since the last turn.
    sated: Vec<u32>,
    /// When the paused ones may read again. None of those that read nothing.
    timers: Timers<u32>,
    findings: SlowFindings,
}

#[derive(Clone, Copy, Debug)]
struct Reader {
    topic: u32,
    socket: Option<Socket>,
    /// When what it has read so far is no more than its share.
    may_read_ns: u64,
    /// Listed in `sated`, or paused.
    is_resting: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing is published: they read like everybody.
    Before,
    Slow,
    /// They read again. The last time that something came, and the time at which it is enough.
    CatchingUp {
        moved_ns: u64,
        until_ns: u64,
    },
}

impl SlowReading {
    /// One reader for each of `topics`.
    pub(super) fn new(plan: &Plan, topics: &[u32], now_ns: u64) -> SlowReading {
        let reader = |&topic| Reader {
            topic,
            socket: None,
            may_read_ns: 0,
            is_resting: false,
        };
        SlowReading {
            bytes_per_second: plan.slow.map_or(0, |slow| slow.bytes_per_second),
            readers: topics.iter().map(reader).collect(),
            part: Part::Before,
            since_ns: 0,
            sated: Vec::new(),
            timers: Timers::new(now_ns / 1_000_000),
            findings: SlowFindings::default(),
        }
    }

    /// How such a connection is opened.
    pub(super) fn socket_options() -> SocketOptions {
        SocketOptions {
            receive_buffer_bytes: Some(RECEIVE_BUFFER_BYTES),
            ..SocketOptions::default()
        }
    }

    /// The connection of a reader stands.
    pub(super) fn attach(&mut self, reader: u32, socket: Socket) {
        self.readers[reader as usize].socket = Some(socket);
    }

    /// The connection of a reader is gone, at the server's wish.
    pub(super) fn note_cut_off(&mut self, reader: u32, how: String, now_ns: u64) {
        self.readers[reader as usize].socket = None;
        *self.findings.cut_off.entry(how).or_default() += 1;
        let after_ns = match self.part {
            Part::Before => 0,
            Part::Slow | Part::CatchingUp { .. } => now_ns.saturating_sub(self.since_ns),
        };
        self.findings.first_cut_off_ns.get_or_insert(after_ns);
    }

    /// A reader has received one message.
    pub(super) fn note_message(&mut self) {
        self.findings.messages += 1;
    }

    /// A reader has received so many bytes.
    pub(super) fn note_bytes(&mut self, reader: u32, bytes: usize, now_ns: u64) {
        match &mut self.part {
            Part::Before => {}
            Part::Slow => {
                self.findings.bytes_while_slow += bytes as u64;
                if self.bytes_per_second > 0 {
                    self.spend(reader, bytes, now_ns);
                }
            }
            Part::CatchingUp { moved_ns, .. } => *moved_ns = now_ns,
        }
    }

    fn spend(&mut self, reader: u32, bytes: usize, now_ns: u64) {
        let worth_ns = bytes as u64 * 1_000_000_000 / self.bytes_per_second;
        let at = &mut self.readers[reader as usize];
        at.may_read_ns = at.may_read_ns.max(now_ns) + worth_ns;
        if !at.is_resting {
            at.is_resting = true;
            self.sated.push(reader);
        }
    }

    /// Publishing begins: from now on they are slow.
    pub(super) fn begin<D: Driver>(&mut self, driver: &mut D, now_ns: u64) {
        self.part = Part::Slow;
        self.since_ns = now_ns;
        if self.bytes_per_second == 0 {
            self.sockets().for_each(|socket| driver.pause(socket));
        }
    }

    /// Lets those rest that have read enough, and those read that have rested enough. Says when to come again.
    pub(super) fn turn<D: Driver>(&mut self, driver: &mut D, now_ns: u64) -> Option<u64> {
        if self.part != Part::Slow || self.bytes_per_second == 0 {
            return None;
        }
        for reader in self.sated.drain(..) {
            let at = self.readers[reader as usize];
            if let Some(socket) = at.socket {
                driver.pause(socket);
                self.timers.set(at.may_read_ns.div_ceil(1_000_000), reader);
            }
        }
        while let Some(reader) = self.timers.next_expired(now_ns / 1_000_000) {
            let at = &mut self.readers[reader as usize];
            // What had arrived before the pause still came after it.
            if at.may_read_ns > now_ns {
                self.timers.set(at.may_read_ns.div_ceil(1_000_000), reader);
            } else if let Some(socket) = at.socket {
                at.is_resting = false;
                driver.receive(socket);
            }
        }
        self.timers.next_deadline().map(|at_ms| at_ms * 1_000_000)
    }

    /// The healthy ones have everything: those that still stand read again. Says whether that is over, because nothing came
    /// for a while or because it has taken `patience_ns`.
    pub(super) fn catch_up<D: Driver>(
        &mut self,
        driver: &mut D,
        now_ns: u64,
        patience_ns: u64,
    ) -> bool {
        match self.part {
            Part::Before => return true,
            Part::Slow => {
                self.findings.slow_ns = now_ns - self.since_ns;
                self.part = Part::CatchingUp {
                    moved_ns: now_ns,
                    until_ns: now_ns + patience_ns,
                };
                self.sockets().for_each(|socket| driver.receive(socket));
            }
            Part::CatchingUp { .. } => {}
        }
        let Part::CatchingUp { moved_ns, until_ns } = self.part else {
            return true;
        };
        self.sockets().next().is_none() || now_ns >= until_ns.min(moved_ns + QUIET_NS)
    }

    /// What became of them, when each topic's lines have published as often as `published` says.
    pub(super) fn findings(&self, published: impl Fn(u32) -> u64) -> SlowFindings {
        SlowFindings {
            messages_expected: self.readers.iter().map(|at| published(at.topic)).sum(),
            standing: self.sockets().count() as u64,
            ..self.findings.clone()
        }
    }

    fn sockets(&self) -> impl Iterator<Item = Socket> + '_ {
        self.readers.iter().filter_map(|reader| reader.socket)
    }
}
