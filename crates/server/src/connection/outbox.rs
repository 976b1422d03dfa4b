//! What is waiting for one client alone: handshake, answers, replays, pongs, the Close frame.
//!
//! Small answers are written one behind the other into one tail; shared bytes (a replay) are kept
//! by reference, in their place in the order. An empty outbox owns no memory.

use std::collections::VecDeque;

use bytes::Bytes;

/// Bytes for one client, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    sealed: VecDeque<Bytes>,
    tail: Vec<u8>,
    sealed_bytes: usize,
}

impl Outbox {
    /// Where answers are written.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Queues shared bytes behind everything written so far.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.seal();
        self.sealed_bytes += bytes.len();
        self.sealed.push_back(bytes);
    }

    /// Bytes waiting.
    pub(super) fn bytes(&self) -> usize {
        self.sealed_bytes + self.tail.len()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// Moves what is waiting to `pieces`, whole pieces in order, at most `pieces_max` of them and,
    /// after the first, `bytes_max` bytes. Returns the bytes moved.
    pub(super) fn drain_into(
        &mut self,
        pieces: &mut Vec<Bytes>,
        pieces_max: usize,
        bytes_max: usize,
    ) -> usize {
        self.seal();
        let mut moved = 0;
        for _ in 0..pieces_max {
            match self.sealed.front() {
                Some(next) if moved == 0 || moved + next.len() <= bytes_max => moved += next.len(),
                _ => break,
            }
            pieces.extend(self.sealed.pop_front());
        }
        self.sealed_bytes -= moved;
        if self.sealed.is_empty() {
            self.sealed = VecDeque::new();
        }
        moved
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.sealed_bytes += self.tail.len();
            self.sealed
                .push_back(Bytes::from(std::mem::take(&mut self.tail)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_bytes_keep_their_place_between_answers() {
        let mut outbox = Outbox::default();
        outbox.tail().extend_from_slice(b"one");
        outbox.push(Bytes::from_static(b"two"));
        outbox.tail().extend_from_slice(b"three");
        assert_eq!(outbox.bytes(), 11);
        let mut pieces = Vec::new();
        assert_eq!(outbox.drain_into(&mut pieces, 2, 100), 6);
        assert_eq!(outbox.drain_into(&mut pieces, 2, 100), 5);
        assert_eq!(pieces.concat(), b"onetwothree");
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_piece_over_the_bound_still_goes_alone() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from(vec![0; 10]));
        outbox.push(Bytes::from(vec![0; 10]));
        let mut pieces = Vec::new();
        assert_eq!(outbox.drain_into(&mut pieces, 8, 5), 10);
        assert_eq!(outbox.bytes(), 10);
    }
}
