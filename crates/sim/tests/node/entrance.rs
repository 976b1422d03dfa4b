//! Limits of connections: who is inside notices nothing, who is not is told so, and whoever comes
//! after somebody has left gets in.

use std::net::{IpAddr, Ipv4Addr};

use ringwire_sim::{Conditions, Peer, PeerState, SimNode};
use server::config::{Config, Period};

const GET: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// One connection and what it was told.
struct Visitor {
    peer: Peer,
    told: String,
}

impl Visitor {
    fn from(node: &SimNode, last: u8) -> Self {
        let source = IpAddr::from(Ipv4Addr::new(10, 0, 0, last));
        Self {
            peer: node.network().connect(node.address(), Some(source)),
            told: String::new(),
        }
    }

    fn read(&mut self) {
        let bytes = self.peer.read(1 << 16);
        self.told.push_str(&String::from_utf8_lossy(&bytes));
    }

    /// Whether it was served, or `None` as long as the answer is not whole.
    fn is_in(&mut self) -> Option<bool> {
        self.read();
        match self.told.as_str() {
            told if told.ends_with("}\n") => Some(told.starts_with("HTTP/1.1 200")),
            _ if matches!(self.peer.state(), PeerState::Finished | PeerState::Reset) => Some(false),
            _ => None,
        }
    }
}

fn node(seed: u64, connections_max: usize, per_address_max: usize) -> SimNode {
    let mut config = Config::default();
    config.server.connections_max = connections_max;
    config.server.connections_per_address_max = per_address_max;
    // Those inside say nothing for longer than a head may take.
    config.http.head_timeout = Period::from_secs(3600);
    SimNode::start(seed, Conditions::default(), 2, &config)
}

/// Comes, asks, and waits for an answer.
fn visit(node: &mut SimNode, last: u8) -> (Visitor, bool) {
    let mut visitor = Visitor::from(node, last);
    let mut asked = 0;
    for _ in 0..200_000 {
        asked += visitor.peer.write(&GET[asked..]);
        if let Some(inside) = visitor.is_in() {
            return (visitor, inside);
        }
        node.turn();
    }
    panic!("neither let in nor refused");
}

/// Lets the node notice that somebody has left.
fn settle(node: &mut SimNode, connections: usize) {
    for _ in 0..200_000 {
        if node.connections().iter().sum::<usize>() == connections {
            return;
        }
        node.turn();
    }
    panic!("{:?} connections are left", node.connections());
}

#[test]
fn the_connection_beyond_the_limit_is_told_so_and_takes_no_place() {
    for seed in 0..20 {
        let mut node = node(seed, 3, 0);
        let mut inside: Vec<_> = (0..3).map(|_| visit(&mut node, 1)).collect();
        assert!(inside.iter().all(|(_, inside)| *inside), "seed {seed}");
        for _ in 0..10 {
            let (mut refused, inside) = visit(&mut node, 2);
            assert!(!inside);
            refused.read();
            let told = &refused.told;
            assert!(told.starts_with("HTTP/1.1 503 "), "seed {seed}: {told}");
            assert!(told.contains("\r\nretry-after: 5\r\n"), "{told}");
            assert!(told.contains("\r\nconnection: close\r\n"), "{told}");
            assert!(told.contains(r#""code":"connection_limit""#), "{told}");
        }
        drop(inside.pop());
        settle(&mut node, 2);
        let (_again, is_inside) = visit(&mut node, 2);
        assert!(is_inside, "seed {seed}");
        assert!(!visit(&mut node, 3).1, "seed {seed}");
    }
}

#[test]
fn a_crowd_at_the_door_costs_few_connections_and_keeps_nobody_out_afterwards() {
    for seed in 0..10 {
        let mut node = node(seed, 2, 0);
        let (inside, _) = visit(&mut node, 1);
        let (other, _) = visit(&mut node, 1);
        // None of them asks, reads or leaves: they are gone all the same after `close_timeout`.
        let crowd: Vec<_> = (0..500).map(|_| Visitor::from(&node, 2)).collect();
        let mut most = 0;
        let until_ns = node.network().now_ns() + 5_000_000_000;
        while node.network().now_ns() < until_ns {
            node.turn();
            most = most.max(node.connections().iter().sum::<usize>());
        }
        assert!((3..=2 + 2 * 32).contains(&most), "seed {seed}: {most}");
        settle(&mut node, 2);
        drop((other, crowd));
        settle(&mut node, 1);
        assert!(visit(&mut node, 3).1, "seed {seed}");
        drop(inside);
    }
}

#[test]
fn an_address_beyond_its_limit_is_told_so_and_others_come_in() {
    for seed in 0..20 {
        let mut node = node(seed, 0, 2);
        let first = visit(&mut node, 1);
        let second = visit(&mut node, 1);
        assert!(first.1 && second.1);
        let (refused, inside) = visit(&mut node, 1);
        assert!(!inside);
        let told = &refused.told;
        assert!(told.starts_with("HTTP/1.1 429 "), "seed {seed}: {told}");
        assert!(told.contains("\r\nretry-after: 5\r\n"), "{told}");
        assert!(told.contains(r#""code":"address_limit""#), "{told}");
        drop(refused);
        assert!(visit(&mut node, 2).1, "seed {seed}: another address");
        drop(first);
        settle(&mut node, 1);
        assert!(visit(&mut node, 1).1, "seed {seed}: a place is free");
    }
}
