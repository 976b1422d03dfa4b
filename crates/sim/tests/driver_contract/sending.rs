//! Bytes going out: whole, in order, one send at a time, and the memory that comes back.

use crate::node::{Event, Fabric, join, pattern, settle, until};
use bytes::Bytes;
use reactor::{Completion, Driver, Outgoing, Wait};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) fn pieces_are_sent_in_order_and_given_back(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    let all = pattern(2_500);
    let pieces: Vec<Bytes> = all.chunks(100).map(Bytes::copy_from_slice).collect();
    client.driver.receive(far);
    server.driver.send(near, Outgoing::Many(pieces.clone()));
    until(&mut server, &mut client, |server, client| {
        server.saw(&Event::Sent(near, Ok(()))) && client.received(far).len() == all.len()
    });
    assert!(client.received(far) == all, "the bytes differ");
    assert!(matches!(&server.given_back[0], Outgoing::Many(back) if *back == pieces));
    server.send(near, b"one");
    until(&mut server, &mut client, |server, _| {
        server.given_back.len() == 2
    });
    assert!(matches!(&server.given_back[1], Outgoing::One(back) if *back == "one"));
}

pub(crate) fn an_empty_send_is_answered(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    client.driver.receive(far);
    server.send(near, b"");
    until(&mut server, &mut client, |server, _| {
        server.given_back.len() == 1
    });
    server.driver.send(near, Outgoing::Many(Vec::new()));
    until(&mut server, &mut client, |server, _| {
        server.given_back.len() == 2
    });
    assert_eq!(server.events.last(), Some(&Event::Sent(near, Ok(()))));
    server.send(near, b"after");
    until(&mut server, &mut client, |_, client| {
        client.received(far) == b"after"
    });
}

pub(crate) fn a_large_send_waits_for_a_slow_reader(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    let all = pattern(3_000_000);
    server.send(near, &all);
    settle(&mut server, &mut client);
    assert!(server.given_back.is_empty(), "nobody has read anything yet");
    client.driver.receive(far);
    until(&mut server, &mut client, |server, client| {
        server.saw(&Event::Sent(near, Ok(()))) && client.received(far).len() == all.len()
    });
    assert!(client.received(far) == all, "the bytes differ");
}

pub(crate) fn a_second_send_in_flight_is_a_defect(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    server.send(near, b"first");
    let second = catch_unwind(AssertUnwindSafe(|| server.send(near, b"second")));
    assert!(second.is_err());
    client.driver.receive(far);
    until(&mut server, &mut client, |_, client| {
        client.received(far) == b"first"
    });
}

pub(crate) fn a_send_after_finish_is_a_defect(fabric: &mut impl Fabric) {
    let (mut server, near, _client, _) = fabric.connected();
    server.driver.finish(near);
    let late = catch_unwind(AssertUnwindSafe(|| server.send(near, b"late")));
    assert!(late.is_err());
}

pub(crate) fn more_sends_than_the_queue_holds_all_arrive(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let pairs: Vec<_> = (0..150).map(|_| join(&mut server, &mut client)).collect();
    for &(near, far) in &pairs {
        client.driver.receive(far);
        server.send(near, &near.index.to_le_bytes());
    }
    until(&mut server, &mut client, |server, client| {
        server.given_back.len() == pairs.len()
            && pairs
                .iter()
                .all(|&(near, far)| client.received(far) == near.index.to_le_bytes())
    });
}

pub(crate) fn vectored_sends_by_the_hundred_all_arrive(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let pairs: Vec<_> = (0..100).map(|_| join(&mut server, &mut client)).collect();
    let all = pattern(700);
    for &(near, far) in &pairs {
        client.driver.receive(far);
        let pieces = all.chunks(1).map(Bytes::copy_from_slice).collect();
        server.driver.send(near, Outgoing::Many(pieces));
    }
    until(&mut server, &mut client, |server, client| {
        server.given_back.len() == pairs.len()
            && pairs
                .iter()
                .all(|&(_, far)| client.received(far).len() == all.len())
    });
    assert!(pairs.iter().all(|&(_, far)| client.received(far) == all));
}

pub(crate) fn a_turn_ends_for_a_user_who_sends_whenever_a_send_is_over(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    client.driver.receive(far);
    server.send(near, b"x");
    let mut sends_in_all = 0;
    for _ in 0..50 {
        server.driver.wait(Wait::Poll).unwrap();
        let mut sends = 0;
        while let Some(completion) = server.driver.next_completion() {
            if let Completion::Sent { buffer, .. } = completion {
                server.driver.send(near, buffer);
                sends += 1;
                assert!(sends < 100, "the turn never ends");
            }
        }
        sends_in_all += sends;
        client.turn();
    }
    assert!(sends_in_all > 0, "nothing was ever sent");
}
