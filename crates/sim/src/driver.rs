//! [`Driver`] over the simulated network.

use crate::end::{EndId, Owner};
use crate::sockets::{DriverState, Notice, Sending};
use crate::world::World;
use reactor::{
    Completion, Counters, Driver, ListenOptions, ListenerId, Outgoing, SEND_BYTES_MAX,
    SEND_PIECES_MAX, Socket, SocketOptions, Stream, VirtualStream, Wait, Wake, Waker,
};
use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The wall clock at the beginning of every simulation: some day in 2023.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// What a poll takes.
const POLL_NS: u64 = 1_000;

/// One simulated core's machine.
#[derive(Debug)]
pub struct SimDriver {
    world: Rc<RefCell<World>>,
    id: usize,
    wake: Arc<SimWake>,
    listeners_made: u32,
    /// What the last `Received` lends.
    lent: Option<Vec<u8>>,
}

/// Raised by wakers, lowered by the driver's next wait.
#[derive(Debug)]
struct SimWake(Arc<AtomicBool>);

impl Wake for SimWake {
    fn wake(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl SimDriver {
    pub(crate) fn new(world: Rc<RefCell<World>>, receive_buffers: u16) -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        let state = DriverState::new(receive_buffers, flag.clone());
        let id = {
            let mut world = world.borrow_mut();
            world.drivers.push(Some(state));
            world.drivers.len() - 1
        };
        Self {
            world,
            id,
            wake: Arc::new(SimWake(flag)),
            listeners_made: 0,
            lent: None,
        }
    }

    /// Gives back the buffer that the last completion lent.
    fn reclaim(&mut self) {
        if self.lent.take().is_some() {
            self.world.borrow_mut().buffer_came_back(self.id);
        }
    }

    /// The next notice that is still of interest: closing and closed sockets have nothing to say but that.
    fn next_notice(&mut self) -> Option<Notice> {
        let mut world = self.world.borrow_mut();
        loop {
            let state = world.driver(self.id);
            let notice = state.notices.pop_front()?;
            state.counters.completions += 1;
            let about = match &notice {
                Notice::Connected(socket, _)
                | Notice::Received(socket, _)
                | Notice::ReceiveEnded(socket, _)
                | Notice::Sent(socket, _) => Some(*socket),
                Notice::Accepted(..)
                | Notice::AcceptFailed(_)
                | Notice::Closed(_)
                | Notice::Woken => None,
            };
            if about.is_none_or(|socket| state.open(socket).is_some()) {
                return Some(notice);
            }
            if matches!(notice, Notice::Received(..)) {
                world.buffer_came_back(self.id);
            }
        }
    }

    fn accepted(&self, end: EndId) -> Stream {
        let world = self.world.borrow();
        let peer = world.ends[end].peer_address;
        VirtualStream::new(end as u64, peer, world.dropped_sender.clone()).into()
    }

    /// A send is over: its memory goes back, and a FIN that waited for it goes out.
    fn sent(&self, socket: Socket) -> Outgoing {
        let mut world = self.world.borrow_mut();
        let slot = world
            .driver(self.id)
            .open_mut(socket)
            .expect("checked by next_notice");
        let sending = slot
            .sending
            .take()
            .expect("a send that was told of was in flight");
        let (end, finishing) = (slot.end, slot.finishing);
        if finishing {
            world.finish(end);
        }
        sending.outgoing
    }
}

impl Driver for SimDriver {
    fn now_ns(&self) -> u64 {
        self.world.borrow().now_ns
    }

    fn unix_ms(&self) -> u64 {
        EPOCH_MS + self.now_ns() / 1_000_000
    }

