//! A server shows the certificate that is asked for, knows those who come back, and keeps nothing of those who never finish.

mod certified;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use certified::{Certified, NAME, file};
use rcgen::KeyPair;
use ringwire_tls::{
    Agreement, Certificates, CertificatesError, Client, ClientConnection, Connection, Error,
    Resumption, Server, ServerConnection, Trust, limits,
};
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

/// A certificate's file and its key's.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authority_pem: String,
    trust: Trust,
}

impl Files {
    fn new(name: &str) -> Files {
        let made = Certified::new(name, 2020..2120, &[&TLS13]);
        Files {
            certificate: file(&made.own_pem),
            key: file(&made.key_pem),
            trust: made.trust(),
            authority_pem: made.authority_pem,
        }
    }

    fn pair(&self) -> (&Path, &Path) {
        (&self.certificate, &self.key)
    }
}

fn server(files: &[&Files]) -> Server {
    let certificates = Certificates::read(files.iter().map(|files| files.pair()));
    Server::new(&certificates.expect("good files")).expect("randomness")
}

/// Lets both say what they have to, in pieces, until neither has anything to say.
fn talk(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), Error> {
    let mut nothing = Vec::new();
    while client.wants_transmit() || server.wants_transmit() {
        for piece in client.transmit().chunks_mut(97) {
            server.receive(piece, &mut nothing)?;
        }
        for piece in server.transmit().chunks_mut(97) {
            client.receive(piece, &mut nothing)?;
        }
    }
    Ok(())
}

/// What a client that trusts `trust` agrees on when it asks for `name`.
fn meets(client: &Client, server: &Server, name: &str) -> Result<Agreement, Error> {
    let name = name.to_owned().try_into().expect("a name");
    let mut client = client.connect(&name).expect("randomness");
    let mut server = server.accept().expect("randomness");
    talk(&mut client, &mut server)?;
    assert_eq!(client.agreement(), server.agreement());
    Ok(client.agreement().expect("the handshake is over"))
}

fn believes(trust: &Trust, server: &Server, name: &str) -> bool {
    meets(&Client::new(trust.clone(), Resumption::Off), server, name).is_ok()
}

#[test]
fn the_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let [first, second, wild] =
        ["first.example", "second.example", "*.wild.example"].map(Files::new);
    let server = server(&[&first, &second, &wild]);
    assert!(believes(&first.trust, &server, "first.example"));
    assert!(believes(&second.trust, &server, "second.example"));
    assert!(believes(&second.trust, &server, "SECOND.example"));
    assert!(believes(&wild.trust, &server, "any.wild.example"));
    // A wildcard is one level, neither none nor two; everybody else gets the first.
    for name in [
        "a.b.wild.example",
        "wild.example",
        "unknown.example",
        "127.0.0.1",
    ] {
        let met = meets(
            &Client::new(first.trust.clone(), Resumption::Off),
            &server,
            name,
        );
        let presented = vec!["first.example".to_owned()];
        assert_eq!(met, Err(Error::WrongName { presented }), "{name}");
    }
}

#[test]
fn clients_that_come_back_are_known_on_any_core_and_after_new_certificates() {
    let files = Files::new(NAME);
    let first = server(&[&files]);
    let client = Client::new(files.trust.clone(), Resumption::Offered);
    assert!(!meets(&client, &first, NAME).expect("good").is_resumed);
    assert!(
        meets(&client, &first.clone(), NAME)
            .expect("good")
            .is_resumed
    );
    let renewed = Files::new(NAME);
    let certificates = Certificates::read([renewed.pair()]).expect("good files");
    let second = first.with_certificates(&certificates);
    assert!(meets(&client, &second, NAME).expect("good").is_resumed);
    // A stranger sees the new one, and the old server's connections had the old one.
    assert!(believes(&renewed.trust, &second, NAME));
    assert!(!believes(&files.trust, &second, NAME));
    assert!(believes(&files.trust, &first, NAME));
}

#[test]
fn a_client_without_tickets_is_known_by_its_session() {
    let files = Files::new(NAME);
    let server = server(&[&files]);
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(files.authority_pem.as_bytes()).expect("PEM");
    roots.add(authority).expect("an authority");
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&TLS12])
            .expect("ring has it")
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.resumption = rustls::client::Resumption::in_memory_sessions(8)
        .tls12_resumption(rustls::client::Tls12Resumption::SessionIdOnly);
    let config = Arc::new(config);
    let resumed: Vec<bool> = (0..2)
        .map(|_| {
            let name = NAME.try_into().expect("a name");
            let side = UnbufferedClientConnection::new(config.clone(), name).expect("randomness");
            let mut client = Connection::new(side).expect("a first word");
            let mut server = server.accept().expect("randomness");
            talk(&mut client, &mut server).expect("both are good");
            client.agreement().expect("over").is_resumed
        })
        .collect();
    assert_eq!(resumed, [false, true]);
}

