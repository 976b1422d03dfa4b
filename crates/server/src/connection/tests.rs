//! One connection and its hub, without a core: how much a client can make the node keep for it.

use std::sync::Arc;

use super::*;
use crate::config::Config;
use crate::hub::{Place, Settings};
use broker::{History, Output, Recovery, Refusal, TopicName};
use frame::Opcode;
use protocol::limits::WORK_PER_COMPRESSED_BYTE;
use protocol::ws::{self, Role};

fn hub() -> Hub {
    hub_of(1)
}

/// The first of so many cores.
fn hub_of(cores: usize) -> Hub {
    let mut config = Config::default();
    config.server.echo = true;
    config.compression.enabled = true;
    let place = Place {
        core: 0,
        cores,
        hash_key: [1, 2],
        seed: 3,
    };
    Hub::new(place, &config, Arc::new(Settings::from(&config)))
}

fn connected(hub: &mut Hub, request: &str) -> Connection {
    let socket = Socket {
        index: 0,
        generation: 0,
    };
    let mut connection = Connection::new(socket, Transport::Plain, hub);
    connection.receive(hub, &mut request.as_bytes().to_vec());
    connection
}

fn upgraded(hub: &mut Hub, path: &str) -> Connection {
    connected(hub, &upgrade(path, ""))
}

/// The request for a WebSocket, with further header lines.
fn upgrade(path: &str, lines: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    )
}

fn multiplexed(hub: &mut Hub) -> Connection {
    upgraded(hub, "/ws")
}

/// Masked frames, one for each command.
fn frames(commands: impl Iterator<Item = String>) -> Vec<u8> {
    let mut machine = ws::Connection::new(Role::Client, 0, 1);
    let mut out = Vec::new();
    for command in commands {
        machine.send(ws::Kind::Text, command.as_bytes(), &mut out);
    }
    out
}

/// What a core does with the broker's output.
fn tell(hub: &mut Hub, connection: &mut Connection) {
    hub.end_turn();
    while let Some(output) = hub.broker.next_output() {
        if let Output::Notice { notice, .. } = output {
            connection.notice(hub, notice);
        }
    }
}

/// Sends everything; returns how many frames that was.
fn read(hub: &mut Hub, connection: &mut Connection) -> usize {
    let mut pieces = Vec::new();
    connection.next_step(hub, &mut pieces, 64, 1 << 20);
    connection.sent(hub, true);
    let bytes = pieces.concat();
    let (mut rest, mut frames) = (&bytes[..], 0);
    while let Ok(Some((header, length))) = frame::Header::decode(rest) {
        assert_eq!(header.opcode, Opcode::Text);
        rest = &rest[length + header.payload_len as usize..];
        frames += 1;
    }
    frames
}

