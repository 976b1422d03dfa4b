//! What a hostile client can make its connection hold, counted by the allocator, against the formula
//! of docs/memory.md: each row drives a hundred connections into the worst that one of the attacks of
//! the catalogue can do, and leaves them there.
//!
//! Connections alone, without socket: what an idle one costs with everything below it is
//! `idle_memory`'s.

#![forbid(unsafe_code)]

use std::alloc::System;
use std::sync::Arc;

use cap::Cap;
use protocol::limits::compressed_bytes_max;
use reactor::Socket;
use ringwire::config::Config;
use ringwire::connection::{Connection, Transport};
use ringwire::hub::{Hub, Place, Settings};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const CONNECTIONS: u32 = 100;

/// Reads come in the driver's buffers.
const READ_BYTES: usize = 17 * 1024;

/// A connection's own places, in its phase and in the broker's table.
const CONNECTION_BYTES: usize = 1024;
/// What is kept of a header line beside its text.
const FIELD_BYTES: usize = 32;
/// The state of a message that is not whole.
const PARTIAL_BYTES: usize = 512;
/// Pongs, a ping and a Close that wait.
const CONTROL_BYTES: usize = 2 * 2048 + 2 * 128;
/// Bytes that lie until the client has taken its answers.
const HELD_BYTES_MAX: usize = 16 * 1024;
/// A buffer that grows with what arrives is at most twice as large.
const GROWTH: usize = 2;

/// The formula of docs/memory.md.
struct Formula(Config);

impl Formula {
    fn http(&self) -> usize {
        let http = &self.0.http;
        let head = GROWTH * http.head_bytes_max.len() + FIELD_BYTES * http.headers_max;
        CONNECTION_BYTES + head + GROWTH * self.0.websocket.message_bytes_max.len()
    }

    fn websocket(&self) -> usize {
        // Compressed, a message may take more than plain.
        let message = compressed_bytes_max(self.0.websocket.message_bytes_max.bytes()) as usize;
        CONNECTION_BYTES + PARTIAL_BYTES + GROWTH * message + CONTROL_BYTES
    }

    fn held(&self) -> usize {
        GROWTH * (HELD_BYTES_MAX + READ_BYTES)
    }
}

struct Row {
    name: &'static str,
    /// What each connection sends: many reads.
    sends: Vec<Vec<u8>>,
    held_max: usize,
    /// It has to hold this much, or the row does not do what it says.
    held_least: usize,
}

fn upgrade() -> Vec<u8> {
    b"GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
      sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
      sec-websocket-extensions: permessage-deflate\r\n\r\n"
        .to_vec()
}

/// A masked frame's header, with a mask of zeros, of 64 KiB less one.
fn long_frame(first: u8) -> Vec<u8> {
    vec![first, 0xfe, 0xff, 0xff, 0, 0, 0, 0]
}

fn drip(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    bytes.chunks(size).map(<[u8]>::to_vec).collect()
}

/// Before a handshake.
fn requests(formula: &Formula) -> Vec<Row> {
    let head = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}",
        "x".repeat(8_100)
    );
    let lines = "x: y\r\n".repeat(62);
    let post =
        format!("POST /t/a HTTP/1.1\r\nhost: localhost\r\n{lines}content-length: 65536\r\n\r\n");
    let get = b"GET /t/a HTTP/1.1\r\nhost: localhost\r\n\r\n";
    vec![
        Row {
            name: "H14, H16: a head that never ends, byte by byte",
            sends: drip(head.as_bytes(), 1),
            held_max: formula.http(),
            held_least: 8_000,
        },
        Row {
            name: "P22: a body of which the last byte is missing",
            sends: [vec![post.into_bytes()], drip(&[b'x'; 65_535], 1_000)].concat(),
            held_max: formula.http(),
            held_least: 65_000,
        },
        Row {
            name: "H10: requests behind one that waits for its answer",
            sends: drip(&get.repeat(1 + HELD_BYTES_MAX / get.len()), READ_BYTES),
            held_max: formula.http() + formula.held(),
            held_least: 15_000,
        },
    ]
}

