//! One core's door to the kernel: operations in, completions out.
//!
//! [`Driver`] is the whole of what a core may ask of its machine: sockets, the two clocks, waking and sleeping.
//! `RingDriver` talks to io_uring, `EpollDriver` to a kernel that refuses it; the simulator implements the same trait
//! over a virtual network, and one list of tests judges all three. Beside the trait stand the few things that every core loop needs and
//! that only the kernel knows: CPU affinity, resource limits, timers.
//!
//! Knows no protocol: bytes are bytes here. Unsafe code lives in `sys.rs` and `driver/io_uring/` alone.

#![deny(unsafe_code)]

pub mod affinity;
pub mod clock;
mod counters;
mod driver;
pub mod limits;
mod options;
pub mod probe;
mod socket;
mod sys;
mod timers;
mod waker;

pub use counters::Counters;
pub use driver::epoll::EpollDriver;
pub use driver::io_uring::{RingDriver, RingSettings, SetupError};
pub use driver::{Completion, Driver, Wait};
pub use options::{ListenOptions, SocketOptions};
pub use socket::{
    ListenerId, Outgoing, SEND_BYTES_MAX, SEND_PIECES_MAX, Socket, Stream, VirtualStream,
};
pub use timers::Timers;
pub use waker::{Wake, Waker};
