//! The two queues that we share with the kernel, and the memory that waits with them.
//!
//! Entries are pushed during a turn and handed over by one `io_uring_enter`; after each enter all completions are
//! copied out at once, so that the completion queue is empty whenever the kernel adds to it.
//! What the kernel only reads while it takes an entry (addresses, vectors of a vectored send, the descriptor of a ring to
//! wake) is kept in `Scratch` until then. What it refers to for longer is the caller's to keep.

use crate::sys::RawAddress;
use crate::{Counters, Waker};
use bytes::Bytes;
use io_uring::types::{SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, cqueue, squeue};
use std::collections::VecDeque;
use std::io;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::time::Duration;

/// With deferred task work, an enter that asks for few completions runs at most about 20 pending ones. A batch nearly
/// that long tells that more may be pending.
const BATCH_LONG: usize = 16;

/// A full submission queue that the kernel does not empty after this many tries never will.
const SUBMIT_TRIES_MAX: u32 = 10_000;

pub(super) struct Ring {
    /// Released by hand: if the kernel will not let go of our memory, the ring must not go either.
    uring: ManuallyDrop<IoUring>,
    /// Completions copied out and not yet handled.
    arrived: VecDeque<cqueue::Entry>,
    scratch: Scratch,
    enter_flags: EnterFlags,
    completion_entries: usize,
}

impl Ring {
    pub(super) fn new(uring: IoUring) -> Self {
        let parameters = uring.params();
        let mut enter_flags = EnterFlags::GETEVENTS | EnterFlags::EXT_ARG;
        if parameters.is_feature_no_iowait() {
            // An idle core is idle, not waiting for a disk.
            enter_flags |= EnterFlags::NO_IOWAIT;
        }
        Self {
            arrived: VecDeque::with_capacity(parameters.cq_entries() as usize),
            scratch: Scratch::new(parameters.sq_entries() as usize),
            enter_flags,
            completion_entries: parameters.cq_entries() as usize,
            uring: ManuallyDrop::new(uring),
        }
    }

    pub(super) fn uring(&self) -> &IoUring {
        &self.uring
    }

    /// Queues an entry for the next submission; submits first if the queue is full.
    ///
    /// # Safety
    /// Memory that the entry points to stays valid and in place until its last completion, or, if it came from this
    /// ring's `place_` methods, need not be kept at all.
    pub(super) unsafe fn push(&mut self, entry: &squeue::Entry, counters: &mut Counters) {
        // SAFETY: the caller's promise.
        while unsafe { self.uring.submission().push(entry) }.is_err() {
            self.make_room(counters);
        }
    }

