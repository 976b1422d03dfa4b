//! The whole server in one thread: its own cores, turn by turn, on simulated drivers.
//!
//! Nothing of the server is replaced but the machine below it, so what goes wrong here goes wrong
//! there. Threads are, however, turns in a row: races of memory are not this tool's to find.

use std::net::SocketAddr;
use std::sync::Arc;

use reactor::{Driver, ListenOptions, Waker};
use server::config::Config;
use server::core::{Control, ControlPort, Core, Flow, Listeners, Ports, Shipped, lay};
use server::hub::{Hub, Place, Settings};
use server::node::Node;

use crate::{Conditions, Network, SimDriver};

/// A node of several cores on one simulated network.
pub struct SimNode {
    network: Network,
    cores: Vec<Option<Core<SimDriver>>>,
    control: ControlPort,
    wakers: Vec<Waker>,
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
}

impl SimNode {
    /// Starts a node of `cores` cores; everything that chance decides follows from `seed`.
    ///
    /// # Panics
    /// If the configuration cannot be used.
    #[must_use]
    pub fn start(seed: u64, conditions: Conditions, cores: usize, config: &Config) -> Self {
        Self::start_with(seed, conditions, cores, config, Settings::from(config))
    }

    /// The same with settings that are not in the configuration: with certificates, for one, and then a second listener.
    ///
    /// # Panics
    /// If the configuration cannot be used.
    #[must_use]
    pub fn start_with(
        seed: u64,
        conditions: Conditions,
        cores: usize,
        config: &Config,
        settings: Settings,
    ) -> Self {
        config.check().expect("a usable configuration");
        let network = Network::new(seed, conditions);
        let (lanes, control) = lay(cores, config.io.lane_capacity);
        let node = Arc::new(Node::new(cores));
        let settings = Arc::new(settings);
        let mut address = config.server.listen;
        let mut tls_address = settings.tls.as_ref().map(|_| config.tls.listen);
        let mut listening = Vec::new();
        for _ in 0..cores {
            let mut driver = network.driver(config.io.receive_buffers);
            let mut listen = |address| {
                let listening = driver.listen(address, &ListenOptions::default());
                listening.expect("the simulated address is free")
            };
            let (plain, bound) = listen(address);
            let tls = tls_address.map(&mut listen);
            address = bound;
            tls_address = tls.map(|(_, bound)| bound);
            let listeners = Listeners {
                plain: Some(plain),
                tls: tls.map(|(listener, _)| listener),
            };
            listening.push((driver, listeners));
        }
        let wakers: Vec<_> = listening.iter().map(|(driver, _)| driver.waker()).collect();
        let cores = listening
            .into_iter()
            .zip(lanes)
            .enumerate()
            .map(|(core, ((driver, listeners), lanes))| {
                let hash_key = [seed, !seed];
                let place = Place {
                    core,
                    cores,
                    hash_key,
                    seed: seed ^ core as u64,
                };
                let hub = Hub::new(place, config, settings.clone());
                let ports = Ports::new(lanes, wakers.clone());
                Some(Core::new(driver, listeners, hub, ports, node.clone()))
            })
            .collect();
        Self {
            network,
            cores,
            control,
            wakers,
            address,
            tls_address,
        }
    }

    /// The network that it stands in.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS, if it has certificates.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// One turn of each core that still runs; false when none does.
    ///
    /// # Panics
    /// As a core's turn does.
    pub fn turn(&mut self) -> bool {
        let mut runs = false;
        for slot in &mut self.cores {
            let Some(core) = slot else { continue };
            match core.turn().expect("a simulated machine does not fail") {
                Flow::Continue => runs = true,
                Flow::Finished => *slot = None,
            }
        }
        runs
    }

    /// How many connections each core has; none for a core that has finished.
    #[must_use]
    pub fn connections(&self) -> Vec<usize> {
        self.cores
            .iter()
            .map(|core| core.as_ref().map_or(0, Core::connections))
            .collect()
    }

    /// Asks every core to drain, as SIGTERM does.
    ///
    /// # Panics
    /// If a core takes no orders.
    pub fn drain(&mut self) {
        for (core, waker) in self.wakers.iter().enumerate() {
            let sent = self.control.send(core, Shipped::Control(Control::Drain));
            assert!(sent.is_ok(), "a lane has room for one order");
            waker.wake();
        }
    }
}
