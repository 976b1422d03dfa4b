//! The broker in narrow places: an ordinary user's limits, too few descriptors, one receive buffer.
//!
//! Slower is allowed there. Stuck, or something lost, is not.

use std::thread;
use std::time::Instant;

use ringwire_tests::{Broker, Client, Driver, Launch, PATIENCE, on_each_driver};

on_each_driver! {
    an_ordinary_user_with_default_limits_is_served
    running_out_of_descriptors_is_survived
}

/// Publishes from several connections at once, and checks that every subscriber gets everything.
fn assert_all_delivered(broker: &Broker, subscribers: usize, publishers: usize, messages: usize) {
    thread::scope(|scope| {
        for number in 0..subscribers {
            let mut client = Client::connect(broker, "/t/tight?mode=sub");
            scope.spawn(move || {
                let mut received: Vec<String> =
                    (0..publishers * messages).map(|_| client.text()).collect();
                received.sort_unstable();
                received.dedup();
                assert_eq!(received.len(), publishers * messages, "subscriber {number}");
            });
        }
        for publisher in 0..publishers {
            let mut client = Client::connect(broker, "/t/tight?mode=pub");
            scope.spawn(move || {
                for number in 0..messages {
                    client.send(&format!("{publisher} {number}"));
                }
            });
        }
    });
}

/// Two cores with 64 KiB of lockable memory and so many descriptors, as nobody. The clients have as many as there are.
fn ordinary_user(driver: Driver, descriptors: u32) -> Broker {
    reactor::limits::raise_open_files().expect("a process has limits");
    let launch = Launch {
        as_ordinary_user_of: Some(descriptors),
        ..Launch::two_cores(driver, "")
    };
    launch.start()
}

/// With 64 KiB of lockable memory and 1024 descriptors, as nobody, it serves 300 connections.
fn an_ordinary_user_with_default_limits_is_served(driver: Driver) {
    let broker = ordinary_user(driver, 1024);
    assert_all_delivered(&broker, 280, 20, 10);
    broker.stop();
}

/// The process may have 256 descriptors, and 600 connections: the rest live in tables of the rings. They are as good as
/// any others, and their places are used again.
#[test]
fn there_may_be_more_connections_than_descriptors() {
    let broker = ordinary_user(Driver::IoUring, 256);
    for round in 0..3 {
        let mut crowd: Vec<_> = (0..600)
            .map(|_| Client::connect(&broker, "/t/crowd?mode=sub"))
            .collect();
        let message = format!("round {round}");
        broker.publish("crowd", message.as_bytes());
        for client in &mut crowd {
            assert_eq!(client.text(), message);
        }
    }
    broker.stop();
}

/// Out of descriptors it refuses or delays newcomers, serves those who are in, and takes newcomers again when
/// others have left.
fn running_out_of_descriptors_is_survived(driver: Driver) {
    let broker = ordinary_user(driver, 256);
    let mut inside = Client::connect(&broker, "/t/inside");
    // More than there are places (224 in the process, 256 in each ring); nobody speaks, so that none needs to be answered.
    let crowd: Vec<_> = (0..1100)
        .filter_map(|_| std::net::TcpStream::connect(broker.address()).ok())
        .collect();
    assert!(
        crowd.len() > 1000,
        "the kernel's own queue takes the rest: {}",
        crowd.len()
    );
    inside.send("still here");
    assert_eq!(inside.text(), "still here");
    drop(crowd);
    // Until it has noticed that they are gone, it refuses.
    let patience = Instant::now() + PATIENCE;
    let mut newcomer = loop {
        match Client::try_connect(&broker, "/t/inside") {
            Ok(newcomer) => break newcomer,
            Err(error) => assert!(Instant::now() < patience, "{error}"),
        }
    };
    newcomer.send("in again");
    assert_eq!(newcomer.text(), "in again");
    assert_eq!(inside.text(), "in again");
    broker.stop();
}

/// One receive buffer for each core is enough to work: everybody's bytes wait their turn, none are lost.
#[test]
fn one_receive_buffer_per_core_loses_nothing() {
    let broker = Launch::two_cores(
        Driver::IoUring,
        "[io]\nreceive_buffers = 1\nreceive_buffer_bytes = \"2KiB\"\n",
    )
    .start();
    assert_all_delivered(&broker, 8, 32, 200);
    broker.stop();
}
