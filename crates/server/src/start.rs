//! From a configuration to a running node, and to its end.
//!
//! All listeners stand before any core accepts: otherwise the first connections would pile up on
//! the first core.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use reactor::{Waker, affinity};

use crate::config::{Config, Sources};
use crate::control;
use crate::core::lay;
use crate::core_thread::{Go, Plan, Ready, serve};
use crate::error::Error;
use crate::hub::{Place, Settings};
use crate::logs;
use crate::node::Node;

/// Core threads that listen, each behind a gate.
#[derive(Default)]
struct Threads {
    handles: Vec<JoinHandle<()>>,
    gates: Vec<SyncSender<Go>>,
    wakers: Vec<Waker>,
    description: String,
}

/// Serves until a signal ends it.
///
/// # Errors
/// Whatever keeps the node from starting, in one line with its remedy.
pub fn run(config: Config, sources: Sources) -> Result<(), Error> {
    logs::start(&config.log)?;
    let descriptors = reactor::limits::raise_open_files()
        .map_err(|error| format!("cannot read RLIMIT_NOFILE: {error}"))?;
    let cpus =
        affinity::allowed_cpus().map_err(|error| format!("cannot read the CPU mask: {error}"))?;
    let cores = match config.server.cores {
        0 => cpus.len(),
        cores => cores,
    };
    refuse_taken(config.server.listen)?;

    let (lanes, to_cores) = lay(cores, config.io.lane_capacity);
    let node = Arc::new(Node::new(cores));
    let settings = Arc::new(Settings::from(&config));
    let config = Arc::new(config);
    let (hash_key, seed) = randomness()?;
    // Before the cores, which take all the lockable memory that they are given.
    let control = control::runtime()
        .map_err(|error| format!("cannot start the control thread's ring: {error}"))?;
    let locked_kib_max = locked_kib_for_each(cores)?;
    let (finished, all_ended) = control::finish_line(cores);

    let mut threads = Threads::default();
    let mut address = config.server.listen;
    for (core, lanes) in lanes.into_iter().enumerate() {
        let plan = Plan {
            place: Place {
                core,
                cores,
                hash_key,
                seed: seed ^ core as u64,
            },
            cpu: config.server.pin.then(|| cpus[core % cpus.len()]),
            config: config.clone(),
            settings: settings.clone(),
            node: node.clone(),
            lanes,
            locked_kib_max,
        };
        // With port 0 the first listener's port is everybody's.
        address = threads.start(plan, address, finished.clone())?;
    }
    for gate in &threads.gates {
        gate.send(threads.wakers.clone())
            .map_err(|_| Error("a core ended before it began".into()))?;
    }
    announce(address, cores, &threads.description, descriptors);
    let cores = control::Cores::new(to_cores, threads.wakers);
    let forced = control::Thread {
        cores,
        sources,
        running: config,
        node,
    }
    .run(&control, &all_ended);
    for handle in threads.handles {
        handle
            .join()
            .map_err(|_| Error("a core ended in a panic".into()))?;
    }
    tracing::info!("stopped");
    logs::flush();
    if forced {
        return Err(Error("ended at once, by a second signal".into()));
    }
    Ok(())
}

impl Threads {
    /// Starts a core's thread and waits until it listens; returns where.
    fn start(
        &mut self,
        plan: Plan,
        address: SocketAddr,
        finished: control::Finished,
    ) -> Result<SocketAddr, Error> {
        let core = plan.place.core;
        let (report, ready) = sync_channel::<Ready>(1);
        let (gate, opened) = sync_channel(1);
        let handle = thread::Builder::new()
            .name(format!("core-{core}"))
            .spawn(move || {
                serve(plan, address, &report, &opened);
                finished.core_ended();
            })
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        let standing = ready
            .recv()
            .map_err(|_| format!("core {core} ended before it began"))??;
        self.handles.push(handle);
        self.gates.push(gate);
        self.wakers.push(standing.waker);
        self.description = standing.description;
        Ok(standing.address)
    }
}

/// What each core may lock for its rings: an equal part of what the control thread leaves.
fn locked_kib_for_each(cores: usize) -> Result<u64, Error> {
    let limit = reactor::limits::locked_memory_bytes()
        .map_err(|error| format!("cannot read RLIMIT_MEMLOCK: {error}"))?;
    Ok(limit.map_or(u64::MAX, |bytes| {
        (bytes / 1024).saturating_sub(control::LOCKED_KIB) / cores as u64
    }))
}

/// Cores share their port by `SO_REUSEPORT`, by which a second ringwire of the same user could
/// share it too, and take half of the first one's connections without a word.
fn refuse_taken(address: SocketAddr) -> Result<(), Error> {
    if address.port() == 0 {
        return Ok(());
    }
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error(format!(
            "cannot listen on {address}: {error}; choose another with --listen ADDR:PORT"
        ))),
    }
}

/// The key that decides topics' homes and the seed of their epochs, from the operating system.
fn randomness() -> Result<([u64; 2], u64), String> {
    let next =
        || getrandom::u64().map_err(|error| format!("the system gives no randomness: {error}"));
    Ok(([next()?, next()?], next()?))
}

/// What a newcomer needs first. The last line is for whoever waits for the server in a script.
fn announce(address: SocketAddr, cores: usize, driver: &str, descriptors: u64) {
    println!(
        "ringwire {} on http://{address} ({cores} cores, {descriptors} descriptors)",
        env!("CARGO_PKG_VERSION")
    );
    println!("  {driver}");
    println!("  subscribe  new WebSocket(\"ws://{address}/t/demo\")");
    println!("  publish    curl -d hello http://{address}/t/demo");
    println!("ready");
}
