//! A server under test: a process on CPU 0 that is there for one run and gone after it, whatever happens.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use super::check_interruption;

const READY_WITHIN: Duration = Duration::from_secs(10);
const ENDED_WITHIN: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The CPU that servers are pinned to.
const CPU: &str = "0";

/// A server that runs, and ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    /// The process that does the work: itself, or its worker.
    worker: u32,
}

impl Server {
    /// Starts it and waits until it listens, and until its worker is there if it has one.
    pub(super) fn start(
        command: &mut Command,
        address: SocketAddr,
        has_worker: bool,
    ) -> Result<Server, String> {
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("could not be started: {error}"))?;
        let worker = process.id();
        let mut server = Server { process, worker };
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            check_interruption()?;
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(format!("ended at its start ({status})"));
            }
            if server.is_ready(address, has_worker) {
                return Ok(server);
            }
            thread::sleep(LOOK_AGAIN);
        }
        Err(format!(
            "did not listen on {address} within {} s",
            READY_WITHIN.as_secs()
        ))
    }

    /// The process whose CPU time and memory count.
    pub(super) fn worker(&self) -> u32 {
        self.worker
    }

    fn is_ready(&mut self, address: SocketAddr, has_worker: bool) -> bool {
        if has_worker {
            match child_of(self.process.id()) {
                Some(worker) => self.worker = worker,
                None => return false,
            }
        }
        TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        // Asked first: a master that is killed leaves its worker behind.
        let pid = self.process.id().to_string();
        let _ = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &pid])
            .status();
        let begun = Instant::now();
        while begun.elapsed() < ENDED_WITHIN {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The beginning of a server's command line: as many descriptors as the system gives, an end with the one who
/// started it, the servers' CPU, and precedence there over everything else where the system allows it.
pub(super) fn pinned(program: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -n \"$(ulimit -H -n)\"; exec \"$0\" \"$@\""]);
    command.args(["setpriv", "--pdeathsig", "TERM", "taskset", "-c", CPU]);
    if has_real_time() {
        command.args(["chrt", "-f", "10"]);
    }
    command.arg(program);
    command
}

/// Whether the system lets us go before other processes.
pub(super) fn has_real_time() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| {
        Command::new("chrt")
            .args(["-f", "10", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    *HAS
}

/// The first process that `pid` has started.
fn child_of(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::programs::free_address;

    /// A server that never listens, or ends at once, is an error and leaves nothing behind.
    #[test]
    fn a_server_that_ends_at_once_is_an_error() {
        let address = free_address().expect("loopback has ports");
        let outcome = Server::start(&mut Command::new("false"), address, false);
        assert!(
            outcome
                .expect_err("it ended")
                .contains("ended at its start")
        );
    }

    /// The worker is the child of a master, and both end with the value.
    #[test]
    fn the_worker_is_the_one_that_counts() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & trap 'kill $!' TERM; wait"]);
        let server = Server::start(&mut command, address, true).expect("both are there");
        let (master, worker) = (server.process.id(), server.worker());
        assert_ne!(master, worker);
        drop(server);
        assert!(!fs::exists(format!("/proc/{master}")).expect("/proc is there"));
    }
}
