//! Drivers on a machine that is short of something.
//!
//! A limit holds for a whole process. Tests that need one run themselves again, as a child under that limit, and the
//! child does the work.

use crate::node::{Event, Node};
use reactor::Driver;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

/// Set in the child.
const CHILD: &str = "RINGWIRE_UNDER_LIMIT";

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test `name` again under `limit`, a shell's word, without privileges if `unprivileged`. The child must
/// pass.
pub(crate) fn run_under(limit: &str, name: &str, unprivileged: bool) {
    let program = std::env::current_exe().unwrap();
    let script = format!("{limit} && exec \"$0\" --exact \"$1\" --nocapture");
    let mut command = if unprivileged && is_root() {
        let mut setpriv = Command::new("setpriv");
        setpriv.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
            "sh",
        ]);
        setpriv
    } else {
        Command::new("sh")
    };
    let child = command
        .args(["-c", &script])
        .arg(&program)
        .arg(name)
        .env(CHILD, "1")
        .output();
    let output = match child {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: cannot run the child ({error})"),
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    // The shell's answers when it cannot run the program, or the limit may not be set.
    if matches!(output.status.code(), Some(2 | 126 | 127)) {
        return eprintln!("skipped: the child cannot be started here: {said}");
    }
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

fn is_root() -> bool {
    let owner = std::fs::metadata("/proc/self")
        .map(|process| std::os::unix::fs::MetadataExt::uid(&process));
    owner.is_ok_and(|owner| owner == 0)
}

/// Runs in a child with few descriptors: a listener that finds none waits, and takes who waited when there are some.
pub(crate) fn accepting_waits_for_descriptors<D: Driver>(mut server: Node<D>) {
    let address = server.listen();
    // The clients' ends leave no descriptor for the server's.
    let mut far = Vec::new();
    while let Ok(stream) = TcpStream::connect(address) {
        far.push(stream);
    }
    server.turn_until(|server| server.saw(&Event::AcceptFailed));
    assert!(server.accepted.len() < far.len());
    // The later half of the clients leaves room for the earlier half, who called first.
    far.truncate(far.len() / 2);
    server.turn_until(|server| server.accepted.len() >= far.len());
    let near = server.driver.adopt(server.accepted.remove(0));
    server.driver.receive(near);
    far[0].write_all(b"waited").unwrap();
    server.turn_until(|server| server.received(near) == b"waited");
    let failures = server.driver.counters().accept_failures;
    assert!(
        (1..50).contains(&failures),
        "{failures} failures: it did not wait in between"
    );
}
