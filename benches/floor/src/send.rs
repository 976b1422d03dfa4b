//! The floor on plain system calls: epoll, one `recv` for a readable connection, one `send` for a
//! subscriber.
//!
//! What a full socket does not take is kept for it and sent when it can be written again.

use std::io;
use std::net::{TcpListener, TcpStream};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::hub::{Hub, Outcome, Peer};

const EVENTS_MAX: usize = 1024;
const RECEIVE_BYTES: usize = 64 * 1024;
const LISTENER: u64 = u64::MAX;

/// One connection.
struct Connection {
    stream: TcpStream,
    peer: Peer,
    unsent: Vec<u8>,
}

struct Server {
    epoll: OwnedFd,
    hub: Hub,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
}

/// Serves for ever.
pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(
        &epoll,
        &listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let mut server = Server {
        epoll,
        hub: Hub::default(),
        connections: Vec::new(),
        free: Vec::new(),
    };
    let mut events = Vec::with_capacity(EVENTS_MAX);
    let mut buffer = vec![0; RECEIVE_BYTES];
    loop {
        events.clear();
        match epoll::wait(&server.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let (token, flags) = (event.data.u64(), event.flags);
            if token == LISTENER {
                server.accept(&listener)?;
                continue;
            }
            let index = token as usize;
            if flags.contains(EventFlags::OUT) {
                server.send_rest(index);
            }
            if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                server.receive(index, &mut buffer);
            }
        }
        server.end_turn();
    }
}

impl Server {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            let index = self.free.pop().unwrap_or(self.connections.len());
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(
                &self.epoll,
                &stream,
                EventData::new_u64(index as u64),
                interest,
            )?;
            let connection = Connection {
                stream,
                peer: Peer::default(),
                unsent: Vec::new(),
            };
            if index == self.connections.len() {
                self.connections.push(Some(connection));
            } else {
                self.connections[index] = Some(connection);
            }
        }
    }

    fn receive(&mut self, index: usize, buffer: &mut [u8]) {
        loop {
            let Some(connection) = self.connections[index].as_mut() else {
                return;
            };
            let length = match recv(&connection.stream, &mut *buffer, RecvFlags::empty()) {
                Ok((_, length)) if length > 0 => length,
                Err(Errno::AGAIN) => return,
                Ok(_) | Err(_) => return self.close(index),
            };
            match self
                .hub
                .receive(index, &mut connection.peer, &buffer[..length])
            {
                Outcome::Nothing => {}
                Outcome::Answer(answer) => {
                    if !connection.send(&answer) {
                        return self.close(index);
                    }
                }
                Outcome::End => return self.close(index),
            }
            // A short read emptied the socket: the next edge tells of more.
            if length < buffer.len() {
                return;
            }
        }
    }

    fn send_rest(&mut self, index: usize) {
        if let Some(connection) = self.connections[index].as_mut()
            && !connection.unsent.is_empty()
        {
            let unsent = std::mem::take(&mut connection.unsent);
            if !connection.send(&unsent) {
                self.close(index);
            }
        }
    }

    fn end_turn(&mut self) {
        let mut broken = Vec::new();
        let connections = &mut self.connections;
        self.hub.end_turn(|subscribers, batch| {
            for index in subscribers {
                if let Some(connection) = connections[*index].as_mut()
                    && !connection.send(batch)
                {
                    broken.push(*index);
                }
            }
        });
        for index in broken {
            self.close(index);
        }
    }

    /// Dropping the stream takes it out of epoll as well.
    fn close(&mut self, index: usize) {
        if let Some(connection) = self.connections[index].take() {
            self.hub.leave(index, &connection.peer);
            self.free.push(index);
        }
    }
}

impl Connection {
    /// Sends, and keeps what the socket does not take; false when the connection is broken.
    fn send(&mut self, bytes: &[u8]) -> bool {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return true;
        }
        match send(&self.stream, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => {
                self.unsent.extend_from_slice(&bytes[sent..]);
                true
            }
            Err(Errno::AGAIN) => {
                self.unsent.extend_from_slice(bytes);
                true
            }
            Err(_) => false,
        }
    }
}
