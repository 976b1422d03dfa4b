//! Pings and pongs beyond a rate end the connection; nobody honest ever comes near it.

use crate::frames::{closed_with, frame, unmasked_frames};
use crate::pair::{CONFIG, receive};
use frame::Opcode;
use ringwire_protocol::limits::CONTROL_AHEAD_MS_MAX;
use ringwire_protocol::ws::{Config, Connection, Event, Failure, Role};

/// Frames that may come in one go: a minute's worth.
const AT_ONCE_MAX: usize =
    CONFIG.control_frames_per_s_max as usize * CONTROL_AHEAD_MS_MAX as usize / 1000;

/// A server that nobody has sent anything to.
fn server() -> Connection {
    Connection::new(Role::Server, 0, 0)
}

/// Feeds so many frames in one read; whether the connection goes on.
fn feed(
    connection: &mut Connection,
    config: &Config,
    now_ms: u64,
    opcode: Opcode,
    count: usize,
) -> bool {
    let mut events = Vec::new();
    let mut bytes = frame(opcode, b"x").repeat(count);
    receive(connection, config, now_ms, &mut bytes, &mut events);
    let failed = events.contains(&Event::Failed(Failure::ControlFlood));
    assert_eq!(failed, !connection.is_open());
    connection.is_open()
}

#[test]
fn a_minutes_worth_may_come_at_once_and_no_frame_more() {
    for opcode in [Opcode::Ping, Opcode::Pong] {
        for count in [AT_ONCE_MAX - 1, AT_ONCE_MAX] {
            assert!(feed(&mut server(), &CONFIG, 0, opcode, count));
        }
        let mut connection = server();
        assert!(!feed(&mut connection, &CONFIG, 0, opcode, AT_ONCE_MAX + 1));
        let mut out = Vec::new();
        connection.transmit(&mut out);
        assert_eq!(unmasked_frames(&out).last(), Some(&closed_with(1008)));
        assert!(connection.is_finished(), "nothing more is read");
    }
}

#[test]
fn pings_and_pongs_count_together() {
    let mut connection = server();
    let half = AT_ONCE_MAX / 2;
    assert!(feed(&mut connection, &CONFIG, 0, Opcode::Ping, half));
    assert!(feed(&mut connection, &CONFIG, 0, Opcode::Pong, half));
    assert!(!feed(&mut connection, &CONFIG, 0, Opcode::Pong, 1));
}

#[test]
fn a_peer_at_the_rate_goes_on_for_ever_and_one_beyond_it_does_not() {
    let per_s = usize::from(CONFIG.control_frames_per_s_max);
    let mut honest = server();
    let mut flood = server();
    let mut survived_s = 0;
    for second in 0..3_600 {
        let now_ms = second * 1_000;
        assert!(feed(&mut honest, &CONFIG, now_ms, Opcode::Ping, per_s));
        if flood.is_open() && feed(&mut flood, &CONFIG, now_ms, Opcode::Ping, per_s * 2) {
            survived_s = second;
        }
    }
    assert!((50..70).contains(&survived_s), "{survived_s} s");
}

/// The peer sends evenly; this end reads what has come once a minute, as after a stall.
#[test]
fn what_was_held_up_on_the_way_is_not_held_against_the_peer() {
    let per_minute = usize::from(CONFIG.control_frames_per_s_max) * 60;
    let mut connection = server();
    for minute in 1..100 {
        let now_ms = minute * 60_000;
        // Keepalive goes on meanwhile, and takes nothing of the time that pays.
        assert_eq!(connection.elapse(&CONFIG, now_ms - 30_000), None);
        connection.transmit(&mut Vec::new());
        assert!(feed(
            &mut connection,
            &CONFIG,
            now_ms,
            Opcode::Ping,
            per_minute
        ));
        connection.transmit(&mut Vec::new());
    }
}

#[test]
fn messages_between_them_change_nothing() {
    let mut connection = server();
    let mut events = Vec::new();
    for _ in 0..AT_ONCE_MAX {
        let mut bytes = [frame(Opcode::Pong, b""), frame(Opcode::Binary, b"x")].concat();
        receive(&mut connection, &CONFIG, 0, &mut bytes, &mut events);
    }
    assert!(connection.is_open());
    assert_eq!(events.len(), 2 * AT_ONCE_MAX);
    assert!(!feed(&mut connection, &CONFIG, 0, Opcode::Ping, 1));
}

#[test]
fn a_bound_of_zero_is_none() {
    let config = Config {
        control_frames_per_s_max: 0,
        ..CONFIG
    };
    assert!(feed(
        &mut server(),
        &config,
        0,
        Opcode::Ping,
        AT_ONCE_MAX * 3
    ));
}

#[test]
fn a_clock_that_jumps_back_breaks_nothing() {
    let mut connection = server();
    assert!(feed(&mut connection, &CONFIG, 10_000, Opcode::Ping, 10));
    assert!(feed(
        &mut connection,
        &CONFIG,
        0,
        Opcode::Ping,
        AT_ONCE_MAX - 10
    ));
    assert!(!feed(&mut connection, &CONFIG, 0, Opcode::Ping, 1));
}
