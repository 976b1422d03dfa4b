//! `ringwire cert --dev`: a certificate to try TLS with on one's own machine, and the authority that vouches for it.
//!
//! The authority's key is forgotten as soon as it has signed: whoever trusts that authority trusts this one certificate and
//! nothing that could be made later.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::error::Error;

/// Make a certificate to try TLS with.
#[derive(Debug, Args)]
pub struct Cert {
    /// For development: made here and now, by an authority that nobody trusts yet.
    #[arg(long, required = true)]
    pub dev: bool,

    /// Where the files go; the directory is made.
    #[arg(long, value_name = "DIR", default_value = "dev-certificate")]
    pub out: PathBuf,

    /// Names and addresses that it is for, beside localhost, 127.0.0.1 and ::1.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// What every such certificate is for.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long it is valid: Apple's systems take no certificate for longer than 825 days.
const VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Clocks differ: it is valid from the day before.
const EARLIER: Duration = Duration::from_secs(24 * 60 * 60);

/// The file of the authority.
pub const AUTHORITY: &str = "ca.pem";
/// The file of the certificate.
pub const CERTIFICATE: &str = "cert.pem";
/// The file of its key.
pub const KEY: &str = "key.pem";

/// Runs `ringwire cert`.
///
/// # Errors
/// A name cannot stand in a certificate, or a file is there already or cannot be written.
pub fn make(args: &Cert) -> Result<(), Error> {
    let names = names(&args.names);
    let made =
        Made::new(&names).map_err(|error| Error(format!("cannot make a certificate: {error}")))?;
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Error(format!("cannot make {}: {error}", args.out.display())))?;
    let files = [
        (AUTHORITY, &made.authority, 0o644),
        (CERTIFICATE, &made.certificate, 0o644),
        (KEY, &made.key, 0o600),
    ];
    for (name, _, _) in files {
        refuse_existing(&args.out.join(name))?;
    }
    for (name, text, mode) in files {
        write(&args.out.join(name), text, mode)?;
    }
    explain(&args.out, &names);
    Ok(())
}

fn names(given: &[String]) -> Vec<String> {
    let mut names = OWN_NAMES.map(str::to_owned).to_vec();
    for name in given {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// PEM, all of it.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

impl Made {
    fn new(names: &[String]) -> Result<Self, rcgen::Error> {
        let authority_key = KeyPair::generate()?;
        let mut authority = valid(CertificateParams::new(Vec::new())?);
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority
            .distinguished_name
            .push(DnType::CommonName, "ringwire development authority");
        let authority_pem = authority.self_signed(&authority_key)?.pem();
        let key = KeyPair::generate()?;
        let mut own = valid(CertificateParams::new(names)?);
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        own.use_authority_key_identifier_extension = true;
        own.distinguished_name
            .push(DnType::CommonName, "ringwire development certificate");
        let signed = own.signed_by(&key, &Issuer::from_params(&authority, &authority_key))?;
        Ok(Self {
            authority: authority_pem,
            certificate: signed.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn valid(mut params: CertificateParams) -> CertificateParams {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(EARLIER);
    params.not_after = epoch + now + VALID;
    params
}

fn refuse_existing(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Err(Error(format!(
            "{} is there already; remove it, or write elsewhere with --out DIR",
            path.display()
        )));
    }
    Ok(())
}

/// Never over a file that is there, even if it came a moment ago.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Error(format!("cannot write {}: {error}", path.display())))
}

fn explain(out: &Path, names: &[String]) {
    let [ca, certificate, key] =
        [AUTHORITY, CERTIFICATE, KEY].map(|name| out.join(name).display().to_string());
    println!(
        "made for {}, valid for a year
  {ca}  the authority, to be trusted by clients; its key is forgotten, so that it vouches for nothing else
  {certificate}  the certificate
  {key}  its key: for the server alone

serve
  ringwire --tls-certificate {certificate} --tls-key {key}
or, in a configuration file,
  [tls]
  certificates = [{{ certificate = \"{certificate}\", key = \"{key}\" }}]

try
  curl --cacert {ca} -d hello https://localhost:7465/t/demo
  ringwire sub --server https://localhost:7465 --ca {ca} demo
  Node      NODE_EXTRA_CA_CERTS={ca} node client.mjs
  Python    ssl.create_default_context(cafile=\"{ca}\")
  Chromium  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n ringwire-dev -i {ca}
            (certutil is in libnss3-tools; `certutil -d sql:$HOME/.pki/nssdb -N` makes the database)
  Firefox   Settings, Certificates, Authorities, Import",
        names.join(", ")
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use tls::{Certificates, Client, Resumption, Server, ServerName, Trust};

    /// Whether a client that trusts the authority agrees with a server that has the certificate.
    fn is_believed(out: &Path, name: &str) -> bool {
        let files = [(&*out.join(CERTIFICATE), &*out.join(KEY))];
        let certificates = Certificates::read(files).expect("good files");
        assert_eq!(certificates.warnings(), &[] as &[String]);
        let mut server = Server::new(&certificates).unwrap().accept().unwrap();
        let trust = Trust::file(&out.join(AUTHORITY)).expect("a good file");
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = Client::new(trust, Resumption::Off).connect(&name).unwrap();
        let mut nothing = Vec::new();
        for _ in 0..3 {
            if server
                .receive(&mut client.transmit(), &mut nothing)
                .is_err()
                || client
                    .receive(&mut server.transmit(), &mut nothing)
                    .is_err()
            {
                return false;
            }
        }
        !client.is_handshaking()
    }

    #[test]
    fn who_trusts_the_authority_believes_the_certificate_for_its_names() {
        let out = std::env::temp_dir().join(format!("ringwire-cert-{}", std::process::id()));
        let args = Cert {
            dev: true,
            out: out.clone(),
            names: vec!["broker.test".into(), "localhost".into()],
        };
        make(&args).expect("room on the disk");
        for name in ["localhost", "127.0.0.1", "::1", "broker.test"] {
            assert!(is_believed(&out, name), "{name}");
        }
        assert!(!is_believed(&out, "other.test"));
        use std::os::unix::fs::PermissionsExt;
        let mode = |name| out.join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(KEY), 0o600);
        let again = make(&args).unwrap_err().to_string();
        assert!(again.contains("is there already"), "{again}");
        std::fs::remove_dir_all(out).expect("our own files");
    }
}
