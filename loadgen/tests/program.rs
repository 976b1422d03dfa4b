//! The program as a process: what it exits with, what it says on which stream, and what signals do to it.
//!
//! Everything that a server can do wrong ends in a message that names the remedy and in a report of what there was until then.

mod scripted;

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scripted::Act;
use serde_json::Value;

/// What a process left behind.
struct Outcome {
    code: Option<i32>,
    report: Value,
    complaint: String,
}

fn start(server: SocketAddr, options: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ringwire-load"))
        .arg(format!("ws://{server}"))
        .args("--json --warm-up 0s --settle 0s --duration 200ms --patience 20s".split(' '))
        .args(options.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program that was just built")
}

fn end(child: Child) -> Outcome {
    end_before(child, || {})
}

/// Waits for the end, and does `what` while the process still has its id.
fn end_before(mut child: Child, what: impl FnOnce()) -> Outcome {
    let mut text = String::new();
    let mut complaint = String::new();
    let (stdout, stderr) = (child.stdout.as_mut(), child.stderr.as_mut());
    stdout
        .expect("a pipe")
        .read_to_string(&mut text)
        .expect("UTF-8");
    stderr
        .expect("a pipe")
        .read_to_string(&mut complaint)
        .expect("UTF-8");
    what();
    let status = child.wait().expect("a process that ends");
    Outcome {
        code: status.code(),
        report: serde_json::from_str(&text).unwrap_or(Value::Null),
        complaint,
    }
}

fn run(server: SocketAddr, options: &str) -> Outcome {
    end(start(server, options))
}

fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args([name, &process.to_string()])
        .status()
        .expect("kill");
    assert!(status.success());
}

impl Outcome {
    fn at(&self, pointer: &str) -> &Value {
        let value = self.report.pointer(pointer);
        value.unwrap_or_else(|| panic!("{pointer}: {} {}", self.report, self.complaint))
    }

    fn assert_invalid(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}", self.complaint);
        assert_eq!(self.at("/verdict/exit_code"), code);
        assert_eq!(self.at("/verdict/valid"), false);
        let because = self.at("/verdict/invalid_because").to_string();
        assert!(because.contains(words), "{words}: {because}");
    }
}

fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}

