//! What a connection is still to be sent: shared frames in order, written together as far as the socket takes
//! them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;

use rustix::net::Shutdown;
use tokio::net::tcp::OwnedWriteHalf;

/// A whole frame, encoded once for all who get it. One thread counts the references, so they need not be atomic.
pub(crate) type Frame = Rc<[u8]>;

/// More than this waiting is a subscriber that reads too slowly.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Frames in one write; more than a small number gains nothing, and their slices lie on the stack.
const SLICES_MAX: usize = 128;

/// One connection's way out.
pub(crate) struct Outbox {
    stream: OwnedWriteHalf,
    queue: RefCell<Queue>,
    broken: Cell<bool>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Bytes of the first frame that the socket has taken.
    sent: usize,
}

/// What became of a flush.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Everything left, or the connection is broken and nothing ever will.
    Done,
    /// The socket is full.
    Blocked,
}

impl Outbox {
    pub(crate) fn new(stream: OwnedWriteHalf) -> Outbox {
        Outbox {
            stream,
            queue: RefCell::default(),
            broken: Cell::new(false),
        }
    }

    /// Queues a frame; true if it is the first, so that somebody has to flush.
    pub(crate) fn push(&self, frame: &Frame) -> bool {
        if self.broken.get() {
            return false;
        }
        let mut queue = self.queue.borrow_mut();
        if queue.bytes + frame.len() > WAITING_BYTES_MAX {
            self.give_up(&mut queue);
            return false;
        }
        queue.bytes += frame.len();
        queue.frames.push_back(Rc::clone(frame));
        queue.frames.len() == 1
    }

    /// Writes what is queued until it is gone or the socket is full.
    pub(crate) fn flush(&self) -> Flushed {
        let mut queue = self.queue.borrow_mut();
        while !queue.frames.is_empty() {
            match queue.write(&self.stream) {
                Ok(bytes) => queue.advance(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(_) => self.give_up(&mut queue),
            }
        }
        Flushed::Done
    }

    /// Nothing more is sent, and the connection's reader sees its end.
    fn give_up(&self, queue: &mut Queue) {
        self.broken.set(true);
        *queue = Queue::default();
        // Fails only when the connection has gone already.
        let _ = rustix::net::shutdown(self.stream.as_ref(), Shutdown::Both);
    }

    /// Flushes to the end, however often the socket is full on the way.
    pub(crate) async fn flush_patiently(&self) {
        while self.flush() == Flushed::Blocked {
            if self.stream.writable().await.is_err() {
                return;
            }
        }
    }
}

impl Queue {
    fn write(&self, stream: &OwnedWriteHalf) -> io::Result<usize> {
        if let [frame] = self.frames.as_slices().0
            && self.frames.len() == 1
        {
            return stream.try_write(&frame[self.sent..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let mut skip = self.sent;
        let mut count = 0;
        for (slice, frame) in slices.iter_mut().zip(&self.frames) {
            *slice = IoSlice::new(&frame[skip..]);
            skip = 0;
            count += 1;
        }
        stream.try_write_vectored(&slices[..count])
    }

    fn advance(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.sent += bytes;
        while let Some(first) = self.frames.front()
            && self.sent >= first.len()
        {
            self.sent -= first.len();
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A write that ends inside a frame leaves the rest of it, and of the queue, where it is.
    #[test]
    fn a_cut_write_goes_on_where_it_was_cut() {
        let mut queue = Queue::default();
        for text in ["abc", "de", "f"] {
            queue.frames.push_back(Rc::from(text.as_bytes()));
            queue.bytes += text.len();
        }
        queue.advance(4);
        assert_eq!((queue.frames.len(), queue.sent, queue.bytes), (2, 1, 2));
        queue.advance(2);
        assert_eq!((queue.frames.len(), queue.sent, queue.bytes), (0, 0, 0));
    }
}
