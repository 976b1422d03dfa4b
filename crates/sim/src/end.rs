//! One end of a connection, and what is on its way to it.

use reactor::Socket;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::SocketAddr;

/// Ends are numbered in the order in which they come into being, and never again.
pub(crate) type EndId = usize;

/// Who acts at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A stream that no driver has adopted yet, or an end that was closed.
    Nobody,
    Driver {
        driver: usize,
        socket: Socket,
    },
    /// A test, by its own hands.
    Peer,
}

/// What travels.
#[derive(Debug)]
pub(crate) enum Packet {
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

#[derive(Debug)]
pub(crate) struct End {
    pub(crate) owner: Owner,
    pub(crate) address: SocketAddr,
    pub(crate) peer_address: SocketAddr,
    /// The other end, once the connection stands.
    pub(crate) pair: Option<EndId>,
    pub(crate) refused: bool,
    /// Arrived and not yet read.
    pub(crate) ready: VecDeque<u8>,
    /// On the way here.
    pub(crate) travelling_bytes: usize,
    /// When the last packet on the way here arrives; the next one is not earlier.
    pub(crate) last_arrival_ns: u64,
    /// The other end has finished.
    pub(crate) fin_arrived: bool,
    pub(crate) reset: bool,
    /// The reset is told to whoever asks first; later callers find a connection that has ended.
    pub(crate) untold_error: Option<ErrorKind>,
    /// This end has sent its FIN.
    pub(crate) finished: bool,
    pub(crate) closed: bool,
}

impl End {
    pub(crate) fn new(owner: Owner, address: SocketAddr, peer_address: SocketAddr) -> Self {
        Self {
            owner,
            address,
            peer_address,
            pair: None,
            refused: false,
            ready: VecDeque::new(),
            travelling_bytes: 0,
            last_arrival_ns: 0,
            fin_arrived: false,
            reset: false,
            untold_error: None,
            finished: false,
            closed: false,
        }
    }

    /// Whether a read would bring anything: bytes, an error or an end.
    pub(crate) fn is_readable(&self) -> bool {
        !self.ready.is_empty() || self.fin_arrived || self.reset
    }

    /// How many bytes the other end may still send.
    pub(crate) fn room_bytes(&self, window_bytes: usize) -> usize {
        window_bytes.saturating_sub(self.ready.len() + self.travelling_bytes)
    }

    /// Why a send fails now, if it does. TCP reports a reset once and a broken pipe from then on.
    pub(crate) fn take_send_error(&mut self) -> Option<ErrorKind> {
        self.reset
            .then(|| self.untold_error.take().unwrap_or(ErrorKind::BrokenPipe))
    }
}
