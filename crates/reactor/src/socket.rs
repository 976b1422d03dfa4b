//! The names of things at the driver's door: sockets, listeners, streams that belong to nobody yet, and what is
//! to be sent.
//!
//! A [`Socket`] is a number, not an owner; the driver owns the descriptor behind it. A [`Stream`] is an owner, and
//! the only one of these that may travel to another core.

use bytes::Bytes;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;

/// Most pieces that one [`Outgoing::Many`] may have: the kernel's own bound for one vectored send (`UIO_MAXIOV`).
pub const SEND_PIECES_MAX: usize = 1024;

/// Most bytes that one send may have. Far above any sensible batch, far below where the kernel cuts (2 GiB).
pub const SEND_BYTES_MAX: usize = 1 << 30;

/// A connection in one driver's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Socket {
    /// Dense from 0 and used again after [`crate::Completion::Closed`]: good for indexing a table beside the driver's.
    pub index: u32,
    /// Tells users of the same index apart.
    pub generation: u32,
}

/// A listener of one driver. Never used again after it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub u32);

/// What one send carries. The driver holds it until the kernel has taken the last byte.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// One run of bytes.
    One(Bytes),
    /// Several, sent in order as if they were one.
    Many(Vec<Bytes>),
}

impl Outgoing {
    /// Bytes in all pieces together.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Many(pieces) => pieces.iter().map(Bytes::len).sum(),
        }
    }

    /// Whether there is not a single byte to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A connection that no driver owns: just accepted, or on its way from one core to another. Closed when dropped.
#[derive(Debug)]
pub struct Stream(Inner);

#[derive(Debug)]
enum Inner {
    Kernel(OwnedFd),
    Virtual(VirtualStream),
}

/// One end of a connection in a simulated network: a number, and where to report that it was dropped.
#[derive(Debug)]
pub struct VirtualStream {
    id: u64,
    peer: SocketAddr,
    dropped: Option<Sender<u64>>,
}

impl VirtualStream {
    /// Names the end `id`; if nobody adopts the stream, `dropped` is told so.
    #[must_use]
    pub fn new(id: u64, peer: SocketAddr, dropped: Sender<u64>) -> Self {
        Self {
            id,
            peer,
            dropped: Some(dropped),
        }
    }

    /// Takes the number out; whoever has it now answers for closing that end.
    #[must_use]
    pub fn into_id(mut self) -> u64 {
        self.dropped = None;
        self.id
    }
}

impl Drop for VirtualStream {
    fn drop(&mut self) {
        if let Some(dropped) = self.dropped.take() {
            // A network that is gone has closed all its ends already.
            let _ = dropped.send(self.id);
        }
    }
}

impl Stream {
    /// The other end's address; `None` if the connection has already gone.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        match &self.0 {
            Inner::Kernel(descriptor) => crate::sys::peer_address(descriptor),
            Inner::Virtual(stream) => Some(stream.peer),
        }
    }

    /// The descriptor inside, or the stream back if it is a virtual one.
    ///
    /// # Errors
    /// The stream itself, unchanged.
    pub fn into_descriptor(self) -> Result<OwnedFd, Self> {
        match self.0 {
            Inner::Kernel(descriptor) => Ok(descriptor),
            other @ Inner::Virtual(_) => Err(Self(other)),
        }
    }

    /// The virtual stream inside, or the stream back if it is one of the kernel's.
    ///
    /// # Errors
    /// The stream itself, unchanged.
    pub fn into_virtual(self) -> Result<VirtualStream, Self> {
        match self.0 {
            Inner::Virtual(stream) => Ok(stream),
            other @ Inner::Kernel(_) => Err(Self(other)),
        }
    }
}

impl From<OwnedFd> for Stream {
    fn from(descriptor: OwnedFd) -> Self {
        Self(Inner::Kernel(descriptor))
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self(Inner::Kernel(stream.into()))
    }
}

impl From<VirtualStream> for Stream {
    fn from(stream: VirtualStream) -> Self {
        Self(Inner::Virtual(stream))
    }
}
