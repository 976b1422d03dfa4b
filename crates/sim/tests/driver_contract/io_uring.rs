//! What only the driver on io_uring can get wrong: queues that overflow, and a machine that is short of something.

use crate::limits::{accepting_waits_for_descriptors, is_child, run_under};
use crate::node::{Event, Node, join, pattern, small_buffers, until};
use bytes::Bytes;
use reactor::{Driver, ListenOptions, Outgoing, RingDriver, RingSettings, SocketOptions, Wait};
use std::io::Write;
use std::net::{TcpListener, TcpStream};

fn ring(settings: RingSettings) -> Node<RingDriver> {
    Node::new(RingDriver::new(settings).unwrap_or_else(|refusal| panic!("{refusal}")))
}

#[test]
fn an_ordinary_user_with_little_lockable_memory_gets_a_smaller_ring() {
    if !is_child() {
        let name = "io_uring::an_ordinary_user_with_little_lockable_memory_gets_a_smaller_ring";
        return run_under("ulimit -l 64", name, true);
    }
    let mut server = ring(RingSettings::default());
    assert!(
        server.driver.description().contains("reduced"),
        "{}",
        server.driver.description()
    );
    let address = server.listen();
    // The client has no ring: lockable memory is counted for all processes of a user together.
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&pattern(100_000)).unwrap();
    });
    server.turn_until(|server| !server.accepted.is_empty());
    let near = server.driver.adopt(server.accepted.remove(0));
    server.driver.receive(near);
    server.turn_until(|server| server.saw(&Event::Ended(near, None)));
    assert!(server.received(near) == pattern(100_000));
    client.join().unwrap();
}

#[test]
fn too_little_lockable_memory_is_refused_with_the_remedy() {
    if !is_child() {
        let name = "io_uring::too_little_lockable_memory_is_refused_with_the_remedy";
        return run_under("ulimit -l 4", name, true);
    }
    let refusal = RingDriver::new(RingSettings::default())
        .err()
        .expect("4 KiB are not enough");
    let line = refusal.to_string();
    assert!(
        line.contains("RLIMIT_MEMLOCK is 4 KiB") && line.contains("ulimit -l"),
        "{line}"
    );
}

#[test]
fn without_descriptors_accepting_waits_and_goes_on() {
    if !is_child() {
        let name = "io_uring::without_descriptors_accepting_waits_and_goes_on";
        return run_under("ulimit -n 40", name, false);
    }
    let small = RingSettings {
        submission_entries: 32,
        completion_entries: 256,
        receive_buffers: 8,
        ..RingSettings::default()
    };
    accepting_waits_for_descriptors(ring(small));
}

#[test]
fn an_overflowing_completion_queue_loses_nothing() {
    let tiny = RingSettings {
        submission_entries: 8,
        completion_entries: 8,
        receive_buffers: 64,
        receive_buffer_bytes: 256,
        ..RingSettings::default()
    };
    let mut server = ring(tiny);
    server.listen();
    let mut client = ring(RingSettings::default());
    let pairs: Vec<_> = (0..60).map(|_| join(&mut server, &mut client)).collect();
    for &(near, _) in &pairs {
        server.driver.receive(near);
    }
    let all = pattern(12_000);
    for piece in all.chunks(3_000) {
        let before = client.given_back.len();
        pairs.iter().for_each(|&(_, far)| client.send(far, piece));
        // All of it is sent before the server looks.
        while client.given_back.len() < before + pairs.len() {
            client.turn();
        }
    }
    until(&mut server, &mut client, |server, _| {
        pairs
            .iter()
            .all(|&(near, _)| server.received(near).len() == all.len())
    });
    for &(near, _) in &pairs {
        assert!(server.received(near) == all, "the bytes of {near:?} differ");
    }
    assert!(
        server.driver.counters().overflows > 0,
        "the queue never overflowed"
    );
    assert!(server.driver.counters().rearms > 0);
}

#[test]
fn what_one_turn_sends_and_connects_beyond_the_submission_queue_keeps_its_memory() {
    let mut server = ring(RingSettings::default());
    let address = server.listen();
    let tiny = RingSettings {
        submission_entries: 4,
        ..RingSettings::default()
    };
    let mut client = ring(tiny);
    let connect = |client: &mut Node<RingDriver>| {
        let options = SocketOptions::default();
        client.driver.connect(address, None, &options).unwrap()
    };
    let far: Vec<_> = (0..30).map(|_| connect(&mut client)).collect();
    until(&mut server, &mut client, |server, client| {
        server.accepted.len() == far.len()
            && client.count(|event| matches!(event, Event::Connected(_, Ok(())))) == far.len()
    });
    // Each says who it is, in as many pieces as it pleases.
    let words = |number: usize| -> Vec<Bytes> {
        let piece = |_| Bytes::from(format!("<{number}>"));
        (0..2 + number % 5).map(piece).collect()
    };
    for (number, &socket) in far.iter().enumerate() {
        if number % 4 == 1 {
            // So that the queue is not full just when the memory for vectors is.
            client.driver.receive(socket);
        }
        client.driver.send(socket, Outgoing::Many(words(number)));
    }
    let streams = std::mem::take(&mut server.accepted);
    let near: Vec<_> = streams
        .into_iter()
        .map(|stream| server.driver.adopt(stream))
        .collect();
    near.iter()
        .for_each(|&socket| server.driver.receive(socket));
    let expected: usize = (0..far.len())
        .map(|number| words(number).concat().len())
        .sum();
    until(&mut server, &mut client, |server, _| {
        let received = near.iter().map(|&socket| server.received(socket).len());
        received.sum::<usize>() >= expected
    });
    let mut heard: Vec<_> = near
        .iter()
        .map(|&socket| server.received(socket).to_vec())
        .collect();
    let mut said: Vec<_> = (0..far.len())
        .map(|number| words(number).concat())
        .collect();
    heard.sort();
    said.sort();
    assert_eq!(heard, said);
}

