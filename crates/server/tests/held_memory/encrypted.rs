//! What TLS holds beside a connection: keys, what a read has cut, and what is sealed for a client that does not read.

use crate::answers::{ESCAPED_BYTES, commands, escaped_topic};
use crate::formula::{CONNECTION_BYTES, Formula};
use crate::stage::{Row, Speaks, drip, frame, upgrade};

/// A ClientHello of 64 KiB less one, in records, that never ends.
fn endless_hello() -> Vec<u8> {
    let message = [&[1, 0, 0xff, 0xff][..], &[0; 63_996]].concat();
    let record = |part: &[u8]| {
        let length = (part.len() as u16).to_be_bytes();
        [&[22, 3, 1], &length[..], part].concat()
    };
    message.chunks(16_000).flat_map(record).collect()
}

pub(crate) fn rows(formula: &Formula) -> Vec<Row> {
    let row = |name, missing, sends, held_max, held_least| Row {
        speaks: Speaks::Tls { missing },
        opening: upgrade("/ws", "none"),
        ..Row::new(name, sends, held_max, held_least)
    };
    let histories = |name, takes| Row {
        setup: escaped_topic,
        connections: 10,
        takes,
        ..row(
            name,
            0,
            commands(r#"{"id":1,"history":"a"}"#, 1_000),
            formula.websocket() + formula.held() + 2 * formula.history() + formula.tls(),
            2 * ESCAPED_BYTES + 64 * 1024,
        )
    };
    vec![
        row(
            "TLS, idle",
            0,
            Vec::new(),
            CONNECTION_BYTES + formula.tls_idle(),
            2_000,
        ),
        row(
            "TLS, a record but for its last byte",
            1,
            vec![frame(0x81, &[b' '; 16_000])],
            CONNECTION_BYTES + formula.tls(),
            16_000,
        ),
        Row {
            speaks: Speaks::PlainToTls,
            ..Row::new(
                "H17: a ClientHello of 64 KiB that never ends",
                drip(&endless_hello(), 1_000),
                CONNECTION_BYTES + formula.tls(),
                64_000,
            )
        },
        histories(
            "TLS, histories: 64 KiB sealed, the rest of one and all of another waiting",
            0,
        ),
        histories(
            "TLS, the same of a client that reads 64 KiB, again and again",
            20,
        ),
    ]
}
