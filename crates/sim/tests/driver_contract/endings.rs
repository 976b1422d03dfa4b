//! How connections end: politely, abruptly, by us, by the peer, and with things in flight.

use crate::node::{Event, Fabric, join, pattern, settle, small_buffers, until};
use bytes::Bytes;
use reactor::{Driver, Outgoing};
use std::io::ErrorKind;

pub(crate) fn a_fin_is_seen_and_the_other_direction_goes_on(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    server.driver.receive(near);
    client.driver.receive(far);
    client.send(far, b"last words");
    until(&mut server, &mut client, |_, client| {
        client.saw(&Event::Sent(far, Ok(())))
    });
    client.driver.finish(far);
    until(&mut server, &mut client, |server, _| {
        server.saw(&Event::Ended(near, None))
    });
    assert_eq!(server.received(near), b"last words");
    server.send(near, b"an answer");
    until(&mut server, &mut client, |_, client| {
        client.received(far) == b"an answer"
    });
    server.driver.finish(near);
    until(&mut server, &mut client, |_, client| {
        client.saw(&Event::Ended(far, None))
    });
}

pub(crate) fn finish_lets_a_send_in_flight_end_first(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    let all = pattern(1_000_000);
    server.send(near, &all);
    server.driver.finish(near);
    settle(&mut server, &mut client);
    client.driver.receive(far);
    until(&mut server, &mut client, |_, client| {
        client.saw(&Event::Ended(far, None))
    });
    assert!(client.received(far) == all, "the FIN came before the bytes");
    assert!(server.saw(&Event::Sent(near, Ok(()))));
}

pub(crate) fn a_reset_is_seen_by_receive_and_send(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    server.send(near, b"never read");
    until(&mut server, &mut client, |server, _| {
        server.given_back.len() == 1
    });
    settle(&mut server, &mut client);
    server.driver.receive(near);
    // Closing with unread bytes resets the connection.
    client.driver.close(far);
    let reset = Event::Ended(near, Some(ErrorKind::ConnectionReset));
    until(&mut server, &mut client, |server, _| server.saw(&reset));
    server.send(near, b"into the void");
    until(&mut server, &mut client, |server, _| {
        server.given_back.len() == 2
    });
    assert!(server.saw(&Event::Sent(near, Err(ErrorKind::BrokenPipe))));
    server.driver.close(near);
    until(&mut server, &mut client, |server, _| {
        server.saw(&Event::Closed(near))
    });
}

pub(crate) fn close_answers_with_closed_and_nothing_else(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    for with_receive in [false, true] {
        for with_send in [false, true] {
            let (near, far) = join(&mut server, &mut client);
            client.send(far, b"unheard");
            if with_receive {
                server.driver.receive(near);
            }
            if with_send {
                server.send(near, b"on its way");
            }
            server.driver.close(near);
            server.driver.close(near);
            until(&mut server, &mut client, |server, _| {
                server.saw(&Event::Closed(near))
            });
            settle(&mut server, &mut client);
            assert_eq!(server.received(near), b"");
            let about_it = server.count(|event| {
                matches!(event, Event::Closed(socket) | Event::Ended(socket, _) | Event::Sent(socket, _) if *socket == near)
            });
            assert_eq!(about_it, 1, "{:?}", server.events);
            client.driver.close(far);
            until(&mut server, &mut client, |_, client| {
                client.saw(&Event::Closed(far))
            });
        }
    }
}

pub(crate) fn close_ends_a_stuck_send(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, far) = fabric.connected();
    let bytes = Bytes::from(pattern(3_000_000));
    server.driver.send(near, Outgoing::One(bytes.clone()));
    settle(&mut server, &mut client);
    assert!(!bytes.is_unique(), "the driver holds what it sends");
    server.driver.close(near);
    until(&mut server, &mut client, |server, _| {
        server.saw(&Event::Closed(near))
    });
    assert!(bytes.is_unique(), "the driver lets go of what it sent");
    client.driver.receive(far);
    until(&mut server, &mut client, |_, client| {
        client.count(|event| matches!(event, Event::Ended(..))) == 1
    });
    assert!(client.received(far).len() < bytes.len());
}

pub(crate) fn close_ends_a_connect_in_flight(fabric: &mut impl Fabric) {
    let (mut server, mut client) = fabric.server_and_client();
    let (_, address) = server.listening.unwrap();
    let far = client
        .driver
        .connect(address, None, &small_buffers())
        .unwrap();
    client.driver.close(far);
    until(&mut server, &mut client, |_, client| {
        client.saw(&Event::Closed(far))
    });
    settle(&mut server, &mut client);
    assert_eq!(
        client.count(|event| matches!(event, Event::Connected(..))),
        0
    );
    server.accepted.clear();
    let (near, far) = join(&mut server, &mut client);
    client.driver.receive(far);
    server.send(near, b"the next one");
    until(&mut server, &mut client, |_, client| {
        client.received(far) == b"the next one"
    });
}

pub(crate) fn operations_on_a_closed_socket_do_nothing(fabric: &mut impl Fabric) {
    let (mut server, near, mut client, _) = fabric.connected();
    server.driver.receive(near);
    server.driver.close(near);
    for _ in 0..2 {
        server.driver.receive(near);
        server.driver.pause(near);
        server.send(near, b"x");
        server.send(near, b"y");
        server.driver.finish(near);
        server.driver.close(near);
        until(&mut server, &mut client, |server, _| {
            server.saw(&Event::Closed(near))
        });
    }
    settle(&mut server, &mut client);
    assert_eq!(
        server.count(|event| matches!(event, Event::Sent(..) | Event::Ended(..))),
        0
    );
    assert_eq!(server.count(|event| matches!(event, Event::Closed(..))), 1);
    let (next, far) = join(&mut server, &mut client);
    assert_eq!(next.index, near.index);
    server.driver.close(near);
    settle(&mut server, &mut client);
    client.driver.receive(far);
    server.send(next, b"an old name closes no new connection");
    until(&mut server, &mut client, |_, client| {
        !client.received(far).is_empty()
    });
}

pub(crate) fn a_driver_dropped_with_everything_in_flight_leaves_its_peers_closed(
    fabric: &mut impl Fabric,
) {
    let (mut server, mut client) = fabric.server_and_client();
    let pairs: Vec<_> = (0..20).map(|_| join(&mut server, &mut client)).collect();
    let bytes = Bytes::from(pattern(3_000_000));
    for &(near, far) in &pairs {
        server.driver.receive(near);
        server.driver.send(near, Outgoing::One(bytes.clone()));
        client.send(far, b"abc");
    }
    settle(&mut server, &mut client);
    for &(near, _) in pairs.iter().take(5) {
        server.driver.close(near);
    }
    drop(server);
    assert!(bytes.is_unique(), "the driver lets go of everything");
    for &(_, far) in &pairs {
        client.driver.receive(far);
    }
    let mut idle = fabric.node();
    until(&mut idle, &mut client, |_, client| {
        client.count(|event| matches!(event, Event::Ended(..))) == pairs.len()
    });
}
