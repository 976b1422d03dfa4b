//! A client played by a test: plain calls, no completions, no driver.
//!
//! It reads only when told to, so that not calling [`Peer::read`] is a peer that has stopped reading. Nothing it does takes
//! effect at the other end before time passes, which the drivers' waits and [`crate::Network::advance`] see to.

use crate::end::{EndId, Owner};
use crate::world::World;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

/// How a peer's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// The call is on its way.
    Connecting,
    /// Nobody listens there.
    Refused,
    /// Bytes may come.
    Open,
    /// The other end has finished and everything before that has been read.
    Finished,
    /// The connection was broken and everything that had arrived has been read.
    Reset,
}

/// One end of a connection in a test's hands. Dropping it closes it.
#[derive(Debug)]
pub struct Peer {
    world: Rc<RefCell<World>>,
    end: EndId,
}

impl Peer {
    pub(crate) fn new(world: Rc<RefCell<World>>, end: EndId) -> Self {
        debug_assert_eq!(world.borrow().ends[end].owner, Owner::Peer);
        Self { world, end }
    }

    /// How the connection stands.
    #[must_use]
    pub fn state(&self) -> PeerState {
        let world = self.world.borrow();
        let end = &world.ends[self.end];
        match (end.refused, end.pair) {
            (true, _) => PeerState::Refused,
            (false, None) => PeerState::Connecting,
            _ if !end.ready.is_empty() => PeerState::Open,
            _ if end.reset => PeerState::Reset,
            _ if end.fin_arrived => PeerState::Finished,
            _ => PeerState::Open,
        }
    }

    /// This end's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.world.borrow().ends[self.end].address
    }

    /// Sends what the window takes of `bytes` and returns how many that were.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let mut world = self.world.borrow_mut();
        if world.ends[self.end].finished {
            return 0;
        }
        world.transmit(self.end, bytes)
    }

    /// Takes up to `bytes_max` of what has arrived.
    pub fn read(&mut self, bytes_max: usize) -> Vec<u8> {
        let mut world = self.world.borrow_mut();
        let ready = &mut world.ends[self.end].ready;
        let len = bytes_max.min(ready.len());
        let bytes = ready.drain(..len).collect();
        if len > 0 {
            world.consumed(self.end);
        }
        bytes
    }

    /// Sends a FIN; reading goes on.
    pub fn finish(&mut self) {
        self.world.borrow_mut().finish(self.end);
    }

    /// Breaks the connection.
    pub fn reset(self) {
        self.world.borrow_mut().reset(self.end);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.world.borrow_mut().close(self.end);
    }
}
