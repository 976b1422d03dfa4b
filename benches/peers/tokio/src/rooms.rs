//! Topics and who listens to them; and the one task that writes.
//!
//! Publishing only queues. The flusher runs when every reader has had its turn, so that all messages which came
//! together leave together.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use tokio::task::spawn_local;

use crate::outbox::{Flushed, Frame, Outbox};

/// Subscribers of one topic.
pub(crate) type Room = RefCell<Vec<Rc<Outbox>>>;

/// Every topic, and the outboxes that have something to send.
#[derive(Default)]
pub(crate) struct Rooms {
    by_topic: RefCell<HashMap<String, Rc<Room>>>,
    unsent: RefCell<Vec<Rc<Outbox>>>,
    flusher: RefCell<Option<Waker>>,
}

impl Rooms {
    /// The room of a topic, which is made for its first guest.
    pub(crate) fn room(&self, topic: String) -> Rc<Room> {
        Rc::clone(self.by_topic.borrow_mut().entry(topic).or_default())
    }

    /// Queues a frame for everybody in a room.
    pub(crate) fn publish(&self, room: &Room, frame: &Frame) {
        let mut unsent = self.unsent.borrow_mut();
        for outbox in room.borrow().iter() {
            if outbox.push(frame) {
                unsent.push(Rc::clone(outbox));
            }
        }
        self.wake_flusher();
    }

    /// Queues a frame for one connection.
    pub(crate) fn send(&self, outbox: &Rc<Outbox>, frame: &Frame) {
        if outbox.push(frame) {
            self.unsent.borrow_mut().push(Rc::clone(outbox));
            self.wake_flusher();
        }
    }

    /// The task that writes. A socket that is full gets a task of its own until it has caught up.
    pub(crate) async fn flush_for_ever(self: Rc<Rooms>) {
        let mut unsent = Vec::new();
        loop {
            poll_fn(|context| {
                std::mem::swap(&mut unsent, &mut self.unsent.borrow_mut());
                if unsent.is_empty() {
                    *self.flusher.borrow_mut() = Some(context.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(())
            })
            .await;
            for outbox in unsent.drain(..) {
                if outbox.flush() == Flushed::Blocked {
                    spawn_local(async move { outbox.flush_patiently().await });
                }
            }
        }
    }

    fn wake_flusher(&self) {
        if let Some(flusher) = self.flusher.borrow_mut().take() {
            flusher.wake();
        }
    }
}
