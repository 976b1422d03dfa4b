//! The server's end of TLS: any bytes instead of a client, and a client whose bytes are damaged on the way.
//!
//! The first byte of the input says how the reads are cut, the second which of the two it is. The rest is
//! what the server reads; or where one byte of an honest client's is damaged, how, and what
//! that client says when the handshake is done. Nothing that the client did not say may arrive, and
//! nothing that was not damaged may fail.

use crate::cuts::reads;
use rcgen::{CertificateParams, KeyPair};
use std::sync::OnceLock;
use std::{env, fs, process};
use tls::{Certificates, Client, Error, Resumption, Server, ServerConnection, ServerName, Trust};

/// What an honest client's handshake has at least: damage is aimed at it and at what follows.
const TURNS_MAX: usize = 8;

pub(crate) fn judge(input: &[u8]) {
    match input {
        [how, mode, stream @ ..] if mode % 2 == 0 => stranger(*how, stream),
        [how, _, at_high, at_low, damage, said @ ..] => {
            let at = usize::from(u16::from_be_bytes([*at_high, *at_low]) % 2048);
            client(*how, at, *damage, said);
        }
        _ => {}
    }
}

fn stranger(how: u8, stream: &[u8]) {
    let whole = outcome([stream].into_iter());
    assert_eq!(whole, outcome(reads(how, stream)));
}

/// Nothing can be said without a handshake, and none can be made without looking at the answers.
fn outcome<'s>(reads: impl Iterator<Item = &'s [u8]>) -> Result<(), Error> {
    let mut connection = server().accept().expect("there is randomness");
    let mut plain = Vec::new();
    for read in reads {
        let received = connection.receive(&mut read.to_vec(), &mut plain);
        assert!(plain.is_empty() && connection.is_handshaking());
        received?;
    }
    Ok(())
}

/// One byte of what the client sends is damaged, the one at `at`; no damage is none.
fn client(how: u8, at: usize, damage: u8, said: &[u8]) {
    let name = ServerName::try_from("a.example").expect("a name");
    let mut client = anybody().connect(&name).expect("there is randomness");
    let mut server = server().accept().expect("there is randomness");
    let mut sent_bytes = 0;
    let mut heard = Vec::new();
    let mut to_say = said.to_vec();
    for _ in 0..TURNS_MAX {
        client.send(&mut to_say).expect("keys for a few records");
        let mut sent = client.transmit();
        if let Some(byte) = at.checked_sub(sent_bytes).and_then(|at| sent.get_mut(at)) {
            *byte ^= damage;
        }
        sent_bytes += sent.len();
        if hear(&mut server, how, &sent, &mut heard).is_err() {
            break;
        }
        // A client that is told of damage, or that was answered wrongly, has nothing to add.
        if client
            .receive(&mut server.transmit(), &mut Vec::new())
            .is_err()
        {
            break;
        }
    }
    assert!(said.starts_with(&heard));
    if damage == 0 || at >= sent_bytes {
        assert_eq!(heard, said);
    }
}

fn hear(
    server: &mut ServerConnection,
    how: u8,
    sent: &[u8],
    heard: &mut Vec<u8>,
) -> Result<(), Error> {
    reads(how, sent).try_for_each(|read| server.receive(&mut read.to_vec(), heard))
}

fn anybody() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| Client::new(Trust::anybody(), Resumption::Off))
}

/// With a certificate of its own making, which comes from files as every server's does.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = CertificateParams::new(vec!["a.example".to_owned()])
            .and_then(|request| request.self_signed(&key))
            .expect("a good request");
        let folder = env::temp_dir();
        let path = |kind: &str| folder.join(format!("ringwire-oracles-{}.{kind}", process::id()));
        let files = [path("certificate"), path("key")];
        fs::write(&files[0], certificate.pem()).expect("room on the disk");
        fs::write(&files[1], key.serialize_pem()).expect("room on the disk");
        let certificates = Certificates::read([(files[0].as_path(), files[1].as_path())]);
        for file in &files {
            fs::remove_file(file).expect("it was just written");
        }
        Server::new(&certificates.expect("a good certificate")).expect("there is randomness")
    })
}
