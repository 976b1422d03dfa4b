//! What is wrong with a server is told as what it is, and no server gets more memory or work than is its due.

mod certified;

use certified::{Certified, NAME, file};
use ringwire_tls::{Client, Error, Resumption, Trust, TrustError};
use rustls::ServerConnection;
use rustls::version::{TLS12, TLS13};

/// What a client finds that trusts `trust` and asks for [`NAME`].
fn meets(trust: Trust, server: &Certified) -> Result<(), Error> {
    let mut client = Client::new(trust, Resumption::Off)
        .connect(&NAME.try_into().expect("a name"))
        .expect("randomness");
    let mut server = ServerConnection::new(server.config.clone()).expect("a good configuration");
    while client.wants_transmit() {
        server.read_tls(&mut &*client.transmit()).expect("room");
        let _ = server.process_new_packets();
        let mut answer = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answer).expect("memory");
        }
        let received = client.receive(&mut answer, &mut Vec::new());
        if received.is_err() {
            assert!(client.wants_transmit(), "the server is told why");
            server.read_tls(&mut &*client.transmit()).expect("room");
            let alert = server.process_new_packets().expect_err("an alert");
            assert!(matches!(alert, rustls::Error::AlertReceived(_)), "{alert}");
            return received;
        }
    }
    assert!(!client.is_handshaking());
    Ok(())
}

#[test]
fn a_certificate_is_judged_by_issuer_name_and_time() {
    let versions = &[&TLS12, &TLS13];
    let good = Certified::good(versions);
    assert_eq!(meets(good.trust(), &good), Ok(()));
    let stranger = Certified::good(versions);
    assert_eq!(meets(good.trust(), &stranger), Err(Error::Untrusted));
    for (name, years, error) in [
        (NAME, 2020..2021, Error::Expired),
        (NAME, 2110..2120, Error::NotYetValid),
        (
            "other.example",
            2020..2120,
            Error::WrongName {
                presented: vec!["other.example".to_owned()],
            },
        ),
    ] {
        let bad = Certified::new(name, years, versions);
        assert_eq!(meets(bad.trust(), &bad), Err(error));
        assert_eq!(meets(Trust::anybody(), &bad), Ok(()));
    }
}

#[test]
fn a_certificate_that_was_given_is_known_though_it_calls_itself_an_authority() {
    let given = Certified::self_signed(NAME, 2020..2120);
    assert_eq!(meets(given.trust(), &given), Ok(()));
    let others = Certified::self_signed(NAME, 2020..2120);
    assert_eq!(
        meets(given.trust(), &others),
        Err(Error::Certificate("CaUsedAsEndEntity".to_owned()))
    );
    let expired = Certified::self_signed(NAME, 2020..2021);
    assert_eq!(meets(expired.trust(), &expired), Err(Error::Expired));
    let elsewhere = Certified::self_signed("other.example", 2020..2120);
    assert!(matches!(
        meets(elsewhere.trust(), &elsewhere),
        Err(Error::WrongName { .. })
    ));
}

#[test]
fn a_leaf_that_was_given_is_known_without_its_authority() {
    let given = Certified::good(&[&TLS13]);
    let trust = Trust::file(&file(&given.own_pem)).expect("a good file");
    assert_eq!(meets(trust, &given), Ok(()));
}

#[test]
fn a_file_without_certificates_is_refused() {
    assert!(matches!(
        Trust::file("/nowhere/ca.pem".as_ref()),
        Err(TrustError::File { .. })
    ));
    assert!(matches!(
        Trust::file(&file("no PEM")),
        Err(TrustError::Empty { .. })
    ));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(
        Trust::file(&file(broken)),
        Err(TrustError::Unusable { .. })
    ));
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert!(matches!(
        Trust::file(&file(cut)),
        Err(TrustError::File { .. })
    ));
}

fn hears(bytes: &[u8]) -> Result<(), Error> {
    let mut client = Client::new(Trust::anybody(), Resumption::Off)
        .connect(&NAME.try_into().expect("a name"))
        .expect("randomness");
    client.receive(&mut bytes.to_vec(), &mut Vec::new())
}

#[test]
fn what_is_no_tls_is_told_from_what_is_broken_tls() {
    assert_eq!(
        hears(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Err(Error::NotTls)
    );
    assert_eq!(hears(b"SSH-2.0-OpenSSH_9.2\r\n"), Err(Error::NotTls));
    assert_eq!(
        hears(b"\x15\x03\x03\x00\x02\x02\x28"),
        Err(Error::Refused("HandshakeFailure".to_owned()))
    );
    assert_eq!(hears(b"\x16\x03"), Ok(()), "the rest may come");
    assert!(matches!(
        hears(b"\x16\x03\x03\x00\x04\xff\x00\x00\x00"),
        Err(Error::Broken(_))
    ));
}

#[test]
fn a_handshake_message_without_end_is_not_kept() {
    // Records of one byte each, of a message that says it is 16 MiB long, or just within the bound.
    for length in [[0xff, 0xff, 0xff], [0x00, 0xff, 0xff]] {
        let mut client = Client::new(Trust::anybody(), Resumption::Off)
            .connect(&NAME.try_into().expect("a name"))
            .expect("randomness");
        let header = [0x02, length[0], length[1], length[2]];
        let mut bytes = header.into_iter().chain(std::iter::repeat(0));
        let told = (0..100_000).find_map(|_| {
            let mut record = [0x16, 3, 3, 0, 1, bytes.next().expect("endless")];
            client.receive(&mut record, &mut Vec::new()).err()
        });
        assert!(
            matches!(told, Some(Error::TooLong | Error::Broken(_))),
            "{told:?}"
        );
    }
}
