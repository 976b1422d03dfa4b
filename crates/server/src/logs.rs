//! Structured logs on standard error: one line for an event of the process or the end of a
//! connection, never one for a message, and never a payload, a token or a query string.
//!
//! Lines are written by a thread of their own. A core must not wait for whoever reads them: if
//! nobody does, a pipe is full after a few hundred, and lines are lost, which is said when they
//! flow again. That thread writes what there is, then pauses: to wake it for each line costs the
//! core more than the line, and who attacks chooses how many there are.

use std::io::{self, IsTerminal, Write};
use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Lines that wait to be written.
const LINES_MAX: usize = 1024;

/// How long the writing thread lets lines gather after it has written some.
const PAUSE: Duration = Duration::from_millis(5);

/// How long the end of the process waits for its last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

static STARTED: OnceLock<Lines> = OnceLock::new();

/// Starts logging.
///
/// # Errors
/// Says what is wrong with the filter.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| format!("log.level = \"{}\": {error}", log.level))?;
    let lines = Lines::written_to(io::stderr())
        .map_err(|error| format!("cannot start a thread for logs: {error}"))?;
    let writer = STARTED.get_or_init(|| lines).clone();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || writer.clone())
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| format!("cannot start logging: {error}"))
}

/// Waits a moment for the lines so far: the process is about to end.
pub(crate) fn flush() {
    let (done, written) = sync_channel(1);
    if let Some(lines) = STARTED.get()
        && lines.queue.try_send(Entry::Flush(done)).is_ok()
    {
        let _ = written.recv_timeout(FLUSH_TIMEOUT);
    }
}

enum Entry {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The way to the writing thread. Each write is one line.
#[derive(Clone)]
struct Lines {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Lines {
    fn written_to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, entries) = sync_channel(LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let lines = Self {
            queue,
            lost: lost.clone(),
        };
        thread::Builder::new()
            .name("log".into())
            .spawn(move || write(out, &entries, &lost))?;
        Ok(lines)
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The writing thread. A line that cannot be written is nobody's to hear of.
fn write(mut out: impl Write, entries: &Receiver<Entry>, lost: &AtomicU64) {
    while let Ok(first) = entries.recv() {
        let mut lines = Vec::new();
        let mut flushed = Vec::new();
        for entry in iter::once(first).chain(entries.try_iter().take(LINES_MAX)) {
            match entry {
                Entry::Line(line) => lines.extend(line),
                Entry::Flush(done) => flushed.push(done),
            }
        }
        let _ = out.write_all(&lines);
        for done in flushed {
            let _ = done.try_send(());
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "log lines were lost: standard error was not read");
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// Writes nothing before it is allowed to.
    struct Stuck(Receiver<()>, SyncSender<Vec<u8>>);

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            let _ = self.1.send(line.to_vec());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_who_does_not_read() {
        let (allow, allowed) = channel();
        let (wrote, written) = sync_channel(2 * LINES_MAX);
        let mut lines = Lines::written_to(Stuck(allowed, wrote)).unwrap();
        for number in 0..2 * LINES_MAX + 100 {
            lines.write_all(format!("{number} ").as_bytes()).unwrap();
        }
        // As many as may wait, and one, may be in the writer's hands.
        assert!(lines.lost.load(Ordering::Relaxed) >= 99);
        drop(allow);
        let mut text = Vec::new();
        while !text.starts_with(b"0 1 2 ") {
            text.extend(written.recv().unwrap());
        }
    }

    #[test]
    fn a_flood_of_lines_is_written_in_a_few_pieces_and_the_first_at_once() {
        let (allow, allowed) = channel();
        drop(allow);
        let (wrote, written) = sync_channel(2 * LINES_MAX);
        let mut lines = Lines::written_to(Stuck(allowed, wrote)).unwrap();
        lines.write_all(b"first\n").unwrap();
        assert_eq!(written.recv().unwrap(), b"first\n");
        // The thread pauses; what comes meanwhile is one piece.
        for _ in 0..LINES_MAX / 2 {
            lines.write_all(b"line\n").unwrap();
        }
        let (mut bytes, mut pieces) = (0, 0);
        while bytes < LINES_MAX / 2 * b"line\n".len() {
            bytes += written.recv().unwrap().len();
            pieces += 1;
        }
        assert!(pieces < LINES_MAX / 16, "{pieces}");
        assert_eq!(lines.lost.load(Ordering::Relaxed), 0);
    }
}
