//! Sleeping and being woken.

use crate::node::{Event, Fabric, pattern};
use reactor::{Driver, Wait};

pub(crate) fn a_wait_ends_at_its_deadline(fabric: &mut impl Fabric) {
    let mut node = fabric.node();
    node.turn();
    let start_ns = node.driver.now_ns();
    let deadline_ns = start_ns + 20_000_000;
    while node.driver.now_ns() < deadline_ns {
        node.driver.wait(Wait::Until(Some(deadline_ns))).unwrap();
        node.take_completions();
    }
    let late_ns = node.driver.now_ns() - deadline_ns;
    assert!(late_ns < 5_000_000_000, "{late_ns} ns late");
    assert!(
        node.driver.counters().turns < 20,
        "it slept, more or less in one go"
    );
    // A deadline that has passed is no reason to sleep.
    node.driver.wait(Wait::Until(Some(start_ns))).unwrap();
    assert_eq!(node.events, []);
}

pub(crate) fn a_poll_does_not_sleep(fabric: &mut impl Fabric) {
    let mut node = fabric.node();
    for _ in 0..10 {
        node.driver.wait(Wait::Poll).unwrap();
        node.take_completions();
    }
    assert_eq!(node.events, []);
}

pub(crate) fn polling_alone_finds_everything(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    server.driver.receive(near);
    client.driver.receive(far);
    let all = pattern(200_000);
    client.send(far, &all);
    server.send(near, &all);
    for _ in 0..1_000_000 {
        if server.received(near).len() == all.len() && client.received(far).len() == all.len() {
            return;
        }
        for node in [&mut server, &mut client] {
            node.driver.wait(Wait::Poll).unwrap();
            node.take_completions();
        }
    }
    panic!(
        "bytes that never came: {} and {}",
        server.received(near).len(),
        client.received(far).len()
    );
}

pub(crate) fn a_waker_ends_a_sleep(fabric: &mut impl Fabric) {
    let mut node = fabric.node();
    let waker = node.driver.waker();
    for round in 1..=3 {
        let from_elsewhere = waker.clone();
        std::thread::spawn(move || from_elsewhere.wake())
            .join()
            .unwrap();
        while node.count(|event| *event == Event::Woken) < round {
            // Without end: only the wake-up can end it.
            node.driver.wait(Wait::Until(None)).unwrap();
            node.take_completions();
        }
    }
    assert_eq!(node.driver.counters().wakes_received, 3);
}

pub(crate) fn a_driver_wakes_another_and_itself(fabric: &mut impl Fabric) {
    let mut one = fabric.node();
    let mut other = fabric.node();
    let to_one = one.driver.waker();
    let to_other = other.driver.waker();
    for round in 1..=3 {
        one.driver.wake(&to_other);
        one.driver.wake(&to_one);
        one.driver.wait(Wait::Until(None)).unwrap();
        one.take_completions();
        other.driver.wait(Wait::Until(None)).unwrap();
        other.take_completions();
        assert_eq!(one.count(|event| *event == Event::Woken), round);
        assert_eq!(other.count(|event| *event == Event::Woken), round);
    }
}

pub(crate) fn a_waker_outlives_its_driver(fabric: &mut impl Fabric) {
    let mut node = fabric.node();
    let gone = fabric.node().driver.waker();
    for _ in 0..3 {
        gone.wake();
        node.driver.wake(&gone);
        node.turn();
    }
    assert_eq!(node.count(|event| *event == Event::Woken), 0);
    let waker = node.driver.waker();
    waker.wake();
    node.driver.wait(Wait::Until(None)).unwrap();
    node.take_completions();
    assert_eq!(node.events, [Event::Woken]);
}
