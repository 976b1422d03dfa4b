//! RFC 6455 frames: bytes to frames and back.
//!
//! This crate knows what one frame looks like (header, masking, UTF-8, close payload) and the
//! rules between the frames of one message. It knows no connection, no role and no extension:
//! whether a mask or a reserved bit is right is for the protocol machine to say.
//!
//! It needs `alloc` only. The default feature `std` adds run-time detection of instruction sets.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod close;
mod error;
mod fragments;
mod header;
pub mod limits;
pub mod mask;
mod opcode;
mod utf8;

pub use close::{CloseCode, ClosePayload};
pub use error::Error;
pub use fragments::{Fragments, Part};
pub use header::Header;
pub use limits::Limits;
pub use opcode::Opcode;
pub use utf8::Utf8Stream;
