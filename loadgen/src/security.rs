//! TLS under a run's connections: whose certificates are believed, and what the handshakes came to.

use std::collections::BTreeMap;

use tls::Agreement;

/// What every `wss://` connection of a run has in common.
#[derive(Clone, Debug)]
pub struct Security {
    /// Makes the connections.
    pub client: tls::Client,
    /// What servers' certificates are checked against.
    pub belief: Belief,
}

/// What servers' certificates are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// The authorities that the system trusts.
    System,
    /// The certificates in a file.
    File,
    /// Nothing: any certificate will do.
    Nothing,
}

/// The handshakes that were made, by what they agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshakes(pub BTreeMap<Agreement, u64>);

impl Handshakes {
    /// One more.
    pub fn note(&mut self, agreement: Agreement) {
        *self.0.entry(agreement).or_default() += 1;
    }

    /// Adds those of another thread.
    pub fn add(&mut self, other: Handshakes) {
        for (agreement, count) in other.0 {
            *self.0.entry(agreement).or_default() += count;
        }
    }
}
