//! Clients that break TLS, never finish their handshake, or speak something else.

use protocol::handshake::client::Offer;
use protocol::ws::{Connection, Kind, Role};
use ringwire_sim::{Conditions, Peer, PeerState, SimNode};
use server::config::Config;
use server::hub::Settings;
use tls::ClientConnection;

use crate::certificates;

const MS: u64 = 1_000_000;

fn node(seed: u64) -> SimNode {
    let config = Config::default();
    let settings = Settings {
        tls: Some(certificates::server()),
        ..Settings::from(&config)
    };
    SimNode::start_with(seed, Conditions::default(), 2, &config, settings)
}

fn call(node: &SimNode) -> Peer {
    let address = node.tls_address().expect("it has certificates");
    node.network().connect(address, None)
}

fn connections(node: &SimNode) -> usize {
    node.connections().iter().sum()
}

/// Sends all of it; returns what came back, and how the connection stood when it ended, within three seconds.
fn answer(node: &mut SimNode, mut peer: Peer, bytes: &[u8]) -> (Vec<u8>, PeerState) {
    let (mut sent, mut got) = (0, Vec::new());
    let end_ns = node.network().now_ns() + 3_000 * MS;
    while node.network().now_ns() < end_ns {
        // A turn without anything to do may last a second.
        sent += peer.write(&bytes[sent..]);
        node.turn();
        got.extend(peer.read(1 << 20));
        if matches!(peer.state(), PeerState::Finished | PeerState::Reset) {
            break;
        }
    }
    (got, peer.state())
}

/// A client whose handshake is over.
fn established(node: &mut SimNode) -> (Peer, ClientConnection) {
    let (mut peer, mut tls) = (call(node), certificates::client());
    let mut out = tls.transmit();
    while tls.is_handshaking() || !out.is_empty() {
        let written = peer.write(&out);
        out.drain(..written);
        node.turn();
        tls.receive(&mut peer.read(1 << 16), &mut Vec::new())
            .expect("good TLS");
        out.append(&mut tls.transmit());
    }
    (peer, tls)
}

/// Row H17 of the attacks: a slow handshake has as long as a slow head, however it drips.
#[test]
fn a_handshake_that_never_ends_is_dropped_at_its_absolute_deadline() {
    let timeout_ns = Config::default().http.head_timeout.ms() * MS;
    let hello = certificates::client().transmit();
    let half = hello.len() / 2;
    for (seed, drip) in [0, 1, half].into_iter().enumerate() {
        let mut node = node(seed as u64);
        let mut peer = call(&node);
        let begun_ns = node.network().now_ns();
        let (mut sent, mut got) = (0, Vec::new());
        while !matches!(peer.state(), PeerState::Finished | PeerState::Reset) {
            let elapsed_ns = node.network().now_ns() - begun_ns;
            assert!(elapsed_ns < timeout_ns + 500 * MS, "{drip} bytes at a time");
            if elapsed_ns / (100 * MS) > sent as u64 && sent + drip <= half {
                sent += peer.write(&hello[sent..][..drip]);
            }
            node.turn();
            got.extend(peer.read(1 << 16));
        }
        assert!(node.network().now_ns() - begun_ns >= timeout_ns);
        assert_eq!(got, b"", "nobody was there to be answered");
        node.turn();
        assert_eq!(connections(&node), 0);
    }
}

/// Row H33: who comes to the wrong port is told so in words.
#[test]
fn another_protocol_is_answered_in_plain_http_on_either_port() {
    for seed in 0..20 {
        let mut node = node(seed);
        for greeting in [
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
        ] {
            let peer = call(&node);
            let (got, _) = answer(&mut node, peer, greeting.as_bytes());
            let got = String::from_utf8(got).expect("plain text");
            assert!(got.starts_with("HTTP/1.1 400 "), "{greeting}: {got}");
            assert!(
                got.contains("wrong_protocol") && got.contains("https://"),
                "{got}"
            );
        }
        let peer = node.network().connect(node.address(), None);
        let (got, _) = answer(&mut node, peer, &certificates::client().transmit());
        let got = String::from_utf8(got).expect("plain text");
        assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
        assert!(
            got.contains("wrong_protocol") && got.contains("http://"),
            "{got}"
        );
    }
}

