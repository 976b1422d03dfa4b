//! Requests and messages that are not whole, and bytes that have to wait.

use crate::answers;
use crate::formula::{Formula, HELD_BYTES_MAX, READ_BYTES};
use crate::stage::{Row, drip, upgrade};

/// Before a handshake.
pub(crate) fn requests(formula: &Formula) -> Vec<Row> {
    let head = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}",
        "x".repeat(8_100)
    );
    let lines = "x: y\r\n".repeat(62);
    let post =
        format!("POST /t/a HTTP/1.1\r\nhost: localhost\r\n{lines}content-length: 65536\r\n\r\n");
    let get = b"GET /t/a HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let requests = 1 + HELD_BYTES_MAX / get.len();
    vec![
        Row::new(
            "H14, H16: a head that never ends, byte by byte",
            drip(head.as_bytes(), 1),
            formula.http(),
            8_000,
        ),
        Row::new(
            "P22: a body of which the last byte is missing",
            [vec![post.into_bytes()], drip(&[b'x'; 65_535], 1_000)].concat(),
            formula.http(),
            65_000,
        ),
        Row {
            setup: answers::escaped_topic,
            ..Row::new(
                "H10: requests behind answers that are not read",
                [
                    vec![get.to_vec(); 2],
                    drip(&get.repeat(requests), READ_BYTES),
                ]
                .concat(),
                formula.http() + formula.held() + 2 * formula.history(),
                2 * answers::ESCAPED_BYTES + 15_000,
            )
        },
    ]
}

/// A masked frame's header, with a mask of zeros, of 64 KiB less one.
fn long_frame(first: u8) -> Vec<u8> {
    vec![first, 0xfe, 0xff, 0xff, 0, 0, 0, 0]
}

/// After it: what follows the handshake, and the least that a connection then holds.
pub(crate) fn frames(formula: &Formula) -> Vec<Row> {
    let start = vec![0x02, 0x80, 0, 0, 0, 0];
    let ping = [vec![0x89, 0xfd, 0, 0, 0, 0], vec![0; 125]].concat();
    let long = |first, size| [vec![long_frame(first)], drip(&[0; 65_534], size)].concat();
    let empty = [start.clone(), [0, 0x80, 0, 0, 0, 0].repeat(62)].concat();
    let compressed = vec![0xc2, 0xff, 0, 0, 0, 0, 0, 1, 0x1f, 0xff, 0, 0, 0, 0];
    let compressed = [vec![compressed], drip(&[0; 0x1_1ffe], 1_000)].concat();
    let rows = [
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
    ];
    let row = |(name, sends, held_least)| Row {
        opening: upgrade("/ws", "permessage-deflate"),
        ..Row::new(name, sends, formula.websocket(), held_least)
    };
    rows.into_iter().map(row).collect()
}
