//! What compressed messages of a peer that keeps its context may refer to: the end of what it said.
//!
//! It is plain text, as much as the peer's window reaches over, and nothing of a decoder's state: so
//! a context costs its window and no more, and nothing until its peer sends something compressed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The end of what one peer said.
#[derive(Clone)]
pub(super) struct History {
    plain: Vec<u8>,
    window_bytes: usize,
    /// While it is counted.
    _lease: Option<Lease>,
}

impl History {
    /// Empty, for a window of so many bytes.
    pub(super) fn new(window_bytes: usize) -> Self {
        Self {
            plain: Vec::new(),
            window_bytes,
            _lease: None,
        }
    }

    /// From now on it counts, whatever it holds.
    pub(super) fn count(&mut self, contexts: &Contexts) {
        self._lease = Some(contexts.lease(self.window_bytes));
    }

    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// A message follows.
    pub(super) fn push(&mut self, message: &[u8]) {
        let message = &message[message.len().saturating_sub(self.window_bytes)..];
        let together = self.plain.len() + message.len();
        self.plain
            .drain(..together.saturating_sub(self.window_bytes));
        self.plain.reserve_exact(message.len());
        self.plain.extend_from_slice(message);
    }
}

/// How much there is, not what: no log is to show a payload.
impl fmt::Debug for History {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("History")
            .field("bytes", &self.plain.len())
            .field("window_bytes", &self.window_bytes)
            .finish()
    }
}

/// How many bytes the contexts of many connections may come to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Contexts(Arc<AtomicUsize>);

impl Contexts {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn lease(&self, bytes: usize) -> Lease {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        let contexts = self.clone();
        Lease { contexts, bytes }
    }
}

/// One context's part of that, given back when it is dropped.
#[derive(Debug)]
struct Lease {
    contexts: Contexts,
    bytes: usize,
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        self.contexts.lease(self.bytes)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.contexts.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_end_of_what_was_said_and_no_more_memory_than_that() {
        let mut history = History::new(8);
        for (message, held) in [
            ("abc", "abc"),
            ("", "abc"),
            ("defgh", "abcdefgh"),
            ("ij", "cdefghij"),
            ("0123456789", "23456789"),
        ] {
            history.push(message.as_bytes());
            assert_eq!(history.plain(), held.as_bytes());
            assert!(history.plain.capacity() <= 8);
        }
    }

    #[test]
    fn what_is_counted_is_given_back() {
        let contexts = Contexts::default();
        let mut history = History::new(1000);
        history.count(&contexts);
        let twice = history.clone();
        assert_eq!(contexts.bytes(), 2000);
        drop(history);
        assert_eq!(contexts.bytes(), 1000);
        drop(twice);
        assert_eq!(contexts.bytes(), 0);
    }
}
