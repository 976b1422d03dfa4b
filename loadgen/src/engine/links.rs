//! The connections of one thread: their table, their state between connecting and closing, and the bytes that they still
//! have to send.
//!
//! A link that only receives keeps no buffer. Bytes gathered during a turn leave as one send for each link, and no link has
//! two sends in flight. What each read looks at fits one cache line; the rest of a connection's state lies apart from it.

use bytes::Bytes;
use protocol::handshake::client;
use protocol::handshake::deflate::Agreed;
use protocol::ws::{self, Kind};
use reactor::{Driver, Outgoing, Socket};
use tls::ClientConnection;

use super::homecoming::Change;
use super::inbound::Inbound;
use super::posting::Post;
use crate::dialect::Talk;
use crate::evidence::Who;

/// Whose connection it is, numbered within this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Subscriber(u32),
    /// A subscriber that reads slowly.
    Slow(u32),
    Line(u32),
    /// The subscriber and the line of this number.
    Both(u32),
    /// A subscriber that is leaving, or not there yet: what comes is nobody's.
    Away(u32),
}

impl Member {
    /// Who hears what comes in, and is judged by it.
    #[inline]
    pub(super) fn subscriber(self) -> Option<u32> {
        match self {
            Member::Subscriber(number) | Member::Both(number) => Some(number),
            Member::Line(_) | Member::Slow(_) | Member::Away(_) => None,
        }
    }

    /// Who publishes over it.
    pub(super) fn line(self) -> Option<u32> {
        match self {
            Member::Line(number) | Member::Both(number) => Some(number),
            Member::Subscriber(_) | Member::Slow(_) | Member::Away(_) => None,
        }
    }
}

impl From<Member> for Who {
    fn from(member: Member) -> Who {
        match member {
            Member::Subscriber(_) | Member::Slow(_) | Member::Away(_) => Who::Subscriber,
            Member::Line(_) => Who::Publisher,
            Member::Both(_) => Who::Member,
        }
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    /// The opening handshake was sent.
    Shaking,
    /// The WebSocket stands; what its dialect wants to have said first is not all said.
    Greeting,
    Open,
    /// Stands and publishes over HTTP.
    Posting,
    /// Said goodbye, or was told it: what is queued still leaves, nothing is sent or counted any more.
    Leaving,
    /// The transport is of no more use.
    Broken,
    /// Closed here, until the driver says that it is gone.
    Gone,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: Socket,
    pub(super) member: Member,
    pub(super) stage: Stage,
    /// Its bytes go through TLS. Stands here too, so that each read need not look at the ends for that.
    pub(super) is_secured: bool,
    is_receiving: bool,
    is_sending: bool,
    is_marked: bool,
    pub(super) inbound: Inbound,
    pub(super) ends: Box<Ends>,
}

const _: () = assert!(size_of::<Link>() <= 64);

/// What is needed when more than plain messages comes, or when something is to be sent.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) machine: ws::Connection,
    pub(super) talk: Talk,
    pub(super) tls: Option<Box<ClientConnection>>,
    /// Until it stands.
    pub(super) approach: Option<Box<Approach>>,
    /// Of a line that publishes over HTTP.
    pub(super) post: Option<Box<Post>>,
    /// Not yet handed to the driver.
    pub(super) out: Vec<u8>,
}

/// A connection's way to standing.
#[derive(Debug)]
pub(super) struct Approach {
    /// While the answer to the opening handshake is awaited.
    pub(super) response: Option<client::Response>,
    /// When it should have been begun.
    pub(super) due_ns: u64,
    pub(super) cause: Cause,
}

/// Why a subscriber or publisher is on its way to standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It has not been there before.
    First,
    /// It takes the place of one that has left.
    Churn(Change),
    /// It was cut off.
    Cut,
}

impl Ends {
    /// The handshake agreed on compression.
    pub(super) fn compress(&mut self, agreed: Agreed) {
        let unused = ws::Connection::new(ws::Role::Client, 0, 0);
        self.machine = std::mem::replace(&mut self.machine, unused).with_deflate(agreed);
    }

    /// Queues one message.
    pub(super) fn send(&mut self, kind: Kind, message: &[u8]) {
        self.machine.send(kind, message, &mut self.out);
    }

