//! How connections end: in order, at once from both sides, late, or not at all.

use crate::frames::{
    binary, close, closed_with, frame, part, peer_closed, serve, serve_once, text, unmasked_frames,
};
use crate::pair::{CONFIG, Pair, receive};
use frame::{CloseCode, Opcode};
use ringwire_protocol::ws::{Connection, Event, Failure, Kind, Role};

#[test]
fn a_close_is_answered_with_its_code_and_both_ends_are_finished() {
    let mut pair = Pair::new();
    pair.server
        .connection
        .close(pair.now_ms, CloseCode(4408), "slow consumer");
    assert!(!pair.server.connection.is_open() && !pair.server.connection.is_finished());
    pair.deliver();
    assert_eq!(pair.client.events, [peer_closed(4408, "slow consumer")]);
    assert_eq!(pair.server.events, [peer_closed(4408, "")]);
    for end in pair.ends() {
        assert!(end.connection.is_finished());
        assert_eq!(end.connection.deadline(&CONFIG), None);
    }
}

#[test]
fn both_ends_may_close_at_the_same_time() {
    let mut pair = Pair::new();
    pair.server
        .connection
        .close(0, CloseCode::GOING_AWAY, "server");
    pair.client.connection.close(0, CloseCode::NORMAL, "client");
    pair.deliver();
    assert_eq!(pair.client.events, [peer_closed(1001, "server")]);
    assert_eq!(pair.server.events, [peer_closed(1000, "client")]);
    assert!(pair.ends().iter().all(|end| end.connection.is_finished()));
}

#[test]
fn codes_that_may_be_sent_are_echoed() {
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ] {
        let outcome = serve_once(&close(code, "why"));
        assert_eq!(outcome.events, [peer_closed(code, "why")], "{code}");
        assert_eq!(outcome.answers, [closed_with(code)], "{code}");
        assert!(outcome.is_finished);
    }
    let outcome = serve_once(&frame(Opcode::Close, b""));
    assert_eq!(
        outcome.events,
        [Event::PeerClosed {
            code: None,
            reason: "".into()
        }]
    );
    assert_eq!(
        outcome.answers,
        [(Opcode::Close, vec![])],
        "without a code there is none to echo"
    );
    let longest = "x".repeat(123);
    assert_eq!(
        serve_once(&close(1000, &longest)).events,
        [peer_closed(1000, &longest)]
    );
}

#[test]
fn a_close_inside_a_message_is_answered_with_its_code() {
    let outcome = serve_once(
        &[
            part(Opcode::Text, false, b"half"),
            close(1000, ""),
            part(Opcode::Continuation, true, b""),
        ]
        .concat(),
    );
    assert_eq!(outcome.events, [peer_closed(1000, "")]);
    assert_eq!(outcome.answers, [closed_with(1000)]);
}

#[test]
fn nothing_after_the_peers_close_is_parsed_or_answered() {
    let bytes = [
        close(1000, ""),
        frame(Opcode::Text, b"late"),
        frame(Opcode::Ping, b""),
        close(1001, ""),
        vec![0xff; 20],
    ]
    .concat();
    let outcome = serve_once(&bytes);
    assert_eq!(outcome.events, [peer_closed(1000, "")]);
    assert_eq!(outcome.answers, [closed_with(1000)]);
    assert_eq!(serve(&CONFIG, bytes.chunks(1)), outcome);
}

#[test]
fn after_our_close_messages_are_dropped_until_the_peers_close() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    let mut events = Vec::new();
    let mut half = part(Opcode::Text, false, b"half a message");
    receive(&mut connection, &CONFIG, 0, &mut half, &mut events);
    connection.close(0, CloseCode::NORMAL, "");
    connection.close(0, CloseCode::GOING_AWAY, "a second close is none");
    assert!(
        format!("{connection:?}").contains("message_bytes: 0"),
        "the half message is freed at once"
    );
    let mut out = Vec::new();
    connection.transmit(&mut out);
    connection.send(Kind::Text, b"too late", &mut out);
    connection.ping(b"too late");
    let bytes = [
        part(Opcode::Continuation, false, b"\xff"),
        frame(Opcode::Ping, b"unanswered"),
        frame(Opcode::Pong, b"untold"),
        part(Opcode::Continuation, true, b"the rest"),
        frame(Opcode::Binary, b"whole"),
        close(1000, "bye"),
    ];
    for mut byte in bytes.concat().into_iter().map(|byte| [byte]) {
        receive(&mut connection, &CONFIG, 0, &mut byte, &mut events);
    }
    connection.transmit(&mut out);
    assert_eq!(events, [peer_closed(1000, "bye")]);
    assert_eq!(unmasked_frames(&out), [closed_with(1000)]);
    assert!(connection.is_finished());
}

