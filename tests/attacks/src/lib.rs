//! Hostile clients as data: each row of the catalogue says what is sent, what must come of it, and who got it wrong.
//!
//! [`rows`] is the catalogue. [`run`] runs a row against a [`target`], which is ringwire or any other WebSocket server on this
//! machine, and measures with [`measure`] what that costs both sides. The program `ringwire-attacks` prints the verdicts; the
//! tests of this package are the rows that no release may fail.
//!
//! Deliberately independent: frames and requests are written and read here without any code of the broker's.

#![forbid(unsafe_code)]

pub mod bystanders;
pub mod deflate;
pub mod measure;
pub mod peer;
pub mod report;
pub mod row;
pub mod rows;
pub mod run;
pub mod target;
pub mod wire;
