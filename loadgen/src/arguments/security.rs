//! TLS: whose certificates are believed, and what kind of handshakes are made.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use tls::{Client, Resumption, Trust, TrustError};

use crate::failure::Failure;
use crate::security::{Belief, Security};

/// TLS, for `wss://` URLs.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS (wss:// URLs)", group(ArgGroup::new("belief").args(["ca", "insecure"])))]
pub struct Tls {
    /// PEM file of the authorities to trust instead of the system's, or with the server's own certificate
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Accepts any certificate
    ///
    /// Checks nothing, so that handshakes are cheaper here than a real client's; the report says so
    #[arg(long)]
    pub insecure: bool,

    /// Whether connections after a thread's first take up its session [default: resumed]
    ///
    /// What they are to the server: users who come back (`resumed`, where the server allows it), or strangers with a full handshake
    /// each
    #[arg(long, value_enum, value_name = "KIND")]
    pub tls_handshakes: Option<Kind>,
}

/// What a handshake after the first is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The session of an earlier connection is taken up, where the server allows it
    Resumed,
    /// Each connection is a stranger's
    Full,
}

impl Tls {
    /// What the run's TLS connections have in common, if it has any.
    pub(super) fn security(&self, is_needed: bool) -> Result<Option<Security>, Failure> {
        if !is_needed {
            let idle = match self {
                Tls { ca: Some(_), .. } => "--ca",
                Tls { insecure: true, .. } => "--insecure",
                Tls {
                    tls_handshakes: Some(_),
                    ..
                } => "--tls-handshakes",
                _ => return Ok(None),
            };
            return Err(Failure::Usage(format!(
                "{idle} is for TLS: give a wss:// URL"
            )));
        }
        let (trust, belief) = match (&self.ca, self.insecure) {
            (Some(path), _) => (Trust::file(path), Belief::File),
            (None, true) => (Ok(Trust::anybody()), Belief::Nothing),
            (None, false) => (Trust::system(), Belief::System),
        };
        let resumption = match self.tls_handshakes {
            None | Some(Kind::Resumed) => Resumption::Offered,
            Some(Kind::Full) => Resumption::Off,
        };
        Ok(Some(Security {
            client: Client::new(trust.map_err(|error| explain(&error))?, resumption),
            belief,
        }))
    }
}

fn explain(error: &TrustError) -> Failure {
    match error {
        TrustError::NoneOnSystem { .. } => Failure::Environment(format!(
            "{error}\nInstall them (ca-certificates), or give --ca FILE or --insecure."
        )),
        error => Failure::Usage(format!("--ca {error}")),
    }
}
