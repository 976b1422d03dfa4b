//! What an idle subscribed connection costs in memory, counted by the allocator: everything that a
//! whole core holds for it (driver, connection, session, broker, timers), with the real kernel below.
//!
//! What the kernel holds is not counted here: docs/performance.md has it beside this figure.

#![forbid(unsafe_code)]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;
use reactor::{Driver, ListenOptions, RingDriver, RingSettings, Waker};
use ringwire::config::Config;
use ringwire::core::{Core, Ports, lay};
use ringwire::hub::{Hub, Place, Settings};
use ringwire::node::Node;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The bound, in either dialect.
const BYTES_MAX: usize = 330;
const CONNECTIONS_MAX: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A subscriber of the raw dialect, whose URL is its subscription.
const RAW: (&str, &str) = ("/t/a/topic/of/many?mode=sub", "");
/// One of the JSON dialect, and its command.
const JSON: (&str, &str) = ("/ws", r#"{"id":1,"subscribe":"a/topic/of/many"}"#);

#[test]
fn an_idle_subscriber_is_a_few_hundred_bytes() {
    let descriptors = reactor::limits::raise_open_files().unwrap();
    // Both ends are in this process.
    let connections = CONNECTIONS_MAX.min((descriptors as usize - 100) / 2);
    for (target, command) in [RAW, JSON] {
        let broker = Broker::start();
        let mut clients = Vec::with_capacity(connections);
        // What is made once, for the first of them, is no part of what each costs.
        clients.push(subscribe(broker.address, target, command));
        let before = ALLOCATOR.allocated();
        while clients.len() < connections {
            clients.push(subscribe(broker.address, target, command));
        }
        let each = || ALLOCATOR.allocated().saturating_sub(before) / connections;
        // The last answers are still on their way through the driver.
        let end = Instant::now() + PATIENCE;
        while each() > BYTES_MAX && Instant::now() < end {
            thread::yield_now();
        }
        println!("{target}: {} bytes each at {connections}", each());
        assert!(each() <= BYTES_MAX, "{target}: {} bytes each", each());
        // They stand: what was counted was no row of refusals.
        publish(broker.address);
        for client in &mut clients {
            assert!(client.read(&mut [0; 512]).unwrap() > 0, "{target}");
        }
    }
}

/// Opens a connection and subscribes; returns when the subscription stands.
fn subscribe(address: SocketAddr, target: &str, command: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
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
    stream.write_all(&request).unwrap();
    let mut seen = [0; 2048];
    let mut len = 0;
    while !String::from_utf8_lossy(&seen[..len]).contains(wanted) {
        let count = stream.read(&mut seen[len..]).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen[..len]));
        len += count;
    }
    assert!(seen.starts_with(b"HTTP/1.1 101 "));
    stream
}

fn publish(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"POST /t/a/topic/of/many HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi")
        .unwrap();
    assert!(stream.read(&mut [0; 512]).unwrap() > 0);
}

/// One core on a thread of its own; ends with this value.
struct Broker {
    address: SocketAddr,
    waker: Waker,
    ended: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Broker {
    fn start() -> Self {
        let (report, ready) = sync_channel(1);
        let ended = Arc::new(AtomicBool::new(false));
        let watched = ended.clone();
        let thread = thread::spawn(move || run(&report, &watched));
        let (address, waker) = ready.recv().unwrap();
        Self {
            address,
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

fn run(report: &SyncSender<(SocketAddr, Waker)>, ended: &AtomicBool) {
    let config = Config::default();
    let mut driver = RingDriver::new(RingSettings::default()).unwrap();
    let (listener, address) = driver
        .listen("127.0.0.1:0".parse().unwrap(), &ListenOptions::default())
        .unwrap();
    let waker = driver.waker();
    report.send((address, waker.clone())).unwrap();
    let place = Place {
        core: 0,
        cores: 1,
        hash_key: [1, 2],
        seed: 3,
    };
    let settings = Arc::new(Settings::from(&config));
    let hub = Hub::new(place, &config, settings);
    let (lanes, _control) = lay(1, config.io.lane_capacity);
    let ports = Ports::new(lanes.into_iter().next().unwrap(), vec![waker]);
    let mut core = Core::new(driver, listener, hub, ports, Arc::new(Node::new(1)));
    while !ended.load(Ordering::Relaxed) {
        core.turn().unwrap();
    }
}
