//! What the tests of the whole broker stand on: the program as a process, and a client of it.
//!
//! Nothing of the broker is linked here. The tests see what users see (a command line, a port, signals,
//! exit codes), and the client is tungstenite, which shares no code with the broker.

#![forbid(unsafe_code)]

mod client;
mod process;

pub use client::{Client, Ending, PATIENCE};
pub use process::{Broker, Launch, program};
