//! The generator against brokers with protocols of their own, byte by byte: what it says, in which order, and that it
//! understands what comes back however WebSocket messages cut it.

mod scripted;

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use ringwire_load::failure::{Failure, Outcome};
use scripted::{Subscribers, frame, read_frame, read_head, serve, welcome};

fn run(server: SocketAddr, options: &str) -> Result<Evidence, Failure> {
    run_with(server, options.split(' '))
}

fn run_with<'o>(
    server: SocketAddr,
    options: impl Iterator<Item = &'o str>,
) -> Result<Evidence, Failure> {
    let url = format!("ws://{server}/here");
    let words = ["ringwire-load", &url]
        .into_iter()
        .chain("--warm-up 20ms --duration 200ms --settle 0s --patience 20s".split(' '))
        .map(str::to_owned)
        .chain(options.map(str::to_owned));
    let plan = Arguments::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan");
    let mut evidence = Engine::new(&plan).run()?;
    evidence.failure.take().map_or(Ok(evidence), Err)
}

/// One client of a broker that speaks inside WebSocket messages.
struct Client {
    /// Of messages: 1 for text, 2 for binary ones.
    opcode: u8,
    reader: BufReader<TcpStream>,
    stream: TcpStream,
    /// Heard and not yet taken.
    heard: Vec<u8>,
}

impl Client {
    fn welcome(stream: TcpStream, fields: &str) -> Client {
        Client::welcome_at("/here", 2, stream, fields)
    }

    fn welcome_at(path: &str, opcode: u8, stream: TcpStream, fields: &str) -> Client {
        stream.set_nodelay(true).expect("a TCP stream");
        let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
        let (target, key) = read_head(&mut reader).expect("an opening handshake");
        assert_eq!(target, path);
        let mut client = Client {
            opcode,
            reader,
            stream,
            heard: Vec::new(),
        };
        client.write(&welcome(&key, fields));
        client
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the client listens");
    }

    fn say(&mut self, message: &[u8]) {
        self.write(&frame(self.opcode, message));
    }

    /// Exactly these bytes come next.
    fn expect(&mut self, words: &[u8]) {
        while self.heard.len() < words.len() {
            assert!(self.hear(), "{}", self.heard.escape_ascii());
        }
        let said: Vec<u8> = self.heard.drain(..words.len()).collect();
        assert_eq!(
            said.escape_ascii().to_string(),
            words.escape_ascii().to_string()
        );
    }

    /// Hears one more message; false when the client says goodbye.
    fn hear(&mut self) -> bool {
        match read_frame(&mut self.reader) {
            Some((opcode, message)) if opcode == self.opcode => {
                self.heard.extend(message);
                true
            }
            Some((10, question)) => {
                assert_eq!(question, b"?");
                true
            }
            Some((8, reason)) => {
                self.write(&frame(8, &reason));
                false
            }
            Some((opcode, _)) => {
                panic!("opcode {opcode}: the generator sends messages of one kind, whole")
            }
            None => false,
        }
    }

    /// Hears at least so many bytes, or the end.
    fn hear_until(&mut self, bytes: usize) {
        while self.heard.len() < bytes && self.hear() {}
    }

    /// Until the client says goodbye: publications are passed on, all that were heard in one go as one stream.
    fn relay(
        &mut self,
        subscribers: &Subscribers,
        topic: &str,
        mut take: impl FnMut(&mut Vec<u8>) -> Option<Vec<u8>>,
    ) {
        let mut number = 0;
        while self.hear() {
            while !self.reader.buffer().is_empty() && self.hear() {}
            let mut stream = Vec::new();
            while let Some(publication) = take(&mut self.heard) {
                stream.extend(publication);
            }
            if stream.is_empty() {
                continue;
            }
            for subscriber in subscribers
                .lock()
                .unwrap()
                .get_mut(topic)
                .into_iter()
                .flatten()
            {
                // A subscriber that has gone away misses it.
                let _ = match self.opcode {
                    1 => subscriber.write_all(&frame(1, &stream)),
                    _ => subscriber.write_all(&framed(&stream, number)),
                };
            }
            number += 1;
        }
    }
}

/// The same bytes as one message, as two, and as two with a control frame between them.
fn framed(stream: &[u8], number: usize) -> Vec<u8> {
    let (start, rest) = stream.split_at(number * 7 % stream.len());
    match number % 3 {
        0 => frame(2, stream),
        1 => [frame(2, start), frame(2, rest)].concat(),
        _ => [frame(2, start), frame(9, b"?"), frame(2, rest)].concat(),
    }
}

