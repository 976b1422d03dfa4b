//! The system calls that the standard library has no name for.
//!
//! One thin function for each, with the error as `io::Error`; nothing here decides anything. Together with
//! `driver/io_uring/` this is the only place in the crate where unsafe code may stand.

#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The address of the other end; `None` if the socket is not connected any more.
pub(crate) fn peer_address(descriptor: &OwnedFd) -> Option<SocketAddr> {
    // SAFETY: the descriptor is open for the length of the borrow, and `ManuallyDrop` keeps the
    // stream from closing it.
    let stream = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(descriptor.as_raw_fd()) });
    stream.peer_addr().ok()
}