    fn listen(
        &mut self,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> io::Result<(ListenerId, SocketAddr)> {
        let listener = ListenerId(self.listeners_made);
        let mut world = self.world.borrow_mut();
        let bound = world.listen(self.id, listener, address, options.reuse_port)?;
        self.listeners_made += 1;
        Ok((listener, bound))
    }

    fn stop_listening(&mut self, listener: ListenerId) {
        self.world.borrow_mut().stop_listening(self.id, listener);
    }

    fn connect(
        &mut self,
        address: SocketAddr,
        source: Option<IpAddr>,
        _options: &SocketOptions,
    ) -> io::Result<Socket> {
        let mut world = self.world.borrow_mut();
        let end = world.call(Owner::Nobody, source, address);
        let socket = world.driver(self.id).insert(end);
        world.ends[end].owner = Owner::Driver {
            driver: self.id,
            socket,
        };
        Ok(socket)
    }

    fn adopt(&mut self, stream: Stream) -> Socket {
        let stream = stream
            .into_virtual()
            .expect("a simulated stream, not one of the kernel's");
        let end = stream.into_id() as EndId;
        let mut world = self.world.borrow_mut();
        let socket = world.driver(self.id).insert(end);
        world.ends[end].owner = Owner::Driver {
            driver: self.id,
            socket,
        };
        socket
    }

    fn receive(&mut self, socket: Socket) {
        let mut world = self.world.borrow_mut();
        if let Some(slot) = world.driver(self.id).open_mut(socket) {
            slot.wants_receive = true;
            world.look_soon(self.id, socket);
        }
    }

    fn pause(&mut self, socket: Socket) {
        let mut world = self.world.borrow_mut();
        if let Some(slot) = world.driver(self.id).open_mut(socket) {
            slot.wants_receive = false;
        }
    }

    fn send(&mut self, socket: Socket, outgoing: Outgoing) {
        let mut world = self.world.borrow_mut();
        let state = world.driver(self.id);
        let Some(slot) = state.open_mut(socket) else {
            return;
        };
        assert!(slot.sending.is_none(), "one send in flight per socket");
        assert!(!slot.finishing, "a send after the last one");
        let flat = match &outgoing {
            Outgoing::One(bytes) => bytes.to_vec(),
            Outgoing::Many(pieces) => pieces.concat(),
        };
        assert!(
            flat.len() <= SEND_BYTES_MAX,
            "a send of {} bytes",
            flat.len()
        );
        if let Outgoing::Many(pieces) = &outgoing {
            assert!(
                pieces.len() <= SEND_PIECES_MAX,
                "a send of {} pieces",
                pieces.len()
            );
        }
        slot.sending = Some(Sending {
            outgoing,
            flat,
            sent_bytes: 0,
            over: false,
        });
        state.counters.sends += 1;
        world.push(self.id, socket);
    }

    fn finish(&mut self, socket: Socket) {
        let mut world = self.world.borrow_mut();
        let Some(slot) = world.driver(self.id).open_mut(socket) else {
            return;
        };
        slot.finishing = true;
        if slot.sending.is_none() {
            let end = slot.end;
            world.finish(end);
        }
    }

    fn close(&mut self, socket: Socket) {
        let mut world = self.world.borrow_mut();
        let Some(slot) = world.driver(self.id).open_mut(socket) else {
            return;
        };
        slot.closing = true;
        let end = slot.end;
        world.close(end);
        world.tell(self.id, Notice::Closed(socket));
    }

    fn waker(&self) -> Waker {
        Waker::new(self.wake.clone())
    }

    fn wake(&mut self, waker: &Waker) {
        self.world.borrow_mut().driver(self.id).counters.wakes_sent += 1;
        waker.wake();
    }

    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        self.reclaim();
        let mut world = self.world.borrow_mut();
        world.close_dropped();
        let now_ns = world.now_ns;
        let woken = self.wake.0.swap(false, Ordering::SeqCst);
        let state = world.driver(self.id);
        state.counters.turns += 1;
        if woken {
            state.counters.wakes_received += 1;
            state.notices.push_back(Notice::Woken);
        }
        let deadline_ns = match wait {
            _ if !state.notices.is_empty() => return Ok(()),
            Wait::Poll => now_ns + POLL_NS,
            Wait::Until(deadline_ns) => deadline_ns.unwrap_or(u64::MAX),
        };
        let until_ns = world.sleep_end_ns(self.id, deadline_ns);
        world.driver(self.id).asleep_until_ns = deadline_ns;
        world.advance(until_ns);
        Ok(())
    }

    fn next_completion(&mut self) -> Option<Completion<'_>> {
        self.reclaim();
        Some(match self.next_notice()? {
            Notice::Accepted(listener, end) => {
                self.world.borrow_mut().driver(self.id).counters.accepted += 1;
                Completion::Accepted {
                    listener,
                    stream: self.accepted(end),
                }
            }
            Notice::AcceptFailed(listener) => {
                self.world
                    .borrow_mut()
                    .driver(self.id)
                    .counters
                    .accept_failures += 1;
                Completion::AcceptFailed {
                    listener,
                    error: io::Error::other("no descriptor left"),
                }
            }
            Notice::Connected(socket, result) => Completion::Connected {
                socket,
                result: result.map_err(io::Error::from),
            },
            Notice::Received(socket, bytes) => Completion::Received {
                socket,
                bytes: self.lent.insert(bytes),
            },
            Notice::ReceiveEnded(socket, error) => Completion::ReceiveEnded {
                socket,
                error: error.map(io::Error::from),
            },
            Notice::Sent(socket, result) => {
                let failed = u64::from(result.is_err());
                self.world
                    .borrow_mut()
                    .driver(self.id)
                    .counters
                    .sends_failed += failed;
                Completion::Sent {
                    socket,
                    result: result.map_err(io::Error::from),
                    buffer: self.sent(socket),
                }
            }
            Notice::Closed(socket) => {
                self.world.borrow_mut().driver(self.id).remove(socket);
                Completion::Closed { socket }
            }
            Notice::Woken => Completion::Woken,
        })
    }

    fn counters(&self) -> Counters {
        let world = self.world.borrow();
        let state = world.drivers[self.id].as_ref().expect("the driver exists");
        Counters {
            sockets: state.used() as u64,
            ..state.counters
        }
    }
}

impl Drop for SimDriver {
    fn drop(&mut self) {
        let mut world = self.world.borrow_mut();
        world.stop_all_listening(self.id);
        let Some(state) = world.drivers[self.id].take() else {
            return;
        };
        state.ends().into_iter().for_each(|end| world.close(end));
        for notice in state.notices {
            if let Notice::Accepted(_, end) = notice {
                world.close(end);
            }
        }
    }
}
