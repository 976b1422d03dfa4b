//! The thread of one core: its ring and its listener made on it, its turns run on it.
//!
//! A core that stands tells so and waits until all others stand too; then it runs until it is
//! drained. A core that dies takes the process with it: a process with a dead core would accept
//! connections and never answer them.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use reactor::{
    Driver, ListenOptions, ListenerId, RingDriver, RingSettings, SocketOptions, Waker, affinity,
};

use crate::config::Config;
use crate::core::{Core, Flow, Ports, Share};
use crate::hub::{Hub, Place, Settings};
use crate::logs;
use crate::node::Node;

/// What a core thread tells when its listener stands, or why it does not.
pub(crate) type Ready = Result<Standing, String>;

/// A core that listens but does not accept yet.
pub(crate) struct Standing {
    /// Ends its sleep.
    pub(crate) waker: Waker,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its ring, in one line.
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
    /// This core's part of the memory that the user may lock.
    pub(crate) locked_kib_max: u64,
}

/// One core's thread.
pub(crate) fn serve(
    plan: Plan,
    address: SocketAddr,
    report: &SyncSender<Ready>,
    gate: &Receiver<Go>,
) {
    let core = plan.place.core;
    // A dead core would leave a process that accepts connections and never answers them.
    let outcome = catch_unwind(AssertUnwindSafe(|| run_core(plan, address, report, gate)));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(core, "the ring is unusable: {error}");
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
    address: SocketAddr,
    report: &SyncSender<Ready>,
    gate: &Receiver<Go>,
) -> std::io::Result<()> {
    let made = make_driver(&plan, address);
    let (driver, listener, ready) = match made {
        Ok(made) => made,
        Err(error) => {
            let _ = report.send(Err(error));
            return Ok(());
        }
    };
    let _ = report.send(Ok(ready));
    // No gate means that another core failed: this one has nothing to do.
    let Ok(wakers) = gate.recv() else {
        return Ok(());
    };
    let hub = Hub::new(plan.place, &plan.config, plan.settings);
    let ports = Ports::new(plan.lanes, wakers);
    let mut core = Core::new(driver, listener, hub, ports, plan.node);
    while core.turn()? == Flow::Continue {}
    Ok(())
}

fn make_driver(
    plan: &Plan,
    address: SocketAddr,
) -> Result<(RingDriver, ListenerId, Standing), String> {
    if let Some(cpu) = plan.cpu {
        affinity::pin_current_thread(cpu).map_err(|error| {
            format!("cannot pin core {} to CPU {cpu}: {error}", plan.place.core)
        })?;
    }
    let io = &plan.config.io;
    let ring = RingSettings {
        receive_buffers: io.receive_buffers,
        receive_buffer_bytes: u32::try_from(io.receive_buffer_bytes.bytes()).unwrap_or(u32::MAX),
        locked_kib_max: plan.locked_kib_max,
        ..RingSettings::default()
    };
    let mut driver = RingDriver::new(ring).map_err(|error| error.to_string())?;
    let options = ListenOptions {
        socket: SocketOptions {
            send_buffer_bytes: u32::try_from(io.send_buffer_bytes.bytes()).ok(),
            ..SocketOptions::default()
        },
        ..ListenOptions::default()
    };
    let (listener, bound) = driver
        .listen(address, &options)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let standing = Standing {
        waker: driver.waker(),
        address: bound,
        description: driver.description().to_owned(),
    };
    Ok((driver, listener, standing))
}
