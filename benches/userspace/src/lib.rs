//! The broker's own part of the way of a message: real cores, real connections, no kernel.
//!
//! A [`Stage`] is one or more `server::core::Core` on drivers that answer every operation at once, so
//! that what is left is exactly our own code, from the bytes of a read to the bytes of a send. What
//! that costs in instructions and in allocations is the same on every run: `cargo xtask instructions`
//! compares the first with a committed record, `tests/allocations.rs` bounds the second. Neither says
//! how long anything takes; that is asked by the other benches.

#![forbid(unsafe_code)]

pub mod cases;
mod driver;
mod stage;
mod wire;

pub use stage::{Client, Stage, publication};
