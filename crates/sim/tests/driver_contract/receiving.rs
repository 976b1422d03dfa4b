//! Bytes coming in: their order, pauses, and too few buffers.

use crate::node::{Event, Fabric, Node, join, pattern, settle, until};
use reactor::Driver;

pub(crate) fn bytes_arrive_in_order(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    let all = pattern(300_000);
    server.driver.receive(near);
    server.driver.receive(near);
    client.send(far, &all);
    until(&mut server, &mut client, |server, _| {
        server.received(near).len() >= all.len()
    });
    assert!(server.received(near) == all, "the bytes differ");
}

pub(crate) fn a_paused_socket_receives_nothing_and_loses_nothing(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    let all = pattern(20_000);
    server.driver.receive(near);
    client.send(far, &all[..10_000]);
    until(&mut server, &mut client, |server, _| {
        server.received(near).len() == 10_000
    });
    server.driver.pause(near);
    settle(&mut server, &mut client);
    client.send(far, &all[10_000..]);
    settle(&mut server, &mut client);
    assert_eq!(
        server.received(near).len(),
        10_000,
        "bytes came through the pause"
    );
    assert_eq!(server.count(|event| matches!(event, Event::Ended(..))), 0);
    server.driver.receive(near);
    until(&mut server, &mut client, |server, _| {
        server.received(near).len() == all.len()
    });
    assert!(server.received(near) == all, "the bytes differ");
}

pub(crate) fn pausing_and_receiving_at_once_keeps_receiving(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    server.driver.receive(near);
    for round in 0..20_u8 {
        server.driver.pause(near);
        server.driver.receive(near);
        if round % 3 == 0 {
            server.driver.pause(near);
            server.turn();
            server.driver.receive(near);
        }
        client.send(far, &[round]);
        until(&mut server, &mut client, |server, _| {
            server.received(near).len() == usize::from(round) + 1
        });
        settle_sent(&mut server, &mut client, usize::from(round) + 1);
    }
    assert_eq!(server.received(near), (0..20).collect::<Vec<u8>>());
}

fn settle_sent<D: Driver>(server: &mut Node<D>, client: &mut Node<D>, sends: usize) {
    until(server, client, |_, client| client.given_back.len() == sends);
}

pub(crate) fn one_buffer_serves_many_sockets(fabric: &mut impl Fabric) {
    let mut server = Node::new(fabric.driver(1));
    server.listen();
    let mut client = fabric.node();
    let pairs: Vec<_> = (0..40).map(|_| join(&mut server, &mut client)).collect();
    let all = pattern(9_000);
    for round in 0..3 {
        for &(near, far) in &pairs {
            server.driver.receive(near);
            client.send(far, &all[round * 3_000..(round + 1) * 3_000]);
        }
        until(&mut server, &mut client, |server, client| {
            client.given_back.len() == pairs.len() * (round + 1)
                && pairs
                    .iter()
                    .all(|&(near, _)| server.received(near).len() == (round + 1) * 3_000)
        });
    }
    for &(near, _) in &pairs {
        assert!(server.received(near) == all, "the bytes of {near:?} differ");
    }
}

pub(crate) fn a_starved_socket_may_pause_or_close(fabric: &mut impl Fabric) {
    let mut server = Node::new(fabric.driver(1));
    server.listen();
    let mut client = fabric.node();
    let pairs: Vec<_> = (0..12).map(|_| join(&mut server, &mut client)).collect();
    for &(near, far) in &pairs {
        server.driver.receive(near);
        client.send(far, &pattern(5_000));
    }
    client.turn();
    server.turn();
    for (number, &(near, _)) in pairs.iter().enumerate() {
        match number % 3 {
            0 => server.driver.close(near),
            1 => server.driver.pause(near),
            _ => {}
        }
    }
    let kept: Vec<_> = pairs.iter().skip(2).step_by(3).collect();
    let closed: Vec<_> = pairs.iter().step_by(3).collect();
    until(&mut server, &mut client, |server, _| {
        kept.iter()
            .all(|(near, _)| server.received(*near).len() == 5_000)
            && closed
                .iter()
                .all(|(near, _)| server.saw(&Event::Closed(*near)))
    });
    for (near, _) in pairs.iter().skip(1).step_by(3) {
        server.driver.receive(*near);
    }
    until(&mut server, &mut client, |server, _| {
        let paused = pairs.iter().skip(1).step_by(3);
        paused
            .clone()
            .all(|(near, _)| server.received(*near).len() == 5_000)
    });
}
