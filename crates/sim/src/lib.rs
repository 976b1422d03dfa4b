//! A network, a clock and a driver that exist only in memory: many cores in one thread, from one seed.
//!
//! [`SimDriver`] obeys the same contract as the driver on io_uring and is judged by the same list of tests. Its
//! [`Network`] is worse than a real one is likely to be: it cuts every stream anywhere, delays every packet and every
//! completion, runs out of receive buffers, closes its windows, breaks connections and fails to accept, as often as its
//! [`Conditions`] say. The same seed gives the same run, to the byte. [`SimNode`] is the whole server on top of it.

#![forbid(unsafe_code)]

mod conditions;
mod driver;
mod end;
mod network;
mod node;
mod peer;
mod random;
mod sockets;
mod world;

pub use conditions::Conditions;
pub use driver::SimDriver;
pub use network::Network;
pub use node::SimNode;
pub use peer::{Peer, PeerState};
