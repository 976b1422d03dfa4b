//! Why there is no TLS connection, or none any more: which rule was broken, and by whom.
//!
//! What to do about it depends on the program's options, so that the program says it.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::{CertificateError, InvalidMessage};

/// Why a connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// What the peer sent first is no TLS: a plain server, mostly.
    NotTls,
    /// No authority that is trusted has signed the peer's certificate.
    Untrusted,
    /// The peer's certificate is for these names and not for the one that was asked for.
    WrongName {
        /// The names in it, as far as there are any.
        presented: Vec<String>,
    },
    /// The peer's certificate was valid until some time ago.
    Expired,
    /// The peer's certificate is not yet valid.
    NotYetValid,
    /// Something else is wrong with the peer's certificate.
    Certificate(String),
    /// The peer gave up, with this alert.
    Refused(String),
    /// The two ends have no version, cipher suite, key exchange or application protocol in common.
    Incompatible(String),
    /// The peer broke a rule, or its bytes were damaged on their way.
    Broken(String),
    /// The peer has sent the beginning of something that is longer than anything in TLS may be.
    TooLong,
    /// So many records were sent with TLS 1.2 that its keys must not be used any further.
    KeysUsedUp,
}

impl Error {
    pub(crate) fn new(error: rustls::Error, is_handshaking: bool) -> Error {
        use CertificateError as Fault;
        use rustls::Error as E;
        match error {
            E::InvalidMessage(InvalidMessage::InvalidContentType) if is_handshaking => {
                Error::NotTls
            }
            // A bad signature is how an authority of the same name looks.
            E::InvalidCertificate(Fault::UnknownIssuer | Fault::BadSignature) => Error::Untrusted,
            E::InvalidCertificate(Fault::Expired | Fault::ExpiredContext { .. }) => Error::Expired,
            E::InvalidCertificate(Fault::NotValidYet | Fault::NotValidYetContext { .. }) => {
                Error::NotYetValid
            }
            E::InvalidCertificate(Fault::NotValidForName) => Error::WrongName {
                presented: Vec::new(),
            },
            E::InvalidCertificate(Fault::NotValidForNameContext { presented, .. }) => {
                Error::WrongName {
                    presented: presented.iter().map(|name| bare(name)).collect(),
                }
            }
            E::InvalidCertificate(Fault::Other(fault)) => Error::Certificate(fault.to_string()),
            E::InvalidCertificate(fault) => Error::Certificate(fault.to_string()),
            E::NoCertificatesPresented => Error::Certificate("there is none".to_owned()),
            E::AlertReceived(alert) => Error::Refused(format!("{alert:?}")),
            E::PeerIncompatible(reason) => Error::Incompatible(format!("{reason:?}")),
            E::NoApplicationProtocol => Error::Incompatible("NoApplicationProtocol".to_owned()),
            other => Error::Broken(other.to_string()),
        }
    }
}

/// `DnsName("a.example")` without its kind.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"').to_owned()
}

impl From<rustls::Error> for Error {
    fn from(error: rustls::Error) -> Error {
        Error::new(error, false)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotTls => formatter.write_str("what it answers is not TLS"),
            Error::Untrusted => {
                formatter.write_str("its certificate is signed by nobody who is trusted")
            }
            Error::WrongName { presented } if presented.is_empty() => {
                formatter.write_str("its certificate names nobody")
            }
            Error::WrongName { presented } => {
                write!(formatter, "its certificate is for {}", presented.join(", "))
            }
            Error::Expired => formatter.write_str("its certificate has expired"),
            Error::NotYetValid => formatter.write_str("its certificate is not yet valid"),
            Error::Certificate(fault) => write!(formatter, "its certificate is no good: {fault}"),
            Error::Refused(alert) => write!(formatter, "it sent the TLS alert {alert}"),
            Error::Incompatible(reason) => {
                write!(formatter, "it and we have no way in common: {reason}")
            }
            Error::Broken(reason) => write!(formatter, "TLS is broken: {reason}"),
            Error::TooLong => {
                formatter.write_str("it sent a TLS message that is longer than any may be")
            }
            Error::KeysUsedUp => formatter.write_str("the keys of TLS 1.2 are used up"),
        }
    }
}

impl std::error::Error for Error {}

/// Why certificates of authorities cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustError {
    /// The file cannot be read, or is not PEM.
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no certificate in the file.
    Empty {
        /// Which one.
        path: PathBuf,
    },
    /// A certificate in the file is none that an authority could have.
    Unusable {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system has none.
    NoneOnSystem {
        /// Why, as far as it is known.
        reason: String,
    },
}

impl fmt::Display for TrustError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrustError::File { path, reason } | TrustError::Unusable { path, reason } => {
                write!(formatter, "{}: {reason}", path.display())
            }
            TrustError::Empty { path } => {
                write!(
                    formatter,
                    "{}: there is no certificate in it",
                    path.display()
                )
            }
            TrustError::NoneOnSystem { reason } => {
                write!(
                    formatter,
                    "this system has no certificates of authorities{reason}"
                )
            }
        }
    }
}

impl std::error::Error for TrustError {}

/// Why a server's certificates cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificatesError {
    /// No files were named.
    None,
    /// The file cannot be read, or is not PEM.
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no certificate in the file.
    NoCertificate(PathBuf),
    /// There is no private key in the file.
    NoKey(PathBuf),
    /// The private key in the file wants a passphrase.
    EncryptedKey(PathBuf),
    /// The key is damaged, or of a kind that nothing here knows.
    UnusableKey {
        /// The key's file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The certificate is damaged, or older than X.509 version 3.
    UnusableCertificate {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key belongs to another certificate.
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

impl CertificatesError {
    pub(crate) fn file(path: &Path, reason: impl fmt::Display) -> Self {
        Self::File {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn unusable(path: &Path, reason: impl fmt::Display) -> Self {
        Self::UnusableCertificate {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for CertificatesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("there is no certificate"),
            Self::File { path, reason } => {
                write!(formatter, "{}: cannot be read: {reason}", path.display())
            }
            Self::NoCertificate(path) => write!(
                formatter,
                "{}: there is no certificate in it; it takes PEM, with BEGIN CERTIFICATE",
                path.display()
            ),
            Self::NoKey(path) => write!(
                formatter,
                "{}: there is no private key in it; it takes PEM, with BEGIN PRIVATE KEY",
                path.display()
            ),
            Self::EncryptedKey(path) => write!(
                formatter,
                "{0}: the private key is encrypted; take what `openssl pkey -in {0}` writes",
                path.display()
            ),
            Self::UnusableKey { path, reason } => write!(
                formatter,
                "{}: the private key cannot be used: {reason}; it takes RSA of 2048 to 4096 bits, ECDSA P-256 or P-384, or Ed25519",
                path.display()
            ),
            Self::UnusableCertificate { path, reason } => write!(
                formatter,
                "{}: the certificate cannot be used: {reason}",
                path.display()
            ),
            Self::Mismatch { certificate, key } => write!(
                formatter,
                "{}: this key belongs to another certificate than the first in {}",
                key.display(),
                certificate.display()
            ),
        }
    }
}

impl std::error::Error for CertificatesError {}
