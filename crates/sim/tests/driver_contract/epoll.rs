//! What only the driver on epoll can get wrong: sends that the kernel takes in part, edges that come once, and being
//! content with what it knows.

use crate::Epolls;
use crate::limits::{accepting_waits_for_descriptors, is_child, run_under};
use crate::node::{Event, Fabric, Node, pattern, settle, small_buffers, until};
use bytes::Bytes;
use reactor::{
    Driver, EpollDriver, ListenOptions, Outgoing, RingDriver, RingSettings, SocketOptions, Wait,
    limits,
};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

fn node() -> Node<EpollDriver> {
    Node::new(EpollDriver::new().unwrap())
}

/// A driver's socket and the plain stream at its other end. The kernel has room for a few kilobytes in between.
fn narrow_pair(node: &mut Node<EpollDriver>) -> (reactor::Socket, TcpStream) {
    let narrow = SocketOptions {
        send_buffer_bytes: Some(4 << 10),
        receive_buffer_bytes: Some(4 << 10),
        ..SocketOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let near = node.driver.connect(address, None, &narrow).unwrap();
    let (far, _) = listener.accept().unwrap();
    node.turn_until(|node| node.saw(&Event::Connected(near, Ok(()))));
    (near, far)
}

#[test]
fn a_send_that_the_kernel_cuts_anywhere_arrives_whole() {
    for (pieces, piece_bytes) in [(1, 300_000), (100, 3_007), (7, 40_001), (1000, 1)] {
        let mut node = node();
        let (near, mut far) = narrow_pair(&mut node);
        let all = pattern(pieces * piece_bytes);
        let list = all.chunks(piece_bytes).map(Bytes::copy_from_slice);
        node.driver.send(near, Outgoing::Many(list.collect()));
        node.turn();
        let is_cut = all.len() > 10_000;
        assert_eq!(
            node.given_back.is_empty(),
            is_cut,
            "the kernel has little room"
        );
        let reader = std::thread::spawn(move || {
            let (mut read, mut buffer) = (Vec::new(), [0; 1_777]);
            loop {
                match far.read(&mut buffer).unwrap() {
                    0 => return read,
                    len => read.extend_from_slice(&buffer[..len]),
                }
            }
        });
        node.driver.finish(near);
        node.turn_until(|node| node.saw(&Event::Sent(near, Ok(()))));
        assert!(reader.join().unwrap() == all, "{pieces} x {piece_bytes}");
    }
}

#[test]
fn a_peer_that_resets_ends_a_stuck_send_with_an_error() {
    let mut node = node();
    let (near, far) = narrow_pair(&mut node);
    let bytes = Bytes::from(pattern(4_000_000));
    node.driver.receive(near);
    node.driver.send(near, Outgoing::One(bytes.clone()));
    node.turn();
    assert!(node.given_back.is_empty(), "nobody has read anything yet");
    // With bytes unread, so that it is a reset.
    drop(far);
    node.turn_until(|node| {
        node.count(|event| matches!(event, Event::Sent(_, Err(_)))) == 1
            && node.count(|event| matches!(event, Event::Ended(_, Some(_)))) == 1
    });
    node.given_back.clear();
    assert!(bytes.is_unique(), "the driver lets go of what it sent");
}

#[test]
fn the_last_bytes_and_the_end_behind_them_share_one_edge() {
    let mut node = node();
    let (near, mut far) = narrow_pair(&mut node);
    far.write_all(b"the last").unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    // Before anybody wants to know.
    node.turn();
    node.driver.receive(near);
    node.turn_until(|node| node.saw(&Event::Ended(near, None)));
    assert_eq!(node.received(near), b"the last");
}

#[test]
fn thousands_of_sockets_are_served() {
    let descriptors = limits::raise_open_files().unwrap() as usize;
    let (mut server, mut client) = (node(), node());
    let address = server.listen();
    let count = (descriptors / 4).min(2_000);
    let far: Vec<_> = (0..count)
        .map(|_| client.driver.connect(address, None, &small_buffers()))
        .collect::<Result<_, _>>()
        .unwrap();
    until(&mut server, &mut client, |server, client| {
        server.accepted.len() == count && client.events.len() == count
    });
    for stream in std::mem::take(&mut server.accepted) {
        let near = server.driver.adopt(stream);
        server.driver.receive(near);
    }
    far.iter()
        .for_each(|&socket| client.send(socket, &socket.index.to_le_bytes()));
    until(&mut server, &mut client, |server, _| {
        server.received.len() == count
    });
    let numbers: BTreeSet<Vec<u8>> = server.received.into_values().collect();
    assert_eq!(numbers.len(), count, "each of them said another number");
}

#[test]
fn without_descriptors_accepting_waits_and_goes_on() {
    if !is_child() {
        let name = "epoll::without_descriptors_accepting_waits_and_goes_on";
        return run_under("ulimit -n 40", name, false);
    }
    accepting_waits_for_descriptors(node());
}

/// Sends that are over spare the driver a system call, but the kernel is asked all the same.
#[test]
fn sends_without_pause_do_not_hide_what_arrives() {
    let mut node = node();
    let (busy, mut busy_far) = narrow_pair(&mut node);
    let (quiet, mut quiet_far) = narrow_pair(&mut node);
    node.driver.receive(quiet);
    quiet_far.write_all(b"hear me").unwrap();
    let mut turns = 0;
    // On a busy machine the kernel may take its time between two sockets; hidden, it never comes.
    while node.received(quiet).is_empty() {
        turns += 1;
        assert!(turns < 10_000, "what arrived is hidden");
        node.send(busy, b"x");
        node.driver.wait(Wait::Poll).unwrap();
        node.take_completions();
        assert_eq!(node.given_back.len(), turns);
        busy_far.read_exact(&mut [0]).unwrap();
    }
    assert_eq!(node.received(quiet), b"hear me");
}

#[test]
fn a_stream_changes_from_one_kind_of_driver_to_the_other_and_both_wake_each_other() {
    let mut ring = Node::new(RingDriver::new(RingSettings::default()).unwrap());
    let mut epoll = node();
    let any = "127.0.0.1:0".parse().unwrap();
    let listening = ring.driver.listen(any, &ListenOptions::default()).unwrap();
    ring.listening = Some(listening);
    let mut far = TcpStream::connect(listening.1).unwrap();
    ring.turn_until(|ring| !ring.accepted.is_empty());
    let near = epoll.driver.adopt(ring.accepted.remove(0));
    epoll.driver.receive(near);
    far.write_all(b"over").unwrap();
    epoll.turn_until(|epoll| epoll.received(near) == b"over");

    let (to_ring, to_epoll) = (ring.driver.waker(), epoll.driver.waker());
    for round in 1..=3 {
        epoll.driver.wake(&to_ring);
        ring.driver.wake(&to_epoll);
        // Without end: only the wake-up can end it.
        ring.driver.wait(Wait::Until(None)).unwrap();
        ring.take_completions();
        epoll.driver.wait(Wait::Until(None)).unwrap();
        epoll.take_completions();
        assert_eq!(ring.count(|event| *event == Event::Woken), round);
        assert_eq!(epoll.count(|event| *event == Event::Woken), round);
    }
}

#[test]
fn a_paused_socket_whose_peer_is_gone_lets_the_core_sleep() {
    let (mut server, near, mut client, far) = Epolls.connected();
    server.driver.receive(near);
    server.send(near, b"never read");
    client.send(far, b"last words");
    until(&mut server, &mut client, |server, _| {
        server.received(near) == b"last words" && server.given_back.len() == 1
    });
    server.driver.pause(near);
    settle(&mut server, &mut client);
    client.driver.close(far);
    until(&mut server, &mut client, |_, client| {
        client.saw(&Event::Closed(far))
    });
    settle(&mut server, &mut client);
    let turns = server.driver.counters().turns;
    let deadline_ns = server.driver.now_ns() + 20_000_000;
    while server.driver.now_ns() < deadline_ns {
        server.driver.wait(Wait::Until(Some(deadline_ns))).unwrap();
        server.take_completions();
    }
    assert!(server.driver.counters().turns < turns + 20, "it spins");
    server.driver.receive(near);
    server.turn_until(|server| server.count(|event| matches!(event, Event::Ended(..))) == 1);
}
