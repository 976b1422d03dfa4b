//! What two ends say to each other while all is well.

use crate::frames::{binary, closed_with, frame, part, serve, serve_once, text, unmasked_frames};
use crate::pair::{CONFIG, Pair, receive};
use frame::{Header, Opcode};
use ringwire_protocol::limits::PONGS_MAX;
use ringwire_protocol::ws::{Config, Connection, Event, Inflater, Input, Kind, Role};
use std::borrow::Cow;

#[test]
fn messages_of_every_size_arrive_as_they_were_sent() {
    let mut pair = Pair::new();
    let sizes = [
        0, 1, 2, 3, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537, 300_000,
    ];
    let mut expected = Vec::new();
    for size in sizes {
        let payload: Vec<u8> = (0..size).map(|at| at as u8).collect();
        pair.client
            .connection
            .send(Kind::Binary, &payload, &mut pair.client.wire);
        pair.server
            .connection
            .send(Kind::Binary, &payload, &mut pair.server.wire);
        expected.push(binary(&payload));
    }
    pair.client
        .connection
        .send(Kind::Text, "grüß dich".as_bytes(), &mut pair.client.wire);
    pair.server
        .connection
        .send(Kind::Text, "grüß dich".as_bytes(), &mut pair.server.wire);
    expected.push(text("grüß dich"));
    pair.deliver();
    assert_eq!(pair.server.events, expected);
    assert_eq!(pair.client.events, expected);
}

#[test]
fn a_client_masks_each_frame_with_another_key_and_a_server_none() {
    let keys = |role, seed| {
        let mut wire = Vec::new();
        let mut connection = Connection::new(role, 0, seed);
        (0..3)
            .map(|_| {
                wire.clear();
                connection.send(Kind::Binary, b"1234", &mut wire);
                Header::decode(&wire).unwrap().unwrap().0.mask
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(Role::Server, 1), [None; 3]);
    let mut all = [keys(Role::Client, 1), keys(Role::Client, 2)].concat();
    assert!(all.iter().all(Option::is_some));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6);
}

#[test]
fn a_frame_takes_room_for_itself_alone() {
    let mut wire = Vec::new();
    Connection::new(Role::Server, 0, 0).send(Kind::Binary, &[0; 1000], &mut wire);
    assert!(wire.capacity() < 2 * wire.len());
}

#[test]
fn a_message_that_lies_whole_in_the_input_is_not_copied() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    let mut bytes = [
        frame(Opcode::Text, b"first"),
        frame(Opcode::Binary, b"second"),
    ]
    .concat();
    let range = bytes.as_ptr_range();
    let mut input = Input::new(&mut bytes);
    for expected in ["first", "second"] {
        let Some(Event::Message {
            payload: Cow::Borrowed(payload),
            ..
        }) = connection.receive(&CONFIG, &mut Inflater::default(), 0, &mut input)
        else {
            panic!("no borrowed message");
        };
        assert_eq!(payload, expected.as_bytes());
        assert!(range.contains(&payload.as_ptr()));
    }
    assert!(
        connection
            .receive(&CONFIG, &mut Inflater::default(), 0, &mut input)
            .is_none()
    );
}

#[test]
fn events_do_not_borrow_the_connection() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    let mut out = Vec::new();
    let mut bytes = frame(Opcode::Text, b"echo");
    let mut input = Input::new(&mut bytes);
    while let Some(Event::Message { kind, payload }) =
        connection.receive(&CONFIG, &mut Inflater::default(), 0, &mut input)
    {
        connection.send(kind, &payload, &mut out);
    }
    assert_eq!(unmasked_frames(&out), [(Opcode::Text, b"echo".to_vec())]);
}

#[test]
fn fragments_become_one_message_with_control_frames_between_them() {
    let bytes = [
        part(Opcode::Text, false, b"gr\xc3"),
        frame(Opcode::Ping, b"one"),
        part(Opcode::Continuation, false, b""),
        frame(Opcode::Pong, b"unasked"),
        part(Opcode::Continuation, false, b"\xbc\xc3"),
        frame(Opcode::Ping, b"two"),
        part(Opcode::Continuation, true, b"\x9f"),
        frame(Opcode::Binary, b"next"),
    ];
    let outcome = serve_once(&bytes.concat());
    assert_eq!(
        outcome.events,
        [
            Event::Pong(b"unasked".into()),
            text("grüß"),
            binary(b"next")
        ]
    );
    assert_eq!(
        outcome.answers,
        [
            (Opcode::Pong, b"one".to_vec()),
            (Opcode::Pong, b"two".to_vec())
        ]
    );
    assert_eq!(serve(&CONFIG, bytes.iter().map(Vec::as_slice)), outcome);
}

