//! Whom a client believes: the system's authorities, those in a file, or anybody.
//!
//! The system's own (where the machine's other tools look, `SSL_CERT_FILE` included) rather than a list that is built in:
//! a company's authority is there, and a list that is built in grows old with the program.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::TrustError;

/// How a client judges a server's certificate.
#[derive(Clone, Debug)]
pub struct Trust(pub(crate) Arc<dyn ServerCertVerifier>);

impl Trust {
    /// The authorities that the system trusts.
    ///
    /// # Errors
    /// There are none.
    pub fn system() -> Result<Trust, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        let no_roots = || TrustError::NoneOnSystem {
            reason: found
                .errors
                .first()
                .map_or_else(String::new, |error| format!(": {error}")),
        };
        if roots.is_empty() {
            return Err(no_roots());
        }
        let judge = judge(roots).map_err(|_| no_roots())?;
        Ok(Trust(judge))
    }

    /// The authorities in a PEM file, and none else. A server's own certificate may stand there as well, whoever signed it:
    /// it is then accepted for the names in it.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificates.
    pub fn file(path: &Path) -> Result<Trust, TrustError> {
        let unreadable = |reason: String| TrustError::File {
            path: path.to_owned(),
            reason,
        };
        let unusable = |reason: String| TrustError::Unusable {
            path: path.to_owned(),
            reason,
        };
        let known: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| unreadable(error.to_string()))?;
        if known.is_empty() {
            return Err(TrustError::Empty {
                path: path.to_owned(),
            });
        }
        let mut roots = RootCertStore::empty();
        for certificate in &known {
            roots
                .add(certificate.clone())
                .map_err(|error| unusable(error.to_string()))?;
        }
        let judge = judge(roots).map_err(|error| unusable(error.to_string()))?;
        Ok(Trust(Arc::new(Acquainted { judge, known })))
    }

    /// Whoever answers: neither certificate nor signature is looked at.
    pub fn anybody() -> Trust {
        Trust(Arc::new(Anybody(provider())))
    }
}

/// The cryptography that is used everywhere here.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn judge(
    roots: RootCertStore,
) -> Result<Arc<WebPkiServerVerifier>, rustls::client::VerifierBuilderError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()
}

/// The usual judge, who also knows some certificates by sight.
///
/// `openssl req -x509` makes certificates that say they are an authority's; a server that presents one as its own is refused
/// by the rules, and accepted by everybody who was given just that certificate.
#[derive(Debug)]
struct Acquainted {
    judge: Arc<WebPkiServerVerifier>,
    known: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Acquainted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError as Fault;
        let judged = self.judge.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match judged {
            Err(rustls::Error::InvalidCertificate(
                Fault::Expired
                | Fault::ExpiredContext { .. }
                | Fault::NotValidYet
                | Fault::NotValidYetContext { .. },
            )) => judged,
            Err(_) if self.known.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