/// After it: what follows the handshake, and the least that a connection then holds.
fn frames() -> Vec<(&'static str, Vec<Vec<u8>>, usize)> {
    let start = vec![0x02, 0x80, 0, 0, 0, 0];
    let ping = [vec![0x89, 0xfd, 0, 0, 0, 0], vec![0; 125]].concat();
    let long = |first, size| [vec![long_frame(first)], drip(&[0; 65_534], size)].concat();
    let empty = [start.clone(), [0, 0x80, 0, 0, 0, 0].repeat(62)].concat();
    let compressed = vec![0xc2, 0xff, 0, 0, 0, 0, 0, 1, 0x1f, 0xff, 0, 0, 0, 0];
    let compressed = [vec![compressed], drip(&[0; 0x1_1ffe], 1_000)].concat();
    vec![
        (
            "F10: a length of 64 KiB is declared, nothing follows",
            vec![long_frame(0x82)],
            0,
        ),
        (
            "F15: a frame of 64 KiB in small pieces, but for its end",
            long(0x82, 100),
            65_000,
        ),
        (
            "F22: a text of 64 KiB, but for its end",
            long(0x81, READ_BYTES),
            65_000,
        ),
        (
            "C1: a compressed message as long as may be, but for its end",
            compressed,
            73_000,
        ),
        (
            "F13, F14: as many empty fragments as may be",
            vec![empty],
            0,
        ),
        (
            "F16: pings whose pongs are never read",
            vec![ping.repeat(125); 40],
            1_500,
        ),
        (
            "F18: half a ping inside half a message",
            vec![start, ping[..100].to_vec()],
            94,
        ),
    ]
}

fn rows(formula: &Formula) -> Vec<Row> {
    let websockets = frames().into_iter().map(|(name, frames, held_least)| Row {
        name,
        sends: [vec![upgrade()], frames].concat(),
        held_max: formula.websocket(),
        held_least,
    });
    requests(formula).into_iter().chain(websockets).collect()
}

fn hub(config: &Config) -> Hub {
    let place = Place {
        core: 0,
        cores: 1,
        hash_key: [1, 2],
        seed: 3,
    };
    Hub::new(place, config, Arc::new(Settings::from(config)))
}

#[test]
fn no_attack_makes_a_connection_hold_more_than_the_formula() {
    let mut config = Config::default();
    config.compression.enabled = true;
    let formula = Formula(config);
    for row in rows(&formula) {
        let mut hub = hub(&formula.0);
        // The first pays for what all of a core share.
        let shared = open(&mut hub, 0, &row);
        let before = ALLOCATOR.allocated();
        let attackers: Vec<_> = (1..=CONNECTIONS)
            .map(|index| open(&mut hub, index, &row))
            .collect();
        let held = (ALLOCATOR.allocated() - before) / CONNECTIONS as usize;
        println!("{:>8} of {:>8} B  {}", held, row.held_max, row.name);
        assert!(held <= row.held_max, "{}: {held} B", row.name);
        assert!(held >= row.held_least, "{}: only {held} B", row.name);
        drop((shared, attackers));
    }
}

fn open(hub: &mut Hub, index: u32, row: &Row) -> Box<Connection> {
    let socket = Socket {
        index,
        generation: 0,
    };
    let mut connection = Box::new(Connection::new(socket, Transport::Plain, hub));
    for bytes in &row.sends {
        connection.receive(hub, &mut bytes.clone());
    }
    connection
}

/// What docs/memory.md says of the defaults.
#[test]
fn the_page_shows_the_formula_of_the_defaults() {
    let page = include_str!("../../../docs/memory.md");
    let formula = Formula(Config::default());
    let kib = |bytes: usize| format!("{} KiB", bytes.div_ceil(1024));
    for (name, bytes) in [
        ("HTTP", formula.http()),
        ("WebSocket", formula.websocket()),
        ("held", formula.held()),
    ] {
        let cell = format!("| {name} | {} |", kib(bytes));
        assert!(page.contains(&cell), "{cell}");
    }
}