#[test]
fn a_flood_of_questions_is_answered_as_fast_as_the_answers_are_taken() {
    let mut hub = hub();
    let mut client = multiplexed(&mut hub);
    let past = (0..50).map(|_| format!(r#"{{"publish":"a","text":"{}"}}"#, "x".repeat(5000)));
    client.receive(&mut hub, &mut frames(past));
    tell(&mut hub, &mut client);
    client.sent(&mut hub, true);
    let mut pieces = Vec::new();
    client.next_step(&mut hub, &mut pieces, 64, 1 << 20);
    let questions = (0..1000).map(|id| format!(r#"{{"id":{id},"history":"a","last":50}}"#));
    client.receive(&mut hub, &mut frames(questions));
    client.sent(&mut hub, true);
    let mut answers = 0;
    for _ in 0..1000 {
        tell(&mut hub, &mut client);
        assert!(client.outbox.bytes() < 4 << 20, "a thousand were asked");
        answers += read(&mut hub, &mut client);
    }
    assert_eq!(answers, 1000);
    assert!(client.held.is_empty());
}

#[test]
fn one_past_is_asked_for_at_a_time_whatever_is_refused_meanwhile() {
    let mut hub = hub_of(2);
    let mut client = multiplexed(&mut hub);
    let remote = |name: &String| hub.broker.home_of(&TopicName::parse(name).unwrap()) == 1;
    let topic = (0..).map(|number| format!("a/{number}")).find(remote);
    let topic = topic.unwrap();
    let commands = [
        format!(r#"{{"id":1,"subscribe":"{topic}"}}"#),
        format!(r#"{{"id":2,"publish":"{topic}","data":1}}"#),
        format!(r#"{{"id":3,"subscribe":"{topic}","last":1}}"#),
        format!(r#"{{"id":4,"history":"{topic}"}}"#),
        format!(r#"{{"id":5,"publish":"{topic}","data":1}}"#),
    ];
    client.receive(&mut hub, &mut frames(commands.into_iter()));
    fn requests(hub: &mut Hub) -> usize {
        let outputs = std::iter::from_fn(|| hub.broker.next_output());
        outputs
            .map(|output| assert!(matches!(output, Output::Request { to: 1, .. })))
            .count()
    }
    assert_eq!(
        requests(&mut hub),
        3,
        "up to the first that asks for a past"
    );
    let refusal = Refusal::Topics;
    let name = TopicName::parse(&topic).unwrap();
    let subscribed = Notice::Unsubscribed {
        echo: None,
        pattern: name.clone().into(),
        existed: true,
    };
    let published = Notice::Refused {
        echo: None,
        refusal,
    };
    client.notice(&mut hub, Notice::Unpublished { refusal });
    client.notice(&mut hub, subscribed.clone());
    client.notice(&mut hub, published);
    client.notice(&mut hub, Notice::Unpublished { refusal });
    assert_eq!(requests(&mut hub), 0, "its own answer is still to come");
    client.notice(&mut hub, subscribed);
    assert_eq!(requests(&mut hub), 1, "the history alone");
    let history = History {
        first: "k3v9:1".parse().unwrap(),
        last: "k3v9:0".parse().unwrap(),
        messages: Vec::new(),
        recovery: Recovery::NotAsked,
    };
    let history = Notice::History {
        echo: None,
        topic: name,
        history,
    };
    client.notice(&mut hub, history);
    assert_eq!(requests(&mut hub), 1);
    assert!(client.held.is_empty());
}

#[test]
fn a_flood_of_requests_is_answered_as_fast_as_the_answers_are_taken() {
    let mut hub = hub();
    let mut client = connected(
        &mut hub,
        &"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(10_000),
    );
    let mut answers = 0;
    for _ in 0..10_000 {
        assert!(client.outbox.bytes() < 1 << 20, "ten thousand were asked");
        let mut pieces = Vec::new();
        client.next_step(&mut hub, &mut pieces, 64, 1 << 20);
        client.sent(&mut hub, true);
        let text = String::from_utf8(pieces.concat()).unwrap();
        answers += text.matches("HTTP/1.1 200 OK").count();
    }
    assert_eq!(answers, 10_000);
}

#[test]
fn an_echo_that_nobody_reads_stops_being_made() {
    let mut hub = hub();
    let mut client = upgraded(&mut hub, "/echo");
    let outbox_bytes_max = hub.settings.outbox_bytes_max;
    let mut pieces = Vec::new();
    client.next_step(&mut hub, &mut pieces, 64, 1 << 20);
    let message = "x".repeat(10_000);
    client.receive(&mut hub, &mut frames((0..100).map(|_| message.clone())));
    assert!(client.outbox.bytes() <= outbox_bytes_max + 2 * message.len());
    assert!(client.is_full(outbox_bytes_max), "it is not read from");
    let mut echoes = 0;
    for _ in 0..100 {
        client.sent(&mut hub, true);
        echoes += read(&mut hub, &mut client);
    }
    assert_eq!(echoes, 100);
    assert!(!client.is_full(outbox_bytes_max));
}

#[test]
fn an_end_behind_held_requests_comes_after_their_answers() {
    let mut hub = hub();
    let post = "POST /t/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";
    let mut client = connected(&mut hub, &post.repeat(3));
    client.peer_is_gone(false);
    let mut steps = Vec::new();
    for _ in 0..8 {
        tell(&mut hub, &mut client);
        let step = client.next_step(&mut hub, &mut Vec::new(), 64, 1 << 20);
        if step == Step::Send {
            client.sent(&mut hub, true);
        }
        steps.push(step);
    }
    let end = steps.iter().position(|step| *step == Step::Finish);
    assert_eq!(steps[end.expect("an end") + 1], Step::Close);
    assert!(steps[..end.unwrap()].contains(&Step::Send));
}

/// Publishes one message of a kilobyte to as many subscribers with each of these offers; how often it
/// was compressed.
fn compressions(hub: &mut Hub, offers: &[&str], subscribers: u32) -> u64 {
    let mut connections: Vec<_> = (0..subscribers)
        .flat_map(|_| offers)
        .enumerate()
        .map(|(index, offer)| {
            let socket = Socket {
                index: index as u32,
                generation: 0,
            };
            let request = upgrade(
                "/t/a?mode=sub",
                &format!("sec-websocket-extensions: {offer}\r\n"),
            );
            let mut connection = Connection::new(socket, Transport::Plain, hub);
            connection.receive(hub, &mut request.into_bytes());
            tell(hub, &mut connection);
            read(hub, &mut connection);
            connection
        })
        .collect();
    let before = hub.encoder.compressions();
    let topic = TopicName::parse("a").unwrap();
    let payload = "a message ".repeat(100);
    hub.publish(
        broker::Publisher::Nobody,
        (&topic).into(),
        broker::Kind::Text,
        payload.as_bytes(),
    )
    .unwrap();
    hub.end_turn();
    for connection in &mut connections {
        connection.falls_behind();
        let mut pieces = Vec::new();
        assert_eq!(
            connection.next_step(hub, &mut pieces, 64, 1 << 20),
            Step::Send
        );
        assert!(pieces.concat().len() < payload.len() / 4);
    }
    hub.encoder.compressions() - before
}

#[test]
fn a_message_is_compressed_once_for_each_class_of_windows_however_many_listen() {
    let large = "permessage-deflate";
    let middle = "permessage-deflate; server_max_window_bits=13";
    let small = "permessage-deflate; server_max_window_bits=8";
    for (offers, expected) in [(&[large][..], 1), (&[large, middle, small], 3)] {
        for subscribers in [1, 2, 50] {
            assert_eq!(compressions(&mut hub(), offers, subscribers), expected);
        }
    }
}

/// A context counts against the budget for as long as its connection is there, however it ends.
#[test]
fn contexts_are_granted_while_the_budget_lasts() {
    let mut config = Config::default();
    config.compression.enabled = true;
    config.compression.contexts_bytes_max = crate::config::Size::from_kib(8);
    let mut hub = hub();
    hub.reload(Arc::new(Settings::from(&config)));
    let offer = "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n";
    let granted = |hub: &mut Hub| {
        let mut connection = connected(hub, &upgrade("/t/a?mode=pub", offer));
        let mut pieces = Vec::new();
        connection.next_step(hub, &mut pieces, 64, 1 << 20);
        let answer = String::from_utf8(pieces.concat()).unwrap();
        (answer.contains("client_max_window_bits=12"), connection)
    };
    let (first, second, third) = (granted(&mut hub), granted(&mut hub), granted(&mut hub));
    assert!(first.0 && second.0 && !third.0, "4 KiB each");
    drop(first.1);
    let (again, mut ended) = granted(&mut hub);
    assert!(again);
    ended.abort();
    assert!(granted(&mut hub).0);
}

const COMPRESSED: &str =
    "sec-websocket-extensions: permessage-deflate; client_no_context_takeover\r\n";

/// A frame of a hundred bytes that becomes 64 KiB; how much work that is.
fn bomb() -> (Vec<u8>, u64) {
    let mut deflater = ws::Deflater::new(9, 15);
    let payload = deflater.deflate(&[b'x'; 65_536]).expect("it compresses");
    let header = frame::Header {
        fin: true,
        rsv: frame::Header::RSV1,
        opcode: Opcode::Binary,
        mask: Some([0; 4]),
        payload_len: payload.len() as u64,
    };
    let mut start = [0; frame::Header::BYTES_MAX];
    let length = header.encode(&mut start);
    let work = payload.len() as u64 * WORK_PER_COMPRESSED_BYTE + 65_536;
    ([&start[..length], payload].concat(), work)
}

/// A few bytes can ask for a thousand times as much work: it is done a part at a time, and others
/// come between, whether or not the client takes what it is sent meanwhile.
#[test]
fn small_messages_that_inflate_to_large_ones_wait_for_their_turn() {
    for reads in [true, false] {
        let mut hub = hub();
        let mut client = connected(&mut hub, &upgrade("/t/a?mode=pub", COMPRESSED));
        client.next_step(&mut hub, &mut Vec::new(), 64, 1 << 20);
        if reads {
            client.sent(&mut hub, true);
        }
        let (message, each) = bomb();
        let mut worked = Vec::new();
        let mut before = hub.inflater.work();
        client.receive(&mut hub, &mut message.repeat(100));
        while client.waits_for_turn(&hub) {
            assert!(client.becomes_ready(&hub), "its turn comes");
            worked.push(hub.inflater.work() - before);
            before = hub.inflater.work();
            hub.begin_half();
            let step = client.next_step(&mut hub, &mut Vec::new(), 64, 1 << 20);
            assert_eq!(step, Step::Wait);
            hub.end_turn();
        }
        worked.push(hub.inflater.work() - before);
        assert!(worked.iter().all(|bytes| *bytes <= 256 * 1024 + each));
        assert_eq!(worked.iter().sum::<u64>(), 100 * each);
        assert!(client.pipe.reason.is_none());
    }
}

/// Messages that cannot be compressed are no work for the inflater.
#[test]
fn who_agreed_to_no_compression_waits_for_nobody_elses() {
    let mut hub = hub();
    let path = "/t/a?mode=pub";
    let mut attacker = connected(&mut hub, &upgrade(path, COMPRESSED));
    let mut other = upgraded(&mut hub, path);
    attacker.receive(&mut hub, &mut bomb().0.repeat(100));
    assert!(hub.has_inflated_enough() && attacker.waits_for_turn(&hub));
    let header = frame::Header {
        fin: true,
        rsv: 0,
        opcode: Opcode::Text,
        mask: Some([0; 4]),
        payload_len: 5,
    };
    let mut bytes = [0; frame::Header::BYTES_MAX];
    let length = header.encode(&mut bytes);
    other.receive(&mut hub, &mut [&bytes[..length], b"hello"].concat());
    assert!(other.held.is_empty());
}

/// What it holds can become a thousand times as much, and nothing bounds what waits for a lane.
#[test]
fn what_is_held_stays_where_it_is_while_a_lane_is_full() {
    let mut hub = hub();
    let mut client = connected(&mut hub, &upgrade("/t/a?mode=pub", COMPRESSED));
    client.next_step(&mut hub, &mut Vec::new(), 64, 1 << 20);
    client.sent(&mut hub, true);
    client.receive(&mut hub, &mut bomb().0.repeat(100));
    let before = hub.inflater.work();
    for lanes_are_full in [true, true, false] {
        hub.lanes_are_full = lanes_are_full;
        hub.begin_half();
        assert!(client.becomes_ready(&hub), "its turn comes");
        client.next_step(&mut hub, &mut Vec::new(), 64, 1 << 20);
        assert_eq!(hub.inflater.work() == before, lanes_are_full);
    }
}
