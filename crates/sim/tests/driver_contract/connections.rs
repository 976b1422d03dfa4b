//! Making connections, handing them on, and using their numbers again.

use crate::node::{Event, Fabric, join, settle, small_buffers, until};
use reactor::Driver;
use std::collections::BTreeSet;

pub(crate) fn an_echo_comes_back(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    server.driver.receive(near);
    client.driver.receive(far);
    client.send(far, b"hello");
    until(&mut server, &mut client, |server, _| {
        server.received(near) == b"hello"
    });
    server.send(near, b"HELLO");
    until(&mut server, &mut client, |_, client| {
        client.received(far) == b"HELLO"
    });
    assert!(client.saw(&Event::Sent(far, Ok(()))));
}

pub(crate) fn an_accepted_stream_knows_its_peer(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let (_, address) = server.listening.unwrap();
    let far = client
        .driver
        .connect(address, None, &small_buffers())
        .unwrap();
    until(&mut server, &mut client, |server, client| {
        !server.accepted.is_empty() && client.saw(&Event::Connected(far, Ok(())))
    });
    let stream = server.accepted.pop().unwrap();
    let peer = stream.peer().unwrap();
    assert!(peer.ip().is_loopback() && peer != address);
}

pub(crate) fn a_refused_connection_is_told(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let (listener, address) = server.listening.unwrap();
    server.driver.stop_listening(listener);
    settle(&mut server, &mut client);
    let far = client
        .driver
        .connect(address, None, &small_buffers())
        .unwrap();
    let refused = Event::Connected(far, Err(std::io::ErrorKind::ConnectionRefused));
    until(&mut server, &mut client, |_, client| client.saw(&refused));
    client.driver.close(far);
    until(&mut server, &mut client, |_, client| {
        client.saw(&Event::Closed(far))
    });
}

pub(crate) fn a_source_address_is_used(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let (_, address) = server.listening.unwrap();
    let source = "127.0.0.77".parse().unwrap();
    client
        .driver
        .connect(address, Some(source), &small_buffers())
        .unwrap();
    until(&mut server, &mut client, |server, _| {
        !server.accepted.is_empty()
    });
    assert_eq!(server.accepted[0].peer().unwrap().ip(), source);
}

pub(crate) fn a_stopped_listener_accepts_nothing(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let (near, far) = join(&mut server, &mut client);
    let (listener, address) = server.listening.unwrap();
    server.driver.stop_listening(listener);
    server.driver.stop_listening(listener);
    settle(&mut server, &mut client);
    let late = client
        .driver
        .connect(address, None, &small_buffers())
        .unwrap();
    until(&mut server, &mut client, |_, client| {
        client.count(|event| matches!(event, Event::Connected(socket, Err(_)) if *socket == late))
            == 1
    });
    assert_eq!(server.count(|event| *event == Event::Accepted), 1);
    // What was accepted before lives on.
    server.driver.receive(near);
    client.send(far, b"still here");
    until(&mut server, &mut client, |server, _| {
        server.received(near) == b"still here"
    });
}

pub(crate) fn an_accepted_stream_that_nobody_adopts_is_closed(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let (_, address) = server.listening.unwrap();
    let far = client
        .driver
        .connect(address, None, &small_buffers())
        .unwrap();
    until(&mut server, &mut client, |server, client| {
        !server.accepted.is_empty() && client.saw(&Event::Connected(far, Ok(())))
    });
    client.driver.receive(far);
    server.accepted.clear();
    until(&mut server, &mut client, |_, client| {
        client.saw(&Event::Ended(far, None))
    });
}

pub(crate) fn a_stream_can_be_adopted_by_another_driver(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let mut other = fabric.node();
    let (_, address) = server.listening.unwrap();
    let far = client
        .driver
        .connect(address, None, &small_buffers())
        .unwrap();
    until(&mut server, &mut client, |server, client| {
        !server.accepted.is_empty() && client.saw(&Event::Connected(far, Ok(())))
    });
    let near = other.driver.adopt(server.accepted.pop().unwrap());
    drop(server);
    other.driver.receive(near);
    client.driver.receive(far);
    client.send(far, b"ping");
    until(&mut other, &mut client, |other, _| {
        other.received(near) == b"ping"
    });
    other.send(near, b"pong");
    until(&mut other, &mut client, |_, client| {
        client.received(far) == b"pong"
    });
}

pub(crate) fn an_index_is_used_again_with_another_generation(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let mut seen = BTreeSet::new();
    for round in 0..5_u8 {
        let (near, far) = join(&mut server, &mut client);
        assert!(seen.insert(near), "{near:?} named two connections");
        assert_eq!(near.index, 0, "the only connection has the only slot");
        server.driver.receive(near);
        client.send(far, &[round]);
        until(&mut server, &mut client, |server, _| {
            server.received(near) == [round]
        });
        server.driver.close(near);
        client.driver.close(far);
        until(&mut server, &mut client, |server, client| {
            server.saw(&Event::Closed(near)) && client.saw(&Event::Closed(far))
        });
        assert_eq!(server.driver.counters().sockets, 0);
    }
}
