//! From a configuration to a running node, and to its end.
//!
//! Every core's ring and listener is made on the core's own thread, and all listeners stand before
//! any core accepts: otherwise the first connections would pile up on the first core.

use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use broker::{Broker, Format, Formats, Rule, Rules};
use mesh::Port;
use reactor::{Driver, ListenOptions, ListenerId, RingDriver, RingSettings, SocketOptions, Waker, affinity};

use crate::config::{Config, TopicLimits};
use crate::control;
use crate::core::{Core, Flow, Ports, Shipped};
use crate::hub::{Hub, Settings};
use crate::logs;
use crate::node::Node;

/// Why the node could not start, or had to end.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// What a core thread tells: its waker and the address it listens on.
type Ready = Result<(Waker, SocketAddr, String), String>;

/// What it is told then.
type Go = Vec<Waker>;

struct Plan {
    core: usize,
    cores: usize,
    cpu: Option<usize>,
    config: Arc<Config>,
    settings: Arc<Settings>,
    hash_key: [u64; 2],
    seed: u64,
    node: Arc<Node>,
    requests: Port<Shipped<broker::Request>>,
    deliveries: Port<Shipped<broker::Delivery>>,
}

/// Serves until a signal ends it.
///
/// # Errors
/// Whatever keeps the node from starting, in one line with its remedy.
pub fn run(config: Config) -> Result<(), Error> {
    logs::start(&config.log)?;
    let descriptors = reactor::limits::raise_open_files().map_err(|error| format!("cannot read RLIMIT_NOFILE: {error}"))?;
    let cpus = affinity::allowed_cpus().map_err(|error| format!("cannot read the CPU mask: {error}"))?;
    let cores = if config.server.cores == 0 { cpus.len() } else { config.server.cores };
    let node = Arc::new(Node::new(cores));
    let settings = Arc::new(Settings::from(&config));
    let config = Arc::new(config);
    let (hash_key, seed) = randomness()?;

    // One port for each core, and the last for the control thread.
    let mut requests = mesh::ports(cores + 1, config.io.lane_capacity);
    let mut deliveries = mesh::ports(cores + 1, config.io.lane_capacity);
    let to_cores = requests.pop().expect("the control thread's port");
    deliveries.pop();

    let (finished, watch) = control::finish_line(cores);
    let mut threads = Vec::new();
    let mut gates = Vec::new();
    let mut address = config.server.listen;
    let mut wakers = Vec::new();
    let mut driver_line = String::new();
    for (core, (requests, deliveries)) in requests.into_iter().zip(deliveries).enumerate() {
        let cpu = config.server.pin.then(|| cpus[core % cpus.len()]);
        let plan = Plan { core, cores, cpu, config: config.clone(), settings: settings.clone(), hash_key, seed: seed ^ core as u64, node: node.clone(), requests, deliveries };
        let (report, ready) = sync_channel(1);
        let (open, gate) = sync_channel(1);
        let finished = finished.clone();
        let thread = thread::Builder::new()
            .name(format!("core-{core}"))
            .spawn(move || {
                serve(plan, address, &report, &gate);
                finished.core_ended();
            })
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        threads.push(thread);
        gates.push(open);
        let (waker, bound, driver) = ready.recv().map_err(|_| format!("core {core} ended before it began"))??;
        // With port 0 the first listener's port is everybody's.
        address = bound;
        driver_line = driver;
        wakers.push(waker);
    }
    for gate in &gates {
        // A core that is gone has said why in its report.
        let _ = gate.send(wakers.clone());
    }
    announce(address, cores, &driver_line, descriptors);
    control::run(control::Cores::new(to_cores, wakers), watch, &node);
    for thread in threads {
        thread.join().map_err(|_| Error("a core ended in a panic".into()))?;
    }
    tracing::info!("stopped");
    Ok(())
}

