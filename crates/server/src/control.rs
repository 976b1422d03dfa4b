//! The control thread: signals, on a tokio-uring runtime of its own.
//!
//! It reaches the cores only through lanes, and no message waits for it. The first SIGTERM or
//! SIGINT drains the node; the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use broker::Request;
use mesh::Port;
use reactor::Waker;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::core::{Control, Shipped};
use crate::node::Node;

/// Where core threads report their end.
#[derive(Clone)]
pub(crate) struct Finished {
    left: Arc<AtomicUsize>,
    all: Arc<Notify>,
}

impl Finished {
    /// One core has ended.
    pub(crate) fn core_ended(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all.notify_one();
        }
    }
}

/// The line that every core has to cross, and the one who watches it.
pub(crate) fn finish_line(cores: usize) -> (Finished, Arc<Notify>) {
    let all = Arc::new(Notify::new());
    (
        Finished {
            left: Arc::new(AtomicUsize::new(cores)),
            all: all.clone(),
        },
        all,
    )
}

/// The lanes to the cores.
pub(crate) struct Cores {
    lanes: Port<Shipped<Request>>,
    wakers: Vec<Waker>,
}

impl Cores {
    /// `lanes` is the control thread's own port.
    pub(crate) fn new(lanes: Port<Shipped<Request>>, wakers: Vec<Waker>) -> Self {
        Self { lanes, wakers }
    }

    fn tell(&mut self, control: Control) {
        for (core, waker) in self.wakers.iter().enumerate() {
            // The control thread sends a handful of messages in a process's life; a lane that has
            // no room for one belongs to a core that is stuck.
            if self.lanes.send(core, Shipped::Control(control)).is_err() {
                tracing::error!(core, "a core does not take orders");
            }
            waker.wake();
        }
    }
}

/// Watches signals until every core has ended.
pub(crate) fn run(mut cores: Cores, all_ended: Arc<Notify>, node: &Node) {
    tokio_uring::start(async {
        let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be watched");
        let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be watched");
        let mut asked = false;
        loop {
            let name = tokio::select! {
                () = all_ended.notified() => break,
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if asked {
                tracing::warn!(signal = name, "ending at once");
                cores.tell(Control::Abort);
            } else {
                tracing::info!(
                    signal = name,
                    connections = node.connections(),
                    uptime_s = node.uptime().as_secs(),
                    "draining"
                );
                cores.tell(Control::Drain);
            }
            asked = true;
        }
    });
}
