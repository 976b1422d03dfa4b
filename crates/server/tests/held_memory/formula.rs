//! The formula of docs/memory.md: each of its terms in the names of the configuration.

use protocol::limits::compressed_bytes_max;
use ringwire::config::Config;
use ringwire::connection::{HISTORY_BYTES_MAX, HISTORY_MESSAGES_MAX};
use tls::limits::CUT_BYTES_MAX;

/// Reads come in the driver's buffers.
pub(crate) const READ_BYTES: usize = 17 * 1024;
/// Bytes that lie until the client has taken its answers.
pub(crate) const HELD_BYTES_MAX: usize = 16 * 1024;

/// A connection's own places, in its phase and in the broker's table.
pub(crate) const CONNECTION_BYTES: usize = 1024;
/// What is kept of a header line beside its text.
const FIELD_BYTES: usize = 32;
/// The state of a message that is not whole.
const PARTIAL_BYTES: usize = 512;
/// Pongs, a ping and a Close that wait.
const CONTROL_BYTES: usize = 2 * 2048 + 2 * 128;
/// A buffer that grows with what arrives is at most twice as large.
const GROWTH: usize = 2;
/// A byte of text that JSON has to escape, as `\u0001`.
const ESCAPED: usize = 6;
/// What stands around a message in a history.
const RETAINED_BYTES: usize = 128;
/// What stands around a message in a replay, beside its topic, and its own allocation.
const REPLAYED_BYTES: usize = 256;
/// What stands around a topic in the positions of a pattern's topics.
const POSITION_BYTES: usize = 64;
/// A topic that is all quotes, as JSON.
const QUOTED: usize = 2;
/// The answers to commands that bring no past, as many as may wait: each with the longest topic and `id`.
const SHORT_ANSWERS_BYTES: usize = 512 * 768;
/// The window of a client that cannot be told to use a smaller one.
pub(crate) const CONTEXT_BYTES_MAX: usize = 32 * 1024;
/// Keys for both directions, and what rustls keeps beside them.
const KEYS_BYTES: usize = 4 * 1024;
/// What TLS seals at a time, and the overhead of its records.
const SEALED_BYTES: usize = 64 * 1024 + 4 * 64;

pub(crate) struct Formula(pub(crate) Config);

impl Formula {
    pub(crate) fn http(&self) -> usize {
        let http = &self.0.http;
        let head = GROWTH * http.head_bytes_max.len() + FIELD_BYTES * http.headers_max;
        CONNECTION_BYTES + head + GROWTH * self.0.websocket.message_bytes_max.len()
    }

    pub(crate) fn websocket(&self) -> usize {
        // Compressed, a message may take more than plain.
        let message = compressed_bytes_max(self.0.websocket.message_bytes_max.bytes()) as usize;
        CONNECTION_BYTES + PARTIAL_BYTES + GROWTH * message + CONTROL_BYTES
    }

    pub(crate) fn held(&self) -> usize {
        let reads = usize::from(self.0.io.receive_buffers);
        GROWTH * (HELD_BYTES_MAX + reads * READ_BYTES)
    }

    /// One answer to a `history`.
    pub(crate) fn history(&self) -> usize {
        let payload = HISTORY_BYTES_MAX.max(self.0.websocket.message_bytes_max.len());
        ESCAPED * payload + HISTORY_MESSAGES_MAX as usize * RETAINED_BYTES
    }

    /// One answer to a subscription that asks for a past: the positions of its topics, and the messages. A name is in both,
    /// and is escaped less than a payload may be.
    pub(crate) fn replay(&self) -> usize {
        let broker = &self.0.broker;
        ESCAPED * broker.replay_bytes_max.len()
            + broker.replay_messages_max * (REPLAYED_BYTES + POSITION_BYTES)
    }

    fn positions(&self) -> usize {
        let broker = &self.0.broker;
        QUOTED * broker.replay_bytes_max.len() + broker.replay_messages_max * POSITION_BYTES
    }

    /// What waits where no past is asked for.
    pub(crate) fn outbox(&self) -> usize {
        GROWTH * (self.0.websocket.outbox_bytes_max.len() + SHORT_ANSWERS_BYTES)
    }

    /// The largest answer behind what waits, and the longest piece in flight.
    pub(crate) fn answers(&self) -> usize {
        let sending = self.outbox().max(self.history()).max(self.positions());
        self.outbox() + self.history().max(self.replay()) + sending
    }

    /// TLS of a client that is idle.
    pub(crate) fn tls_idle(&self) -> usize {
        KEYS_BYTES
    }

    /// TLS of one that is not: a handshake or a record that is not whole, and a send of its own.
    pub(crate) fn tls(&self) -> usize {
        KEYS_BYTES + GROWTH * CUT_BYTES_MAX + SEALED_BYTES
    }
}
