//! One WebSocket connection of the client machine.

use std::time::Instant;

use protocol::handshake::client::{Offer, Response};
use protocol::handshake::deflate;
use protocol::ws::{self, Event, Inflater, Input};

use crate::wire::{Address, Failure, Wire};

/// As much as the suite sends: 16 MiB in one message (case 9.1.6), and 4 MiB in fragments of 64 bytes with an empty
/// one at the end (9.3.1).
const CONFIG: ws::Config = ws::Config {
    limits: frame::Limits {
        message_bytes_max: 16 << 20,
        fragments_max: (4 << 20) / 64 + 1,
    },
    control_frames_per_s_max: 0,
    ping_interval_ms: 0,
    pong_timeout_ms: 0,
    close_timeout_ms: 10_000,
};

/// A connection after its opening handshake.
pub(crate) struct Conversation {
    wire: Wire,
    machine: ws::Connection,
    inflater: Inflater,
    received: Vec<u8>,
    out: Vec<u8>,
    begun: Instant,
}

impl Conversation {
    /// Upgrades at `target`.
    pub(crate) fn open(address: &Address, target: &str) -> Result<Self, Failure> {
        let random = |error| Failure(format!("the system gives no randomness: {error}"));
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(random)?;
        let seed = getrandom::u64().map_err(random)?;
        let offer = Offer {
            host: &address.authority,
            target,
            subprotocols: &[],
            headers: &[],
            key,
            // What browsers offer.
            deflate: Some(deflate::Parameters {
                client_max_window_bits: Some(None),
                ..deflate::Parameters::default()
            }),
        };
        let mut out = Vec::new();
        offer
            .write(&mut out)
            .map_err(|error| Failure(error.to_string()))?;
        let mut wire = address.connect()?;
        wire.write(&mut out)?;
        let mut received = Vec::new();
        let mut response = Response::new(&offer);
        let agreed = loop {
            if !wire.read(&mut received)? {
                return Err(Failure("the suite closed the connection".into()));
            }
            let mut rest = received.as_slice();
            let established = response
                .receive(&mut rest)
                .map_err(|error| Failure(error.to_string()))?;
            if let Some(established) = established {
                received = rest.to_vec();
                break established.deflate;
            }
        };
        let machine = ws::Connection::new(ws::Role::Client, 0, seed);
        Ok(Self {
            wire,
            machine: match agreed {
                Some(agreed) => machine.with_deflate(agreed),
                None => machine,
            },
            inflater: Inflater::default(),
            received,
            out,
            begun: Instant::now(),
        })
    }

    /// The first message. The connection is then left to the suite to end.
    pub(crate) fn hear(self) -> Result<Vec<u8>, Failure> {
        let mut heard = None;
        self.talk(|payload| {
            heard.get_or_insert_with(|| payload.to_vec());
            false
        })?;
        heard.ok_or_else(|| Failure("the suite said nothing".into()))
    }

    /// Sends back each message as it came, until the connection is closed.
    pub(crate) fn echo(self) -> Result<(), Failure> {
        self.talk(|_| true)
    }

    /// Reads to the connection's end; `wants_echo` is asked about each message.
    fn talk(mut self, mut wants_echo: impl FnMut(&[u8]) -> bool) -> Result<(), Failure> {
        loop {
            let now_ms = self.begun.elapsed().as_millis() as u64;
            let mut input = Input::new(&mut self.received);
            while let Some(event) =
                self.machine
                    .receive(&CONFIG, &mut self.inflater, now_ms, &mut input)
            {
                if let Event::Message { kind, payload } = event
                    && wants_echo(&payload)
                {
                    self.machine.send(kind, &payload, &mut self.out);
                }
            }
            self.machine.transmit(&mut self.out);
            self.wire.write(&mut self.out)?;
            if self.machine.is_finished() {
                return self.wire.close();
            }
            if !self.wire.read(&mut self.received)? {
                return Err(Failure("the connection ended without a Close".into()));
            }
        }
    }
}