    /// Whether the TLS handshake goes on.
    pub(super) fn is_securing(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// What leaves now: the queued bytes as they are, or what TLS makes of them and adds. They stay queued during its
    /// handshake. `is_last` when nothing will follow.
    fn take_out(&mut self, is_last: bool) -> Vec<u8> {
        let mut out = std::mem::take(&mut self.out);
        let Some(tls) = &mut self.tls else {
            return out;
        };
        // When the keys of TLS 1.2 are used up, what leaves says that this is the end, and the server hangs up.
        let _ = tls.send(&mut out);
        if !out.is_empty() {
            self.out = out;
        }
        if is_last {
            tls.close();
        }
        tls.transmit()
    }
}

/// The connections of one thread, indexed as the driver numbers its sockets.
#[derive(Debug)]
pub(super) struct Links {
    slots: Vec<Option<Link>>,
    count: usize,
    /// Links with bytes to send or a close to make, each once.
    marked: Vec<Socket>,
}

impl Links {
    /// A table with room for `count` connections.
    pub(super) fn new(count: usize) -> Links {
        Links {
            slots: Vec::with_capacity(count),
            count: 0,
            marked: Vec::new(),
        }
    }

    /// Enters a connection that was just begun.
    pub(super) fn insert(&mut self, socket: Socket, member: Member, ends: Ends) {
        let index = socket.index as usize;
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        self.count += 1;
        self.slots[index] = Some(Link {
            socket,
            member,
            stage: Stage::Connecting,
            is_secured: false,
            is_receiving: false,
            is_sending: false,
            is_marked: false,
            inbound: Inbound::default(),
            ends: Box::new(ends),
        });
    }

    /// The link of a socket, unless its index serves another one by now.
    #[inline]
    pub(super) fn at(&mut self, socket: Socket) -> Option<&mut Link> {
        self.slots
            .get_mut(socket.index as usize)?
            .as_mut()
            .filter(|link| link.socket == socket)
    }

    /// Forgets a socket that is gone.
    pub(super) fn remove(&mut self, socket: Socket) {
        if self.at(socket).is_some() {
            self.slots[socket.index as usize] = None;
            self.count -= 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        self.slots.iter_mut().flatten()
    }

    /// Puts a link onto the list of those that [`Links::flush`] looks after.
    pub(super) fn mark(&mut self, socket: Socket) {
        let Some(link) = self
            .slots
            .get_mut(socket.index as usize)
            .and_then(Option::as_mut)
        else {
            return;
        };
        if !link.is_marked {
            link.is_marked = true;
            self.marked.push(socket);
        }
    }

    /// A send is over; its buffer serves again where there is more to come.
    pub(super) fn sent(&mut self, socket: Socket, buffer: Outgoing) {
        let Some(link) = self.at(socket) else { return };
        link.is_sending = false;
        if link.ends.out.is_empty()
            && link.member.line().is_some()
            && let Outgoing::One(bytes) = buffer
        {
            link.ends.out = Vec::from(bytes);
            link.ends.out.clear();
        }
        self.mark(socket);
    }

    /// Hands queued bytes to the driver, and closes what has nothing more to say. Says whether there was anything to do.
    pub(super) fn flush<D: Driver>(&mut self, driver: &mut D) -> bool {
        let is_busy = !self.marked.is_empty();
        for at in 0..self.marked.len() {
            let socket = self.marked[at];
            let Some(link) = self.at(socket) else {
                continue;
            };
            link.is_marked = false;
            link.flush(driver);
        }
        self.marked.clear();
        is_busy
    }
}

impl Link {
    fn flush<D: Driver>(&mut self, driver: &mut D) {
        match self.stage {
            Stage::Connecting | Stage::Gone => return,
            Stage::Broken => return self.close(driver),
            Stage::Shaking | Stage::Greeting | Stage::Open | Stage::Posting | Stage::Leaving => {}
        }
        if !self.is_receiving {
            self.is_receiving = true;
            driver.receive(self.socket);
        }
        if self.is_sending {
            return;
        }
        // Not while a send is in flight: who pings and does not read is answered no more than the machine keeps.
        self.ends.machine.transmit(&mut self.ends.out);
        let is_last = self.is_over();
        let bytes = self.ends.take_out(is_last);
        if !bytes.is_empty() {
            self.is_sending = true;
            driver.send(self.socket, Outgoing::One(Bytes::from(bytes)));
        } else if is_last {
            self.close(driver);
        }
    }

    /// Both ends have said goodbye.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Leaving && self.ends.machine.is_finished()
    }

    /// Everything from now on goes through TLS.
    pub(super) fn secure(&mut self, tls: ClientConnection) {
        self.ends.tls = Some(Box::new(tls));
        self.is_secured = true;
    }

    /// Ends it at once, without a word.
    pub(super) fn close<D: Driver>(&mut self, driver: &mut D) {
        self.stage = Stage::Gone;
        driver.close(self.socket);
    }
}