fn register(subscribers: &Subscribers, client: &Client) {
    let stream = client.stream.try_clone().expect("a descriptor");
    subscribers
        .lock()
        .unwrap()
        .entry("load/0".to_owned())
        .or_default()
        .push(stream);
}

const INFO: &[u8] = b"INFO {\"server_id\":\"S\",\"max_payload\":1048576}\r\n";

const NATS_CONNECT: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"echo\":true,\
    \"name\":\"ringwire-load\",\"lang\":\"rust\",\"version\":\"1\",\"protocol\":1}\r\n";

/// The first publication in what was heard, as NATS passes it on.
fn take_pub(heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    const LINE: &[u8] = b"PUB load/0 64\r\n";
    const BYTES: usize = LINE.len() + 64 + 2;
    if heard.len() < BYTES {
        return None;
    }
    let publication: Vec<u8> = heard.drain(..BYTES).collect();
    assert!(
        publication.starts_with(LINE) && publication.ends_with(b"\r\n"),
        "{}",
        publication.escape_ascii()
    );
    Some([b"MSG load/0 1 64\r\n", &publication[LINE.len()..]].concat())
}

fn nats() -> SocketAddr {
    let subscribers = Subscribers::default();
    serve(move |stream| {
        let mut client = Client::welcome(stream, "");
        client.say(INFO);
        client.expect(NATS_CONNECT.as_bytes());
        client.hear_until(5);
        if client.heard.starts_with(b"SUB") {
            client.expect(b"SUB load/0 1\r\n");
            register(&subscribers, &client);
        }
        client.expect(b"PING\r\n");
        client.say(b"PING\r\nPONG\r\n");
        client.expect(b"PONG\r\n");
        client.relay(&subscribers, "load/0", take_pub);
    })
}

/// The first publication in what was heard: MQTT passes the very same bytes on.
fn take_publish(heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    const HEAD: &[u8] = b"\x30\x48\x00\x06load/0";
    const BYTES: usize = HEAD.len() + 64;
    if heard.len() < BYTES {
        return None;
    }
    let publication: Vec<u8> = heard.drain(..BYTES).collect();
    assert!(
        publication.starts_with(HEAD),
        "{}",
        publication.escape_ascii()
    );
    Some(publication)
}

fn mqtt(connack_code: u8) -> SocketAddr {
    let subscribers = Subscribers::default();
    serve(move |stream| {
        let mut client = Client::welcome(stream, "Sec-WebSocket-Protocol: mqtt\r\n");
        client.expect(b"\x10\x20\x00\x04MQTT\x04\x02\x00\x00\x00\x14load");
        client.hear_until(16);
        client.heard.drain(..16);
        client.say(&[0x20, 2, 0, connack_code]);
        client.hear_until(1);
        if client.heard.starts_with(b"\x82") {
            client.expect(b"\x82\x0b\x00\x01\x00\x06load/0\x00");
            register(&subscribers, &client);
            client.say(b"\x90\x03\x00\x01\x00");
        }
        client.relay(&subscribers, "load/0", take_publish);
    })
}

