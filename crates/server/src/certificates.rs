//! From the configuration's files to what TLS connections are made from, at the start and whenever it is read again.

use tls::{Certificates, Server};

use crate::config::Tls;
use crate::error::Error;

/// Reads all certificates and keys that `[tls]` names; `None` where it names none.
///
/// # Errors
/// One line with the file and what is wrong with it.
pub fn read(config: &Tls) -> Result<Option<Certificates>, Error> {
    if config.certificates.is_empty() {
        return Ok(None);
    }
    let files = config.certificates.iter();
    Certificates::read(files.map(|files| (&*files.certificate, &*files.key)))
        .map(Some)
        .map_err(|error| Error(format!("tls.certificates: {error}")))
}

/// Makes a server of them. One that is `running` goes on with the new ones, and still knows clients that come back.
///
/// # Errors
/// As `read`. Nothing has changed then.
pub fn server(config: &Tls, running: Option<&Server>) -> Result<Option<Server>, Error> {
    let Some(certificates) = read(config)? else {
        return Ok(None);
    };
    for warning in certificates.warnings() {
        tracing::warn!("tls.certificates: {warning}");
    }
    let server = match running {
        Some(running) => running.with_certificates(&certificates),
        None => Server::new(&certificates)
            .map_err(|error| Error(format!("TLS cannot be had: {error}")))?,
    };
    Ok(Some(server))
}
