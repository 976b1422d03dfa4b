//! A WebSocket client in the test's hands: the project's own client machine on a simulated peer, over TLS where the node
//! has certificates.

use protocol::handshake::client::{Offer, Response};
use protocol::handshake::deflate::Parameters;
use protocol::ws::{Config, Connection, Event, Inflater, Input, Kind, Role};
use ringwire_sim::{Peer, PeerState, SimNode};
use tls::ClientConnection;

use crate::certificates;
use session::dialect::json::ServerMessage;

/// One client.
pub(crate) struct Client {
    peer: Peer,
    tls: Option<ClientConnection>,
    /// What is under way to the peer, as it stands on the wire.
    wire: Vec<u8>,
    response: Option<Response>,
    machine: Connection,
    inflater: Inflater,
    out: Vec<u8>,
    reading: bool,
    envelope: bool,
    close_code: Option<u16>,
    /// Payloads in the order of their arrival.
    pub(crate) messages: Vec<String>,
}

const CONFIG: Config = Config {
    limits: frame::Limits {
        message_bytes_max: 1 << 20,
        fragments_max: 64,
    },
    control_frames_per_s_max: 0,
    ping_interval_ms: 0,
    pong_timeout_ms: 1000,
    close_timeout_ms: 1000,
};

impl Client {
    /// Calls the node and asks for a WebSocket at `target`.
    pub(crate) fn connect(node: &SimNode, target: &str) -> Self {
        Self::connect_compressed(node, target, None)
    }

    /// The same, and for compressed messages in a window of so many bits.
    pub(crate) fn connect_compressed(
        node: &SimNode,
        target: &str,
        window_bits: Option<u8>,
    ) -> Self {
        let offer = Offer {
            host: "localhost:7464",
            target,
            subprotocols: &[],
            headers: &[],
            key: [7; 16],
            deflate: window_bits.map(|bits| Parameters {
                server_max_window_bits: Some(bits),
                ..Parameters::default()
            }),
        };
        let mut out = Vec::new();
        offer.write(&mut out).expect("a valid offer");
        Self {
            peer: node
                .network()
                .connect(node.tls_address().unwrap_or(node.address()), None),
            tls: node.tls_address().map(|_| certificates::client()),
            wire: Vec::new(),
            response: Some(Response::new(&offer)),
            machine: Connection::new(Role::Client, 0, 1),
            inflater: Inflater::default(),
            out,
            reading: true,
            envelope: target.contains("envelope=1"),
            close_code: None,
            messages: Vec::new(),
        }
    }

    /// Whether the handshake is done and nobody has closed.
    pub(crate) fn is_open(&self) -> bool {
        self.response.is_none() && self.machine.is_open()
    }

    /// Whether the connection is over.
    pub(crate) fn is_closed(&self) -> bool {
        self.close_code.is_some()
            || matches!(self.peer.state(), PeerState::Finished | PeerState::Reset)
    }

    /// The server's close code.
    pub(crate) fn close_code(&self) -> Option<u16> {
        self.close_code
    }

    /// Whether everything that was sent has left.
    pub(crate) fn has_sent_all(&self) -> bool {
        self.out.is_empty() && self.wire.is_empty()
    }

    /// Whether the server has said, in TLS, that nothing more will come.
    pub(crate) fn has_heard_the_end(&self) -> bool {
        self.tls
            .as_ref()
            .is_some_and(ClientConnection::has_peer_closed)
    }

    /// Leaves what arrives where it is.
    pub(crate) fn stop_reading(&mut self) {
        self.reading = false;
    }

    /// Takes what arrives again.
    pub(crate) fn read_again(&mut self) {
        self.reading = true;
    }

    /// Queues a text message.
    pub(crate) fn send(&mut self, text: &str) {
        self.machine
            .send(Kind::Text, text.as_bytes(), &mut self.out);
    }

    /// Moves bytes both ways.
    pub(crate) fn turn(&mut self) {
        if self.response.is_none() {
            self.machine.transmit(&mut self.out);
        }
        match &mut self.tls {
            None => self.wire.append(&mut self.out),
            Some(tls) => {
                tls.send(&mut self.out).expect("good keys");
                self.wire.append(&mut tls.transmit());
            }
        }
        let written = self.peer.write(&self.wire);
        self.wire.drain(..written);
        if !self.reading {
            return;
        }
        let mut bytes = self.peer.read(64 * 1024);
        if let Some(tls) = &mut self.tls {
            let mut plain = Vec::new();
            tls.receive(&mut bytes, &mut plain).expect("good TLS");
            bytes = plain;
        }
        let mut start = 0;
        if let Some(response) = &mut self.response {
            let mut input = &bytes[..];
            let established = response
                .receive(&mut input)
                .expect("the handshake is accepted");
            start = bytes.len() - input.len();
            if let Some(established) = established {
                self.response = None;
                if let Some(agreed) = established.deflate {
                    self.machine = self.machine.clone().with_deflate(agreed);
                }
            }
        }
        if self.response.is_none() {
            self.take_frames(&mut bytes[start..]);
        }
    }

    fn take_frames(&mut self, bytes: &mut [u8]) {
        let mut input = Input::new(bytes);
        while let Some(event) = self
            .machine
            .receive(&CONFIG, &mut self.inflater, 0, &mut input)
        {
            match event {
                Event::Message { payload, .. } if self.envelope => {
                    match ServerMessage::parse(&payload) {
                        Ok(ServerMessage::Message { payload, .. }) => self
                            .messages
                            .push(String::from_utf8(payload.bytes.into_owned()).expect("text")),
                        Ok(_) => {}
                        Err(_) => panic!(
                            "not the JSON dialect: {}",
                            String::from_utf8_lossy(&payload)
                        ),
                    }
                }
                Event::Message { payload, .. } => self
                    .messages
                    .push(String::from_utf8(payload.into_owned()).expect("text")),
                Event::PeerClosed { code, .. } => {
                    self.close_code = Some(code.map_or(1005, |code| code.0))
                }
                Event::Failed(failure) => panic!("the server broke the protocol: {failure}"),
                Event::Pong(_) => {}
            }
        }
    }
}
