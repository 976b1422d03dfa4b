//! What an idle subscribed connection costs the generator in memory, counted by the allocator: its place in every table of
//! one thread. What the kernel holds is not counted.

#![forbid(unsafe_code)]

mod scripted;

use std::alloc::System;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;
use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::observer::{Moment, Observer};
use ringwire_load::timeline::Complete;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const BYTES_MAX: usize = 400;
const FEW: usize = 1;
const MANY: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

#[test]
fn an_idle_subscriber_takes_less_than_400_bytes() {
    let descriptors = reactor::limits::raise_open_files().expect("limits are known");
    // Both ends are in this process.
    let many = MANY.min((descriptors as usize - 200) / 2);
    let few_bytes = allocated_with(FEW, usize::MAX);
    let bound = few_bytes + (many - FEW) * BYTES_MAX;
    let each = (allocated_with(many, bound) - few_bytes) / (many - FEW);
    println!("{each} bytes each at {many}");
    assert!(each < BYTES_MAX, "{each} bytes each at {many}");
}

/// Tells how many connections the generator says that stand: the server's word comes before the generator has heard it.
struct Standing<'s>(&'s AtomicU64);

impl Observer for Standing<'_> {
    fn interval(&mut self, _: &Complete) {}

    fn look(&mut self, moment: &Moment<'_>) {
        self.0.store(moment.standing, Ordering::Relaxed);
    }
}

/// What is allocated with so many connections held by the generator, once that has come down to `bound`.
fn allocated_with(connections: usize, bound: usize) -> usize {
    let before = ALLOCATOR.allocated();
    let server = serve(connections);
    let standing = AtomicU64::new(0);
    let all_stand = || standing.load(Ordering::Relaxed) == connections as u64;
    let line = format!("ringwire-load ws://{server} --idle --duration 1h -s {connections}");
    let plan = Arguments::try_parse_from(line.split_whitespace())
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan");
    let engine = Engine::new(&plan).watched_by(Box::new(Standing(&standing)));
    let brake = engine.brake();
    thread::scope(|scope| {
        let run = scope.spawn(|| engine.run());
        let end = Instant::now() + PATIENCE;
        let held = || ALLOCATOR.allocated() - before;
        while !(all_stand() && held() <= bound) && Instant::now() < end {
            thread::sleep(LOOK_AGAIN);
        }
        let held = held();
        brake.pull("it has been looked at");
        let evidence = run.join().expect("no panic").expect("a run");
        assert_eq!(evidence.connections, connections as u64);
        held
    })
}

/// Answers opening handshakes and holds the connections, which takes no memory for each: its table is there from the start.
fn serve(connections: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut held = Vec::with_capacity(connections);
        for mut stream in listener.incoming().map_while(Result::ok).take(connections) {
            let head = scripted::read_head(&mut BufReader::new(&stream));
            let (_, key) = head.expect("an opening handshake");
            stream
                .write_all(&scripted::welcome(&key, ""))
                .expect("the client listens");
            held.push(stream);
        }
        // They stand until the process ends.
        loop {
            thread::park();
        }
    });
    address
}
