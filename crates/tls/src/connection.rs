//! One end of a TLS connection: encrypted bytes in, plain ones out, and the other way round.
//!
//! Over rustls' unbuffered interface, which decrypts in the caller's buffer and owns none itself: an idle connection then
//! holds keys and state, and no buffer. The buffered one keeps 4 KiB for each connection as long as it lives.

use std::fmt;
use std::ops::DerefMut;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedConnectionCommon,
    UnbufferedStatus, WriteTraffic,
};
use rustls::{HandshakeKind, ProtocolVersion};

use crate::Error;
use crate::limits::{
    CUT_BYTES_MAX, HANDSHAKE_BYTES_MAX, RECORD_OVERHEAD_BYTES_MAX, RECORD_PLAIN_BYTES_MAX,
};

/// Which end it is: the two differ in the handshake and nowhere else.
pub trait Side: DerefMut<Target = UnbufferedConnectionCommon<Self::State>> {
    /// What rustls keeps for this end.
    type State;

    /// Goes on with the records at the start of `bytes`.
    fn process<'c, 'b>(&'c mut self, bytes: &'b mut [u8]) -> UnbufferedStatus<'c, 'b, Self::State>;
}

impl Side for UnbufferedClientConnection {
    type State = ClientConnectionData;

    fn process<'c, 'b>(&'c mut self, bytes: &'b mut [u8]) -> UnbufferedStatus<'c, 'b, Self::State> {
        self.process_tls_records(bytes)
    }
}

impl Side for UnbufferedServerConnection {
    type State = ServerConnectionData;

    fn process<'c, 'b>(&'c mut self, bytes: &'b mut [u8]) -> UnbufferedStatus<'c, 'b, Self::State> {
        self.process_tls_records(bytes)
    }
}

/// What the two ends have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Agreement {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite's registered name, as in `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: &'static str,
    /// The key exchange's group, as in `X25519`; none where an older session's keys serve again without a new exchange.
    pub key_exchange: Option<&'static str>,
    /// Whether an older session was taken up again, without certificates.
    pub is_resumed: bool,
}

/// One end of one connection.
///
/// # Order of calls
/// When bytes arrive: [`receive`](Self::receive). To send: [`send`](Self::send), [`close`](Self::close). After each of them,
/// and at the beginning: [`transmit`](Self::transmit), if [`wants_transmit`](Self::wants_transmit). After an error only
/// `transmit` is of use: it has the alert that tells the peer.
pub struct Connection<S> {
    side: S,
    /// The start of a record, or of a handshake message, that a read has cut.
    cut: Vec<u8>,
    /// Encrypted, not yet transmitted.
    out: Vec<u8>,
    /// What the peer has sent for its handshake.
    handshake_bytes: usize,
    has_peer_closed: bool,
    /// It has failed, or was closed here.
    is_over: bool,
}

/// What is to be said when rustls can encrypt.
#[derive(Clone, Copy, Debug)]
enum Say<'p> {
    Nothing,
    Plain(&'p [u8]),
    Goodbye,
}

impl<S: Side> Connection<S> {
    /// A connection that nothing has arrived on.
    ///
    /// # Errors
    /// A client cannot say its first word.
    pub fn new(side: S) -> Result<Self, Error> {
        let mut connection = Self {
            side,
            cut: Vec::new(),
            out: Vec::new(),
            handshake_bytes: 0,
            has_peer_closed: false,
            is_over: false,
        };
        // A client speaks first.
        connection.receive(&mut [], &mut Vec::new())?;
        Ok(connection)
    }

    /// Takes all of `bytes`, which are overwritten, and appends what they say to `plain`: never more than they and what was
    /// kept of earlier ones are long. What comes after an error or after a
    /// `close_notify` of either end is discarded.
    ///
    /// # Errors
    /// The handshake failed or has no end, a record is damaged, or the peer has sent a fatal alert.
    pub fn receive(&mut self, bytes: &mut [u8], plain: &mut Vec<u8>) -> Result<(), Error> {
        if self.is_over || self.has_peer_closed {
            return Ok(());
        }
        if self.is_handshaking() {
            self.handshake_bytes += bytes.len();
        }
        if self.cut.is_empty() {
            let taken = self.advance(bytes, plain, Say::Nothing)?;
            if taken < bytes.len() && !self.has_peer_closed {
                self.cut = bytes[taken..].to_vec();
            }
        } else {
            let mut cut = std::mem::take(&mut self.cut);
            cut.extend_from_slice(bytes);
            let taken = self.advance(&mut cut, plain, Say::Nothing)?;
            if taken < cut.len() && !self.has_peer_closed {
                cut.drain(..taken);
                self.cut = cut;
            }
        }
        let is_endless = self.is_handshaking() && self.handshake_bytes > HANDSHAKE_BYTES_MAX;
        if is_endless || self.cut.len() > CUT_BYTES_MAX {
            self.is_over = true;
            return Err(Error::TooLong);
        }
        Ok(())
    }

    /// Encrypts all of `plain` and clears it. While the handshake goes on, `plain` stays as it is.
    ///
    /// # Errors
    /// With TLS 1.2: so many records were sent that the keys are used up. The peer is told that the connection is closed.
    pub fn send(&mut self, plain: &mut Vec<u8>) -> Result<(), Error> {
        if self.is_handshaking() && !self.is_over {
            return Ok(());
        }
        let sent = self.seal(plain);
        plain.clear();
        sent
    }

