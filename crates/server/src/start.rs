//! From a configuration to a running node, and to its end.
//!
//! All listeners stand before any core accepts: otherwise the first connections would pile up on
//! the first core.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use reactor::{RingDriver, RingSettings, SetupError, Waker, affinity};
use tokio::sync::Notify;

use crate::certificates;
use crate::config::{Config, IoDriver, Sources};
use crate::control;
use crate::core::{ControlPort, Share, lay};
use crate::core_thread::{Addresses, DriverKind, Go, Plan, Ready, Refusal, serve};
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

/// What every attempt to start begins with.
struct Blueprint {
    cpus: Vec<usize>,
    cores: usize,
    hash_key: [u64; 2],
    seed: u64,
    config: Arc<Config>,
    settings: Arc<Settings>,
    node: Arc<Node>,
}

/// A node whose cores all listen. None of them accepts yet.
struct Standing {
    threads: Threads,
    addresses: Addresses,
    /// How many of the cores have a ring, all or none.
    rings: u64,
    control: control::Runtime,
    to_cores: ControlPort,
    all_ended: Arc<Notify>,
}

/// Descriptors that the process's table has room for from the start; it grows where more are allowed and needed.
const ROOM_AT_START: u64 = 1 << 17;

/// Serves until a signal ends it.
///
/// # Errors
/// Whatever keeps the node from starting, in one line with its remedy.
pub fn run(config: Config, sources: Sources) -> Result<(), Error> {
    let open_files = reactor::limits::raise_open_files()
        .map_err(|error| format!("cannot read RLIMIT_NOFILE: {error}"))?;
    reactor::limits::make_room(open_files.min(ROOM_AT_START));
    logs::start(&config.log)?;
    let tls = certificates::server(&config.tls, None)?;
    refuse_taken(config.server.listen, "--listen")?;
    if tls.is_some() {
        refuse_taken(config.tls.listen, "--tls-listen")?;
    }
    let blueprint = Blueprint::draw(config, tls)?;
    let standing = on_driver(blueprint.config.io.driver, |driver| blueprint.raise(driver))?;
    let Standing { threads, .. } = &standing;
    let room = reactor::limits::sockets(open_files, standing.rings);
    blueprint
        .node
        .entrance
        .set_room(usize::try_from(room).unwrap_or(usize::MAX));
    for gate in &threads.gates {
        gate.send(threads.wakers.clone())
            .map_err(|_| Error("a core ended before it began".into()))?;
    }
    let connections_max = match blueprint.config.server.connections_max as u64 {
        0 => room,
        connections_max => connections_max.min(room),
    };
    announce(
        standing.addresses,
        blueprint.cores,
        &threads.description,
        connections_max,
    );
    let forced = control::Thread {
        cores: control::Cores::new(standing.to_cores, standing.threads.wakers),
        sources,
        running: blueprint.config,
        tls: blueprint.settings.tls.clone(),
        node: blueprint.node,
    }
    .run(&standing.control, &standing.all_ended);
    for handle in standing.threads.handles {
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

/// Starts on the driver that is wanted. Where none is, io_uring comes first, and a machine that
/// refuses it is served on epoll.
fn on_driver<T>(
    wanted: IoDriver,
    start: impl Fn(IoDriver) -> Result<T, Refusal>,
) -> Result<T, Error> {
    let first = match wanted {
        IoDriver::Auto => IoDriver::IoUring,
        forced => forced,
    };
    let started = match start(first) {
        Err(Refusal::IoUring(error)) if wanted == IoDriver::Auto => {
            tracing::warn!("running on epoll, for io_uring cannot be had: {error}");
            start(IoDriver::Epoll)
        }
        started => started,
    };
    started.map_err(|refusal| {
        Error(match refusal {
            Refusal::IoUring(error) => error.to_string(),
            Refusal::Other(error) => error,
        })
    })
}

impl Blueprint {
    fn draw(config: Config, tls: Option<tls::Server>) -> Result<Self, Error> {
        let cpus = affinity::allowed_cpus()
            .map_err(|error| format!("cannot read the CPU mask: {error}"))?;
        let cores = match config.server.cores {
            0 => cpus.len(),
            cores => cores,
        };
        let (hash_key, seed) = randomness()?;
        Ok(Self {
            cpus,
            cores,
            hash_key,
            seed,
            settings: Arc::new(Settings {
                tls,
                ..Settings::from(&config)
            }),
            config: Arc::new(config),
            node: Arc::new(Node::new(cores)),
        })
    }

    /// Starts every core on that driver, or none.
    fn raise(&self, driver: IoDriver) -> Result<Standing, Refusal> {
        // Before the cores, which take all the lockable memory that they are given.
        let (control, driver, rings) = match driver {
            IoDriver::Epoll => (plain_control()?, DriverKind::Epoll, 0),
            IoDriver::Auto | IoDriver::IoUring => {
                let control = control::Runtime::on_ring().map_err(why_no_ring)?;
                let locked_kib_max = locked_kib_for_each(self.cores)?;
                let driver = DriverKind::IoUring { locked_kib_max };
                (control, driver, self.cores as u64)
            }
        };
        let (lanes, to_cores) = lay(self.cores, self.config.io.lane_capacity);
        let (finished, all_ended) = control::finish_line(self.cores);
        let mut threads = Threads::default();
        let mut addresses = Addresses {
            plain: self.config.server.listen,
            tls: self
                .settings
                .tls
                .is_some()
                .then_some(self.config.tls.listen),
        };
        for (core, lanes) in lanes.into_iter().enumerate() {
            let plan = self.plan(core, lanes, driver);
            // With port 0 the first listener's port is everybody's.
            addresses = match threads.start(plan, addresses, finished.clone()) {
                Ok(addresses) => addresses,
                Err(refusal) => {
                    threads.dismiss();
                    return Err(refusal);
                }
            };
        }
        Ok(Standing {
            threads,
            addresses,
            rings,
            control,
            to_cores,
            all_ended,
        })
    }

    fn plan(&self, core: usize, lanes: Share, driver: DriverKind) -> Plan {
        let cpus = &self.cpus;
        Plan {
            place: Place {
                core,
                cores: self.cores,
                hash_key: self.hash_key,
                seed: self.seed ^ core as u64,
            },
            cpu: self.config.server.pin.then(|| cpus[core % cpus.len()]),
            config: self.config.clone(),
            settings: self.settings.clone(),
            node: self.node.clone(),
            lanes,
            driver,
        }
    }
}

impl Threads {
    /// Starts a core's thread and waits until it listens; returns where.
    fn start(
        &mut self,
        plan: Plan,
        addresses: Addresses,
        finished: control::Finished,
    ) -> Result<Addresses, Refusal> {
        let core = plan.place.core;
        let (report, ready) = sync_channel::<Ready>(1);
        let (gate, opened) = sync_channel(1);
        let handle = thread::Builder::new()
            .name(format!("core-{core}"))
            .spawn(move || {
                serve(plan, addresses, &report, &opened);
                finished.core_ended();
            })
            .map_err(|error| Refusal::Other(format!("cannot start a thread: {error}")))?;
        self.handles.push(handle);
        self.gates.push(gate);
        let standing = ready
            .recv()
            .map_err(|_| Refusal::Other(format!("core {core} ended before it began")))??;
        self.wakers.push(standing.waker);
        self.description = standing.description;
        Ok(standing.addresses)
    }

    /// Ends cores that have not begun, and waits until their listeners and rings are gone.
    fn dismiss(self) {
        drop(self.gates);
        for handle in self.handles {
            // A core that has not begun has nothing to panic about, and nobody misses it.
            let _ = handle.join();
        }
    }
}

fn plain_control() -> Result<control::Runtime, Refusal> {
    control::Runtime::plain()
        .map_err(|error| Refusal::Other(format!("cannot start the control thread: {error}")))
}

/// Why the control thread got no ring, in the words that a core has for it.
fn why_no_ring(error: io::Error) -> Refusal {
    let smallest = RingSettings {
        submission_entries: 8,
        completion_entries: 16,
        receive_buffers: 1,
        ..RingSettings::default()
    };
    let refusal = RingDriver::new(smallest).err();
    Refusal::IoUring(refusal.unwrap_or(SetupError::Other {
        step: "cannot start the control thread's ring",
        error,
    }))
}

/// What each core may lock for its rings: an equal part of what the control thread leaves.
fn locked_kib_for_each(cores: usize) -> Result<u64, Refusal> {
    let limit = reactor::limits::locked_memory_bytes()
        .map_err(|error| Refusal::Other(format!("cannot read RLIMIT_MEMLOCK: {error}")))?;
    Ok(limit.map_or(u64::MAX, |bytes| {
        (bytes / 1024).saturating_sub(control::LOCKED_KIB) / cores as u64
    }))
}

/// How long a port may still be taken: the kernel takes the rings of a process that was killed apart after its end, and
/// the last of them holds the listener.
const PORT_PATIENCE: Duration = Duration::from_secs(1);

/// Cores share their port by `SO_REUSEPORT`, by which a second ringwire of the same user could
/// share it too, and take half of the first one's connections without a word.
fn refuse_taken(address: SocketAddr, flag: &str) -> Result<(), Error> {
    if address.port() == 0 {
        return Ok(());
    }
    let give_up = Instant::now() + PORT_PATIENCE;
    loop {
        match TcpListener::bind(address) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < give_up => {
                thread::sleep(PORT_PATIENCE / 20);
            }
            Err(error) => {
                return Err(Error(format!(
                    "cannot listen on {address}: {error}; choose another with {flag} ADDR:PORT"
                )));
            }
        }
    }
}

/// The key that decides topics' homes and the seed of their epochs, from the operating system.
fn randomness() -> Result<([u64; 2], u64), String> {
    let next =
        || getrandom::u64().map_err(|error| format!("the system gives no randomness: {error}"));
    Ok(([next()?, next()?], next()?))
}

/// What a newcomer needs first. The last line is for whoever waits for the server in a script.
fn announce(addresses: Addresses, cores: usize, driver: &str, room: u64) {
    let Addresses { plain, tls } = addresses;
    println!(
        "ringwire {} on http://{plain} ({cores} cores, room for {room} connections)",
        env!("CARGO_PKG_VERSION")
    );
    println!("  {driver}");
    println!("  subscribe  new WebSocket(\"ws://{plain}/t/demo\")");
    println!("  publish    curl -d hello http://{plain}/t/demo");
    if let Some(tls) = tls {
        println!("  over TLS   wss://{tls}/t/demo and https://{tls}/t/demo");
    }
    println!("ready");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// What was tried, and what came of it, on a machine that refuses io_uring.
    fn without_io_uring(wanted: IoDriver) -> (Vec<IoDriver>, Result<IoDriver, String>) {
        let tried = RefCell::new(Vec::new());
        let started = on_driver(wanted, |driver| {
            tried.borrow_mut().push(driver);
            match driver {
                IoDriver::Epoll => Ok(driver),
                _ => Err(Refusal::IoUring(SetupError::Blocked)),
            }
        });
        (tried.into_inner(), started.map_err(|error| error.0))
    }

    #[test]
    fn a_machine_without_io_uring_is_served_on_epoll_unless_io_uring_was_asked_for() {
        let (tried, started) = without_io_uring(IoDriver::Auto);
        assert_eq!(tried, [IoDriver::IoUring, IoDriver::Epoll]);
        assert_eq!(started, Ok(IoDriver::Epoll));
        let (tried, started) = without_io_uring(IoDriver::IoUring);
        assert_eq!(tried, [IoDriver::IoUring]);
        assert_eq!(started, Err(SetupError::Blocked.to_string()));
        let (tried, _) = without_io_uring(IoDriver::Epoll);
        assert_eq!(tried, [IoDriver::Epoll]);
    }

    #[test]
    fn what_has_nothing_to_do_with_io_uring_is_not_tried_again() {
        let failed = on_driver::<()>(IoDriver::Auto, |driver| {
            assert_eq!(driver, IoDriver::IoUring);
            Err(Refusal::Other("the port is taken".into()))
        });
        assert_eq!(failed.unwrap_err().0, "the port is taken");
    }
}
