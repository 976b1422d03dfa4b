//! A blocking socket, with TLS on it or without: plain bytes in and out either way.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use protocol::uri::Uri;
use tls::{Client, ClientConnection, Resumption, ServerName, Trust};

/// How long the suite may be silent. Some of its cases wait for seconds on purpose.
const SILENCE_MAX: Duration = Duration::from_secs(100);
/// How long the server may take to close a connection that is over.
const GOODBYE_MAX: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 64 * 1024;

/// Why there is no going on.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<tls::Error> for Failure {
    fn from(error: tls::Error) -> Self {
        Self(error.to_string())
    }
}

/// Where the suite listens.
pub(crate) struct Address {
    /// Host and port.
    pub(crate) authority: String,
    secure: Option<(Client, ServerName<'static>)>,
}

impl Address {
    /// From a URL without a path.
    pub(crate) fn parse(url: &str, certificates: Option<&str>) -> Result<Self, Failure> {
        let uri = Uri::parse(url).map_err(|invalid| Failure(format!("{url}: {invalid}")))?;
        let authority = uri.authority.to_owned();
        if !uri.scheme.is_secure() {
            return Ok(Self {
                authority,
                secure: None,
            });
        }
        let trust = match certificates {
            Some(file) => Trust::file(Path::new(file)),
            None => Trust::system(),
        };
        let trust = trust.map_err(|error| Failure(error.to_string()))?;
        let name = ServerName::try_from(uri.host.to_owned())
            .map_err(|_| Failure(format!("{} is no name of a server", uri.host)))?;
        Ok(Self {
            authority,
            secure: Some((Client::new(trust, Resumption::Offered), name)),
        })
    }

    /// A new connection; with TLS, after its handshake.
    pub(crate) fn connect(&self) -> Result<Wire, Failure> {
        let stream = TcpStream::connect(&self.authority)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_write_timeout(Some(SILENCE_MAX))?;
        let secure = match &self.secure {
            Some((client, name)) => Some(client.connect(name)?),
            None => None,
        };
        let mut wire = Wire { stream, secure };
        wire.transmit()?;
        while wire.is_handshaking() {
            let mut bytes = Vec::new();
            wire.receive(&mut bytes)?;
        }
        Ok(wire)
    }
}

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    secure: Option<ClientConnection>,
}

impl Wire {
    /// Sends all of `bytes` and clears them.
    pub(crate) fn write(&mut self, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        let Some(secure) = &mut self.secure else {
            self.stream.write_all(bytes)?;
            bytes.clear();
            return Ok(());
        };
        secure.send(bytes)?;
        self.transmit()
    }

    /// Waits for bytes and puts them in the place of what is in `bytes`; false at the end of the stream.
    pub(crate) fn read(&mut self, bytes: &mut Vec<u8>) -> Result<bool, Failure> {
        while self.receive(bytes)? {
            if !bytes.is_empty() {
                return Ok(true);
            }
        }
        Ok(!bytes.is_empty())
    }

    /// One read, of which TLS may leave nothing; false at the end of the stream, with what came last in `bytes`.
    fn receive(&mut self, bytes: &mut Vec<u8>) -> Result<bool, Failure> {
        bytes.resize(READ_BYTES, 0);
        let count = self.stream.read(bytes)?;
        bytes.truncate(count);
        let Some(secure) = &mut self.secure else {
            return Ok(count > 0);
        };
        let mut plain = Vec::new();
        let received = secure.receive(bytes, &mut plain);
        let ended = count == 0 || secure.has_peer_closed();
        *bytes = plain;
        self.transmit()?;
        received?;
        match ended && self.is_handshaking() {
            true => Err(Failure("the connection ended in the TLS handshake".into())),
            false => Ok(!ended),
        }
    }

    fn is_handshaking(&self) -> bool {
        let secure = self.secure.as_ref();
        secure.is_some_and(ClientConnection::is_handshaking)
    }

    /// Hands to the socket what TLS has to say, by itself or for us.
    fn transmit(&mut self) -> Result<(), Failure> {
        if let Some(secure) = &mut self.secure {
            self.stream.write_all(&secure.transmit())?;
        }
        Ok(())
    }

    /// Waits until the server has closed. RFC 6455 section 7.1.1: a client should wait for that; and who closes first
    /// with bytes unread resets the connection, and with it what was sent last.
    pub(crate) fn close(mut self) -> Result<(), Failure> {
        self.stream.set_read_timeout(Some(GOODBYE_MAX))?;
        let mut rest = Vec::new();
        // The suite ends most of its connections by a reset, which is as good as any other end.
        while let Ok(true) = self.receive(&mut rest) {}
        if let Some(secure) = &mut self.secure {
            secure.close();
            // The server may be gone: then nobody waits for it.
            let _ = self.transmit();
        }
        Ok(())
    }
}
