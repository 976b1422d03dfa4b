//! What all connections of one client share: whom it trusts, what it speaks, and the sessions that it remembers.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;

use crate::limits::SESSIONS_REMEMBERED_MAX;
use crate::trust::provider;
use crate::{Connection, Error, Trust};

/// What follows the handshake: a WebSocket's opening handshake is HTTP/1.1.
pub(crate) const APPLICATION_PROTOCOL: &[u8] = b"http/1.1";

/// The client's end of a connection.
pub type ClientConnection = Connection<UnbufferedClientConnection>;

/// Whether a client takes up earlier sessions again, as a browser does that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// Where the server allows it.
    Offered,
    /// Never: each connection is that of a stranger.
    Off,
}

/// A client, of which any number of connections can be made.
#[derive(Clone, Debug)]
pub struct Client {
    config: Arc<ClientConfig>,
    resumption: Resumption,
}

impl Client {
    /// A client that speaks TLS 1.2 and 1.3.
    pub fn new(trust: Trust, resumption: Resumption) -> Client {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has suites for both versions")
            .dangerous()
            .with_custom_certificate_verifier(trust.0)
            .with_no_client_auth();
        config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
        config.resumption = memory(resumption);
        Client {
            config: Arc::new(config),
            resumption,
        }
    }

    /// The same client with a memory of its own for sessions: threads that share one would wait for each other.
    pub fn apart(&self) -> Client {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = memory(self.resumption);
        Client {
            config: Arc::new(config),
            resumption: self.resumption,
        }
    }

    /// A connection to a server of that name, which its certificate has to bear.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn connect(&self, name: &ServerName<'static>) -> Result<ClientConnection, Error> {
        Connection::new(UnbufferedClientConnection::new(
            self.config.clone(),
            name.clone(),
        )?)
    }
}

fn memory(resumption: Resumption) -> rustls::client::Resumption {
    match resumption {
        Resumption::Offered => {
            rustls::client::Resumption::in_memory_sessions(SESSIONS_REMEMBERED_MAX)
        }
        Resumption::Off => rustls::client::Resumption::disabled(),
    }
}
