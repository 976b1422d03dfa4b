//! What sending one small message to many sockets costs, through the driver and through `send(2)` in a loop.
//!
//! `cargo run --release -p ringwire-reactor --example fan_out [sockets] [bytes] [rounds]`
//!
//! Both arms take turns over the same loopback connections, and only the sender's processor time is counted (which, on
//! loopback, includes the receiver's side of TCP). Medians over all rounds; the readers empty their sockets in between,
//! uncounted.

use bytes::Bytes;
use reactor::{
    Completion, Driver, Outgoing, RingDriver, RingSettings, Socket, Wait, clock, limits,
};
use ringwire_reactor as reactor;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().expect("a number"));
    let sockets = numbers.next().unwrap_or(1000);
    let bytes = numbers.next().unwrap_or(64);
    let rounds = numbers.next().unwrap_or(400);
    limits::raise_open_files().expect("descriptors");
    let (mut senders, mut readers) = pairs(sockets);
    let mut driver =
        RingDriver::new(RingSettings::default()).unwrap_or_else(|refusal| panic!("{refusal}"));
    println!("{}", driver.description());
    let adopted: Vec<Socket> = senders
        .iter()
        .map(|sender| driver.adopt(sender.try_clone().expect("a second descriptor").into()))
        .collect();
    let message = Bytes::from(vec![7_u8; bytes]);
    let (mut by_ring, mut by_loop) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        by_ring.push(cost(|| ring_round(&mut driver, &adopted, &message)) / sockets as u64);
        drain(&mut readers, bytes);
        by_loop.push(cost(|| loop_round(&mut senders, &message)) / sockets as u64);
        drain(&mut readers, bytes);
    }
    println!(
        "{sockets} sockets, {bytes} bytes, {rounds} rounds; processor ns per send (median, 10th and 90th percentile)"
    );
    report("driver", &mut by_ring);
    report("send(2)", &mut by_loop);
}

fn pairs(count: usize) -> (Vec<TcpStream>, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let pair = |_| {
        let reader = TcpStream::connect(address).expect("a connection");
        let (sender, _) = listener.accept().expect("its other end");
        sender.set_nodelay(true).expect("an option");
        (sender, reader)
    };
    (0..count).map(pair).unzip()
}

fn cost(round: impl FnOnce()) -> u64 {
    let start_ns = clock::thread_cpu_ns();
    round();
    clock::thread_cpu_ns() - start_ns
}

fn ring_round(driver: &mut RingDriver, sockets: &[Socket], message: &Bytes) {
    for &socket in sockets {
        driver.send(socket, Outgoing::One(message.clone()));
    }
    let mut unsent = sockets.len();
    while unsent > 0 {
        driver.wait(Wait::Poll).expect("the ring works");
        while let Some(completion) = driver.next_completion() {
            if let Completion::Sent { result, .. } = completion {
                result.expect("a send");
                unsent -= 1;
            }
        }
    }
}

fn loop_round(senders: &mut [TcpStream], message: &Bytes) {
    for sender in senders {
        match sender.write(message) {
            Ok(sent) => assert_eq!(sent, message.len()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
        }
    }
}

fn drain(readers: &mut [TcpStream], bytes: usize) {
    let mut buffer = vec![0; bytes];
    readers
        .iter_mut()
        .for_each(|reader| reader.read_exact(&mut buffer).expect("the message"));
}

fn report(arm: &str, rounds: &mut [u64]) {
    rounds.sort_unstable();
    let at = |percent: usize| rounds[(rounds.len() - 1) * percent / 100];
    println!("{arm:>8}: {:>5} ({} to {})", at(50), at(10), at(90));
}
