//! What all connections of one server share: its certificates, what it speaks, and how it knows earlier sessions again.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::Ticketer;
use rustls::server::{ServerSessionMemoryCache, UnbufferedServerConnection};

use crate::client::APPLICATION_PROTOCOL;
use crate::limits::SESSIONS_KEPT_MAX;
use crate::trust::provider;
use crate::{Certificates, Connection, Error};

/// The server's end of a connection.
pub type ServerConnection = Connection<UnbufferedServerConnection>;

/// A server, of which any number of connections can be made, on any thread.
///
/// Sessions are taken up again by tickets that the clients keep, so that every core knows them and nothing is stored here.
/// Only clients of TLS 1.2 that take no tickets are remembered, a bounded number of them. Data before the end of the
/// handshake (0-RTT) is not taken: it can be replayed, and a publication must not be.
#[derive(Clone, Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
}

impl Server {
    /// A server that speaks TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new(certificates: &Certificates) -> Result<Server, Error> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has suites for both versions")
            .with_no_client_auth()
            .with_cert_resolver(certificates.resolver());
        config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
        config.ticketer = Ticketer::new()?;
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS_KEPT_MAX);
        Ok(Server {
            config: Arc::new(config),
        })
    }

    /// The same server with other certificates for the handshakes to come. Earlier sessions are still known.
    pub fn with_certificates(&self, certificates: &Certificates) -> Server {
        let mut config = ServerConfig::clone(&self.config);
        config.cert_resolver = certificates.resolver();
        Server {
            config: Arc::new(config),
        }
    }

    /// The server's end of a connection that somebody has opened.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn accept(&self) -> Result<ServerConnection, Error> {
        Connection::new(UnbufferedServerConnection::new(self.config.clone())?)
    }
}