#[test]
fn a_server_that_cannot_be_used_is_reported_with_what_to_do_about_it() {
    let answer = scripted::answering;
    for (server, what, remedy) in [
        (nobody(), "nothing listens", "Start the server"),
        (
            answer("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"),
            "401",
            "credentials",
        ),
        (
            answer("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
            "400",
            "--driver",
        ),
        (
            answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"),
            "before it answered",
            "see its log",
        ),
        (
            answer("\x15\x03\x01\x00\x02\x02\x46"),
            "before it answered",
            "wss://",
        ),
        (
            scripted::welcoming("Sec-WebSocket-Protocol: chat\r\n", b""),
            "subprotocol",
            "--driver",
        ),
        (
            scripted::welcoming("Sec-WebSocket-Accept: no\r\n", b""),
            "Sec-WebSocket-Accept",
            "RFC 6455",
        ),
    ] {
        let outcome = run(server, "-s 2");
        outcome.assert_invalid(3, what);
        for words in [what, remedy] {
            assert!(
                outcome.complaint.contains(words),
                "{words}: {}",
                outcome.complaint
            );
        }
        assert_eq!(outcome.at("/connect/connections"), 0);
        assert_eq!(outcome.at("/connect/wanted"), 3);
    }
}

#[test]
fn a_server_at_its_limit_is_told_from_one_that_is_not_there() {
    let outcome = run(scripted::accepting(7), "-s 20 --connecting 1");
    outcome.assert_invalid(3, "limit");
    assert!(
        outcome.complaint.contains("7 connections stood"),
        "{}",
        outcome.complaint
    );
    assert_eq!(outcome.at("/connect/connections"), 7);
    assert!(outcome.at("/connect/per_second").as_f64() > Some(0.0));
}

#[test]
fn a_server_that_ends_connections_as_soon_as_they_stand_is_quoted() {
    let half_a_frame = b"\x82\x20only";
    let reserved_bits = b"\xf2\x00";
    let close = b"\x88\x0c\x03\xf0come later";
    for (first_bytes, words) in [
        (b"".as_slice(), "without a Close"),
        (half_a_frame, "in the middle of a message"),
        (reserved_bits, "broke a rule"),
        (close, "1008"),
    ] {
        let outcome = run(scripted::welcoming("", first_bytes), "-s 1 --rate 50");
        assert!(matches!(outcome.code, Some(1 | 4)), "{}", outcome.complaint);
        let departures = outcome.at("/departures").to_string();
        assert!(departures.contains(words), "{words}: {departures}");
        assert!(!outcome.at("/window/cut_short_because").is_null());
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_tried() {
    for (options, knob) in [
        ("--pin 4095", "--pin 4095"),
        ("--server-pid 4194303", "--server-pid 4194303"),
        ("--source 127.0.0.9-127.0.0.1", "--source"),
        ("--payload 8", "--payload"),
        ("--connecting 0", "--connecting"),
    ] {
        let outcome = run(nobody(), options);
        assert_eq!(outcome.code, Some(2), "{options}: {}", outcome.complaint);
        assert!(
            outcome.complaint.contains(knob),
            "{options}: {}",
            outcome.complaint
        );
        assert!(outcome.report.is_null(), "nothing was measured");
    }
}

/// A server that accepts and does not answer, and what it does when somebody has connected.
fn silent(then: impl FnOnce() + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the generator connects");
        let mut first = [0];
        stream
            .read_exact(&mut first)
            .expect("the generator speaks first");
        then();
        std::thread::park();
    });
    address
}

#[test]
fn the_first_interrupt_reports_what_there_is_and_the_second_ends_at_once() {
    static ONE: OnceLock<u32> = OnceLock::new();
    let child = start(silent(|| signal(*ONE.wait(), "-INT")), "-s 1");
    ONE.set(child.id()).expect("set once");
    let outcome = end(child);
    outcome.assert_invalid(4, "interrupted");
    assert_eq!(outcome.at("/connect/wanted"), 2);

    // The first of two interrupts finds a server that owes everything and is waited for.
    static TWO: OnceLock<u32> = OnceLock::new();
    static HAS_ENDED: AtomicBool = AtomicBool::new(false);
    let owing = scripted::relay(|number| {
        // Signals of one kind fall together until the process has taken one: so several, until it has ended.
        while number == 0 && !HAS_ENDED.load(Ordering::Acquire) {
            signal(*TWO.wait(), "-TERM");
            std::thread::sleep(Duration::from_millis(20));
        }
        Act::Drop
    });
    let child = start(owing, "-s 1 --rate 20 --duration 60s --patience 60s");
    TWO.set(child.id()).expect("set once");
    let outcome = end_before(child, || HAS_ENDED.store(true, Ordering::Release));
    assert_eq!(outcome.code, Some(130));
    assert!(outcome.report.is_null());
}

#[test]
fn a_generator_that_was_stopped_says_so() {
    static PROCESS: OnceLock<u32> = OnceLock::new();
    const STOPPED: Duration = Duration::from_millis(200);
    let server = scripted::relay(|number| {
        if number == 300 {
            signal(*PROCESS.wait(), "-STOP");
            std::thread::sleep(STOPPED);
            signal(*PROCESS.wait(), "-CONT");
        }
        Act::Relay
    });
    let child = start(server, "-s 1 --rate 1000 --duration 1s");
    PROCESS.set(child.id()).expect("set once");
    let outcome = end(child);
    outcome.assert_invalid(4, "the generator was late");
    let latest_ns = outcome.at("/generator/lateness/max_ns").as_u64();
    let slowest_ns = outcome.at("/latency/max_ns").as_u64();
    let stopped_ns = STOPPED.as_nanos() as u64;
    assert!(latest_ns > Some(stopped_ns * 9 / 10), "{latest_ns:?}");
    assert!(slowest_ns > Some(stopped_ns * 9 / 10), "{slowest_ns:?}");
}

/// One subscriber gets frames without end, of all kinds; the schedule and the end of the run stand.
#[test]
fn a_flood_keeps_nobody_from_the_schedule_or_the_end() {
    for flood in [
        scripted::frame(2, &[7; 64]),
        scripted::frame(9, b"are you there"),
        scripted::frame(1, b"{}"),
        scripted::frame(2, b""),
    ] {
        let server = scripted::flooding(flood);
        let begun = Instant::now();
        let outcome = run(server, "-s 1 --rate 200 --duration 2s --patience 300ms");
        // Another process may steal whole moments, but not all the time.
        assert!(begun.elapsed() < Duration::from_secs(60));
        assert!(outcome.at("/window/cut_short_because").is_null());
        let publishes = outcome.at("/throughput/publishes").as_u64();
        assert!(publishes >= Some(400), "{publishes:?}");
        // All of them at the end would be late by a second.
        let late_ns = outcome.at("/generator/lateness/p50_ns").as_u64();
        assert!(late_ns < Some(900_000_000), "{late_ns:?}");
    }
}
