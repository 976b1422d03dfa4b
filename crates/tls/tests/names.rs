//! What a client says in clear before anything is encrypted.

mod certified;

use certified::{Certified, NAME};
use ringwire_tls::{Client, Resumption, ServerName};
use rustls::server::Acceptor;
use rustls::version::TLS13;

/// The name in the hello of a client that connects to `name`.
fn said(name: &str) -> Option<String> {
    let client = Client::new(Certified::good(&[&TLS13]).trust(), Resumption::Off);
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut connection = client.connect(&name).expect("randomness");
    let mut acceptor = Acceptor::default();
    acceptor
        .read_tls(&mut &*connection.transmit())
        .expect("a whole hello");
    let accepted = acceptor.accept().expect("no alert").expect("a whole hello");
    accepted.client_hello().server_name().map(str::to_owned)
}

/// RFC 6455 section 4.1, item 5: "Clients MUST use the Server Name Indication extension". RFC 6066
/// section 3 leaves addresses out of it.
#[test]
fn the_client_says_whose_certificate_it_wants() {
    assert_eq!(said(NAME).as_deref(), Some(NAME));
    for address in ["127.0.0.1", "::1"] {
        assert_eq!(said(address), None, "{address}");
    }
}
