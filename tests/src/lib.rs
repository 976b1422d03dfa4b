//! What the tests of the whole broker stand on: the program as a process, and a client of it.
//!
//! Nothing of the broker is linked here. The tests see what users see (a command line, a port, signals,
//! exit codes), and the client is tungstenite, which shares no code with the broker.

#![forbid(unsafe_code)]

mod client;
mod process;

pub use client::{Client, Ending, PATIENCE};
pub use process::{Broker, Driver, Launch, load_generator, program};

/// Runs each of these functions as a test of its own on every driver.
#[macro_export]
macro_rules! on_each_driver {
    ($($test:ident)*) => {
        mod on_io_uring {
            $(#[test] fn $test() { super::$test($crate::Driver::IoUring); })*
        }

        mod on_epoll {
            $(#[test] fn $test() { super::$test($crate::Driver::Epoll); })*
        }
    };
}
