//! The handle to one simulated world: it makes drivers and peers, and can let time pass.

use crate::conditions::Conditions;
use crate::driver::SimDriver;
use crate::end::Owner;
use crate::peer::Peer;
use crate::world::World;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// A network with its own time. Clones are handles to the same one; it lives in one thread.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) world: Rc<RefCell<World>>,
}

impl Network {
    /// An empty network. Everything that chance decides follows from `seed`.
    #[must_use]
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            world: Rc::new(RefCell::new(World::new(seed, conditions))),
        }
    }

    /// A core's driver with so many receive buffers.
    #[must_use]
    pub fn driver(&self, receive_buffers: u16) -> SimDriver {
        SimDriver::new(self.world.clone(), receive_buffers)
    }

    /// A client that the test plays by hand, calling `address` from `source` or from the same machine.
    #[must_use]
    pub fn connect(&self, address: SocketAddr, source: Option<IpAddr>) -> Peer {
        let end = self.world.borrow_mut().call(Owner::Peer, source, address);
        Peer::new(self.world.clone(), end)
    }

    /// Nanoseconds of this network's clock.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.world.borrow().now_ns
    }

    /// Lets `duration_ns` pass while no driver does anything, or less if one of them gets something to hear.
    pub fn advance(&self, duration_ns: u64) {
        let mut world = self.world.borrow_mut();
        world.close_dropped();
        let until_ns = world.now_ns.saturating_add(duration_ns);
        world.advance(until_ns);
    }

    /// Changes how bad the network is from now on.
    pub fn change_conditions(&self, change: impl FnOnce(&mut Conditions)) {
        change(&mut self.world.borrow_mut().conditions);
    }

    /// Whether nothing is on its way and nobody has anything to hear: only a deadline or a test can go on.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.world.borrow().is_quiet()
    }
}
