//! The generator against a server with known faults: each is found, counted exactly, and none is seen where there is none.

mod scripted;

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::{Brake, Engine};
use ringwire_load::evidence::Evidence;
use ringwire_load::failure::{Failure, Outcome};
use ringwire_load::plan::Plan;
use ringwire_load::verdict::Verdict;
use scripted::Act;

/// Short, and as patient as a busy machine asks for.
const SHORT: &str = "--warm-up 20ms --duration 200ms --settle 0s --patience 20s";

/// For runs in which something is lost, and waited for in vain: longer than a machine may pause.
const LOSSY: &str = "--patience 3s";

fn plan(server: SocketAddr, options: &str) -> Plan {
    let url = format!("ws://{server}");
    let words = ["ringwire-load", &url]
        .into_iter()
        .chain(SHORT.split_whitespace())
        .chain(options.split_whitespace());
    Arguments::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan")
}

fn run(server: SocketAddr, options: &str) -> Evidence {
    let plan = plan(server, options);
    Engine::new(&plan).run().expect("a sensible plan")
}

fn failure_of(server: SocketAddr, options: &str) -> Failure {
    let evidence = run(server, options);
    evidence.failure.expect("a run that could not be made")
}

#[test]
fn a_faultless_relay_has_no_faults_in_either_loop_on_any_number_of_threads() {
    for options in [
        "-s 5 --rate 300",
        "-s 8 -t 4 -p 2 --rate 300",
        "-s 8 -t 2 -p 6 --rate 300 --threads 2",
        "-s 5 -w 4",
        "-s 9 -t 3 -p 2 -w 3 --threads 3",
        "-s 6 -t 2 -p 5 -w 1 --threads 2 --payload 2KiB --source 127.0.0.1-127.0.0.3",
    ] {
        let evidence = run(scripted::relay(|_| Act::Relay), options);
        assert!(evidence.total.published > 0, "{options}");
        assert_eq!(evidence.expected, evidence.total.received(), "{options}");
        assert_eq!(
            Verdict::of(
                &plan(SocketAddr::from(([127, 0, 0, 1], 1)), options),
                &evidence
            )
            .imperfect,
            [""; 0],
            "{options}"
        );
    }
}

#[test]
fn a_servers_words_do_not_steer_the_terminal() {
    let script = |_| Act::CloseAll(4000, "\u{1b}[2Jgone\r\n");
    let evidence = run(scripted::relay(script), "-s 1 --rate 100");
    let how = &evidence.departures[0].how;
    assert!(
        how.contains("gone") && !how.contains(char::is_control),
        "{how:?}"
    );
}

#[test]
fn a_server_that_pings_and_does_not_read_is_not_answered_without_end() {
    const PINGS: usize = 300_000;
    let (counted, count) = mpsc::channel();
    let server = scripted::serve(move |stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
        let Some((_, key)) = scripted::read_head(&mut reader) else {
            return;
        };
        let mut stream = &stream;
        let _ = stream.write_all(&scripted::welcome(&key, ""));
        let ping = scripted::frame(9, &[b'?'; 125]);
        for _ in 0..PINGS / 1000 {
            let _ = stream.write_all(&ping.repeat(1000));
        }
        let frames = std::iter::from_fn(|| scripted::read_frame(&mut reader));
        let pongs = frames.take_while(|(opcode, _)| *opcode == 10).count();
        // The client says Close when its time is over.
        let _ = counted.send(pongs);
    });
    run(server, "--idle -s 1 --duration 2s");
    let pongs = count.recv_timeout(Duration::from_secs(60)).expect("an end");
    assert!((16..PINGS / 2).contains(&pongs), "{pongs}");
}

#[test]
fn each_fault_is_counted_once_for_each_subscriber() {
    let script = |number| match number {
        3 => Act::Drop,
        5 => Act::Twice,
        7 => Act::AfterNext,
        10 => Act::Corrupt,
        12 => Act::Misroute,
        _ => Act::Relay,
    };
    // Both publishers' streams have every fault; each topic has two subscribers.
    let options = format!("-s 4 -t 2 -p 2 --rate 300 {LOSSY}");
    let evidence = run(scripted::relay(script), &options);
    let total = &evidence.total;
    assert_eq!(
        evidence.lost,
        3 * 4,
        "dropped, corrupted and misrouted ones are missing"
    );
    assert_eq!(total.duplicated, 4);
    assert_eq!(total.reordered, 4);
    assert_eq!(total.corrupted, 4);
    assert_eq!(total.misrouted, 4);
    assert_eq!(total.received() + evidence.lost, evidence.expected);
}

#[test]
fn a_server_that_closes_is_quoted() {
    let evidence = run(
        scripted::relay(|number| {
            if number == 5 {
                Act::CloseAll(1008, "too slow")
            } else {
                Act::Relay
            }
        }),
        "-s 3 --rate 100",
    );
    assert_eq!(evidence.departures.len(), 1);
    assert_eq!(evidence.departures[0].count, 3);
    assert!(
        evidence.departures[0].how.contains("1008")
            && evidence.departures[0].how.contains("too slow")
    );
    assert!(evidence.cut_short.is_some(), "nobody was left to receive");
    assert!(
        evidence.latency.count() > 0,
        "what was measured until then stands"
    );
}

#[test]
fn a_closed_loop_ends_with_its_first_lost_connection() {
    let evidence = run(
        scripted::relay(|number| if number == 5 { Act::CutAll } else { Act::Relay }),
        "-s 1 -w 1 --duration 60s",
    );
    assert!(
        evidence
            .cut_short
            .as_ref()
            .is_some_and(|reason| reason.contains("without a Close")),
        "{:?}",
        evidence.cut_short
    );
}