#[test]
fn a_burst_of_connections_is_accepted_whole() {
    let tiny = RingSettings {
        submission_entries: 4,
        completion_entries: 4,
        receive_buffers: 1,
        receive_buffer_bytes: 64,
        ..RingSettings::default()
    };
    let mut server = ring(tiny);
    let address = server.listen();
    let mut client = ring(RingSettings::default());
    let far: Vec<_> = (0..100)
        .map(|_| {
            client
                .driver
                .connect(address, None, &small_buffers())
                .unwrap()
        })
        .collect();
    until(&mut server, &mut client, |server, client| {
        server.accepted.len() == far.len()
            && client.count(|event| matches!(event, Event::Connected(_, Ok(())))) == far.len()
    });
    assert_eq!(server.driver.counters().accept_failures, 0);
}

#[test]
fn rings_on_two_threads_wake_each_other() {
    const ROUNDS: usize = 2_000;
    let mut here = ring(RingSettings::default());
    let to_here = here.driver.waker();
    let (give, take) = std::sync::mpsc::channel();
    let there = std::thread::spawn(move || {
        let mut there = ring(RingSettings::default());
        give.send(there.driver.waker()).unwrap();
        for round in 0..ROUNDS {
            sleep_until_woken(&mut there, round);
            there.driver.wake(&to_here);
        }
        // Hands the last wake-up over.
        there.turn();
    });
    let to_there = take.recv().unwrap();
    for round in 0..ROUNDS {
        here.driver.wake(&to_there);
        sleep_until_woken(&mut here, round);
    }
    there.join().unwrap();
    assert_eq!(here.driver.counters().wakes_sent, ROUNDS as u64);
}

/// Sleeps until the wake-up after the first `so_far`. Nothing but that ends the sleep within a minute.
fn sleep_until_woken(node: &mut Node<RingDriver>, so_far: usize) {
    let deadline_ns = node.driver.now_ns() + 60_000_000_000;
    while node.count(|event| *event == Event::Woken) <= so_far {
        assert!(node.driver.now_ns() < deadline_ns, "a wake-up was lost");
        node.driver.wait(Wait::Until(Some(deadline_ns))).unwrap();
        node.take_completions();
    }
}

#[test]
fn accepted_connections_inherit_the_options_of_their_listener() {
    let mut server = ring(RingSettings::default());
    for no_delay in [true, false] {
        let options = ListenOptions {
            socket: SocketOptions {
                no_delay,
                user_timeout_ms: Some(5_000),
                ..small_buffers()
            },
            ..ListenOptions::default()
        };
        let any = "127.0.0.1:0".parse().unwrap();
        let listening = server.driver.listen(any, &options).unwrap();
        server.listening = Some(listening);
        let client = TcpStream::connect(listening.1).unwrap();
        server.turn_until(|server| !server.accepted.is_empty());
        let stream = server.accepted.remove(0);
        assert_eq!(stream.peer(), client.local_addr().ok());
        let accepted = TcpStream::from(stream.into_descriptor().unwrap());
        assert_eq!(accepted.nodelay().unwrap(), no_delay);
        server.driver.stop_listening(listening.0);
    }
}

#[test]
fn a_source_address_of_the_sixth_version_is_used() {
    let listener = match TcpListener::bind("[::1]:0") {
        Ok(listener) => listener,
        Err(error) => return eprintln!("skipped: no loopback of the sixth version ({error})"),
    };
    let mut node = ring(RingSettings::default());
    let address = listener.local_addr().unwrap();
    let source = "::1".parse().unwrap();
    let socket = node
        .driver
        .connect(address, Some(source), &small_buffers())
        .unwrap();
    node.turn_until(|node| node.saw(&Event::Connected(socket, Ok(()))));
    assert_eq!(listener.accept().unwrap().1.ip(), source);
}

#[test]
fn there_may_be_more_sockets_than_descriptors() {
    if !is_child() {
        let name = "io_uring::there_may_be_more_sockets_than_descriptors";
        return run_under("ulimit -n 64", name, false);
    }
    let (mut server, mut client) = (ring(RingSettings::default()), ring(RingSettings::default()));
    server.listen();
    for _ in 0..3 {
        let pairs: Vec<_> = (0..80).map(|_| join(&mut server, &mut client)).collect();
        for &(near, far) in &pairs {
            server.driver.receive(near);
            client.driver.receive(far);
            client.send(far, b"question");
            server.send(near, b"answer");
            client.driver.finish(far);
        }
        until(&mut server, &mut client, |server, client| {
            pairs.iter().all(|&(near, far)| {
                server.received(near) == b"question"
                    && server.saw(&Event::Ended(near, None))
                    && client.received(far) == b"answer"
            })
        });
        // The peer's FIN comes from a close with a receive in flight.
        pairs
            .iter()
            .for_each(|&(near, _)| server.driver.close(near));
        until(&mut server, &mut client, |server, client| {
            pairs.iter().all(|&(near, far)| {
                server.saw(&Event::Closed(near)) && client.saw(&Event::Ended(far, None))
            })
        });
        pairs.iter().for_each(|&(_, far)| client.driver.close(far));
        until(&mut server, &mut client, |_, client| {
            pairs
                .iter()
                .all(|&(_, far)| client.saw(&Event::Closed(far)))
        });
    }
}
