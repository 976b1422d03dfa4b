//! Where the broker is that a shell client talks to, whom it believes there, and the stream between them, plain or TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use protocol::uri::Uri;
use tls::{Client, ClientConnection, Resumption, ServerName, Trust, TrustError};

use super::{ANSWER_TIMEOUT, Error, broken};

/// Which server, and what makes it believed.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Where the broker is; https:// speaks TLS.
    #[arg(
        long = "server",
        value_name = "URL",
        env = "RINGWIRE_URL",
        default_value = "http://127.0.0.1:7464"
    )]
    url: String,

    /// PEM file of the authorities to trust instead of the system's, or with the server's own certificate.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Accept any certificate.
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
}

/// A server that connections can be made to.
pub(super) struct Peer {
    /// Host and port as they were written.
    authority: String,
    host: String,
    port: u16,
    tls: Option<(Client, ServerName<'static>)>,
}

impl Server {
    /// Reads the URL, and the certificates if it wants any.
    pub(super) fn peer(&self) -> Result<Peer, Error> {
        let url = match self.url.contains("://") {
            true => self.url.clone(),
            false => format!("http://{}", self.url),
        };
        let wrong = || {
            let url = &self.url;
            Error(format!(
                "--server {url}: write it as http://HOST:PORT or https://HOST"
            ))
        };
        let uri = Uri::parse(&url).map_err(|_| wrong())?;
        let is_secure = uri.scheme.is_secure();
        // Nobody means port 80 here, so that the port is not left out.
        let names_port = uri.authority.ends_with(|last: char| last.is_ascii_digit())
            && uri.authority.len()
                > uri.host.len() + 2 * usize::from(uri.authority.starts_with('['));
        if uri.resource_name() != "/" || !(names_port || is_secure) {
            return Err(wrong());
        }
        let tls = match is_secure {
            true => {
                let name = ServerName::try_from(uri.host.to_owned()).map_err(|_| wrong())?;
                Some((Client::new(self.trust()?, Resumption::Offered), name))
            }
            false if self.ca.is_some() || self.insecure => {
                return Err(Error(format!(
                    "--ca and --insecure are for TLS: write --server https://{}",
                    uri.authority
                )));
            }
            false => None,
        };
        Ok(Peer {
            authority: uri.authority.to_owned(),
            host: uri.host.to_owned(),
            port: uri.port,
            tls,
        })
    }

    fn trust(&self) -> Result<Trust, Error> {
        let trust = match &self.ca {
            Some(path) => Trust::file(path),
            None if self.insecure => return Ok(Trust::anybody()),
            None => Trust::system(),
        };
        trust.map_err(|error| match error {
            TrustError::NoneOnSystem { .. } => Error(format!(
                "{error}; install ca-certificates, or give --ca FILE"
            )),
            error => Error(format!("--ca {error}")),
        })
    }
}

impl Peer {
    /// What the `Host` header says.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Opens a connection, and shakes hands if it is to be TLS.
    pub(super) fn connect(&self) -> Result<Stream, Error> {
        let connected = TcpStream::connect((&*self.host, self.port)).map_err(|error| {
            Error(format!(
                "cannot connect to {}: {error}; is ringwire running there? (--server)",
                self.authority
            ))
        })?;
        // One small request: nothing is gained by waiting for more.
        connected
            .set_nodelay(true)
            .and_then(|()| connected.set_read_timeout(Some(ANSWER_TIMEOUT)))
            .map_err(broken)?;
        let Some((client, name)) = &self.tls else {
            return Ok(Stream {
                tcp: connected,
                sealed: None,
            });
        };
        let tls = client.connect(name).map_err(|error| explain(&error))?;
        let mut stream = Stream {
            tcp: connected,
            sealed: Some(Box::new(Sealed {
                tls,
                opened: Vec::new(),
                taken: 0,
            })),
        };
        stream.shake_hands()?;
        Ok(stream)
    }
}

/// A blocking connection.
pub(super) struct Stream {
    tcp: TcpStream,
    sealed: Option<Box<Sealed>>,
}

/// What TLS adds to one.
struct Sealed {
    tls: ClientConnection,
    /// What arrived, and how much of it was read.
    opened: Vec<u8>,
    taken: usize,
}

impl Stream {
    pub(super) fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.tcp.set_read_timeout(Some(timeout))
    }

