//! Whole conversations between two ends in memory: what one says the other hears, wherever the bytes are cut. The other end is
//! rustls' own buffered connection, so that an error in driving the unbuffered one does not cancel itself out.

mod certified;

use std::io::{Read, Write};
use std::ops::Range;

use certified::{Certified, NAME};
use proptest::prelude::*;
use ringwire_tls::{Client, ClientConnection, Connection, Resumption, Trust};
use rustls::server::UnbufferedServerConnection;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConnection, SupportedProtocolVersion};

/// A client and the server that judges it.
struct Pair {
    client: ClientConnection,
    server: ServerConnection,
    heard: Vec<u8>,
    server_heard: Vec<u8>,
}

impl Pair {
    fn new(client: &Client, server: &Certified) -> Pair {
        Pair {
            client: client
                .connect(&NAME.try_into().expect("a name"))
                .expect("randomness"),
            server: ServerConnection::new(server.config.clone()).expect("a good configuration"),
            heard: Vec::new(),
            server_heard: Vec::new(),
        }
    }

    fn of(version: &'static SupportedProtocolVersion) -> Pair {
        let server = Certified::good(&[version]);
        let mut pair = Pair::new(&Client::new(server.trust(), Resumption::Offered), &server);
        pair.talk(usize::MAX);
        assert!(!pair.client.is_handshaking());
        pair
    }

    /// Lets bytes pass both ways until there are none, those for the client in pieces of `piece_bytes`.
    fn talk(&mut self, piece_bytes: usize) {
        while self.client.wants_transmit() || self.server.wants_write() {
            let mut to_server = &*self.client.transmit();
            while !to_server.is_empty() {
                self.server.read_tls(&mut to_server).expect("room");
                self.server.process_new_packets().expect("a good client");
                // An error at the end says that there may come more.
                let _ = self.server.reader().read_to_end(&mut self.server_heard);
            }
            let mut to_client = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut to_client).expect("memory");
            }
            for piece in to_client.chunks_mut(piece_bytes) {
                self.client
                    .receive(piece, &mut self.heard)
                    .expect("a good server");
            }
        }
    }

    fn server_says(&mut self, bytes: &[u8]) {
        self.server.writer().write_all(bytes).expect("memory");
    }
}

#[test]
fn bytes_cut_anywhere_say_the_same() {
    for version in [&TLS12, &TLS13] {
        let server = Certified::good(&[version]);
        let client = Client::new(server.trust(), Resumption::Off);
        for piece_bytes in (1..64).chain([100, 1000, 5000, usize::MAX]) {
            let mut pair = Pair::new(&client, &server);
            pair.talk(piece_bytes);
            let said: Vec<u8> = (0..40_000_u32).map(|at| (at % 251) as u8).collect();
            pair.server_says(b"short");
            pair.talk(piece_bytes);
            pair.server_says(&said);
            let mut answer = said.clone();
            pair.client.send(&mut answer).expect("good keys");
            assert!(answer.is_empty());
            pair.talk(piece_bytes);
            assert_eq!(pair.heard, [b"short", &*said].concat(), "{piece_bytes}");
            assert_eq!(pair.server_heard, said, "{piece_bytes}");
        }
    }
}

#[test]
fn what_is_said_during_the_handshake_waits_for_its_end() {
    let server = Certified::good(&[&TLS13]);
    let mut pair = Pair::new(&Client::new(server.trust(), Resumption::Off), &server);
    let mut plain = b"early".to_vec();
    pair.client.send(&mut plain).expect("nothing was sent");
    assert_eq!(plain, b"early");
    assert_eq!(pair.client.agreement(), None);
    pair.talk(usize::MAX);
    pair.client.send(&mut plain).expect("good keys");
    pair.talk(usize::MAX);
    assert_eq!(pair.server_heard, b"early");
}

#[test]
fn it_is_told_what_was_agreed_on_and_that_an_earlier_session_was_taken_up() {
    for (version, name) in [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")] {
        let server = Certified::good(&[version]);
        let client = Client::new(server.trust(), Resumption::Offered);
        let mut kinds = Vec::new();
        for client in [&client, &client, &client.apart()] {
            let mut pair = Pair::new(client, &server);
            pair.talk(usize::MAX);
            let agreement = pair.client.agreement().expect("the handshake is over");
            assert_eq!(agreement.version, name);
            assert!(agreement.cipher_suite.starts_with("TLS_"), "{agreement:?}");
            kinds.push(agreement.is_resumed);
            assert!(
                agreement.is_resumed || agreement.key_exchange == Some("X25519"),
                "{agreement:?}"
            );
        }
        assert_eq!(kinds, [false, true, false], "{name}");
        let stranger = Client::new(server.trust(), Resumption::Off);
        for _ in 0..2 {
            let mut pair = Pair::new(&stranger, &server);
            pair.talk(usize::MAX);
            assert!(!pair.client.agreement().expect("over").is_resumed);
        }
    }
}

#[test]
fn new_keys_in_the_middle_change_nothing() {
    for piece_bytes in [1, 7, usize::MAX] {
        let mut pair = Pair::of(&TLS13);
        for round in 0..50 {
            pair.server.refresh_traffic_keys().expect("TLS 1.3");
            pair.server_says(&[round]);
            pair.talk(piece_bytes);
            // The answer to a key update leaves before what is said next, which the new keys encrypt.
            pair.client.send(&mut vec![round]).expect("good keys");
            pair.talk(piece_bytes);
        }
        assert_eq!(pair.heard, (0..50).collect::<Vec<u8>>());
        assert_eq!(pair.server_heard, (0..50).collect::<Vec<u8>>());
    }
}

