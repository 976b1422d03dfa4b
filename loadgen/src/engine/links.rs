//! The connections of one thread: their table, their state between connecting and closing, and the bytes that they still
//! have to send.
//!
//! A link that only receives keeps no buffer. Bytes gathered during a turn leave as one send for each link, and no link has
//! two sends in flight.

use bytes::Bytes;
use protocol::handshake::client;
use protocol::ws;
use reactor::{Driver, Outgoing, Socket};

/// Whose connection it is, numbered within this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Subscriber(u32),
    Line(u32),
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum Stage {
    Connecting,
    Shaking(Box<client::Response>),
    Open,
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
    pub(super) connection: ws::Connection,
    /// Not yet handed to the driver.
    pub(super) out: Vec<u8>,
    is_receiving: bool,
    is_sending: bool,
    is_marked: bool,
}

/// The connections of one thread, indexed as the driver numbers its sockets.
#[derive(Debug, Default)]
pub(super) struct Links {
    slots: Vec<Option<Link>>,
    /// Links with bytes to send or a close to make, each once.
    marked: Vec<Socket>,
}

impl Links {
    /// Enters a connection that was just begun.
    pub(super) fn insert(&mut self, socket: Socket, member: Member, connection: ws::Connection) {
        let index = socket.index as usize;
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some(Link {
            socket,
            member,
            stage: Stage::Connecting,
            connection,
            out: Vec::new(),
            is_receiving: false,
            is_sending: false,
            is_marked: false,
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
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().all(Option::is_none)
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
        if link.out.is_empty()
            && matches!(link.member, Member::Line(_))
            && let Outgoing::One(bytes) = buffer
        {
            link.out = Vec::from(bytes);
            link.out.clear();
        }
        self.mark(socket);
    }

    /// Hands queued bytes to the driver, and closes what has nothing more to say.
    pub(super) fn flush<D: Driver>(&mut self, driver: &mut D) {
        for at in 0..self.marked.len() {
            let socket = self.marked[at];
            let Some(link) = self.at(socket) else {
                continue;
            };
            link.is_marked = false;
            link.connection.transmit(&mut link.out);
            link.flush(driver);
        }
        self.marked.clear();
    }
}

impl Link {
    fn flush<D: Driver>(&mut self, driver: &mut D) {
        match self.stage {
            Stage::Connecting | Stage::Gone => return,
            Stage::Broken => return self.close(driver),
            Stage::Shaking(_) | Stage::Open | Stage::Leaving => {}
        }
        if !self.is_receiving {
            self.is_receiving = true;
            driver.receive(self.socket);
        }
        if self.is_sending {
            return;
        }
        if !self.out.is_empty() {
            self.is_sending = true;
            driver.send(
                self.socket,
                Outgoing::One(Bytes::from(std::mem::take(&mut self.out))),
            );
        } else if matches!(self.stage, Stage::Leaving) && self.connection.is_finished() {
            self.close(driver);
        }
    }

    fn close<D: Driver>(&mut self, driver: &mut D) {
        self.stage = Stage::Gone;
        driver.close(self.socket);
    }
}
