//! The control thread: signals, on a tokio-uring runtime of its own, or on plain tokio where the
//! cores do without io_uring.
//!
//! It reaches the cores only through lanes, and no message waits for it. The first SIGTERM or
//! SIGINT drains the node; the second ends it at once. SIGHUP reads the configuration again.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reactor::Waker;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::certificates;
use crate::config::{self, Config, Sources};
use crate::core::{Control, ControlPort, Shipped};
use crate::error::Error;
use crate::hub::Settings;
use crate::node::Node;

/// Where core threads report their end.
#[derive(Clone)]
pub(crate) struct Finished {
    left: Arc<AtomicUsize>,
    all: Arc<Notify>,
}

impl Finished {
    /// One core has ended.
    pub(crate) fn core_ended(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all.notify_one();
        }
    }
}

/// The line that every core has to cross, and the one who watches it.
pub(crate) fn finish_line(cores: usize) -> (Finished, Arc<Notify>) {
    let all = Arc::new(Notify::new());
    (
        Finished {
            left: Arc::new(AtomicUsize::new(cores)),
            all: all.clone(),
        },
        all,
    )
}

/// The lanes to the cores.
pub(crate) struct Cores {
    lanes: ControlPort,
    wakers: Vec<Waker>,
}

impl Cores {
    /// `lanes` is the control thread's own port.
    pub(crate) fn new(lanes: ControlPort, wakers: Vec<Waker>) -> Self {
        Self { lanes, wakers }
    }

    fn tell(&mut self, control: &Control) {
        for (core, waker) in self.wakers.iter().enumerate() {
            // The control thread sends a handful of messages in a process's life; a lane that has
            // no room for one belongs to a core that is stuck.
            if self
                .lanes
                .send(core, Shipped::Control(control.clone()))
                .is_err()
            {
                tracing::error!(core, "a core does not take orders");
            }
            waker.wake();
        }
    }
}

/// Operations on the control thread's ring at one time: it reads one file now and then.
const RING_ENTRIES: u32 = 8;
/// What such a ring locks.
pub(crate) const LOCKED_KIB: u64 = 8;

/// The control thread's runtime.
pub(crate) enum Runtime {
    /// A tokio runtime whose files are io_uring's.
    Ring(tokio_uring::Runtime),
    /// One that asks nothing of io_uring.
    Plain(tokio::runtime::Runtime),
}

impl Runtime {
    /// A runtime on a small ring, on the calling thread.
    pub(crate) fn on_ring() -> io::Result<Self> {
        let ring = tokio_uring::Runtime::new(tokio_uring::builder().entries(RING_ENTRIES));
        ring.map(Self::Ring)
    }

    /// A runtime on epoll, on the calling thread.
    pub(crate) fn plain() -> io::Result<Self> {
        let plain = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        plain.map(Self::Plain)
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self {
            Self::Ring(runtime) => runtime.block_on(future),
            Self::Plain(runtime) => runtime.block_on(future),
        }
    }
}

/// What the control thread works with.
pub(crate) struct Thread {
    pub(crate) cores: Cores,
    pub(crate) sources: Sources,
    /// The configuration that the node runs with.
    pub(crate) running: Arc<Config>,
    /// What TLS connections are made from, if the node has certificates.
    pub(crate) tls: Option<tls::Server>,
    pub(crate) node: Arc<Node>,
}

impl Thread {
    /// Watches signals until every core has ended. Returns whether they were made to, by a second
    /// signal, with something left unsent.
    pub(crate) fn run(mut self, runtime: &Runtime, all_ended: &Notify) -> bool {
        let mut signals = 0;
        runtime.block_on(async {
            let watch = |kind| signal(kind).expect("an ordinary signal can be watched");
            let mut terminate = watch(SignalKind::terminate());
            let mut interrupt = watch(SignalKind::interrupt());
            let mut hangup = watch(SignalKind::hangup());
            loop {
                tokio::select! {
                    () = all_ended.notified() => break,
                    _ = terminate.recv() => self.stop("SIGTERM", &mut signals),
                    _ = interrupt.recv() => self.stop("SIGINT", &mut signals),
                    _ = hangup.recv() => self.reload(runtime).await,
                }
            }
        });
        signals > 1
    }

    fn stop(&mut self, signal: &'static str, signals: &mut u32) {
        *signals += 1;
        if *signals > 1 {
            tracing::warn!(signal, "ending at once");
            self.cores.tell(&Control::Abort);
            return;
        }
        let connections = self.node.connections();
        let uptime_s = self.node.uptime().as_secs();
        tracing::info!(signal, connections, uptime_s, "draining");
        self.cores.tell(&Control::Drain);
    }

    /// Reads the configuration again. Whatever is wrong with it, the node goes on as it was.
    async fn reload(&mut self, runtime: &Runtime) {
        let stays = |error| tracing::error!("the configuration stays as it was: {error}");
        let mut config = match self.read(runtime).await {
            Ok(config) => config,
            Err(error) => return stays(error),
        };
        let kept = match config.reload(&self.running) {
            Ok(kept) => kept,
            Err(error) => return stays(Error(error)),
        };
        for key in kept {
            tracing::warn!(key, "takes effect at the next start");
        }
        match certificates::server(&config.tls, self.tls.as_ref()) {
            Ok(tls) => self.tls = tls,
            Err(error) => return stays(error),
        }
        // Connections that stand keep what they were made from.
        self.cores.tell(&Control::Reload(Arc::new(Settings {
            tls: self.tls.clone(),
            ..Settings::from(&config)
        })));
        tracing::info!("the configuration was read again");
    }

    async fn read(&self, runtime: &Runtime) -> Result<Config, Error> {
        let Some(path) = &self.sources.file else {
            return self.sources.assemble(None);
        };
        if let Runtime::Plain(_) = runtime {
            // Nothing else runs on this thread that a slow disk could hold up.
            return self.sources.load();
        }
        let bytes = read_file(path)
            .await
            .map_err(|error| config::unreadable(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            config::unreadable(
                path,
                &io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"),
            )
        })?;
        self.sources.assemble(Some(&text))
    }
}

/// The whole of a file of reasonable size.
async fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    const FILE_BYTES_MAX: u64 = 1 << 20;
    let file = tokio_uring::fs::File::open(path).await?;
    let mut bytes = Vec::new();
    loop {
        let (read, chunk) = file.read_at(vec![0; 16 * 1024], bytes.len() as u64).await;
        let read = read?;
        bytes.extend_from_slice(&chunk[..read]);
        if read == 0 {
            file.close().await?;
            return Ok(bytes);
        }
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "larger than 1 MiB",
            ));
        }
    }
}
