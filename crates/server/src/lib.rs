//! The broker's binary as a library: configuration, HTTP routes, connections, cores, the control
//! thread and the two small shell clients.
//!
//! It puts the other crates together and has the policy that none of them may have: who may come
//! in, where, and what happens when the process is asked to stop.

#![forbid(unsafe_code)]

pub mod args;
pub mod cert;
pub mod certificates;
pub mod config;
pub mod connection;
pub mod core;
pub mod entrance;
pub mod error;
pub mod host;
pub mod hub;
pub mod logs;
pub mod node;
pub mod origin;
pub mod routes;
pub mod shell;
pub mod start;
pub mod wire;

mod control;
mod core_thread;