    fn shake_hands(&mut self) -> Result<(), Error> {
        let Self {
            tcp,
            sealed: Some(sealed),
        } = self
        else {
            return Ok(());
        };
        loop {
            tcp.write_all(&sealed.tls.transmit()).map_err(broken)?;
            if !sealed.tls.is_handshaking() {
                return Ok(());
            }
            let mut bytes = [0; 4096];
            let count = tcp.read(&mut bytes).map_err(broken)?;
            if count == 0 {
                return Err(Error(
                    "the server closed the connection during the TLS handshake".into(),
                ));
            }
            let received = sealed.tls.receive(&mut bytes[..count], &mut sealed.opened);
            if let Err(error) = received {
                // It is told why; whether it still listens changes nothing.
                let _ = tcp.write_all(&sealed.tls.transmit());
                return Err(explain(&error));
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(sealed) = &mut self.sealed else {
            return self.tcp.read(buffer);
        };
        while sealed.taken == sealed.opened.len() {
            sealed.opened.clear();
            sealed.taken = 0;
            let mut bytes = [0; 16 * 1024];
            let count = match sealed.tls.has_peer_closed() {
                true => 0,
                false => self.tcp.read(&mut bytes)?,
            };
            if count == 0 {
                return Ok(0);
            }
            let received = sealed.tls.receive(&mut bytes[..count], &mut sealed.opened);
            self.tcp.write_all(&sealed.tls.transmit())?;
            received.map_err(io::Error::other)?;
        }
        let mut opened = &sealed.opened[sealed.taken..];
        let count = opened.read(buffer)?;
        sealed.taken += count;
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(sealed) = &mut self.sealed else {
            return self.tcp.write(bytes);
        };
        sealed.tls.seal(bytes).map_err(io::Error::other)?;
        self.tcp.write_all(&sealed.tls.transmit())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// Why there is no TLS connection, with the remedy.
fn explain(error: &tls::Error) -> Error {
    let remedy = match error {
        tls::Error::NotTls => "; write http:// if it is the plain port",
        tls::Error::Untrusted => "; give the authority's certificate with --ca FILE",
        tls::Error::WrongName { .. } => "; write one of its names into --server",
        tls::Error::Expired | tls::Error::NotYetValid => {
            "; renew it, or look at this machine's clock"
        }
        _ => "",
    };
    Error(format!("the server cannot be trusted: {error}{remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(url: &str) -> Result<Peer, Error> {
        let server = Server {
            url: url.to_owned(),
            ca: None,
            insecure: url.starts_with("https") || url.starts_with("wss"),
        };
        server.peer()
    }

    #[test]
    fn a_server_is_a_host_and_a_port_with_or_without_scheme() {
        for url in ["http://a:1", "ws://a:1/", "WS://a:1", "a:1", "https://a:1"] {
            assert_eq!(peer(url).unwrap().authority(), "a:1");
        }
        let short = peer("https://a").unwrap();
        assert_eq!((short.authority(), short.port), ("a", 443));
        assert_eq!(peer("[::1]:1").unwrap().authority(), "[::1]:1");
        assert_eq!(peer("[::1]:1").unwrap().host, "::1");
        for url in [
            "a",
            "[::1]",
            "a:",
            "a:b",
            "me@a:1",
            "ftp://a:1",
            "http://a:1/t/x",
        ] {
            let refused = peer(url).err().expect(url).to_string();
            assert!(refused.contains("http://HOST:PORT"), "{refused}");
        }
    }

    #[test]
    fn what_is_for_tls_is_refused_without_it() {
        let server = Server {
            url: "http://a:1".into(),
            ca: None,
            insecure: true,
        };
        let refused = server.peer().err().expect("no TLS there").to_string();
        assert!(refused.contains("https://a:1"), "{refused}");
    }
}
