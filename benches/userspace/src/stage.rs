//! One node without a kernel: its cores, turn by turn on one thread, and the clients that talk to it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use broker::TopicRef;
use frame::{Header, Opcode, mask};
use protocol::handshake::client::{Offer, Response};
use reactor::{Driver, Socket};
use server::config::Config;
use server::core::{ControlPort, Core, Flow, Ports, lay};
use server::hub::{Hub, Place, Settings};
use server::node::Node;

use crate::driver::{BareDriver, LISTENER};
use crate::wire::Wire;

const HASH_KEY: [u64; 2] = [0x5ca1_ab1e, 0x0ddb_a115];
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A connection of one of the cores.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    core: usize,
    socket: Socket,
}

/// A node with the shipped configuration.
pub struct Stage {
    cores: Vec<Core<BareDriver>>,
    wires: Vec<Rc<RefCell<Wire>>>,
    /// Lanes end with their ports.
    _control: ControlPort,
}

impl Stage {
    /// A node of so many cores, without clients.
    #[must_use]
    pub fn new(cores: usize) -> Self {
        let config = Config::default();
        let settings = Arc::new(Settings::from(&config));
        let (lanes, control) = lay(cores, config.io.lane_capacity);
        let node = Arc::new(Node::new(cores));
        let wires: Vec<Rc<RefCell<Wire>>> = (0..cores).map(|_| Rc::default()).collect();
        let drivers: Vec<BareDriver> = wires
            .iter()
            .map(|wire| BareDriver::new(wire.clone(), config.io.receive_buffer_bytes.len()))
            .collect();
        let wakers: Vec<_> = drivers.iter().map(BareDriver::waker).collect();
        let cores = drivers.into_iter().zip(lanes).enumerate();
        let cores = cores
            .map(|(core, (driver, lanes))| {
                let hub = Hub::new(place(core, wires.len()), &config, settings.clone());
                let ports = Ports::new(lanes, wakers.clone());
                Core::new(driver, LISTENER, hub, ports, node.clone())
            })
            .collect();
        Self {
            cores,
            wires,
            _control: control,
        }
    }

    /// A connection to one core that has said nothing yet.
    ///
    /// # Panics
    /// If the core hands it to another because that one has fewer.
    pub fn call(&mut self, core: usize) -> Client {
        let before = self.wires[core].borrow().newest().1;
        self.wires[core].borrow_mut().call();
        self.settle(1);
        let (socket, after) = self.wires[core].borrow().newest();
        assert_eq!(after, before + 1, "core {core} did not keep the connection");
        let socket = socket.expect("a connection was adopted");
        Client { core, socket }
    }

    /// A WebSocket at `target` (path and query) on one core, its handshake done and judged.
    ///
    /// # Panics
    /// If it is refused, or as [`Stage::call`].
    pub fn join(&mut self, core: usize, target: &str) -> Client {
        let client = self.call(core);
        let offer = Offer {
            host: "localhost:7464",
            target,
            subprotocols: &[],
            headers: &[],
            key: [7; 16],
            deflate: None,
        };
        let mut request = Vec::new();
        offer.write(&mut request).expect("a valid offer");
        self.listen_in(client);
        self.say(client, &request.into());
        self.settle(2 * self.cores.len());
        let answer = self.transcript(client);
        let established = Response::new(&offer).receive(&mut &answer[..]);
        assert!(
            matches!(established, Ok(Some(_))),
            "{target} is refused: {}",
            String::from_utf8_lossy(&answer)
        );
        client
    }

    /// The core that gives a topic its order.
    ///
    /// # Panics
    /// If that is no name of a topic.
    #[must_use]
    pub fn home_of(&self, topic: &str) -> usize {
        let config = Config::default();
        let settings = Arc::new(Settings::from(&config));
        let hub = Hub::new(place(0, self.cores.len()), &config, settings);
        hub.broker
            .home_of(TopicRef::parse(topic).expect("a valid name"))
    }

    /// Bytes of a client are about to arrive, in reads of the driver's buffer size.
    pub fn say(&mut self, client: Client, bytes: &Rc<[u8]>) {
        self.wires[client.core]
            .borrow_mut()
            .say(client.socket, bytes);
    }

    /// A client goes without a word.
    pub fn hang_up(&mut self, client: Client) {
        self.wires[client.core].borrow_mut().hang_up(client.socket);
    }

    /// One turn of each core.
    ///
    /// # Panics
    /// If a core ends.
    pub fn turn(&mut self) {
        for core in &mut self.cores {
            let flow = core.turn().expect("nothing fails without a kernel");
            assert_eq!(flow, Flow::Continue);
        }
    }

    /// So many turns of each core, and more until nothing is under way.
    pub fn settle(&mut self, turns: usize) {
        for _ in 0..turns {
            self.turn();
        }
        while !self.wires.iter().all(|wire| wire.borrow().is_idle()) {
            self.turn();
        }
    }

    /// Bytes that a client was sent so far.
    #[must_use]
    pub fn sent_bytes(&self, client: Client) -> u64 {
        self.wires[client.core].borrow().sent_bytes(client.socket)
    }

    /// From now on, keeps what the client's core sends.
    pub fn listen_in(&mut self, client: Client) {
        self.wires[client.core].borrow_mut().listen_in();
    }

    /// What the client's core has sent since [`Stage::listen_in`].
    pub fn transcript(&mut self, client: Client) -> Vec<u8> {
        self.wires[client.core].borrow_mut().transcript()
    }
}

/// The same on every run, so that a topic's home is.
fn place(core: usize, cores: usize) -> Place {
    Place {
        core,
        cores,
        hash_key: HASH_KEY,
        seed: core as u64,
    }
}

/// A client's frames of one message each: masked, `count` times the same.
#[must_use]
pub fn publication(opcode: Opcode, payload: &[u8], count: usize) -> Rc<[u8]> {
    let header = Header {
        fin: true,
        rsv: 0,
        opcode,
        mask: Some(MASK),
        payload_len: payload.len() as u64,
    };
    let mut head = [0; Header::BYTES_MAX];
    let head_bytes = header.encode(&mut head);
    let mut masked = payload.to_vec();
    mask::apply(&mut masked, MASK, 0);
    let frame = [&head[..head_bytes], &masked[..]].concat();
    frame.repeat(count).into()
}