#[test]
fn each_ping_is_answered_in_order() {
    let payloads: Vec<Vec<u8>> = (0..PONGS_MAX)
        .map(|at| vec![at as u8; if at % 2 == 0 { 125 } else { at }])
        .collect();
    let bytes: Vec<u8> = payloads
        .iter()
        .flat_map(|payload| frame(Opcode::Ping, payload))
        .collect();
    let expected: Vec<_> = payloads
        .into_iter()
        .map(|payload| (Opcode::Pong, payload))
        .collect();
    assert_eq!(serve_once(&bytes).answers, expected);
}

#[test]
fn a_pong_leaves_before_the_answer_to_a_later_message() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    let mut out = Vec::new();
    let mut bytes = [
        frame(Opcode::Ping, b"first"),
        frame(Opcode::Text, b"second"),
    ]
    .concat();
    let mut input = Input::new(&mut bytes);
    while let Some(Event::Message { kind, payload }) =
        connection.receive(&CONFIG, &mut Inflater::default(), 0, &mut input)
    {
        connection.send(kind, &payload, &mut out);
    }
    assert_eq!(
        unmasked_frames(&out),
        [
            (Opcode::Pong, b"first".to_vec()),
            (Opcode::Text, b"second".to_vec())
        ]
    );
    assert!(!connection.wants_transmit());
}

#[test]
fn when_pings_flood_only_the_latest_are_answered() {
    for pings in [PONGS_MAX + 1, 10 * PONGS_MAX + 1, 100_001] {
        let bytes: Vec<u8> = (0..pings)
            .flat_map(|at| frame(Opcode::Ping, &(at as u32).to_be_bytes()))
            .collect();
        let any_rate = Config {
            control_frames_per_s_max: 0,
            ..CONFIG
        };
        let answers = serve(&any_rate, [bytes.as_slice()]).answers;
        assert!(
            answers.len() <= PONGS_MAX,
            "{pings} pings, {} pongs",
            answers.len()
        );
        assert_eq!(answers.last().unwrap().1, (pings as u32 - 1).to_be_bytes());
    }
}

#[test]
fn pongs_that_nobody_asked_for_are_only_told() {
    let outcome = serve_once(&frame(Opcode::Pong, b"").repeat(1_000));
    assert_eq!(outcome.events.len(), 1_000);
    assert_eq!(outcome.answers, []);
}

#[test]
fn a_ping_by_hand_is_answered_with_its_payload() {
    let mut pair = Pair::new();
    pair.server.connection.ping(b"replaced");
    pair.server.connection.ping(&[b'x'; 125]);
    pair.deliver();
    assert_eq!(pair.server.events, [Event::Pong(vec![b'x'; 125].into())]);
    assert_eq!(pair.client.events, []);
}

#[test]
fn messages_before_a_violation_in_the_same_read_are_delivered_first() {
    let bytes = [
        frame(Opcode::Text, b"good"),
        frame(Opcode::Ping, b"p"),
        vec![0x83, 0x80],
        frame(Opcode::Text, b"late"),
    ]
    .concat();
    let outcome = serve_once(&bytes);
    assert_eq!(outcome.events.len(), 2);
    assert_eq!(outcome.events[0], text("good"));
    assert!(matches!(outcome.events[1], Event::Failed(_)));
    assert_eq!(
        outcome.answers,
        [(Opcode::Pong, b"p".to_vec()), closed_with(1002)]
    );
    assert!(outcome.is_finished);
}

#[test]
fn an_idle_connection_is_small_and_owns_nothing() {
    // Beside the bound, which is asserted when the crate is built: what a conversation borrowed is
    // given back. A clone of an idle connection is as cheap as the struct, so compare the text,
    // without the rate of control frames, which wears off.
    let config = Config {
        control_frames_per_s_max: 0,
        ..CONFIG
    };
    let mut connection = Connection::new(Role::Server, 0, 0);
    let fresh = format!("{connection:?}");
    let mut events = Vec::new();
    let conversation = [
        part(Opcode::Text, false, b"a"),
        frame(Opcode::Ping, b"p"),
        part(Opcode::Continuation, true, b"b"),
    ]
    .concat();
    for byte in conversation {
        receive(&mut connection, &config, 0, &mut [byte], &mut events);
    }
    connection.transmit(&mut Vec::new());
    assert_eq!(events, [text("ab")]);
    assert_eq!(format!("{connection:?}"), fresh);
    assert!(size_of::<Connection>() <= 72, "{}", size_of::<Connection>());
}
