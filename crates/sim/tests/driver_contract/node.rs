//! A driver and a diary of what it said, so that tests can wait for an event instead of for a time.

use bytes::Bytes;
use reactor::{
    Completion, Driver, ListenOptions, ListenerId, Outgoing, Socket, SocketOptions, Stream, Wait,
};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

/// How many turns a test may take until what it waits for has happened: some ten seconds on the kernel.
const TURNS_MAX: u32 = 10_000;

const TURN_NS: u64 = 1_000_000;

/// Makes drivers that can reach each other.
pub(crate) trait Fabric {
    type Driver: Driver;

    fn driver(&mut self, receive_buffers: u16) -> Self::Driver;

    fn node(&mut self) -> Node<Self::Driver> {
        Node::new(self.driver(64))
    }

    /// Two nodes, the first of which listens.
    fn server_and_client(&mut self) -> (Node<Self::Driver>, Node<Self::Driver>) {
        let mut server = self.node();
        server.listen();
        (server, self.node())
    }

    /// Two nodes with a connection between them: server, its end, client, its end. Neither end is receiving.
    fn connected(&mut self) -> (Node<Self::Driver>, Socket, Node<Self::Driver>, Socket) {
        let (mut server, mut client) = self.server_and_client();
        let (near, far) = join(&mut server, &mut client);
        (server, near, client, far)
    }
}

/// What a driver said that is not bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Accepted,
    AcceptFailed,
    Connected(Socket, Result<(), io::ErrorKind>),
    Ended(Socket, Option<io::ErrorKind>),
    Sent(Socket, Result<(), io::ErrorKind>),
    Closed(Socket),
    Woken,
}

pub(crate) struct Node<D> {
    pub(crate) driver: D,
    pub(crate) events: Vec<Event>,
    pub(crate) received: BTreeMap<Socket, Vec<u8>>,
    pub(crate) accepted: Vec<Stream>,
    /// Buffers that came back with `Sent`, in order.
    pub(crate) given_back: Vec<Outgoing>,
    pub(crate) listening: Option<(ListenerId, SocketAddr)>,
}

impl<D: Driver> Node<D> {
    pub(crate) fn new(driver: D) -> Self {
        Self {
            driver,
            events: Vec::new(),
            received: BTreeMap::new(),
            accepted: Vec::new(),
            given_back: Vec::new(),
            listening: None,
        }
    }

    pub(crate) fn listen(&mut self) -> SocketAddr {
        let address = "127.0.0.1:0".parse().unwrap();
        let options = ListenOptions {
            socket: small_buffers(),
            ..ListenOptions::default()
        };
        let listening = self.driver.listen(address, &options).unwrap();
        self.listening = Some(listening);
        listening.1
    }

    pub(crate) fn send(&mut self, socket: Socket, bytes: &[u8]) {
        self.driver
            .send(socket, Outgoing::One(Bytes::copy_from_slice(bytes)));
    }

    pub(crate) fn received(&self, socket: Socket) -> &[u8] {
        self.received.get(&socket).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn saw(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    /// How often the diary has an event of this kind.
    pub(crate) fn count(&self, kind: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| kind(event)).count()
    }

    /// One turn, asleep for a moment at most.
    pub(crate) fn turn(&mut self) {
        let deadline_ns = self.driver.now_ns() + TURN_NS;
        self.driver.wait(Wait::Until(Some(deadline_ns))).unwrap();
        self.take_completions();
    }

    /// Turns until `done` says so.
    pub(crate) fn turn_until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..TURNS_MAX {
            if done(self) {
                return;
            }
            self.turn();
        }
        panic!("it never happened; seen: {:?}", self.events);
    }

    pub(crate) fn take_completions(&mut self) {
        while let Some(completion) = self.driver.next_completion() {
            let event = match completion {
                Completion::Received { socket, bytes } => {
                    assert!(!bytes.is_empty(), "bytes are never empty");
                    self.received
                        .entry(socket)
                        .or_default()
                        .extend_from_slice(bytes);
                    continue;
                }
                Completion::Accepted { listener, stream } => {
                    assert_eq!(Some(listener), self.listening.map(|(id, _)| id));
                    self.accepted.push(stream);
                    Event::Accepted
                }
                Completion::AcceptFailed { .. } => Event::AcceptFailed,
                Completion::Connected { socket, result } => {
                    Event::Connected(socket, result.map_err(|error| error.kind()))
                }
                Completion::ReceiveEnded { socket, error } => {
                    Event::Ended(socket, error.map(|error| error.kind()))
                }
                Completion::Sent {
                    socket,
                    result,
                    buffer,
                } => {
                    self.given_back.push(buffer);
                    Event::Sent(socket, result.map_err(|error| error.kind()))
                }
                Completion::Closed { socket } => Event::Closed(socket),
                Completion::Woken => Event::Woken,
            };
            self.events.push(event);
        }
    }
}

/// Small kernel buffers, so that a few hundred kilobytes fill them.
pub(crate) fn small_buffers() -> SocketOptions {
    SocketOptions {
        send_buffer_bytes: Some(16 << 10),
        receive_buffer_bytes: Some(16 << 10),
        ..SocketOptions::default()
    }
}

/// Turns both nodes until `done` says so.
pub(crate) fn until<D: Driver>(
    one: &mut Node<D>,
    other: &mut Node<D>,
    done: impl Fn(&Node<D>, &Node<D>) -> bool,
) {
    for _ in 0..TURNS_MAX {
        if done(one, other) {
            return;
        }
        one.turn();
        other.turn();
    }
    panic!(
        "it never happened; seen: {:?} and {:?}",
        one.events, other.events
    );
}

/// Turns both nodes often enough for anything that is going to happen.
pub(crate) fn settle<D: Driver>(one: &mut Node<D>, other: &mut Node<D>) {
    for _ in 0..50 {
        one.turn();
        other.turn();
    }
}

/// Connects `client` to the listening `server` and returns both ends, the server's first.
pub(crate) fn join<D: Driver>(server: &mut Node<D>, client: &mut Node<D>) -> (Socket, Socket) {
    let (_, address) = server.listening.unwrap();
    let far = client
        .driver
        .connect(address, None, &small_buffers())
        .unwrap();
    until(server, client, |server, client| {
        !server.accepted.is_empty() && client.saw(&Event::Connected(far, Ok(())))
    });
    let stream = server.accepted.pop().unwrap();
    (server.driver.adopt(stream), far)
}

/// Bytes that show their place: no two kilobytes of them are alike.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|place| (place ^ (place >> 8) ^ (place >> 16)) as u8)
        .collect()
}