#[test]
fn a_violation_after_our_close_ends_the_connection_without_a_second_close() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    connection.close(0, CloseCode::NORMAL, "");
    let mut out = Vec::new();
    connection.transmit(&mut out);
    let mut events = Vec::new();
    receive(&mut connection, &CONFIG, 0, &mut [0xff, 0xff], &mut events);
    assert_eq!(
        events,
        [Event::Failed(Failure::Frame(frame::Error::ReservedOpcode))]
    );
    assert!(!connection.transmit(&mut out));
    assert_eq!(unmasked_frames(&out), [closed_with(1000)]);
    assert!(connection.is_finished());
}

#[test]
fn a_close_that_meets_ours_before_it_was_transmitted_does_not_lose_it() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    connection.close(0, CloseCode::GOING_AWAY, "");
    let mut events = Vec::new();
    receive(
        &mut connection,
        &CONFIG,
        0,
        &mut close(1000, ""),
        &mut events,
    );
    assert!(!connection.is_finished() && connection.wants_transmit());
    let mut out = Vec::new();
    connection.transmit(&mut out);
    assert_eq!(unmasked_frames(&out), [closed_with(1001)]);
    assert!(connection.is_finished());
}

#[test]
fn pongs_leave_before_the_close() {
    let outcome = serve_once(
        &[
            frame(Opcode::Ping, b"1"),
            frame(Opcode::Ping, b"2"),
            close(1000, ""),
        ]
        .concat(),
    );
    assert_eq!(
        outcome.answers,
        [
            (Opcode::Pong, b"1".to_vec()),
            (Opcode::Pong, b"2".to_vec()),
            closed_with(1000)
        ]
    );
}

#[test]
fn a_peer_that_never_answers_a_close_is_given_up() {
    let mut pair = Pair::new();
    pair.now_ms = 500;
    pair.server
        .connection
        .close(pair.now_ms, CloseCode::NORMAL, "");
    pair.server.transmit();
    pair.server.wire.clear();
    assert_eq!(pair.server.connection.deadline(&CONFIG), Some(1_500));
    assert_eq!(pair.server.connection.elapse(&CONFIG, 1_499), None);
    assert_eq!(
        pair.next_deadline(),
        [(Role::Server, Failure::CloseTimeout)]
    );
    assert!(pair.server.connection.is_finished());
    assert_eq!(
        pair.server.connection.elapse(&CONFIG, 9_999),
        None,
        "told once"
    );
}

#[test]
fn a_connection_that_ended_holds_no_half_message() {
    for end in [close(1000, ""), vec![0xff]] {
        let mut connection = Connection::new(Role::Server, 0, 0);
        let mut bytes = [part(Opcode::Binary, false, &[7; 1_000]), end].concat();
        receive(&mut connection, &CONFIG, 0, &mut bytes, &mut Vec::new());
        assert!(
            format!("{connection:?}").contains("partial: None"),
            "{connection:?}"
        );
    }
}

#[test]
fn a_socket_that_never_takes_our_close_is_given_up() {
    for bytes in [close(1000, ""), vec![0xff]] {
        let mut connection = Connection::new(Role::Server, 0, 0);
        receive(
            &mut connection,
            &CONFIG,
            100,
            &mut bytes.clone(),
            &mut Vec::new(),
        );
        assert_eq!(connection.deadline(&CONFIG), Some(1_100));
        assert_eq!(
            connection.elapse(&CONFIG, 1_100),
            Some(Failure::CloseTimeout)
        );
        assert!(connection.is_finished() && !connection.wants_transmit());
    }
}

#[test]
fn a_reason_is_cut_between_characters() {
    let mut pair = Pair::new();
    pair.server
        .connection
        .close(0, CloseCode::NORMAL, &"ü".repeat(100));
    pair.deliver();
    assert_eq!(pair.client.events, [peer_closed(1000, &"ü".repeat(61))]);
}

#[test]
fn what_was_sent_before_the_close_arrives_before_it() {
    let mut pair = Pair::new();
    pair.client
        .connection
        .send(Kind::Text, b"last", &mut pair.client.wire);
    pair.client.connection.close(0, CloseCode::NORMAL, "");
    pair.server
        .connection
        .send(Kind::Binary, b"words", &mut pair.server.wire);
    pair.deliver();
    assert_eq!(pair.server.events, [text("last"), peer_closed(1000, "")]);
    assert_eq!(
        pair.client.events,
        [peer_closed(1000, "")],
        "the client wanted no more messages"
    );
    let mut other = Pair::new();
    other
        .server
        .connection
        .send(Kind::Binary, b"words", &mut other.server.wire);
    other.server.connection.close(0, CloseCode::NORMAL, "");
    other.deliver();
    assert_eq!(
        other.client.events,
        [binary(b"words"), peer_closed(1000, "")]
    );
}