/// One core's thread.
fn serve(plan: Plan, address: SocketAddr, report: &SyncSender<Ready>, gate: &Receiver<Go>) {
    let core = plan.core;
    // A dead core would leave a process that accepts connections and never answers them.
    let outcome = catch_unwind(AssertUnwindSafe(|| run_core(plan, address, report, gate)));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(core, "the ring is unusable: {error}");
            std::process::abort();
        }
        Err(_) => {
            tracing::error!(core, "a core panicked; the process ends");
            std::process::abort();
        }
    }
}

fn run_core(plan: Plan, address: SocketAddr, report: &SyncSender<Ready>, gate: &Receiver<Go>) -> std::io::Result<()> {
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
    let Ok(wakers) = gate.recv() else { return Ok(()) };
    let broker = Broker::new(broker_settings(&plan));
    let hub = Hub::new(plan.core, broker, plan.settings);
    let ports = Ports::new(plan.core, plan.requests, plan.deliveries, wakers);
    let mut core = Core::new(driver, listener, hub, ports, plan.node);
    while core.turn()? == Flow::Continue {}
    Ok(())
}

fn make_driver(plan: &Plan, address: SocketAddr) -> Result<(RingDriver, ListenerId, (Waker, SocketAddr, String)), String> {
    if let Some(cpu) = plan.cpu {
        affinity::pin_current_thread(cpu).map_err(|error| format!("cannot pin core {} to CPU {cpu}: {error}", plan.core))?;
    }
    let io = &plan.config.io;
    let ring = RingSettings {
        receive_buffers: io.receive_buffers,
        receive_buffer_bytes: u32::try_from(io.receive_buffer_bytes.bytes()).unwrap_or(u32::MAX),
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
        .map_err(|error| format!("cannot listen on {address}: {error}; is another server on this port? (--listen ADDR:PORT)"))?;
    let ready = (driver.waker(), bound, driver.description().to_owned());
    Ok((driver, listener, ready))
}

fn broker_settings(plan: &Plan) -> broker::Settings {
    let config = &plan.config;
    let rules = config.topics.iter().map(|entry| {
        let pattern = broker::Pattern::parse(&entry.pattern).expect("checked with the configuration");
        (pattern, rule(&entry.limits))
    });
    broker::Settings {
        core: plan.core,
        cores: plan.cores,
        hash_key: plan.hash_key,
        seed: plan.seed,
        rules: Rules { ordered: rules.collect(), default: rule(&config.topic_default) },
        limits: broker::Limits {
            topics_max: config.broker.topics_max,
            log_bytes_max: config.broker.log_bytes_max.len(),
            backlog_bytes_max: config.broker.backlog_bytes_max.len(),
            subscriptions_max: config.broker.subscriptions_max,
            pattern_subscriptions_max: config.broker.patterns_max,
            replay_messages_max: config.broker.replay_messages_max,
            payload_bytes_max: config.websocket.message_bytes_max.len(),
            ..broker::Limits::default()
        },
        // A raw client has no message in which to read of a gap.
        gapless: Formats::NONE.with(Format::RAW),
    }
}

fn rule(limits: &TopicLimits) -> Rule {
    Rule {
        messages_max: limits.messages_max,
        bytes_max: limits.bytes_max.len(),
        age_max_ms: if limits.age_max.ms() == 0 { u64::MAX } else { limits.age_max.ms() },
        backlog_bytes_max: limits.backlog_bytes_max.len(),
        on_lag: limits.on_lag.into(),
    }
}

/// The key that decides topics' homes and the seed of their epochs, from the operating system.
fn randomness() -> Result<([u64; 2], u64), String> {
    let next = || getrandom::u64().map_err(|error| format!("the system gives no randomness: {error}"));
    Ok(([next()?, next()?], next()?))
}

fn announce(address: SocketAddr, cores: usize, driver: &str, descriptors: u64) {
    println!("ringwire {} on http://{address}", env!("CARGO_PKG_VERSION"));
    println!("  {cores} cores, {driver}, up to {descriptors} descriptors");
    println!("  subscribe  new WebSocket(\"ws://{address}/t/demo\")");
    println!("  publish    curl -d hello http://{address}/t/demo");
    println!("ready");
}
