//! Silence is probed, and only silence.

use crate::frames::frame;
use crate::pair::{CONFIG, Pair, receive};
use frame::Opcode;
use ringwire_protocol::ws::{Config, Connection, Event, Failure, Role};

#[test]
fn two_idle_ends_stay_connected_for_ever() {
    let mut pair = Pair::new();
    for _ in 0..100 {
        assert_eq!(pair.next_deadline(), []);
        pair.deliver();
    }
    assert!(pair.now_ms >= 25_000 * 50);
    assert!(pair.ends().iter().all(|end| end.connection.is_open()));
}

#[test]
fn a_silent_peer_is_pinged_once_and_then_given_up() {
    let mut connection = Connection::new(Role::Server, 1_000, 0);
    assert_eq!(connection.deadline(&CONFIG), Some(26_000));
    assert_eq!(connection.elapse(&CONFIG, 25_999), None);
    assert!(!connection.wants_transmit());
    assert_eq!(connection.elapse(&CONFIG, 26_100), None);
    let mut out = Vec::new();
    connection.transmit(&mut out);
    assert_eq!(out, [0x89, 0]);
    assert_eq!(
        connection.deadline(&CONFIG),
        Some(36_100),
        "the answer's time runs from the ping"
    );
    assert_eq!(connection.elapse(&CONFIG, 36_099), None);
    assert!(!connection.wants_transmit());
    assert_eq!(
        connection.elapse(&CONFIG, 36_100),
        Some(Failure::PongTimeout)
    );
    out.clear();
    connection.transmit(&mut out);
    assert_eq!(
        out[..4],
        [0x88, out.len() as u8 - 2, 0x03, 0xf0],
        "a Close with 1008"
    );
    assert!(connection.is_finished());
}

#[test]
fn any_byte_shows_that_the_peer_is_alive() {
    let pong = frame(Opcode::Pong, b"");
    let binary = frame(Opcode::Binary, b"x");
    for bytes in [pong.as_slice(), &binary, &binary[..1], &binary[..7]] {
        let mut connection = Connection::new(Role::Server, 0, 0);
        assert_eq!(connection.elapse(&CONFIG, 25_000), None);
        receive(
            &mut connection,
            &CONFIG,
            30_000,
            &mut bytes.to_vec(),
            &mut Vec::new(),
        );
        assert_eq!(connection.deadline(&CONFIG), Some(55_000), "{bytes:?}");
    }
}

#[test]
fn an_empty_read_shows_nothing() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    receive(&mut connection, &CONFIG, 20_000, &mut [], &mut Vec::new());
    assert_eq!(connection.deadline(&CONFIG), Some(25_000));
}

#[test]
fn a_half_message_and_then_silence_is_given_up() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    let mut half = frame(Opcode::Binary, &[0; 1000]);
    half.truncate(500);
    receive(&mut connection, &CONFIG, 1_000, &mut half, &mut Vec::new());
    assert_eq!(connection.elapse(&CONFIG, 26_000), None);
    assert_eq!(
        connection.elapse(&CONFIG, 36_000),
        Some(Failure::PongTimeout)
    );
}

#[test]
fn after_a_long_stop_of_the_clock_there_is_one_ping() {
    let mut connection = Connection::new(Role::Server, 0, 0);
    for _ in 0..3 {
        assert_eq!(connection.elapse(&CONFIG, 3_600_000), None);
    }
    let mut out = Vec::new();
    connection.transmit(&mut out);
    assert_eq!(out, [0x89, 0]);
    assert_eq!(connection.deadline(&CONFIG), Some(3_610_000));
}

#[test]
fn without_an_interval_nothing_is_ever_due() {
    let config = Config {
        ping_interval_ms: 0,
        ..CONFIG
    };
    let mut connection = Connection::new(Role::Server, 0, 0);
    assert_eq!(connection.deadline(&config), None);
    assert_eq!(connection.elapse(&config, u64::MAX), None);
    assert!(connection.is_open() && !connection.wants_transmit());
}

#[test]
fn a_deadline_beyond_the_end_of_time_never_comes() {
    let config = Config {
        ping_interval_ms: u64::MAX,
        ..CONFIG
    };
    assert_eq!(
        Connection::new(Role::Server, 5, 0).deadline(&config),
        Some(u64::MAX)
    );
}

#[test]
fn the_pong_to_a_keepalive_ping_is_told_like_any_other() {
    let mut pair = Pair::new();
    pair.next_deadline();
    pair.deliver();
    assert_eq!(pair.server.events, [Event::Pong(b"".into())]);
}