/// The first publication in what was heard, as Centrifugo passes it on: several in one message are parted by line ends.
fn take_command(heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    const HEAD: &[u8] = br#"{"id":3,"publish":{"channel":"load/0","data":""#;
    const BYTES: usize = HEAD.len() + 88 + 3;
    // A pong answers whenever the ping was read: before the first command, or between two.
    if heard.starts_with(b"{}") {
        heard.drain(..2);
    }
    if heard.len() < BYTES {
        return None;
    }
    let command: Vec<u8> = heard.drain(..BYTES).collect();
    let data = &command[HEAD.len()..BYTES - 3];
    assert!(
        command.starts_with(HEAD) && command.ends_with(br#""}}"#),
        "{}",
        command.escape_ascii()
    );
    Some(
        [
            br#"{"push":{"channel":"load/0","pub":{"data":""#,
            data,
            b"\"}}}\n",
        ]
        .concat(),
    )
}

fn centrifugo() -> SocketAddr {
    let subscribers = Subscribers::default();
    serve(move |stream| {
        let mut client = Client::welcome_at("/here/connection/websocket", 1, stream, "");
        client.expect(br#"{"id":1,"connect":{"name":"ringwire-load"}}"#);
        client
            .say(br#"{"id":1,"connect":{"client":"c1","version":"6.0.0","ping":25,"pong":true}}"#);
        client.say(b"{}");
        client.hear_until(10);
        if client.heard.starts_with(br#"{"id":2"#) {
            client.expect(br#"{"id":2,"subscribe":{"channel":"load/0"}}"#);
            register(&subscribers, &client);
            client.say(br#"{"id":2,"subscribe":{}}"#);
            client.expect(b"{}");
            client.heard.clear();
        }
        client.relay(&subscribers, "load/0", take_command);
    })
}

/// A server with words of its own, which answers publishers too.
fn worded() -> SocketAddr {
    let subscribers = Subscribers::default();
    serve(move |stream| {
        let mut client = Client::welcome_at("/here", 1, stream, "Sec-WebSocket-Protocol: v1\r\n");
        client.say(b"welcome");
        client.expect(b"log in");
        client.hear_until(1);
        if client.heard.starts_with(b"sub") {
            client.expect(b"sub load/0");
            register(&subscribers, &client);
            client.say(b"you are subscribed");
        }
        client.relay(&subscribers, "load/0", |heard| {
            const HEAD: &[u8] = b"pub load/0 ";
            let bytes = HEAD.len() + 128;
            (heard.len() >= bytes).then(|| {
                let said: Vec<u8> = heard.drain(..bytes).collect();
                assert!(said.starts_with(HEAD));
                [b"got <", &said[HEAD.len()..], b">"].concat()
            })
        });
    })
}

/// An option's words stand in one argument.
const WORDS: [&str; 15] = [
    "--driver",
    "template",
    "--subprotocol",
    "v1",
    "--first-message",
    "log in",
    "--subscribe-message",
    "sub {topic}",
    "--subscribed-when",
    "are subscribed",
    "--publish-message",
    "pub {topic} {payload}",
    "--delivery-message",
    "got <{payload}>",
    "--payload-as=hex",
];

#[test]
fn words_of_ones_own_are_spoken_in_either_loop() {
    for pace in ["--rate=400", "-w8"] {
        let evidence = run_with(worded(), WORDS.into_iter().chain(["-s5", pace])).expect("a run");
        assert!(evidence.total.published > 0, "{pace}");
        assert_eq!(evidence.expected, evidence.total.published * 5, "{pace}");
        assert_eq!(evidence.total.received(), evidence.expected, "{pace}");
        assert_eq!(evidence.departures, [], "{pace}");
    }
}

/// A server that asks without end and takes no answer is left, before its answers fill the memory.
#[test]
fn a_server_that_only_asks_is_left() {
    let server = serve(|stream| {
        let mut client = Client::welcome(stream, "");
        client.say(INFO);
        client.expect(NATS_CONNECT.as_bytes());
        client.hear_until(5);
        client.say(b"PONG\r\n");
        let flood = frame(2, b"PING\r\n").repeat(4096);
        while client.stream.write_all(&flood).is_ok() {}
    });
    let evidence = run(server, "--driver nats --idle -s 1").expect("a run");
    assert!(
        evidence.departures[0].how.contains("takes no answer"),
        "{:?}",
        evidence.departures
    );
}

#[test]
fn a_wrong_subprotocol_is_named_with_what_to_do() {
    let disagreeing = serve(|stream| {
        Client::welcome(stream, "Sec-WebSocket-Protocol: other\r\n");
    });
    for (server, options, words) in [
        (nats(), "--driver mqtt", "mqtt was offered"),
        (disagreeing, "--driver mqtt", "that was not offered"),
        (disagreeing, "--driver nats", "that was not offered"),
    ] {
        let failure = run(server, &format!("{options} -s 1")).expect_err(words);
        let text = failure.to_string();
        assert!(
            text.contains(words) && text.contains("--subprotocol"),
            "{text}"
        );
    }
}

#[test]
fn each_protocol_is_spoken_and_understood_in_either_loop() {
    for (driver, server) in [
        ("nats", nats as fn() -> SocketAddr),
        ("mqtt", || mqtt(0)),
        ("centrifugo", centrifugo),
    ] {
        for pace in ["--rate 400", "-w 8", "-w 3 --threads 2"] {
            let evidence = run(server(), &format!("--driver {driver} -s 5 {pace}")).expect("a run");
            assert!(evidence.total.published > 0, "{driver} {pace}");
            assert_eq!(
                evidence.expected,
                evidence.total.published * 5,
                "{driver} {pace}"
            );
            assert_eq!(
                evidence.total.received(),
                evidence.expected,
                "{driver} {pace}"
            );
            assert_eq!(
                (
                    evidence.lost,
                    evidence.total.corrupted,
                    evidence.total.unasked
                ),
                (0, 0, 0),
                "{driver} {pace}"
            );
            assert_eq!(evidence.departures, [], "{driver} {pace}");
        }
    }
}

#[test]
fn a_refusal_is_quoted_with_what_to_look_at() {
    let refusing_nats = serve(|stream| {
        let mut client = Client::welcome(stream, "");
        client.say(INFO);
        client.hear_until(1);
        client.say(b"-ERR 'Authorization Violation'\r\n");
        while client.hear() {}
    });
    for (driver, server, words) in [
        ("nats", refusing_nats, "Authorization Violation"),
        ("mqtt", mqtt(5), "not authorized"),
        ("mqtt --subprotocol none", nats(), "begins with 0x49"),
    ] {
        let failure = run(server, &format!("--driver {driver} -s 1")).expect_err(words);
        assert_eq!(failure.outcome(), Outcome::Unreachable);
        let text = failure.to_string();
        assert!(text.contains(words) && text.contains("--driver"), "{text}");
    }
}

#[test]
fn an_error_in_the_middle_ends_that_connection_and_is_quoted() {
    let subscribers = Subscribers::default();
    let server = serve(move |stream| {
        let mut client = Client::welcome(stream, "");
        client.say(INFO);
        client.expect(NATS_CONNECT.as_bytes());
        client.hear_until(5);
        if client.heard.starts_with(b"SUB") {
            register(&subscribers, &client);
        }
        client.heard.clear();
        client.say(b"PONG\r\n");
        client.relay(&subscribers, "load/0", |heard| {
            take_pub(heard).map(|_| b"-ERR 'Slow Consumer'\r\n".to_vec())
        });
    });
    let evidence = run(server, "--driver nats -s 2 --rate 50").expect("a run");
    assert_eq!(evidence.departures.len(), 1, "{:?}", evidence.departures);
    assert_eq!(evidence.departures[0].count, 2);
    assert!(
        evidence.departures[0].how.contains("Slow Consumer"),
        "{:?}",
        evidence.departures
    );
}

#[test]
fn words_on_a_publishers_connection_are_passed_over() {
    let server = serve(|stream| {
        let mut client = Client::welcome(stream, "");
        while client.hear() {
            client.write(&frame(1, b"queued messages: 1"));
        }
    });
    let evidence = run(server, "--driver url -s 1 --rate 100 --patience 300ms").expect("a run");
    assert!(evidence.total.published > 10, "{:?}", evidence.total);
    assert_eq!((evidence.total.unasked, evidence.total.corrupted), (0, 0));
    assert_eq!(evidence.departures, []);
}

#[test]
fn idling_only_connects_and_holds() {
    let server = serve(|stream| {
        let mut client = Client::welcome(stream, "");
        client.write(&frame(9, b"there?"));
        assert_eq!(
            read_frame(&mut client.reader),
            Some((10, b"there?".to_vec()))
        );
        while client.hear() {}
    });
    let evidence = run(server, "--driver url --idle -s 20").expect("a run");
    assert_eq!((evidence.connections, evidence.total.published), (20, 0));
    assert!(evidence.connecting_ns > 0 && evidence.window_ns >= 200_000_000);
    assert!(evidence.own_connecting_cpu.total_ns > 0);
    assert_eq!(evidence.departures, []);
}

#[test]
fn polling_in_vain_is_no_work() {
    // A turn that works may be interrupted for as long as a busy machine likes, and that is no polling: so few of them.
    let options = "--driver nats -s 1 --rate 10 --duration 500ms --patience 10s --spin";
    let evidence = run(nats(), options).expect("a run");
    let spun_ns = evidence.spun_ns.expect("it polls");
    assert!(
        spun_ns > evidence.window_ns / 4,
        "{spun_ns} of {}",
        evidence.window_ns
    );
    assert_eq!(evidence.lost, 0);
}