#[test]
fn a_server_that_cannot_be_used_is_named_with_the_remedy() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("it is bound");
    for (server, what, remedy) in [
        (closed, "nothing listens", "Start the server"),
        (
            scripted::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
            "404",
            "--subscribe-url",
        ),
        (
            scripted::answering("220 mail.example ESMTP\r\n\r\n"),
            "refused",
            "does not speak WebSocket",
        ),
        (scripted::answering(""), "before it answered", "log"),
    ] {
        let failure = failure_of(server, "-s 1");
        assert_eq!(failure.outcome(), Outcome::Unreachable);
        let text = failure.to_string();
        assert!(text.contains(what) && text.contains(remedy), "{text}");
    }
}

#[test]
fn a_silent_server_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound");
    let failure = failure_of(address, "-s 1 --connect-timeout 50ms");
    assert!(
        failure.to_string().contains("--connect-timeout"),
        "{failure}"
    );
}

#[test]
fn the_brake_ends_a_run_early_and_keeps_what_there_is() {
    static BRAKE: OnceLock<Brake> = OnceLock::new();
    let server = scripted::relay(|number| {
        if number == 50 {
            BRAKE.wait().pull("interrupted");
        }
        Act::Relay
    });
    let plan = plan(server, "-s 2 --rate 500 --duration 60s --warm-up 0s");
    let engine = Engine::new(&plan);
    BRAKE.set(engine.brake()).expect("set once");
    let evidence = engine.run().expect("a run");
    assert_eq!(evidence.cut_short.as_deref(), Some("interrupted"));
    assert!(evidence.window_ns > 0 && evidence.window_ns < 50_000_000_000);
    assert!(evidence.latency.count() > 0);
    assert_eq!(evidence.lost, 0);
}

#[test]
fn what_stood_before_the_server_refused_is_reported() {
    // Of two threads one may hear its refusal while the other's last connection is on its way.
    for (options, stood) in [("-s 40", 17..=17), ("-s 40 --threads 2", 16..=17)] {
        let server = scripted::accepting(17);
        let options = format!("{options} --connecting 1");
        let evidence = run(server, &options);
        assert!(stood.contains(&evidence.connections), "{options}");
        assert_eq!(evidence.connections_wanted, 41);
        assert!(evidence.connecting_ns > 0 && evidence.window_ns == 0);
        assert!(
            evidence.own_connecting_cpu.total_ns > 0,
            "its cost is known"
        );
        let verdict = Verdict::of(&plan(server, &options), &evidence);
        assert_eq!(verdict.outcome(), Outcome::Unreachable);
        assert!(verdict.invalid[0].contains("503"), "{verdict:?}");
    }
}

#[test]
fn an_interrupt_while_connecting_reports_what_stood() {
    static BRAKE: OnceLock<Brake> = OnceLock::new();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let (_stream, _) = silent.accept().expect("the generator connects");
        BRAKE.wait().pull("interrupted");
        std::thread::park();
    });
    let plan = plan(address, "-s 3");
    let engine = Engine::new(&plan);
    BRAKE.set(engine.brake()).expect("set once");
    let evidence = engine.run().expect("a sensible plan");
    assert_eq!(evidence.failure, None);
    assert_eq!((evidence.connections, evidence.connections_wanted), (0, 4));
    let verdict = Verdict::of(&plan, &evidence);
    assert_eq!(verdict.outcome(), Outcome::Invalid);
    assert!(verdict.invalid[0].contains("interrupted"), "{verdict:?}");
}

#[test]
fn slow_readers_are_no_fault_of_the_run_and_are_told_apart() {
    // Half of each topic's eight subscribers stop reading. What is published to them is far more than their small buffers
    // hold, and less than the server's own.
    let options = "-s 16 -t 2 -p 2 --rate 600 --payload 4KiB --slow 50% --threads 2";
    let evidence = run(scripted::relay(|_| Act::Relay), options);
    let slow = evidence.slow_readers.as_ref().expect("half of them");
    assert_eq!(
        evidence.expected,
        evidence.total.published * 4,
        "the healthy ones'"
    );
    assert_eq!((evidence.lost, evidence.departures.len()), (0, 0));
    assert_eq!(
        slow.messages_expected,
        evidence.total.published * 4,
        "the slow ones'"
    );
    assert_eq!(
        slow.messages, slow.messages_expected,
        "they read the rest in the end"
    );
    assert_eq!(
        (slow.standing, slow.cut_off.len(), slow.first_cut_off_ns),
        (8, 0, None)
    );
    let read_bytes = slow.bytes_while_slow / 8;
    assert!(read_bytes < 16 << 10, "{read_bytes} bytes each");
}

#[test]
fn a_slow_reader_that_the_server_closes_is_quoted_and_the_run_goes_on() {
    let closes = |number| match number {
        20 => Act::CloseAll(1013, "too slow"),
        _ => Act::Relay,
    };
    // The script closes everybody, so nobody is healthy here.
    let evidence = run(
        scripted::relay(closes),
        "-s 3 --slow 3 --rate 400 --payload 4KiB",
    );
    let slow = evidence.slow_readers.expect("all of them");
    assert_eq!(slow.cut_off.values().sum::<u64>(), 3);
    let how = slow.cut_off.keys().next().expect("one way");
    assert!(how.contains("1013") && how.contains("too slow"), "{how}");
    assert_eq!(slow.standing, 0);
    assert!(slow.first_cut_off_ns.is_some());
    assert_eq!(evidence.departures, []);
    assert!(evidence.cut_short.is_none(), "{:?}", evidence.cut_short);
    assert!(evidence.total.published > 50);
}
