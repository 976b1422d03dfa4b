//! The contract between a core and its machine: what may be asked, what comes back, and in which order.
//!
//! A turn is: take completions until there are none, hand in operations, wait. Nothing blocks but [`Driver::wait`],
//! nothing is called back, and every operation that was handed in is answered by exactly one completion
//! (multishot ones by many), unless its socket was closed first: then only [`Completion::Closed`] follows.
//! What is handed in becomes visible to the kernel at the next `wait` at the latest.

pub(crate) mod epoll;
pub(crate) mod io_uring;
mod listeners;

use crate::{Counters, ListenOptions, ListenerId, Outgoing, Socket, SocketOptions, Stream, Waker};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// What lies in a receive buffer that nobody has written to, in builds with debug assertions: bytes beyond what was received
/// are then nobody's, and a test that compares what arrives cannot take them for the right ones.
const POISON: u8 = 0xdb;

/// How long [`Driver::wait`] may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Submit, collect everything that is pending, do not sleep: the core has more to do.
    Poll,
    /// Submit and sleep until a completion, a wake-up or this time of [`Driver::now_ns`]; `None` has no end.
    Until(Option<u64>),
}

/// What an operation came to. Borrows the driver's receive buffer at most until the next completion is taken.
#[derive(Debug)]
pub enum Completion<'b> {
    /// A connection arrived; it belongs to nobody until a driver adopts it, and is closed if nobody does.
    Accepted {
        /// Where it arrived.
        listener: ListenerId,
        /// The connection.
        stream: Stream,
    },
    /// Accepting failed, mostly for want of descriptors. The driver waits a little longer each time and tries
    /// again by itself.
    AcceptFailed {
        /// The listener concerned; it stays open.
        listener: ListenerId,
        /// Why.
        error: io::Error,
    },
    /// The answer to [`Driver::connect`]. After an error the socket still has to be closed.
    Connected {
        /// The socket that `connect` returned.
        socket: Socket,
        /// Whether the connection stands.
        result: io::Result<()>,
    },
    /// Bytes in the order in which the peer sent them, never empty.
    Received {
        /// The receiving socket.
        socket: Socket,
        /// The driver's own buffer: to be consumed in place, before the next call of the driver.
        bytes: &'b mut [u8],
    },
    /// No more bytes will come; the receive is disarmed. Sending may go on after a FIN.
    ReceiveEnded {
        /// The receiving socket.
        socket: Socket,
        /// `None` after the peer's FIN.
        error: Option<io::Error>,
    },
    /// A send is over and its memory no longer referred to.
    Sent {
        /// The sending socket, which may send again.
        socket: Socket,
        /// An error also for a send that was cut short: the stream then ends inside a frame and is of no more use.
        result: io::Result<()>,
        /// What was sent, given back so that its memory can be used again.
        buffer: Outgoing,
    },
    /// The last of a socket that was closed: nothing of it is in flight, its index may come again with another
    /// generation.
    Closed {
        /// The socket that is gone.
        socket: Socket,
    },
    /// Somebody called [`Waker::wake`] or [`Driver::wake`] since the last wait. Wakes may fall together.
    Woken,
}

/// One core's machine. Bound to the thread that made it.
///
/// An operation on a socket that was already closed by [`Driver::close`], or whose generation has passed, does
/// nothing and is not answered: the close has overtaken it.
pub trait Driver {
    /// Monotonic nanoseconds from an arbitrary start.
    fn now_ns(&self) -> u64;

    /// Wall-clock milliseconds since the Unix epoch.
    fn unix_ms(&self) -> u64;

    /// Opens a listener and starts accepting. Returns the address with the port that the kernel chose for port 0.
    ///
    /// # Errors
    /// Whatever `socket`, `setsockopt`, `bind` or `listen` say.
    fn listen(
        &mut self,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> io::Result<(ListenerId, SocketAddr)>;

    /// Closes a listener. Connections that it still holds in its backlog are reset.
    fn stop_listening(&mut self, listener: ListenerId);

    /// Starts a connection, from the address `source` if given; [`Completion::Connected`] answers.
    /// Until then the socket can only be closed.
    ///
    /// # Errors
    /// Whatever `socket`, `setsockopt` or `bind` say.
    fn connect(
        &mut self,
        address: SocketAddr,
        source: Option<IpAddr>,
        options: &SocketOptions,
    ) -> io::Result<Socket>;

    /// Takes an accepted stream, of this driver or of another, into this driver's table. Nothing is armed yet.
    fn adopt(&mut self, stream: Stream) -> Socket;

    /// Arms receiving. It stays armed, whatever the kernel does to the operation behind it, until [`Driver::pause`],
    /// [`Completion::ReceiveEnded`] or [`Driver::close`]. Arming twice is arming once.
    fn receive(&mut self, socket: Socket);

    /// Disarms receiving: unread bytes stay with the peer, by way of TCP's window. Bytes that had arrived before
    /// still come first.
    fn pause(&mut self, socket: Socket);

    /// Sends all of `outgoing`; [`Completion::Sent`] answers.
    ///
    /// # Panics
    /// If a send of this socket is still in flight, if [`Driver::finish`] was called before, or if `outgoing` is
    /// larger than [`crate::SEND_BYTES_MAX`] or has more pieces than [`crate::SEND_PIECES_MAX`].
    fn send(&mut self, socket: Socket, outgoing: Outgoing);

    /// Sends a FIN after whatever is in flight. Receiving goes on.
    fn finish(&mut self, socket: Socket);

    /// Ends both directions at once. [`Completion::Closed`] follows when nothing is in flight any more, and
    /// nothing else of this socket precedes it.
    fn close(&mut self, socket: Socket);

    /// A handle by which any thread can end this driver's sleep.
    fn waker(&self) -> Waker;

    /// Ends another driver's sleep, by the cheapest way that the two of them have in common. Takes effect at the
    /// next wait.
    fn wake(&mut self, waker: &Waker);

    /// Submits everything handed in since the last call and sleeps as `wait` says. Returns at once while
    /// completions are left to take.
    ///
    /// # Errors
    /// Only for what is a fault of this program or of the kernel: a core cannot go on after it.
    fn wait(&mut self, wait: Wait) -> io::Result<()>;

    /// Takes the next completion; `None` ends the turn's first half.
    fn next_completion(&mut self) -> Option<Completion<'_>>;

    /// What this driver has done so far.
    fn counters(&self) -> Counters;
}
