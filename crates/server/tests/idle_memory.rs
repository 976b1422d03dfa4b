//! What an idle subscribed connection costs in memory, counted by the allocator: everything that a
//! whole core holds for it (driver, connection, session, broker, timers), with the real kernel below.
//!
//! What the kernel holds is not counted here: docs/performance.md has it beside this figure.

#![forbid(unsafe_code)]

mod certified;

use std::alloc::System;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;
use reactor::{Driver, ListenOptions, RingDriver, RingSettings, Waker};
use ringwire::config::Config;
use ringwire::core::{Core, Listeners, Ports, lay};
use ringwire::hub::{Hub, Place, Settings};
use ringwire::node::Node;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The bound, in either dialect.
const BYTES_MAX: usize = 330;
/// The bound over TLS: keys for both directions, and what rustls keeps beside them.
const TLS_BYTES_MAX: usize = 4_000;
const CONNECTIONS_MAX: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A subscriber of the raw dialect, whose URL is its subscription.
const RAW: (&str, &str) = ("/t/a/topic/of/many?mode=sub", "");
/// One of the JSON dialect, and its command.
const JSON: (&str, &str) = ("/ws", r#"{"id":1,"subscribe":"a/topic/of/many"}"#);

#[test]
fn an_idle_subscriber_is_a_few_hundred_bytes_and_four_kib_over_tls() {
    let descriptors = reactor::limits::raise_open_files().unwrap();
    // Both ends are in this process.
    let connections_max = CONNECTIONS_MAX.min((descriptors as usize - 100) / 2);
    let tls = certified::pair();
    for ((target, command), encrypted) in [(RAW, false), (JSON, false), (RAW, true)] {
        // Handshakes take their time.
        let (connections, bytes_max) = match encrypted {
            false => (connections_max, BYTES_MAX),
            true => (connections_max / 10, TLS_BYTES_MAX),
        };
        let tls = encrypted.then_some(&tls);
        let broker = Broker::start(tls.map(|(server, _)| server.clone()));
        let mut clients = Vec::with_capacity(connections);
        let subscribe = || {
            subscribe(
                broker.address,
                tls.map(|(_, client)| client),
                target,
                command,
            )
        };
        // What is made once, for the first of them, is no part of what each costs.
        clients.push(subscribe());
        let before = ALLOCATOR.allocated();
        while clients.len() < connections {
            clients.push(subscribe());
        }
        let each = || ALLOCATOR.allocated().saturating_sub(before) / connections;
        // The last answers are still on their way through the driver.
        let end = Instant::now() + PATIENCE;
        while each() > bytes_max && Instant::now() < end {
            thread::yield_now();
        }
        println!(
            "{target}: {} bytes each at {connections}, TLS: {encrypted}",
            each()
        );
        assert!(each() <= bytes_max, "{target}: {} bytes each", each());
        // They stand: what was counted was no row of refusals.
        publish(broker.plain_address);
        for client in &mut clients {
            assert!(read(client, &mut [0; 512]) > 0, "{target}");
        }
    }
}

/// Opens a connection and subscribes; returns when the subscription stands. What a TLS client keeps is then forgotten: it
/// is no part of the broker.
fn subscribe(
    address: SocketAddr,
    tls: Option<&tls::Client>,
    target: &str,
    command: &str,
) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes();
    let mut wanted = "\r\n\r\n";
    if !command.is_empty() {
        // One text frame under a mask of zeros.
        request.extend([0x81, 0x80 | command.len() as u8, 0, 0, 0, 0]);
        request.extend(command.as_bytes());
        wanted = "\"subscribed\"";
    }
    let name = "localhost".try_into().unwrap();
    let mut tls = tls.map(|client| client.connect(&name).unwrap());
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(wanted) {
        match &mut tls {
            None => stream.write_all(&std::mem::take(&mut request)).unwrap(),
            Some(tls) => {
                tls.send(&mut request).unwrap();
                stream.write_all(&tls.transmit()).unwrap();
                if !request.is_empty() && !tls.is_handshaking() {
                    continue;
                }
            }
        }
        let mut bytes = [0; 4096];
        let count = read(&mut stream, &mut bytes);
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        match &mut tls {
            None => seen.extend_from_slice(&bytes[..count]),
            Some(tls) => tls.receive(&mut bytes[..count], &mut seen).unwrap(),
        }
    }
    assert!(seen.starts_with(b"HTTP/1.1 101 "));
    stream
}

fn publish(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(
            b"POST /t/a/topic/of/many HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi",
        )
        .unwrap();
    assert!(read(&mut stream, &mut [0; 512]) > 0);
}

/// Waits for bytes, or the end; on, if the process was stopped meanwhile.
fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> usize {
    loop {
        match stream.read(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            count => return count.unwrap(),
        }
    }
}

/// One core on a thread of its own; ends with this value.
struct Broker {
    address: SocketAddr,
    plain_address: SocketAddr,
    waker: Waker,
    ended: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Broker {
    /// Speaks TLS at its `address` if it has certificates.
    fn start(tls: Option<tls::Server>) -> Self {
        let (report, ready) = sync_channel(1);
        let ended = Arc::new(AtomicBool::new(false));
        let watched = ended.clone();
        let thread = thread::spawn(move || run(tls, &report, &watched));
        let (plain_address, address, waker) = ready.recv().unwrap();
        Self {
            address,
            plain_address,
            waker,
            ended,
            thread: Some(thread),
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.waker.wake();
        let outcome = self.thread.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || matches!(outcome, Some(Ok(()))));
    }
}

fn run(
    tls: Option<tls::Server>,
    report: &SyncSender<(SocketAddr, SocketAddr, Waker)>,
    ended: &AtomicBool,
) {
    let config = Config::default();
    let mut driver = RingDriver::new(RingSettings::default()).unwrap();
    let mut listen = || {
        let any_port = "127.0.0.1:0".parse().unwrap();
        driver.listen(any_port, &ListenOptions::default()).unwrap()
    };
    let (plain, plain_address) = listen();
    let encrypted = tls.as_ref().map(|_| listen());
    let listeners = Listeners {
        plain: Some(plain),
        tls: encrypted.map(|(listener, _)| listener),
    };
    let address = encrypted.map_or(plain_address, |(_, address)| address);
    let waker = driver.waker();
    report
        .send((plain_address, address, waker.clone()))
        .unwrap();
    let place = Place {
        core: 0,
        cores: 1,
        hash_key: [1, 2],
        seed: 3,
    };
    let settings = Arc::new(Settings {
        tls,
        ..Settings::from(&config)
    });
    let hub = Hub::new(place, &config, settings);
    let (lanes, _control) = lay(1, config.io.lane_capacity);
    let ports = Ports::new(lanes.into_iter().next().unwrap(), vec![waker]);
    let mut core = Core::new(driver, listeners, hub, ports, Arc::new(Node::new(1)));
    while !ended.load(Ordering::Relaxed) {
        core.turn().unwrap();
    }
}
