//! What is told to those who run it: the sentence of each failure, what a log shows of a machine,
//! which is how much there is and never what, and how much an inflater has worked.

use crate::frames::{frame, part};
use crate::pair::{CONFIG, receive};
use frame::{CloseCode, Error, Header, Opcode};
use ringwire_protocol::handshake::deflate::{Agreed, Compressing};
use ringwire_protocol::limits::{
    DEFLATED_BYTES_KEPT_MAX, HISTORY_BYTES_PER_WORK, INFLATED_BYTES_KEPT_MAX, INFLATED_BYTES_MIN,
    WORK_PER_COMPRESSED_BYTE,
};
use ringwire_protocol::ws::{Config, Connection, Deflater, Event, Failure, Inflater, Input, Role};

const FULL: Compressing = Compressing {
    context_takeover: true,
    window_bits: 15,
};

fn server() -> Connection {
    Connection::new(Role::Server, 0, 0).with_deflate(Agreed {
        server: FULL,
        client: FULL,
    })
}

/// One compressed message of a client.
fn compressed(message: &[u8]) -> Vec<u8> {
    let mut deflater = Deflater::new(6, 15);
    let payload = deflater.deflate(message).expect("it becomes smaller");
    let mut sent = frame(Opcode::Binary, payload);
    sent[0] |= Header::RSV1 << 4;
    sent
}

#[test]
fn each_failure_has_its_code_and_its_sentence() {
    let failures = [
        (Failure::Frame(Error::InvalidUtf8), Some(1007), "UTF-8"),
        (Failure::Unmasked, Some(1002), "a client must mask"),
        (Failure::Masked, Some(1002), "a server must not mask"),
        (Failure::ReservedBits, Some(1002), "a reserved bit"),
        (Failure::CorruptDeflate, Some(1007), "corrupt compressed"),
        (Failure::ControlFlood, Some(1008), "too many pings"),
        (Failure::PongTimeout, Some(1008), "answer to a ping"),
        (Failure::CloseTimeout, None, "answer to a close"),
    ];
    for (failure, code, words) in failures {
        assert_eq!(failure.close_code(), code.map(CloseCode), "{failure:?}");
        let shown = failure.to_string();
        assert!(shown.contains(words), "{shown}");
    }
}

#[test]
fn no_log_shows_what_a_connection_holds() {
    let said = b"secretsecretsecretsecret";
    let ping = frame(Opcode::Ping, &said[..18]);
    let read = [
        compressed(said).as_slice(),
        &frame(Opcode::Ping, b"secret"),
        &part(Opcode::Text, false, &said[..12]),
        &ping[..ping.len() - 1],
    ]
    .concat();
    let mut connection = server();
    let mut events = Vec::new();
    receive(&mut connection, &CONFIG, 0, &mut read.clone(), &mut events);
    assert_eq!(events.len(), 1);
    let shown = format!("{connection:?}");
    for part in [
        "History { bytes: 24, window_bytes: 32768 }",
        "Outbound { pongs: 1, ping: false, close: false }",
        "message_bytes: 12",
        "control_bytes: 17",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let bytes = format!("{:?}", &said[..3]);
    let bytes = bytes.trim_matches(['[', ']']);
    assert!(!shown.contains(bytes) && !shown.contains("sec"), "{shown}");
}

/// What both compressors hold is bounded, and the log says how much it is.
#[test]
fn a_log_shows_how_much_room_messages_took() {
    let mut inflater = Inflater::default();
    assert!(format!("{inflater:?}").contains("output_bytes: None"));
    for (message_bytes, output_bytes) in [
        (INFLATED_BYTES_MIN - 1, INFLATED_BYTES_MIN),
        (INFLATED_BYTES_MIN, 2 * INFLATED_BYTES_MIN),
        (INFLATED_BYTES_KEPT_MAX - 1, INFLATED_BYTES_KEPT_MAX),
        (INFLATED_BYTES_KEPT_MAX, INFLATED_BYTES_MIN),
    ] {
        let mut connection = server().counted_by(&inflater);
        let mut read = compressed(&vec![b'a'; message_bytes]);
        let mut input = Input::new(&mut read);
        assert!(!input.is_empty());
        let event = connection.receive(&CONFIG, &mut inflater, 0, &mut input);
        assert!(event.is_some() && input.is_empty());
        let shown = format!("{inflater:?}");
        let expected = format!("output_bytes: Some({output_bytes}), context_bytes: 32768");
        assert!(shown.contains(&expected), "{message_bytes}: {shown}");
    }
    let mut deflater = Deflater::new(6, 15);
    for message_bytes in [1000, 10] {
        deflater.deflate(&vec![b'a'; message_bytes]);
        let shown = format!("{deflater:?}");
        assert!(shown.contains("output_bytes: 1157"), "{shown}");
    }
    for (message_bytes, output_bytes) in [(DEFLATED_BYTES_KEPT_MAX, 299_024), (10, 29)] {
        deflater.deflate(&vec![b'a'; message_bytes]);
        let shown = format!("{deflater:?}");
        let expected = format!("output_bytes: {output_bytes},");
        assert!(shown.contains(&expected), "{shown}");
    }
}

/// What a turn of a server may cost is counted in this.
#[test]
fn an_inflater_counts_what_it_takes_and_what_it_makes() {
    let mut inflater = Inflater::default();
    let mut read_by = |config: &Config, mut read: Vec<u8>| {
        let mut input = Input::new(&mut read);
        let before = inflater.work();
        let event = server().receive(config, &mut inflater, 0, &mut input);
        (event.is_some(), inflater.work() - before)
    };
    let plain = frame(Opcode::Binary, b"plain");
    assert_eq!(read_by(&CONFIG, plain), (true, 0));
    let read = compressed(&[b'a'; 5000]);
    let wire_bytes = Deflater::new(6, 15).deflate(&[b'a'; 5000]).unwrap().len() as u64;
    for _ in 0..2 {
        assert_eq!(
            read_by(&CONFIG, read.clone()),
            (true, WORK_PER_COMPRESSED_BYTE * wire_bytes + 5000)
        );
    }
    // Refused, but only after it was made as far as one byte beyond what is allowed.
    let mut small = CONFIG;
    small.limits.message_bytes_max = 4000;
    assert_eq!(
        read_by(&small, read),
        (true, WORK_PER_COMPRESSED_BYTE * wire_bytes + 4001)
    );
}

/// A context is laid ready again for each stream that begins, of which one small message may have many.
#[test]
fn an_inflater_counts_the_contexts_that_it_lays_ready() {
    let mut inflater = Inflater::default();
    let mut connection = server();
    let mut read_by = |mut read: Vec<u8>| {
        let mut input = Input::new(&mut read);
        let before = inflater.work();
        let event = connection.receive(&CONFIG, &mut inflater, 0, &mut input);
        assert!(matches!(event, Some(Event::Message { .. })));
        inflater.work() - before
    };
    read_by(compressed(&[b'a'; 32_000]));
    // Empty final blocks, and the header of the last one, which is not.
    for final_blocks in [0, 1, 16] {
        let payload = [[3, 0].repeat(final_blocks), vec![0]].concat();
        let mut message = frame(Opcode::Binary, &payload);
        message[0] |= Header::RSV1 << 4;
        let worked = read_by(message);
        let contexts = (final_blocks as u64 + 1) * 32_000;
        assert_eq!(
            worked,
            payload.len() as u64 * WORK_PER_COMPRESSED_BYTE + contexts / HISTORY_BYTES_PER_WORK
        );
    }
}