#[test]
fn the_end_is_said_once_and_heard() {
    for version in [&TLS12, &TLS13] {
        let mut pair = Pair::of(version);
        pair.server_says(b"last");
        pair.server.send_close_notify();
        pair.talk(3);
        assert_eq!(pair.heard, b"last");
        assert!(pair.client.has_peer_closed());
        pair.client
            .receive(&mut [0; 100], &mut pair.heard)
            .expect("what follows is not looked at");
        // The other direction is still open.
        pair.client.send(&mut b"bye".to_vec()).expect("good keys");
        pair.client.close();
        pair.talk(usize::MAX);
        pair.client.close();
        assert!(!pair.client.wants_transmit());
        let end = pair.server.reader().read_to_end(&mut Vec::new());
        assert_eq!(end.expect("a clean end"), 0);
        assert_eq!(pair.server_heard, b"bye");
    }
}

#[test]
fn the_servers_end_is_the_same_machine() {
    let certified = Certified::good(&[&TLS13]);
    let mut client = Client::new(certified.trust(), Resumption::Off)
        .connect(&NAME.try_into().expect("a name"))
        .expect("randomness");
    let mut server = Connection::new(
        UnbufferedServerConnection::new(certified.config.clone()).expect("a good configuration"),
    )
    .expect("nothing was said");
    let (mut client_heard, mut server_heard) = (Vec::new(), Vec::new());
    let (mut question, mut answer) = (b"question".to_vec(), b"answer".to_vec());
    for _ in 0..4 {
        client.send(&mut question).expect("good keys");
        for piece in client.transmit().chunks_mut(11) {
            server
                .receive(piece, &mut server_heard)
                .expect("a good client");
        }
        server.send(&mut answer).expect("good keys");
        for piece in server.transmit().chunks_mut(11) {
            client
                .receive(piece, &mut client_heard)
                .expect("a good server");
        }
    }
    assert_eq!(
        (&*server_heard, &*client_heard),
        (&b"question"[..], &b"answer"[..])
    );
    assert_eq!(client.agreement(), server.agreement());
}

/// What comes first in a record: the type that TLS 1.3 shows outside and the version that it "MUST" ignore (RFC 8446 section 5.1).
/// rustls authenticates what they ought to be, not what they are: to damage them there changes nothing of what is heard.
const OUTSIDE: Range<usize> = 0..3;

/// And the length: of a record that seems longer the rest is waited for.
const LENGTH: Range<usize> = 3..5;

#[test]
fn a_bit_damaged_in_a_record_changes_nothing_that_is_heard() {
    for version in [&TLS12, &TLS13] {
        let server = Certified::shared(version);
        let client = Client::new(Trust::anybody(), Resumption::Off);
        let said = [7; 8];
        let mut record = Vec::new();
        for bit in 0.. {
            let mut pair = Pair::new(&client, server);
            pair.talk(usize::MAX);
            pair.server_says(&said);
            record.clear();
            while pair.server.wants_write() {
                pair.server.write_tls(&mut record).expect("memory");
            }
            let (at, mask) = (bit / 8, 1 << (bit % 8));
            let Some(byte) = record.get_mut(at) else {
                break;
            };
            *byte ^= mask;
            let mut heard = Vec::new();
            let is_told = pair.client.receive(&mut record, &mut heard).is_err();
            let is_ignored = version == &TLS13 && OUTSIDE.contains(&at) && heard == said;
            let is_waited_for = LENGTH.contains(&at) && heard.is_empty();
            assert!(
                is_ignored || is_waited_for || is_told && heard.is_empty(),
                "{version:?}, {at}, {mask}"
            );
        }
        assert!(record.len() > said.len(), "all of a record was damaged");
    }
}

proptest! {
    /// Whatever a server sends, a client ends with an error or waits; it never panics, and never hears what was not said.
    #[test]
    fn damage_is_told_or_waited_out(
        is_new in any::<bool>(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        cut in 1..3000_usize,
        is_early in any::<bool>(),
    ) {
        let server = Certified::shared(if is_new { &TLS13 } else { &TLS12 });
        let mut pair = Pair::new(&Client::new(Trust::anybody(), Resumption::Off), server);
        if !is_early {
            pair.talk(usize::MAX);
            pair.server_says(&[7; 3000]);
        } else {
            let hello = pair.client.transmit();
            pair.server.read_tls(&mut &*hello).expect("room");
            pair.server.process_new_packets().expect("a good client");
        }
        let mut bytes = Vec::new();
        while pair.server.wants_write() {
            pair.server.write_tls(&mut bytes).expect("memory");
        }
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let is_ignored = is_new && OUTSIDE.contains(&at);
        let (mut heard, mut is_told) = (Vec::new(), false);
        for piece in bytes.chunks_mut(cut) {
            is_told |= pair.client.receive(piece, &mut heard).is_err();
        }
        prop_assert!(heard.is_empty() || heard.iter().all(|&byte| byte == 7));
        prop_assert!(is_told || heard.len() < 3000 || is_early || is_ignored);
    }
}