#[test]
fn a_handshake_without_end_is_given_up_after_its_bytes() {
    let files = Files::new(NAME);
    let server = server(&[&files]);
    // A ClientHello that says it is 65,280 bytes long, in records of one byte each.
    let mut connection = server.accept().expect("randomness");
    let message = [1, 0x00, 0xff, 0x00]
        .into_iter()
        .chain(std::iter::repeat(3));
    let mut sent = 0;
    let told = message.take(100_000).find_map(|byte| {
        sent += 6;
        connection
            .receive(&mut [22, 3, 1, 0, 1, byte], &mut Vec::new())
            .err()
    });
    assert!(told.is_some());
    assert!(sent <= limits::HANDSHAKE_BYTES_MAX + 6, "{sent}");
    // And half a ClientHello is waited for.
    let mut connection = server.accept().expect("randomness");
    let half = connection.receive(&mut [22, 3, 1, 2, 0, 1, 0, 1, 0xfc], &mut Vec::new());
    assert_eq!(half, Ok(()));
    assert!(!connection.wants_transmit());
}

/// RUSTSEC-2024-0336: a server looped for ever on a `close_notify` before the handshake's end. Nobody has signed such a
/// word, so that it is no end; but a few of them are.
#[test]
fn goodbyes_during_the_handshake_do_not_go_on() {
    let files = Files::new(NAME);
    let server = server(&[&files]);
    let mut client = Client::new(Trust::anybody(), Resumption::Off)
        .connect(&NAME.try_into().expect("a name"))
        .expect("randomness");
    for mut hello in [Vec::new(), client.transmit()] {
        let mut half = server.accept().expect("randomness");
        half.receive(&mut hello, &mut Vec::new())
            .expect("a good client");
        let told = (0..100).find_map(|_| {
            half.receive(&mut [21, 3, 3, 0, 2, 1, 0], &mut Vec::new())
                .err()
        });
        assert!(told.is_some());
        assert!(half.is_handshaking());
    }
}

#[test]
fn what_is_wrong_with_files_is_told_with_the_file() {
    let good = Files::new(NAME);
    let other = Files::new(NAME);
    let nowhere = Path::new("/nowhere/key.pem");
    let read = |certificate: &Path, key: &Path| {
        Certificates::read([(certificate, key)]).expect_err("not to be used")
    };
    assert_eq!(
        Certificates::read([]).expect_err("nothing"),
        CertificatesError::None
    );
    for error in [read(nowhere, &good.key), read(&good.certificate, nowhere)] {
        assert!(
            error.to_string().starts_with("/nowhere/key.pem: "),
            "{error}"
        );
    }
    assert_eq!(
        read(&good.key, &good.key),
        CertificatesError::NoCertificate(good.key.clone())
    );
    assert_eq!(
        read(&good.certificate, &good.certificate),
        CertificatesError::NoKey(good.certificate.clone())
    );
    let mismatch = read(&good.certificate, &other.key);
    assert!(
        matches!(mismatch, CertificatesError::Mismatch { .. }),
        "{mismatch}"
    );
    let encrypted =
        file("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    assert_eq!(
        read(&good.certificate, &encrypted),
        CertificatesError::EncryptedKey(encrypted.clone())
    );
    let damaged = file("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let error = read(&good.certificate, &damaged);
    assert!(
        matches!(error, CertificatesError::UnusableKey { .. }),
        "{error}"
    );
    let broken = file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let error = read(&broken, &good.key);
    assert!(
        matches!(error, CertificatesError::UnusableCertificate { .. }),
        "{error}"
    );
    let half_written = std::fs::read_to_string(&good.certificate).expect("our file");
    let error = read(&file(&half_written[..half_written.len() / 2]), &good.key);
    assert!(matches!(error, CertificatesError::File { .. }), "{error}");
}

#[test]
fn a_certificate_that_clients_refuse_is_warned_of() {
    let warnings = |years| {
        let made = Certified::new(NAME, years, &[&TLS13]);
        let (certificate, key) = (file(&made.own_pem), file(&made.key_pem));
        let read = Certificates::read([(&*certificate, &*key)]).expect("it can be used");
        read.warnings().concat()
    };
    assert_eq!(warnings(2020..2120), "");
    assert!(
        warnings(2020..2021).contains("expired"),
        "{}",
        warnings(2020..2021)
    );
    assert!(warnings(2110..2120).contains("not valid before"));
}

#[test]
fn keys_of_the_usual_kinds_are_taken() {
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let key = KeyPair::generate_for(algorithm).expect("randomness");
        let request = rcgen::CertificateParams::new(vec![NAME.to_owned()]).expect("a name");
        let own = request.self_signed(&key).expect("a good request");
        let (certificate, key) = (file(&own.pem()), file(&key.serialize_pem()));
        let read = Certificates::read([(&*certificate, &*key)]).expect("a good pair");
        let server = Server::new(&read).expect("randomness");
        let client = Client::new(Trust::file(&certificate).expect("a file"), Resumption::Off);
        assert!(meets(&client, &server, NAME).is_ok(), "{algorithm:?}");
    }
}
