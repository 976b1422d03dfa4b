//! The orderly end: what was accepted is delivered, then everybody is told goodbye.
//!
//! A core that stops takes no new publication, and says so to every other core with a fence: all
//! its requests lie before it. A core that has every fence of requests has appended everything
//! that was ever accepted, and fences its deliveries. A core that has every fence of deliveries
//! knows that no chunk will follow: each connection is closed with 1001 when it has sent its last.

use reactor::{Driver, Socket};

use super::{Control, Core, Flow};
use crate::connection::Connection;

/// How far the end has come, and which fences have arrived (they may come before this core knows
/// that there is an end).
#[derive(Debug, Default)]
pub(super) struct Drain {
    stage: Stage,
    request_fences: usize,
    delivery_fences: usize,
    /// When patience ends, in the core's milliseconds.
    deadline_ms: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Serving,
    /// No new publications here; other cores may still send requests.
    Refusing,
    /// No delivery follows from here; other cores may still send some.
    Fenced,
    /// Connections end when they have sent what they have.
    Closing,
    /// Connections are ended whatever they still had.
    Aborting,
}

impl Drain {
    pub(super) fn request_fence_arrived(&mut self) {
        self.request_fences += 1;
    }

    pub(super) fn delivery_fence_arrived(&mut self) {
        self.delivery_fences += 1;
    }

    pub(super) fn is_serving(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// When the core has to wake up for the end's sake.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        matches!(self.stage, Stage::Refusing | Stage::Fenced | Stage::Closing)
            .then_some(self.deadline_ms)
    }
}

impl<D: Driver> Core<D> {
    pub(super) fn obey(&mut self, control: Control) {
        match control {
            Control::Drain if self.drain.stage == Stage::Serving => {
                self.stop_accepting();
                self.hub.draining = true;
                self.drain.stage = Stage::Refusing;
                self.drain.deadline_ms = self.hub.now_ms + self.hub.settings.drain_timeout_ms;
                self.ports.fence_requests();
            }
            Control::Drain => {}
            Control::Abort => self.abort(),
            Control::Reload(settings) => {
                self.hub.reload(settings);
                // Some deadlines may come earlier now, or come at all.
                for socket in self.sockets() {
                    self.arm_deadline(socket);
                }
            }
        }
    }

    /// Last thing in a turn, when all its requests are answered and all its chunks are on their way.
    pub(super) fn advance_drain(&mut self) -> Flow {
        let others = self.ports.others();
        if self.drain.stage == Stage::Refusing && self.drain.request_fences == others {
            self.ports.fence_deliveries();
            self.flush_lanes();
            self.drain.stage = Stage::Fenced;
        }
        if self.drain.stage == Stage::Fenced && self.drain.delivery_fences == others {
            self.drain.stage = Stage::Closing;
            self.for_each(Connection::drain);
        }
        if self
            .drain
            .deadline_ms()
            .is_some_and(|deadline_ms| self.hub.now_ms >= deadline_ms)
        {
            tracing::warn!(
                core = self.hub.core(),
                connections = self.open,
                "drain_timeout is over: ending the rest"
            );
            self.abort();
        }
        let over = matches!(self.drain.stage, Stage::Closing | Stage::Aborting);
        if over && self.open == 0 && !self.ports.is_backed_up() {
            Flow::Finished
        } else {
            Flow::Continue
        }
    }

    fn abort(&mut self) {
        if self.drain.stage != Stage::Aborting {
            self.stop_accepting();
            self.hub.draining = true;
            self.drain.stage = Stage::Aborting;
            self.for_each(Connection::abort);
        }
    }

    fn stop_accepting(&mut self) {
        for listener in self.listeners.take() {
            self.driver.stop_listening(listener);
        }
    }

    fn for_each(&mut self, act: impl Fn(&mut Connection)) {
        for socket in self.sockets() {
            if let Some(Some(connection)) = self.connections.get_mut(socket.index as usize) {
                act(connection);
            }
            self.touched(socket);
        }
    }

    fn sockets(&self) -> Vec<Socket> {
        let open = self.connections.iter().flatten();
        open.map(Connection::socket).collect()
    }
}
