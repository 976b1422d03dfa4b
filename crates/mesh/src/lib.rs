//! Bounded lanes between cores, and the knowledge of who has to be woken.
//!
//! Every core, and the control thread, has one [`Port`]; between any two ports lies one lane for each direction. A lane that
//! is full refuses: what then is the sender's decision, waiting is not one of them. Lanes keep the order of
//! each sender; between senders there is none.
//!
//! A core that sleeps in the kernel does not look at its lanes. Who fills one is told which ports sleep, and ends their sleep by
//! whatever means the reactor has: nothing here knows how.

#![forbid(unsafe_code)]

mod port;
mod sleep;

pub use port::{Counters, Full, Port, ports};
