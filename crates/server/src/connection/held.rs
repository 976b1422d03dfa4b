//! Bytes that arrived before they could be looked at: behind a request that waits for its answer,
//! before the 101, or behind more answers than the client takes.
//!
//! A connection that holds much is not read from, so this is bounded by what was under way when
//! reading stopped. Nothing held owns no memory.

/// Held bytes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    /// The first that was not taken.
    start: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// The first `count` were looked at. Nothing moves: many small requests may lie here.
    pub(super) fn advance(&mut self, count: usize) {
        self.start += count;
        if self.start == self.bytes.len() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_from_the_front_while_others_come() {
        let mut held = Held::default();
        held.push(b"abc");
        held.advance(2);
        held.push(b"d");
        assert_eq!(held.len(), 2);
        assert_eq!(held.as_mut(), b"cd");
        held.advance(2);
        assert!(held.is_empty() && held.bytes.capacity() == 0);
    }
}
