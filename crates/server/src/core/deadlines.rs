//! Time: each connection's next deadline stands in the timers once, and is looked up again when
//! it comes. A deadline that moved to later costs nothing until then.

use reactor::{Driver, Socket};

use super::{Core, SWEEP_INTERVAL_MS};

/// Deadlines handled in one turn.
const DEADLINES_PER_TURN: usize = 1024;

impl<D: Driver> Core<D> {
    pub(super) fn take_deadlines(&mut self) {
        let now_ms = self.hub.now_ms;
        for _ in 0..DEADLINES_PER_TURN {
            let Some(socket) = self.deadlines.next_expired(now_ms) else {
                break;
            };
            let Self {
                connections, hub, ..
            } = self;
            let Some(Some(connection)) = connections.get_mut(socket.index as usize) else {
                continue;
            };
            if connection.socket() != socket || !connection.disarm(now_ms) {
                continue;
            }
            connection.elapse(hub);
            self.touched(socket);
        }
        if now_ms >= self.next_sweep_ms {
            self.next_sweep_ms = now_ms + SWEEP_INTERVAL_MS;
            self.hub.broker.sweep(self.hub.time_ms);
        }
    }

    /// Puts the connection's next deadline into the timers unless an entry comes before it anyway.
    pub(super) fn arm_deadline(&mut self, socket: Socket) {
        let Self {
            connections,
            hub,
            deadlines,
            ..
        } = self;
        if let Some(Some(connection)) = connections.get_mut(socket.index as usize)
            && let Some(at_ms) = connection.arm(hub)
        {
            deadlines.set(at_ms, socket);
        }
    }
}
