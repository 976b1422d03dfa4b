//! A server's certificates: read from files, checked, and chosen by the name that a client asks for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::InconsistentKeys;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use webpki::{EndEntityCert, KeyUsage};

use crate::CertificatesError;
use crate::limits::EXPIRY_NOTICE_DAYS;
use crate::trust::provider;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Certificates with their keys, of which the first is for clients that name no server, or one that none is for.
#[derive(Clone, Debug)]
pub struct Certificates {
    by_name: Arc<ByName>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct ByName {
    /// In lower case; `*.example.com` stands for one level.
    names: HashMap<String, Arc<CertifiedKey>>,
    default: Arc<CertifiedKey>,
}

impl Certificates {
    /// Reads PEM files: each pair is a certificate, with its chain behind it, and its key.
    ///
    /// # Errors
    /// The first that cannot be used; then none is.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a Path, &'a Path)>,
    ) -> Result<Certificates, CertificatesError> {
        let mut names = HashMap::new();
        let mut warnings = Vec::new();
        let mut default = None;
        for (certificate, key) in files {
            let certified = Arc::new(pair(certificate, key)?);
            let leaf = leaf(certificate, &certified)?;
            if let Some(remark) = remark(&leaf, UnixTime::now()) {
                warnings.push(format!("{}: {remark}", certificate.display()));
            }
            for name in leaf.valid_dns_names() {
                // Where two are for one name, the earlier has it.
                names
                    .entry(name.to_ascii_lowercase())
                    .or_insert_with(|| certified.clone());
            }
            default.get_or_insert(certified);
        }
        Ok(Certificates {
            by_name: Arc::new(ByName {
                names,
                default: default.ok_or(CertificatesError::None)?,
            }),
            warnings,
        })
    }

    /// What an operator should know though the server works: certificates that clients refuse, or soon will.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        self.by_name.clone()
    }
}

impl ByName {
    fn find(&self, name: &str) -> &Arc<CertifiedKey> {
        let wildcard = || {
            let (_, parent) = name.split_once('.')?;
            self.names.get(&format!("*.{parent}"))
        };
        // A client that asked for somebody else may know us by this one, or not look at it.
        self.names
            .get(name)
            .or_else(wildcard)
            .unwrap_or(&self.default)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().map(str::to_ascii_lowercase);
        Some(named.map_or(&self.default, |name| self.find(&name)).clone())
    }
}

fn pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificatesError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&contents(certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| CertificatesError::file(certificate, error))?;
    if chain.is_empty() {
        return Err(CertificatesError::NoCertificate(certificate.to_owned()));
    }
    let text = contents(key)?;
    let private = PrivateKeyDer::pem_slice_iter(&text)
        .next()
        .ok_or_else(|| no_key(key, &text))?
        .map_err(|error| CertificatesError::file(key, error))?;
    let private = provider()
        .key_provider
        .load_private_key(private)
        .map_err(|error| CertificatesError::UnusableKey {
            path: key.to_owned(),
            reason: error.to_string(),
        })?;
    let certified = CertifiedKey::new(chain, private);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(CertificatesError::Mismatch {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
            })
        }
        Err(error) => Err(CertificatesError::unusable(certificate, error)),
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, CertificatesError> {
    std::fs::read(path).map_err(|error| CertificatesError::file(path, error))
}

fn no_key(path: &Path, text: &[u8]) -> CertificatesError {
    const ENCRYPTED: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
    let path = path.to_owned();
    if text
        .windows(ENCRYPTED.len())
        .any(|window| window == ENCRYPTED)
    {
        CertificatesError::EncryptedKey(path)
    } else {
        CertificatesError::NoKey(path)
    }
}

fn leaf<'c>(
    path: &Path,
    certified: &'c CertifiedKey,
) -> Result<EndEntityCert<'c>, CertificatesError> {
    let unusable = |error: &dyn std::fmt::Display| CertificatesError::unusable(path, error);
    let own = certified
        .end_entity_cert()
        .map_err(|error| unusable(&error))?;
    EndEntityCert::try_from(own).map_err(|error| unusable(&error))
}

/// What is wrong with its time, now or soon.
fn remark(leaf: &EndEntityCert<'_>, now: UnixTime) -> Option<String> {
    // The time is looked at before the issuer, of whom nothing is known here.
    let judged = |at| {
        leaf.verify_for_usage(&[], &[], &[], at, KeyUsage::server_auth(), None, None)
            .err()
    };
    let seconds = |time: UnixTime| Duration::from_secs(time.as_secs());
    let days = |span: Duration| span.as_secs() / DAY.as_secs();
    let soon = UnixTime::since_unix_epoch(seconds(now) + EXPIRY_NOTICE_DAYS * DAY);
    if let Some(webpki::Error::CertNotValidYet { not_before, .. }) = judged(now) {
        let wait = seconds(not_before).saturating_sub(seconds(now));
        return Some(format!("is not valid before {} days from now", days(wait)));
    }
    let Some(webpki::Error::CertExpired { not_after, .. }) = judged(soon) else {
        return None;
    };
    Some(match seconds(not_after).checked_sub(seconds(now)) {
        Some(left) => format!("expires in {} days; renew it, and send SIGHUP", days(left)),
        None => format!(
            "expired {} days ago, so that clients refuse it; renew it, and send SIGHUP",
            days(seconds(now) - seconds(not_after))
        ),
    })
}
