//! A stop is polite: nothing that was accepted is lost, everybody is told, and the exit code is 0.

use std::net::TcpStream;

use ringwire_tests::{Client, Driver, Ending, Launch, on_each_driver};

on_each_driver! {
    sigterm_drains_and_exits_with_success
    a_stalled_client_does_not_hold_a_stop
}

/// SIGTERM delivers what was accepted, closes every connection with 1001, takes no new one, and exits with 0.
fn sigterm_drains_and_exits_with_success(driver: Driver) {
    let mut broker = Launch::two_cores(driver, "").start();
    let mut subscribers: Vec<Client> = (0..20)
        .map(|_| Client::connect(&broker, "/t/stop?mode=sub"))
        .collect();
    let mut idle: Vec<Client> = (0..20).map(|_| Client::json(&broker)).collect();
    for number in 0..50 {
        broker.publish("stop", number.to_string().as_bytes());
    }
    broker.terminate();
    for client in &mut subscribers {
        for number in 0..50 {
            assert_eq!(client.text(), number.to_string());
        }
        assert_eq!(client.ending(), Ending::Closed(1001));
    }
    for client in &mut idle {
        assert_eq!(client.ending(), Ending::Closed(1001));
    }
    assert_eq!(broker.wait().code(), Some(0));
    assert!(
        TcpStream::connect(broker.address()).is_err(),
        "nobody listens any more"
    );
}

/// A client that never answers its close delays the stop by no more than the time that the configuration allows.
fn a_stalled_client_does_not_hold_a_stop(driver: Driver) {
    let mut broker = Launch::two_cores(driver, "[server]\ndrain_timeout = \"1s\"\n").start();
    let _stalled = Client::connect(&broker, "/t/stop?mode=sub");
    let body = vec![b'x'; 60_000];
    for _ in 0..10 {
        broker.publish("stop", &body);
    }
    broker.terminate();
    assert_eq!(broker.wait().code(), Some(0));
}
