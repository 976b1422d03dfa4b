//! One machine for the generator and whoever it measures: both act on the simulated network, and time passes only when both wait.
//!
//! To the generator this is a driver like any other. What concerns the other side's sockets never reaches it. The generator's
//! process can be stopped for a while, as by SIGSTOP: it then misses everything that happens meanwhile, and finds it afterwards.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use reactor::{
    Completion, Counters, Driver, ListenOptions, ListenerId, Outgoing, Socket, SocketOptions,
    Stream, Wait, Waker,
};
use sim::SimDriver;

/// The other side.
pub(crate) trait Counterpart {
    /// Does what it is time for.
    fn act(&mut self, driver: &mut SimDriver);

    /// When it wants to act next, if nothing happens until then.
    fn next_ns(&self) -> u64;

    /// A connection arrived.
    fn accept(&mut self, stream: Stream, driver: &mut SimDriver);

    /// Whether it is the other side's socket.
    fn owns(&self, socket: Socket) -> bool;

    /// Something happened on a socket of its own.
    fn take(&mut self, event: Event, now_ns: u64);
}

/// A completion that can be kept.
#[derive(Debug)]
pub(crate) enum Event {
    Connected(Socket, io::Result<()>),
    Received(Socket, Vec<u8>),
    ReceiveEnded(Socket, Option<io::Error>),
    Sent(Socket, io::Result<()>, Outgoing),
    Closed(Socket),
    Woken,
}

/// The generator's driver.
pub(crate) struct Stage<C> {
    driver: SimDriver,
    counterpart: C,
    /// What the generator has not heard yet.
    untold: VecDeque<Event>,
    /// What the last `Received` lends.
    lent: Vec<u8>,
    /// When the generator's process does not run.
    stopped_ns: Range<u64>,
    alarm: Option<(u64, Box<dyn FnOnce()>)>,
}

impl<C: Counterpart> Stage<C> {
    pub(crate) fn new(driver: SimDriver, counterpart: C) -> Stage<C> {
        Stage {
            driver,
            counterpart,
            untold: VecDeque::new(),
            lent: Vec::new(),
            stopped_ns: 0..0,
            alarm: None,
        }
    }

    /// Stops the generator's process for that part of the network's time.
    pub(crate) fn stopped(self, stopped_ns: Range<u64>) -> Stage<C> {
        Stage { stopped_ns, ..self }
    }

    /// Does `what` at that time of the network.
    pub(crate) fn at(self, at_ns: u64, what: impl FnOnce() + 'static) -> Stage<C> {
        Stage {
            alarm: Some((at_ns, Box::new(what))),
            ..self
        }
    }

    /// Does what is to be done now, and says when there is more to do.
    fn act(&mut self) -> u64 {
        let now_ns = self.driver.now_ns();
        if let Some((_, what)) = self.alarm.take_if(|(at_ns, _)| *at_ns <= now_ns) {
            what();
        }
        self.counterpart.act(&mut self.driver);
        let alarm_ns = self.alarm.as_ref().map_or(u64::MAX, |(at_ns, _)| *at_ns);
        alarm_ns.min(self.counterpart.next_ns())
    }

    fn sort_out(&mut self) {
        loop {
            let now_ns = self.driver.now_ns();
            let event = match self.driver.next_completion() {
                None => return,
                Some(Completion::Accepted { stream, .. }) => {
                    self.counterpart.accept(stream, &mut self.driver);
                    continue;
                }
                Some(Completion::AcceptFailed { .. }) => continue,
                Some(Completion::Connected { socket, result }) => Event::Connected(socket, result),
                Some(Completion::Received { socket, bytes }) => {
                    Event::Received(socket, bytes.to_vec())
                }
                Some(Completion::ReceiveEnded { socket, error }) => {
                    Event::ReceiveEnded(socket, error)
                }
                Some(Completion::Sent {
                    socket,
                    result,
                    buffer,
                }) => Event::Sent(socket, result, buffer),
                Some(Completion::Closed { socket }) => Event::Closed(socket),
                Some(Completion::Woken) => Event::Woken,
            };
            match event.socket() {
                Some(socket) if self.counterpart.owns(socket) => {
                    self.counterpart.take(event, now_ns);
                }
                _ => self.untold.push_back(event),
            }
        }
    }
}

impl Event {
    fn socket(&self) -> Option<Socket> {
        match self {
            Event::Connected(socket, _)
            | Event::Received(socket, _)
            | Event::ReceiveEnded(socket, _)
            | Event::Sent(socket, ..)
            | Event::Closed(socket) => Some(*socket),
            Event::Woken => None,
        }
    }
}

impl<C: Counterpart> Driver for Stage<C> {
    fn wait(&mut self, wait: Wait) -> io::Result<()> {
        let wanted_ns = match wait {
            Wait::Poll => self.driver.now_ns(),
            Wait::Until(until_ns) => until_ns.unwrap_or(u64::MAX),
        };
        let until_ns = if self.stopped_ns.contains(&wanted_ns) {
            self.stopped_ns.end
        } else {
            wanted_ns
        };
        loop {
            let step_ns = self.act().min(until_ns.max(self.driver.now_ns()));
            self.driver.wait(Wait::Until(Some(step_ns)))?;
            self.sort_out();
            let now_ns = self.driver.now_ns();
            let has_reason = !self.untold.is_empty() || now_ns >= until_ns;
            if has_reason && !self.stopped_ns.contains(&now_ns) {
                return Ok(());
            }
        }
    }

    fn next_completion(&mut self) -> Option<Completion<'_>> {
        Some(match self.untold.pop_front()? {
            Event::Connected(socket, result) => Completion::Connected { socket, result },
            Event::Received(socket, bytes) => {
                self.lent = bytes;
                Completion::Received {
                    socket,
                    bytes: &mut self.lent,
                }
            }
            Event::ReceiveEnded(socket, error) => Completion::ReceiveEnded { socket, error },
            Event::Sent(socket, result, buffer) => Completion::Sent {
                socket,
                result,
                buffer,
            },
            Event::Closed(socket) => Completion::Closed { socket },
            Event::Woken => Completion::Woken,
        })
    }

    fn now_ns(&self) -> u64 {
        self.driver.now_ns()
    }

    fn unix_ms(&self) -> u64 {
        self.driver.unix_ms()
    }

    fn listen(
        &mut self,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> io::Result<(ListenerId, SocketAddr)> {
        self.driver.listen(address, options)
    }

    fn stop_listening(&mut self, listener: ListenerId) {
        self.driver.stop_listening(listener);
    }

    fn connect(
        &mut self,
        address: SocketAddr,
        source: Option<IpAddr>,
        options: &SocketOptions,
    ) -> io::Result<Socket> {
        self.driver.connect(address, source, options)
    }

    fn adopt(&mut self, stream: Stream) -> Socket {
        self.driver.adopt(stream)
    }

    fn receive(&mut self, socket: Socket) {
        self.driver.receive(socket);
    }

    fn pause(&mut self, socket: Socket) {
        self.driver.pause(socket);
    }

    fn send(&mut self, socket: Socket, outgoing: Outgoing) {
        self.driver.send(socket, outgoing);
    }

    fn finish(&mut self, socket: Socket) {
        self.driver.finish(socket);
    }

    fn close(&mut self, socket: Socket) {
        self.driver.close(socket);
    }

    fn waker(&self) -> Waker {
        self.driver.waker()
    }

    fn wake(&mut self, waker: &Waker) {
        self.driver.wake(waker);
    }

    fn counters(&self) -> Counters {
        self.driver.counters()
    }
}
