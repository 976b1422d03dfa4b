//! The driver of a core that has no kernel: every operation is over at the next wait.
//!
//! It keeps no rule of its own and checks none; `driver_contract` in crates/sim is for drivers that
//! serve somebody. What it adds to each operation is a push and a pop.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use reactor::{
    Completion, Counters, Driver, ListenOptions, ListenerId, Outgoing, Socket, SocketOptions,
    Stream, VirtualStream, Wait, Wake, Waker,
};

use crate::wire::{Due, Wire};

/// What a turn takes: small beside every timeout.
const TURN_NS: u64 = 10_000;
/// Some day in 2023.
const EPOCH_MS: u64 = 1_700_000_000_000;
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7464);

pub(crate) const LISTENER: ListenerId = ListenerId(0);

pub(crate) struct BareDriver {
    wire: Rc<RefCell<Wire>>,
    now_ns: u64,
    buffer: Box<[u8]>,
    dropped: (Sender<u64>, Receiver<u64>),
}

impl BareDriver {
    /// One that gives at most so many bytes in one read.
    pub(crate) fn new(wire: Rc<RefCell<Wire>>, read_bytes: usize) -> Self {
        Self {
            wire,
            now_ns: 0,
            buffer: vec![0; read_bytes].into(),
            dropped: channel(),
        }
    }
}

/// Cores of a stage take turns whether they sleep or not.
struct NoSleep;

impl Wake for NoSleep {
    fn wake(&self) {}
}

impl Driver for BareDriver {
    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn unix_ms(&self) -> u64 {
        EPOCH_MS + self.now_ns / 1_000_000
    }

    fn listen(
        &mut self,
        _address: SocketAddr,
        _options: &ListenOptions,
    ) -> io::Result<(ListenerId, SocketAddr)> {
        Ok((LISTENER, ADDRESS))
    }

    fn stop_listening(&mut self, _listener: ListenerId) {}

    fn connect(
        &mut self,
        _address: SocketAddr,
        _source: Option<IpAddr>,
        _options: &SocketOptions,
    ) -> io::Result<Socket> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn adopt(&mut self, stream: Stream) -> Socket {
        // Taken apart, so that it is not reported as dropped.
        let _ = stream.into_virtual().map(VirtualStream::into_id);
        self.wire.borrow_mut().adopt()
    }

    fn receive(&mut self, _socket: Socket) {}

    fn pause(&mut self, socket: Socket) {
        panic!("{socket:?} is held back: the stage was given more than it takes");
    }

    fn send(&mut self, socket: Socket, outgoing: Outgoing) {
        self.wire.borrow_mut().send(socket, outgoing);
    }

    fn finish(&mut self, _socket: Socket) {}

    fn close(&mut self, socket: Socket) {
        self.wire.borrow_mut().close(socket);
    }

    fn waker(&self) -> Waker {
        Waker::new(Arc::new(NoSleep))
    }

    fn wake(&mut self, _waker: &Waker) {}

    fn wait(&mut self, _wait: Wait) -> io::Result<()> {
        self.now_ns += TURN_NS;
        self.wire.borrow_mut().submit();
        Ok(())
    }

    fn next_completion(&mut self) -> Option<Completion<'_>> {
        let due = self.wire.borrow_mut().next_due(&mut self.buffer)?;
        Some(match due {
            Due::Accepted => Completion::Accepted {
                listener: LISTENER,
                stream: VirtualStream::new(0, ADDRESS, self.dropped.0.clone()).into(),
            },
            Due::Sent(socket, buffer) => Completion::Sent {
                socket,
                result: Ok(()),
                buffer,
            },
            Due::Received(socket, length) => Completion::Received {
                socket,
                bytes: &mut self.buffer[..length],
            },
            Due::HungUp(socket) => Completion::ReceiveEnded {
                socket,
                error: None,
            },
            Due::Closed(socket) => Completion::Closed { socket },
        })
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }
}