#[test]
fn damage_is_answered_with_an_alert_and_an_end() {
    for seed in 0..20 {
        let mut node = node(seed);
        let (peer, mut tls) = established(&mut node);
        tls.seal(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
            .expect("good keys");
        let mut bytes = tls.transmit();
        bytes[20] ^= 1;
        let (mut got, _) = answer(&mut node, peer, &bytes);
        let mut plain = Vec::new();
        let told = tls.receive(&mut got, &mut plain).expect_err("an alert");
        assert!(matches!(told, tls::Error::Refused(_)), "{told}");
        assert_eq!(plain, b"");
    }
}

/// A request before the client's goodbye is answered, and the answer has an end of its own.
#[test]
fn a_goodbye_is_answered_with_one_behind_the_last_answer() {
    for seed in 0..20 {
        let mut node = node(seed);
        let (peer, mut tls) = established(&mut node);
        tls.seal(b"POST /t/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx")
            .expect("good keys");
        tls.close();
        // A machine that has closed hears nothing more: the length tells of the answer.
        let (got, state) = answer(&mut node, peer, &tls.transmit());
        assert_eq!(state, PeerState::Finished, "seed {seed}");
        assert!(got.len() > 150, "seed {seed}: an answer and a goodbye");
        node.turn();
    }
}

/// RFC 8446 section 6.1: each side says so before it closes its direction, also one that nobody has asked anything.
#[test]
fn a_goodbye_is_answered_where_nothing_else_is() {
    for seed in 0..20 {
        let mut node = node(seed);
        let (mut peer, mut tls) = established(&mut node);
        tls.seal(b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n")
            .expect("good keys");
        let (out, mut plain) = (tls.transmit(), Vec::new());
        let mut sent = 0;
        while !plain.ends_with(b"}\n") {
            sent += peer.write(&out[sent..]);
            node.turn();
            tls.receive(&mut peer.read(1 << 16), &mut plain)
                .expect("good TLS");
        }
        tls.close();
        let (got, state) = answer(&mut node, peer, &tls.transmit());
        assert_eq!(state, PeerState::Finished, "seed {seed}");
        assert!(!got.is_empty(), "seed {seed}: a goodbye");
    }
}

/// Questions keep the publication behind them waiting, while the goodbye is heard already. TCP's FIN alone is no other end.
#[test]
fn what_was_said_before_a_goodbye_counts_though_it_had_to_wait() {
    for seed in 0..20 {
        let mut node = node(seed);
        let (mut peer, mut tls) = established(&mut node);
        let mut opening = Vec::new();
        let offer = Offer {
            host: "a",
            target: "/ws",
            subprotocols: &[],
            headers: &[],
            key: [7; 16],
            deflate: None,
        };
        offer.write(&mut opening).expect("a valid offer");
        let mut machine = Connection::new(Role::Client, 0, 1);
        let questions = std::iter::repeat_n(r#"{"id":1,"history":"a"}"#, 200);
        for command in questions.chain([r#"{"publish":"b","text":"the last word"}"#]) {
            machine.send(Kind::Text, command.as_bytes(), &mut opening);
        }
        tls.seal(&opening).expect("good keys");
        let goodbye = seed % 2 == 0;
        if goodbye {
            tls.close();
        }
        let bytes = tls.transmit();
        let mut written = 0;
        while written < bytes.len() {
            written += peer.write(&bytes[written..]);
            node.turn();
        }
        if !goodbye {
            peer.finish();
        }
        let (_, state) = answer(&mut node, peer, b"");
        assert_eq!(state, PeerState::Finished, "seed {seed}");
        let (peer, mut tls) = established(&mut node);
        let ask = b"GET /t/b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        tls.seal(ask).expect("good keys");
        let (mut got, _) = answer(&mut node, peer, &tls.transmit());
        let mut plain = Vec::new();
        tls.receive(&mut got, &mut plain).expect("good TLS");
        let history = String::from_utf8(plain).expect("text");
        assert!(history.contains("the last word"), "seed {seed}: {history}");
    }
}

#[test]
fn whatever_breaks_under_tls_leaves_nothing_behind() {
    for seed in 0..10 {
        let mut node = node(seed);
        node.network().change_conditions(|conditions| {
            conditions.resets_per_million = 100_000;
            conditions.accept_failures_per_million = 100_000;
        });
        let mut clients: Vec<_> = (0..40)
            .map(|_| (call(&node), certificates::client(), Vec::new()))
            .collect();
        for round in 0..400 {
            node.turn();
            for (peer, tls, out) in &mut clients {
                out.append(&mut tls.transmit());
                let written = peer.write(out);
                out.drain(..written);
                tls.receive(&mut peer.read(1 << 16), &mut Vec::new())
                    .expect("what arrives is whole");
                if round % 7 == 0 {
                    let mut request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec();
                    tls.send(&mut request).expect("good keys");
                }
            }
        }
        drop(clients);
        for _ in 0..20_000 {
            if connections(&node) == 0 {
                break;
            }
            node.turn();
        }
        assert_eq!(connections(&node), 0, "seed {seed}");
    }
}
