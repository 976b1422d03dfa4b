//! A certificate as `ringwire cert --dev` makes it, for tests of what TLS connections hold.

use std::path::Path;

use ringwire::cert;

/// What a TLS broker is made from, and a client that trusts it.
pub(crate) fn pair() -> (tls::Server, tls::Client) {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
    let made = cert::make(&cert::Cert {
        dev: true,
        out: out.clone(),
        names: Vec::new(),
    });
    made.expect("room on the disk");
    let pair = [cert::CERTIFICATE, cert::KEY].map(|name| out.join(name));
    let certificates = tls::Certificates::read([(&*pair[0], &*pair[1])]).expect("a good pair");
    let trust = tls::Trust::file(&out.join(cert::AUTHORITY)).expect("a good file");
    (
        tls::Server::new(&certificates).expect("randomness"),
        tls::Client::new(trust, tls::Resumption::Off),
    )
}
