//! The thread of one core: its driver and its listener made on it, its turns run on it.
//!
//! A core that stands tells so and waits until all others stand too; then it runs until it is
//! drained. A core that dies takes the process with it: a process with a dead core would accept
//! connections and never answer them.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use reactor::{
    Driver, EpollDriver, ListenOptions, RingDriver, RingSettings, SetupError, SocketOptions, Waker,
    affinity,
};

use crate::config::{Config, Io};
use crate::core::{Core, Flow, Listeners, Ports, Share};
use crate::hub::{Hub, Place, Settings};
use crate::logs;
use crate::node::Node;

/// What a core thread tells when its listener stands, or why it does not.
pub(crate) type Ready = Result<Standing, Refusal>;

/// Why a core does not stand.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It wanted io_uring. On epoll it could stand.
    IoUring(SetupError),
    /// Something that no other driver would change.
    Other(String),
}

/// What a core runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverKind {
    IoUring {
        /// Each core's part of the memory that the user may lock.
        locked_kib_max: u64,
    },
    Epoll,
}

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) plain: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
}

/// A core that listens but does not accept yet.
pub(crate) struct Standing {
    /// Ends its sleep.
    pub(crate) waker: Waker,
    /// Where it listens.
    pub(crate) addresses: Addresses,
    /// Its driver, in one line.
    pub(crate) description: String,
}

/// What it is told then.
pub(crate) type Go = Vec<Waker>;

/// What a core is made of.
pub(crate) struct Plan {
    pub(crate) place: Place,
    pub(crate) cpu: Option<usize>,
    pub(crate) config: Arc<Config>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) node: Arc<Node>,
    pub(crate) lanes: Share,
    pub(crate) driver: DriverKind,
}

/// One core's thread.
pub(crate) fn serve(
    plan: Plan,
    addresses: Addresses,
    report: &SyncSender<Ready>,
    gate: &Receiver<Go>,
) {
    let core = plan.place.core;
    // A dead core would leave a process that accepts connections and never answers them.
    let outcome = catch_unwind(AssertUnwindSafe(|| run_core(plan, addresses, report, gate)));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(core, "the driver is unusable: {error}");
            logs::flush();
            std::process::abort();
        }
        Err(_) => {
            tracing::error!(core, "a core panicked; the process ends");
            logs::flush();
            std::process::abort();
        }
    }
}

fn run_core(
    plan: Plan,
    addresses: Addresses,
    report: &SyncSender<Ready>,
    gate: &Receiver<Go>,
) -> std::io::Result<()> {
    let refuse = |refusal| {
        let _ = report.send(Err(refusal));
        Ok(())
    };
    if let Err(error) = pin(&plan) {
        return refuse(Refusal::Other(error));
    }
    match plan.driver {
        DriverKind::IoUring { locked_kib_max } => {
            match RingDriver::new(ring_settings(&plan.config.io, locked_kib_max)) {
                Ok(driver) => {
                    let description = driver.description().to_owned();
                    run_on(driver, description, plan, addresses, report, gate)
                }
                // Another driver would only hide it.
                Err(error @ SetupError::Settings(_)) => refuse(Refusal::Other(error.to_string())),
                Err(error) => refuse(Refusal::IoUring(error)),
            }
        }
        DriverKind::Epoll => match EpollDriver::new() {
            Ok(driver) => {
                let description = driver.description().to_owned();
                run_on(driver, description, plan, addresses, report, gate)
            }
            Err(error) => refuse(Refusal::Other(format!("cannot make an epoll: {error}"))),
        },
    }
}

/// Listens, and runs the core once all others listen too.
fn run_on<D: Driver>(
    mut driver: D,
    description: String,
    plan: Plan,
    addresses: Addresses,
    report: &SyncSender<Ready>,
    gate: &Receiver<Go>,
) -> std::io::Result<()> {
    let (listeners, bound) = match listen(&mut driver, &plan.config.io, addresses) {
        Ok(listening) => listening,
        Err(error) => {
            let _ = report.send(Err(Refusal::Other(error)));
            return Ok(());
        }
    };
    let _ = report.send(Ok(Standing {
        waker: driver.waker(),
        addresses: bound,
        description,
    }));
    // No gate means that another core failed: this one has nothing to do.
    let Ok(wakers) = gate.recv() else {
        return Ok(());
    };
    let hub = Hub::new(plan.place, &plan.config, plan.settings);
    let ports = Ports::new(plan.lanes, wakers);
    let mut core = Core::new(driver, listeners, hub, ports, plan.node);
    while core.turn()? == Flow::Continue {}
    Ok(())
}

fn pin(plan: &Plan) -> Result<(), String> {
    let Some(cpu) = plan.cpu else {
        return Ok(());
    };
    affinity::pin_current_thread(cpu)
        .map_err(|error| format!("cannot pin core {} to CPU {cpu}: {error}", plan.place.core))
}

fn ring_settings(io: &Io, locked_kib_max: u64) -> RingSettings {
    RingSettings {
        receive_buffers: io.receive_buffers,
        receive_buffer_bytes: u32::try_from(io.receive_buffer_bytes.bytes()).unwrap_or(u32::MAX),
        locked_kib_max,
        ..RingSettings::default()
    }
}

fn listen<D: Driver>(
    driver: &mut D,
    io: &Io,
    addresses: Addresses,
) -> Result<(Listeners, Addresses), String> {
    let options = ListenOptions {
        socket: SocketOptions {
            send_buffer_bytes: u32::try_from(io.send_buffer_bytes.bytes()).ok(),
            receive_buffer_bytes: u32::try_from(io.receive_window_bytes.bytes()).ok(),
            ..SocketOptions::default()
        },
        ..ListenOptions::default()
    };
    let mut listen = |address| {
        driver
            .listen(address, &options)
            .map_err(|error| format!("cannot listen on {address}: {error}"))
    };
    let (plain, plain_address) = listen(addresses.plain)?;
    let tls = addresses.tls.map(listen).transpose()?;
    let listeners = Listeners {
        plain: Some(plain),
        tls: tls.map(|(listener, _)| listener),
    };
    let bound = Addresses {
        plain: plain_address,
        tls: tls.map(|(_, address)| address),
    };
    Ok((listeners, bound))
}
