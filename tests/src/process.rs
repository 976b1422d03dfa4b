//! The broker as a process of its own, on a free port of the loopback interface.
//!
//! Started by a [`Launch`], on the port that the kernel gives it, ready when `/readyz` says so, ended by SIGTERM
//! when dropped, always by its own process id. Its complaints go where the test's go.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// How often a state that makes no event is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// By which of the kernel's ways a broker's bytes come and go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// io_uring, or no start.
    #[default]
    IoUring,
    /// epoll, and no io_uring at all.
    Epoll,
}

/// How to start a broker.
#[derive(Debug, Default, Clone)]
pub struct Launch {
    /// The configuration, as TOML.
    pub config: String,
    /// Serve on this driver.
    pub driver: Driver,
    /// Serve with this many cores; 0 leaves the choice to the broker.
    pub cores: u32,
    /// Run as an ordinary user with `ulimit -l 64` and so many descriptors.
    pub as_ordinary_user_of: Option<u32>,
    /// The program, if not the one built as the caller is.
    pub program: Option<PathBuf>,
    /// Keep what it logs in a file, and pass on nothing that it says.
    pub keeps_log: bool,
}

/// A broker that runs. Dropping it ends it one way or the other; [`Broker::stop`] insists on the good one.
#[derive(Debug)]
pub struct Broker {
    child: Child,
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    folder: PathBuf,
    log: Option<PathBuf>,
}

impl Launch {
    /// A broker over two cores with `config`.
    pub fn two_cores(driver: Driver, config: &str) -> Launch {
        Launch {
            config: config.to_owned(),
            driver,
            cores: 2,
            ..Launch::default()
        }
    }

    /// Starts the broker and waits until it is ready.
    pub fn start(&self) -> Broker {
        let folder = unique_folder();
        let config = folder.join("config.toml");
        fs::write(&config, &self.config).expect("a temporary file can be written");
        let mut command = self.command(&folder);
        command.arg("--config").arg(&config);
        command.args(["--listen", ANY_PORT]).stdout(Stdio::piped());
        command.env(
            "RINGWIRE_IO_DRIVER",
            match self.driver {
                Driver::IoUring => "io_uring",
                Driver::Epoll => "epoll",
            },
        );
        // Of a huge page, which its allocator asks for, 2 MiB count as resident once a byte is touched.
        command.env("MIMALLOC_ALLOW_THP", "0");
        if self.cores > 0 {
            command.arg("--cores").arg(self.cores.to_string());
        }
        let log = self.keeps_log.then(|| folder.join("log"));
        if let Some(log) = &log {
            command.stderr(fs::File::create(log).expect("a temporary file can be made"));
        }
        let mut child = command.spawn().expect("the broker can be started");
        let announced = announced(child.stdout.take().expect("it is piped"));
        // Ends the child, should it not announce itself.
        let mut broker = Broker {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls_address: None,
            folder,
            log,
        };
        let announcement = announced.recv_timeout(READY_WITHIN);
        let announcement = announcement.expect("the broker says where it listens");
        broker.address = announcement.address;
        broker.tls_address = announcement.tls_address;
        broker.wait_until_ready();
        broker
    }

    /// Whether the program would start with this configuration.
    pub fn is_accepted(&self) -> bool {
        let folder = unique_folder();
        let config = folder.join("config.toml");
        fs::write(&config, &self.config).expect("a temporary file can be written");
        let checked = self
            .command(&folder)
            .arg("--check-config")
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        drop(fs::remove_dir_all(&folder));
        checked.expect("the broker can be started").success()
    }

    fn command(&self, folder: &Path) -> Command {
        let program = self.program.as_deref().unwrap_or_else(|| program());
        let Some(descriptors) = self.as_ordinary_user_of else {
            return Command::new(program);
        };
        // The program may lie where other users cannot go: they get a copy.
        let copy = folder.join("ringwire");
        fs::copy(program, &copy).expect("the broker can be copied");
        let mut command = Command::new("sh");
        command.arg("-c");
        if is_root() {
            let user = unique_user();
            command.arg(format!(
                "ulimit -l 64 && ulimit -n {descriptors} && exec setpriv --reuid={user} --regid={user} \
                 --clear-groups --bounding-set=-all \"$0\" \"$@\""
            ));
        } else {
            command.arg(format!(
                "ulimit -l 64 && ulimit -n {descriptors} && exec \"$0\" \"$@\""
            ));
        }
        command.arg(copy);
        command
    }
}

impl Broker {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS, if it does.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file of its log, if it keeps one.
    pub fn log(&self) -> Option<&Path> {
        self.log.as_deref()
    }