    /// Encrypts all of `plain`. While the handshake goes on there is nothing to encrypt it with, and it is lost.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn seal(&mut self, plain: &[u8]) -> Result<(), Error> {
        if self.is_over || plain.is_empty() {
            return Ok(());
        }
        let mut cut = std::mem::take(&mut self.cut);
        let sent = self.advance(&mut cut, &mut Vec::new(), Say::Plain(plain));
        self.cut = cut;
        sent.map(drop)
    }

    /// Says that nothing more will be sent, `close_notify`, and hears nothing more. Doing it again does nothing.
    pub fn close(&mut self) {
        if !self.is_over {
            let mut cut = std::mem::take(&mut self.cut);
            // What could fail here has failed when the bytes came.
            let _ = self.advance(&mut cut, &mut Vec::new(), Say::Goodbye);
            self.is_over = true;
        }
    }

    /// Whether there is something to transmit.
    pub fn wants_transmit(&self) -> bool {
        !self.out.is_empty()
    }

    /// Takes out what is to be handed to the transport.
    pub fn transmit(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Whether the two ends have yet to agree.
    pub fn is_handshaking(&self) -> bool {
        self.side.is_handshaking()
    }

    /// Whether the peer has said that nothing more will come.
    pub fn has_peer_closed(&self) -> bool {
        self.has_peer_closed
    }

    /// What was agreed on; `None` while the handshake goes on.
    pub fn agreement(&self) -> Option<Agreement> {
        if self.is_handshaking() {
            return None;
        }
        let suite = self.side.negotiated_cipher_suite()?.suite();
        Some(Agreement {
            version: match self.side.protocol_version()? {
                ProtocolVersion::TLSv1_2 => "TLSv1.2",
                ProtocolVersion::TLSv1_3 => "TLSv1.3",
                _ => "TLS",
            },
            // rustls' own names tell the suites of TLS 1.3 apart by a prefix that the registry does not have.
            cipher_suite: match suite.as_str()? {
                "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
                "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
                "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
                name => name,
            },
            key_exchange: self
                .side
                .negotiated_key_exchange_group()
                .and_then(|group| group.name().as_str()),
            is_resumed: self.side.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }

    /// Runs until rustls wants nothing but more bytes, then says what is to be said. Returns how many of `bytes` are used up.
    fn advance(
        &mut self,
        bytes: &mut [u8],
        plain: &mut Vec<u8>,
        say: Say<'_>,
    ) -> Result<usize, Error> {
        let mut taken = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.side.process(&mut bytes[taken..]);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        plain.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.out),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.has_peer_closed = true,
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    return match say.through(&mut traffic, &mut self.out) {
                        true => Ok(taken + discard),
                        false => Err(self.fail(Error::KeysUsedUp)),
                    };
                }
                Ok(_) => return Ok(taken + discard),
                Err(error) => {
                    let error = Error::new(error, self.side.is_handshaking());
                    return Err(self.fail(error));
                }
            }
            taken += discard;
        }
    }

    /// Nothing is heard or said any more but what tells the peer why.
    fn fail(&mut self, error: Error) -> Error {
        self.is_over = true;
        // rustls must not see the bytes again that it has refused, and does not look for any while it has something to send.
        while self.side.wants_write() {
            match self.side.process(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.out),
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while traffic.next_record().is_some() {}
                }
                _ => break,
            }
        }
        error
    }
}

impl Say<'_> {
    /// Appends it to `out`. False when the keys are used up, and rustls has something else to say.
    fn through<D>(self, traffic: &mut WriteTraffic<'_, D>, out: &mut Vec<u8>) -> bool {
        let mut is_exhausted = false;
        let mut sized = |written: Result<usize, EncryptError>| match written {
            Ok(written) => Ok(written),
            Err(EncryptError::InsufficientSize(size)) => Err(size.required_size),
            Err(EncryptError::EncryptExhausted) => {
                is_exhausted = true;
                Ok(0)
            }
        };
        match self {
            Say::Nothing => {}
            Say::Plain(plain) => append(out, sealed_bytes_max(plain.len()), |space| {
                sized(traffic.encrypt(plain, space))
            }),
            Say::Goodbye => append(out, 0, |space| sized(traffic.queue_close_notify(space))),
        }
        !is_exhausted
    }
}

/// Keys are nobody's business.
impl<S> fmt::Debug for Connection<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("has_peer_closed", &self.has_peer_closed)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

fn encode<D>(mut data: EncodeTlsData<'_, D>, out: &mut Vec<u8>) {
    append(out, 0, |space| match data.encode(space) {
        Err(EncodeError::InsufficientSize(size)) => Err(size.required_size),
        written => Ok(written.unwrap_or(0)),
    });
}

fn sealed_bytes_max(plain_bytes: usize) -> usize {
    plain_bytes + plain_bytes.div_ceil(RECORD_PLAIN_BYTES_MAX) * RECORD_OVERHEAD_BYTES_MAX
}

/// Lets `write` append to `out`. It says how many bytes it has written, or how many it needs.
fn append(
    out: &mut Vec<u8>,
    guess: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, usize>,
) {
    let from = out.len();
    let mut room = guess;
    loop {
        out.resize(from + room, 0);
        match write(&mut out[from..]) {
            Ok(written) => return out.truncate(from + written),
            Err(required) => room = required,
        }
    }
}
