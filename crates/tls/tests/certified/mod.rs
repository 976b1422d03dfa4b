//! Certificates made at test time, and servers that have them.

#![allow(dead_code, reason = "each test program uses its part of it")]

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use ringwire_tls::Trust;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

/// The name of every good server.
pub(crate) const NAME: &str = "good.example";

/// A server, and whom to trust for it.
pub(crate) struct Certified {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) authority_pem: String,
    pub(crate) own_pem: String,
    pub(crate) key_pem: String,
}

impl Certified {
    /// With a certificate for [`NAME`] that is valid.
    pub(crate) fn good(versions: &[&'static SupportedProtocolVersion]) -> Certified {
        Certified::new(NAME, 2020..2120, versions)
    }

    /// The same for all tests that need no other: keys take their time.
    pub(crate) fn shared(version: &'static SupportedProtocolVersion) -> &'static Certified {
        static OLD: OnceLock<Certified> = OnceLock::new();
        static NEW: OnceLock<Certified> = OnceLock::new();
        let place = if version == &TLS13 { &NEW } else { &OLD };
        place.get_or_init(|| Certified::good(&[version]))
    }

    /// With a certificate for `name`, valid from the first year to the second, signed by an authority of its own.
    pub(crate) fn new(
        name: &str,
        years: Range<i32>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Certified {
        let authority_key = KeyPair::generate().expect("randomness");
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_pem = authority
            .self_signed(&authority_key)
            .expect("a good request")
            .pem();
        let key = KeyPair::generate().expect("randomness");
        let certificate = request(name, years)
            .signed_by(&key, &Issuer::from_params(&authority, &authority_key))
            .expect("a good request");
        Certified::with(&certificate, &key, authority_pem, versions)
    }

    /// As `openssl req -x509` makes them: its own authority, and says so.
    pub(crate) fn self_signed(name: &str, years: Range<i32>) -> Certified {
        let key = KeyPair::generate().expect("randomness");
        let mut request = request(name, years);
        request.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = request.self_signed(&key).expect("a good request");
        Certified::with(&certificate, &key, certificate.pem(), &[&TLS12, &TLS13])
    }

    fn with(
        certificate: &Certificate,
        key: &KeyPair,
        authority_pem: String,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Certified {
        let key_pem = key.serialize_pem();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_protocol_versions(versions)
                .expect("ring has them")
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)
                .expect("a key that fits");
        config.ticketer = rustls::crypto::ring::Ticketer::new().expect("randomness");
        Certified {
            config: Arc::new(config),
            authority_pem,
            own_pem: certificate.pem(),
            key_pem,
        }
    }

    /// Trust in its authority.
    pub(crate) fn trust(&self) -> Trust {
        Trust::file(&file(&self.authority_pem)).expect("a good file")
    }
}

fn request(name: &str, years: Range<i32>) -> CertificateParams {
    let mut request = CertificateParams::new(vec![name.to_owned()]).expect("a good name");
    request.not_before = rcgen::date_time_ymd(years.start, 1, 1);
    request.not_after = rcgen::date_time_ymd(years.end, 1, 1);
    request
}

/// A file with that in it.
pub(crate) fn file(text: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "{}-{}.pem",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("room on the disk");
    path
}