    /// The process's resident memory in bytes, in small pages.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the broker is a process");
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = kib
            .and_then(|text| text.trim().strip_suffix(" kB"))
            .expect("the kernel counts it");
        kib.parse::<u64>().expect("a count of KiB") * 1024
    }

    /// How long each core's thread has run on a CPU.
    pub fn core_run_times(&self) -> Vec<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()))
            .expect("the broker is a process");
        tasks
            .filter_map(|task| {
                let task = task.ok()?.path();
                let name = fs::read_to_string(task.join("comm")).ok()?;
                let statistics = fs::read_to_string(task.join("schedstat")).ok()?;
                let run_ns = statistics.split(' ').next()?.parse().ok()?;
                name.starts_with("core-")
                    .then(|| Duration::from_nanos(run_ns))
            })
            .collect()
    }

    /// Asks the broker to stop.
    pub fn terminate(&mut self) {
        // The shell's own `kill`: the program of that name is not everywhere.
        let status = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the broker's process is there"
        );
    }

    /// Waits for the end of a broker that was asked to stop.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + STOPPED_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait().expect("the broker is our child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the broker did not stop in time");
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Stops the broker, which has to end with success.
    pub fn stop(mut self) {
        assert!(self.is_running(), "the broker ended by itself");
        self.terminate();
        assert_eq!(self.wait().code(), Some(0), "the broker ends with success");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// One HTTP request on a connection of its own; the whole answer.
    pub fn request(&self, head: &str, body: &[u8]) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(READY_WITHIN))?;
        let length = body.len();
        write!(
            stream,
            "{head} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        )?;
        stream.write_all(body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Publishes over HTTP; the message's position.
    pub fn publish(&self, topic: &str, body: &[u8]) -> String {
        let answer = self
            .request(&format!("POST /t/{topic}"), body)
            .expect("the broker answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        let answer: serde_json::Value = serde_json::from_str(body).expect("the answer is JSON");
        answer["at"]
            .as_str()
            .expect("the answer has a position")
            .to_owned()
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            assert!(self.is_running(), "the broker ended before it was ready");
            if self
                .request("GET /readyz", b"")
                .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
            {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "the broker was not ready in time"
            );
            thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.is_running() {
            self.terminate();
            let deadline = Instant::now() + STOPPED_WITHIN;
            while self.is_running() && Instant::now() < deadline {
                thread::sleep(LOOK_AGAIN);
            }
            // Already gone, or stuck: in both cases there is nobody to tell.
            drop(self.child.kill());
            drop(self.child.wait());
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The broker's program, built as these tests are: same folder, same profile.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("ringwire"))
}

/// The load generator's, built the same way.
pub fn load_generator() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("ringwire-load"))
}

fn built(binary: &str) -> PathBuf {
    let caller = std::env::current_exe().expect("a program has a path");
    // <target>/<profile>/deps/<test>, or <target>/<profile>/<program>
    let profile = caller
        .ancestors()
        .skip(1)
        .find(|folder| !folder.ends_with("deps"))
        .expect("cargo builds programs into a folder");
    let target = profile.parent().expect("cargo's folder has profiles");
    let name = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--bin", binary])
        .args(["--profile", name])
        .arg("--target-dir")
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{binary} builds");
    profile.join(binary)
}

/// The kernel counts locked memory by user: each broker with a limit is a user of its own.
fn unique_user() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    40_000 + std::process::id() % 10_000 + COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A folder for one broker, which other users may read.
fn unique_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder =
        std::env::temp_dir().join(format!("ringwire-tests-{}-{count}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder can be made");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    folder
}

/// Any port: one that was free a moment ago may be somebody else's now.
const ANY_PORT: &str = "127.0.0.1:0";

/// What a broker says of itself when it is there.
struct Announcement {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
}

/// Hears a broker to its end, so that it never waits for a reader; what it announces comes over the channel.
fn announced(said: ChildStdout) -> Receiver<Announcement> {
    let (announce, announced) = channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(said).lines().map_while(Result::ok);
        let before: Vec<String> = lines.by_ref().take_while(|line| line != "ready").collect();
        let url_of = |scheme: &str| {
            let rest = before.iter().find_map(|line| line.split_once(scheme))?.1;
            let end = rest.find(['/', ' ']).unwrap_or(rest.len());
            rest[..end].parse().ok()
        };
        if let Some(address) = url_of(" on http://") {
            let tls_address = url_of(" wss://");
            // Whoever waited may have given up.
            let _ = announce.send(Announcement {
                address,
                tls_address,
            });
        }
        lines.for_each(drop);
    });
    announced
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")))
}
