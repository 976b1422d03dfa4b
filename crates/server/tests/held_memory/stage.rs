//! One core's hub, and hostile connections to it, without sockets.

use std::sync::{Arc, OnceLock};

use broker::Output;
use bytes::Bytes;
use reactor::Socket;
use ringwire::config::Config;
use ringwire::connection::{Connection, Transport};
use ringwire::hub::{Hub, Place, Settings};

use crate::certified;
use crate::formula::READ_BYTES;

/// As in a core's turn.
const PIECES_PER_SEND: usize = 64;
const BYTES_PER_SEND: usize = 256 * 1024;

/// An attack, and what it may come to.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) speaks: Speaks,
    /// What is configured beside the defaults.
    pub(crate) config: fn(&mut Config),
    /// What was published before.
    pub(crate) setup: fn(&mut Hub),
    /// What each connection says first, and reads the answer to.
    pub(crate) opening: Vec<u8>,
    /// What it sends then, each part in one turn and in as many reads as it takes.
    pub(crate) sends: Vec<Vec<u8>>,
    /// How many sends of the server's it takes then. It reads nothing more.
    pub(crate) takes: usize,
    pub(crate) connections: u32,
    /// What one of them may hold.
    pub(crate) held_max: usize,
    /// It has to hold this much, or the row does not do what it says.
    pub(crate) held_least: usize,
}

/// How the bytes of a row reach the connection.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Speaks {
    Plain,
    /// Over TLS, after a good handshake; so many bytes of the last record are missing.
    Tls {
        missing: usize,
    },
    /// As they are, to where TLS is spoken.
    PlainToTls,
}

impl Row {
    /// A connection that says something from its first byte on.
    pub(crate) fn new(
        name: &'static str,
        sends: Vec<Vec<u8>>,
        held_max: usize,
        held_least: usize,
    ) -> Self {
        Self {
            name,
            speaks: Speaks::Plain,
            config: |config| config.compression.enabled = true,
            setup: |_| {},
            opening: Vec::new(),
            sends,
            takes: 0,
            connections: 100,
            held_max,
            held_least,
        }
    }
}

pub(crate) fn upgrade(path: &str, extension: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-extensions: {extension}\r\n\r\n"
    )
    .into_bytes()
}

/// One masked frame under a mask of zeros, its payload as it is.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = match u8::try_from(payload.len()) {
        Ok(short @ ..126) => vec![first, 0x80 | short],
        _ => {
            let length = u16::try_from(payload.len()).expect("below 64 KiB");
            [&[first, 0xfe][..], &length.to_be_bytes()].concat()
        }
    };
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

pub(crate) fn drip(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    bytes.chunks(size).map(<[u8]>::to_vec).collect()
}

/// A connection, and what was handed to its socket and not taken from there.
pub(crate) struct Attacker {
    pub(crate) connection: Box<Connection>,
    in_flight: Vec<Bytes>,
}

pub(crate) struct Stage {
    pub(crate) hub: Hub,
    next_index: u32,
}

impl Stage {
    pub(crate) fn new(row: &Row) -> Self {
        let mut config = Config::default();
        (row.config)(&mut config);
        let settings = Settings {
            tls: (row.speaks != Speaks::Plain).then(|| certified().0.clone()),
            ..Settings::from(&config)
        };
        let place = Place {
            core: 0,
            cores: 1,
            hash_key: [1, 2],
            seed: 3,
        };
        let mut hub = Hub::new(place, &config, Arc::new(settings));
        (row.setup)(&mut hub);
        hub.end_turn();
        Self { hub, next_index: 0 }
    }

    /// A connection that has done what the row says.
    pub(crate) fn open(&mut self, row: &Row) -> Attacker {
        let socket = Socket {
            index: self.next_index,
            generation: 0,
        };
        self.next_index += 1;
        let transport = match row.speaks {
            Speaks::Plain => Transport::Plain,
            Speaks::Tls { .. } | Speaks::PlainToTls => Transport::Tls,
        };
        let mut attacker = Attacker {
            connection: Box::new(Connection::new(socket, transport, &mut self.hub)),
            in_flight: Vec::new(),
        };
        let missing = match row.speaks {
            Speaks::Plain | Speaks::PlainToTls => {
                if !row.opening.is_empty() {
                    self.receive(&mut attacker, &mut row.opening.clone());
                    self.read(&mut attacker);
                }
                for bytes in &row.sends {
                    self.receive(&mut attacker, &mut bytes.clone());
                }
                (0..row.takes).for_each(|_| self.take(&mut attacker));
                return attacker;
            }
            Speaks::Tls { missing } => missing,
        };
        let mut client = self.shake_hands(&mut attacker);
        let mut sealed = |plain: &[u8]| {
            client.send(&mut plain.to_vec()).expect("keys");
            client.transmit()
        };
        self.receive(&mut attacker, &mut sealed(&row.opening));
        self.read(&mut attacker);
        for (bytes, left) in row.sends.iter().zip((0..row.sends.len()).rev()) {
            let mut record = sealed(bytes);
            if left == 0 {
                record.truncate(record.len() - missing);
            }
            // As it was cut on its way.
            for bytes in record.chunks_mut(1_000) {
                self.receive(&mut attacker, bytes);
            }
        }
        (0..row.takes).for_each(|_| self.take(&mut attacker));
        attacker
    }

    fn receive(&mut self, attacker: &mut Attacker, bytes: &mut [u8]) {
        self.hub.begin_half();
        for bytes in bytes.chunks_mut(READ_BYTES) {
            attacker.connection.receive(&mut self.hub, bytes);
        }
        self.turn(attacker);
    }

    /// What a core does then: the broker's answers to their connection, and a send if none is in flight.
    fn turn(&mut self, attacker: &mut Attacker) {
        self.hub.end_turn();
        while let Some(output) = self.hub.broker.next_output() {
            if let Output::Notice { notice, .. } = output {
                attacker.connection.notice(&mut self.hub, notice);
            }
        }
        if attacker.in_flight.is_empty() {
            let (pieces, hub) = (&mut attacker.in_flight, &mut self.hub);
            let connection = &mut attacker.connection;
            connection.next_step(hub, pieces, PIECES_PER_SEND, BYTES_PER_SEND);
        }
    }

    /// The client takes everything.
    fn read(&mut self, attacker: &mut Attacker) -> Vec<u8> {
        let mut taken = Vec::new();
        while !attacker.in_flight.is_empty() {
            taken.extend(attacker.in_flight.concat());
            self.take(attacker);
        }
        taken
    }

    /// The client takes one send.
    fn take(&mut self, attacker: &mut Attacker) {
        attacker.in_flight.clear();
        attacker.connection.sent(&mut self.hub, true);
        self.turn(attacker);
    }

    fn shake_hands(&mut self, attacker: &mut Attacker) -> tls::ClientConnection {
        let name = "localhost".try_into().expect("a name");
        let mut client = certified().1.connect(&name).expect("randomness");
        while client.is_handshaking() || client.wants_transmit() {
            self.receive(attacker, &mut client.transmit());
            let mut answer = self.read(attacker);
            client.receive(&mut answer, &mut Vec::new()).expect("trust");
        }
        client
    }
}

fn certified() -> &'static (tls::Server, tls::Client) {
    static CERTIFIED: OnceLock<(tls::Server, tls::Client)> = OnceLock::new();
    CERTIFIED.get_or_init(certified::pair)
}
