//! Clients that ask and do not listen, stop in the middle, or never stop asking.

use protocol::handshake::client::Offer;
use protocol::ws::{Connection, Kind, Role};
use ringwire_sim::{Conditions, Peer, SimNode};
use server::config::Config;

/// A peer that sends prepared bytes as fast as the network takes them.
struct Sender {
    peer: Peer,
    out: Vec<u8>,
    sent: usize,
    got: Vec<u8>,
}

impl Sender {
    fn connect(node: &SimNode, out: Vec<u8>) -> Self {
        Self {
            peer: node.network().connect(node.address(), None),
            out,
            sent: 0,
            got: Vec::new(),
        }
    }

    /// Sends what the network takes; true when everything has left.
    fn send(&mut self) -> bool {
        self.sent += self.peer.write(&self.out[self.sent..]);
        self.sent == self.out.len()
    }

    fn read(&mut self) {
        self.got.extend(self.peer.read(1 << 20));
    }

    fn count(&self, text: &str) -> usize {
        let windows = self.got.windows(text.len());
        windows.filter(|window| *window == text.as_bytes()).count()
    }
}

fn node(seed: u64, cores: usize) -> SimNode {
    SimNode::start(seed, Conditions::default(), cores, &Config::default())
}

/// The opening handshake and these commands, one message each.
fn commands(commands: impl Iterator<Item = String>) -> Vec<u8> {
    let offer = Offer {
        host: "localhost:7464",
        target: "/ws",
        subprotocols: &[],
        headers: &[],
        key: [7; 16],
        deflate: None,
    };
    let mut out = Vec::new();
    offer.write(&mut out).expect("a valid offer");
    let mut machine = Connection::new(Role::Client, 0, 1);
    for command in commands {
        machine.send(Kind::Text, command.as_bytes(), &mut out);
    }
    out
}

fn turn_until(node: &mut SimNode, what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..200_000 {
        if done() {
            return;
        }
        node.turn();
    }
    panic!("{what} does not happen");
}

#[test]
fn a_client_that_closes_its_half_still_reads_every_answer() {
    for seed in 0..40 {
        let mut node = node(seed, 3);
        let requests = (0..10).map(|topic| {
            format!("POST /t/{topic} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nhi")
        });
        let mut client = Sender::connect(&node, requests.collect::<String>().into_bytes());
        turn_until(&mut node, "sending", || client.send());
        client.peer.finish();
        turn_until(&mut node, "the last answer", || {
            client.read();
            client.count("200 OK") == 10
        });
        for _ in 0..1000 {
            node.turn();
        }
        // Less than a second has passed: no timer was needed.
        assert_eq!(node.connections().iter().sum::<usize>(), 0, "seed {seed}");
    }
}

#[test]
fn questions_that_had_to_wait_are_answered_all() {
    for seed in 0..10 {
        let mut node = node(seed, 2);
        let past = (0..20).map(|_| format!(r#"{{"publish":"a","text":"{}"}}"#, "x".repeat(500)));
        let questions = (0..500).map(|id| format!(r#"{{"id":{id},"history":"a","last":20}}"#));
        let mut client = Sender::connect(&node, commands(past.chain(questions)));
        turn_until(&mut node, "the last answer", || {
            client.send();
            client.read();
            let tail = client.got.len().saturating_sub(16 << 10);
            String::from_utf8_lossy(&client.got[tail..]).contains(r#""id":499,"ok""#)
        });
        assert_eq!(client.count(r#","ok":{"topic":"a""#), 500, "seed {seed}");
    }
}

#[test]
fn a_client_that_never_stops_asking_does_not_hold_up_a_stop() {
    for seed in 0..20 {
        let mut node = node(seed, 2);
        let endless =
            (0..20_000).map(|id| format!(r#"{{"id":{id},"publish":"a/{}","text":""}}"#, id % 7));
        let mut client = Sender::connect(&node, commands(endless));
        turn_until(&mut node, "the first answer", || {
            client.send();
            client.read();
            client.count(r#"{"id":"#) > 0
        });
        node.drain();
        turn_until(&mut node, "the goodbye", || {
            client.send();
            client.read();
            client.count(r#"{"draining":"#) == 1
        });
        assert!(!client.send(), "seed {seed}: it had more to ask");
    }
}