    /// Empties the submission queue in the middle of a turn.
    #[cold]
    fn make_room(&mut self, counters: &mut Counters) {
        counters.early_submits += 1;
        for _ in 0..SUBMIT_TRIES_MAX {
            self.enter(0, None, counters)
                .expect("the kernel takes what was queued");
            if self.uring.submission().is_empty() {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the kernel takes no submissions");
    }

    /// Submits, and collects everything that is pending without sleeping.
    pub(super) fn poll(&mut self, counters: &mut Counters) -> io::Result<()> {
        if !self.uring.submission().is_empty() {
            self.enter(0, None, counters)?;
        }
        self.collect_pending(counters)
    }

    /// Submits and sleeps until something completes or `timeout` has passed; `None` has no end.
    pub(super) fn sleep(
        &mut self,
        timeout: Option<Duration>,
        counters: &mut Counters,
    ) -> io::Result<()> {
        self.enter(1, timeout, counters)?;
        if self.arrived.len() < BATCH_LONG {
            return Ok(());
        }
        self.collect_pending(counters)
    }

    /// Runs what task work is pending, and takes the completions that found no room before, as many as the queue holds.
    /// Each enter runs about 20 at a quarter of a microsecond. To ask for more than that in one go means to ask for
    /// more completions than there may be, with a timeout of zero: the kernel then goes to sleep and is woken at once,
    /// which costs twenty microseconds.
    fn collect_pending(&mut self, counters: &mut Counters) -> io::Result<()> {
        while self.arrived.len() < self.completion_entries {
            let queue = self.uring.submission();
            let pending = queue.taskrun() || queue.cq_overflow();
            drop(queue);
            if !pending {
                break;
            }
            let before = self.arrived.len();
            self.enter(0, None, counters)?;
            if self.arrived.len() == before {
                // The kernel raises the flag after it has listed the work: if an enter ran that work in between,
                // the flag stands over an empty list, which no enter clears until new work comes.
                break;
            }
        }
        Ok(())
    }

    /// One `io_uring_enter`, after which all completions have been copied out.
    fn enter(
        &mut self,
        want: u32,
        timeout: Option<Duration>,
        counters: &mut Counters,
    ) -> io::Result<()> {
        counters.enters += 1;
        let queued = self.uring.submission().len() as u32;
        let limit = timeout.map(Timespec::from);
        let mut arguments = SubmitArgs::new();
        if let Some(limit) = &limit {
            arguments = arguments.timespec(limit);
        }
        let flags = self.enter_flags.bits();
        // SAFETY: EXT_ARG is set and `arguments` is what it announces; it outlives the call, as does `limit`.
        let outcome = unsafe {
            self.uring
                .submitter()
                .enter(queued, want, flags, Some(&arguments))
        };
        if let Err(error) = outcome
            && !goes_on(&error)
        {
            return Err(error);
        }
        self.collect(counters);
        Ok(())
    }

    fn collect(&mut self, counters: &mut Counters) {
        let queue = self.uring.submission();
        counters.overflows += u64::from(queue.cq_overflow());
        if queue.is_empty() {
            // The kernel has taken every entry, and with it what only the entry referred to (FEAT_SUBMIT_STABLE).
            self.scratch.clear();
        }
        drop(queue);
        let before = self.arrived.len();
        self.arrived.extend(self.uring.completion());
        counters.completions += (self.arrived.len() - before) as u64;
    }

    /// The oldest completion not yet handled.
    pub(super) fn next_arrived(&mut self) -> Option<cqueue::Entry> {
        self.arrived.pop_front()
    }

    pub(super) fn has_arrived(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// A message header for these pieces, good for the next entry of this ring.
    pub(super) fn place_message(
        &mut self,
        pieces: &[Bytes],
        counters: &mut Counters,
    ) -> *const libc::msghdr {
        self.reserve(counters);
        if !self.scratch.has_room(pieces.len()) {
            self.make_room(counters);
        }
        self.scratch.place_message(pieces)
    }

    /// An address, good for the next entry of this ring.
    pub(super) fn place_address(
        &mut self,
        address: SocketAddr,
        counters: &mut Counters,
    ) -> &RawAddress {
        self.reserve(counters);
        self.scratch
            .addresses
            .push(Box::new(RawAddress::new(address)));
        &self.scratch.addresses[self.scratch.addresses.len() - 1]
    }

    /// Keeps the descriptor behind `waker` open until the next entry, which names it, is taken.
    pub(super) fn keep(&mut self, waker: Waker, counters: &mut Counters) {
        self.reserve(counters);
        self.scratch.wakers.push(waker);
    }

    /// Makes sure that the next entry finds room: a submission between what is placed for an entry and its push would
    /// take what was placed for taken, and use its memory again.
    fn reserve(&mut self, counters: &mut Counters) {
        if self.uring.submission().is_full() {
            self.make_room(counters);
        }
    }

    /// Ends the ring. Nothing may be in flight.
    pub(super) fn release(&mut self) {
        // SAFETY: called once, by the driver's drop; the ring is not used after it.
        unsafe { ManuallyDrop::drop(&mut self.uring) };
    }
}

/// Whether an enter that failed like this may simply be followed by another one.
fn goes_on(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        // A signal; the time is over; completions have to be taken first; no memory for a request just now.
        Some(libc::EINTR | libc::ETIME | libc::EBUSY | libc::EAGAIN)
    )
}

/// Memory that the kernel reads while it takes an entry and not after. It never moves while entries are queued.
struct Scratch {
    messages: Vec<libc::msghdr>,
    vectors: Vec<libc::iovec>,
    #[expect(
        clippy::vec_box,
        reason = "entries point to the addresses, which must not move as the list grows"
    )]
    addresses: Vec<Box<RawAddress>>,
    wakers: Vec<Waker>,
}

impl Scratch {
    fn new(submission_entries: usize) -> Self {
        Self {
            messages: Vec::with_capacity(submission_entries),
            vectors: Vec::with_capacity(submission_entries.max(crate::SEND_PIECES_MAX) * 4),
            addresses: Vec::new(),
            wakers: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.vectors.clear();
        self.addresses.clear();
        self.wakers.clear();
    }

    /// Whether a message of so many pieces fits without moving the others.
    fn has_room(&self, pieces: usize) -> bool {
        self.messages.len() < self.messages.capacity()
            && self.vectors.capacity() - self.vectors.len() >= pieces
    }

    fn place_message(&mut self, pieces: &[Bytes]) -> *const libc::msghdr {
        assert!(self.has_room(pieces.len()), "scratch memory must not move");
        let first = self.vectors.len();
        self.vectors.extend(pieces.iter().map(|piece| libc::iovec {
            iov_base: piece.as_ptr().cast_mut().cast(),
            iov_len: piece.len(),
        }));
        // SAFETY: all-zero is a valid `msghdr`: no name, no vectors, no control data.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = self.vectors[first..].as_mut_ptr();
        message.msg_iovlen = pieces.len() as _;
        self.messages.push(message);
        &raw const self.messages[self.messages.len() - 1]
    }
}
