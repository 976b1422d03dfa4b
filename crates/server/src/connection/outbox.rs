//! What is waiting for one client alone: handshake, answers, replays, pongs, the Close frame.
//!
//! Small answers are written one behind the other into one tail; shared bytes (a replay) are kept
//! by reference, in their place in the order. An empty outbox owns no memory.

use std::collections::VecDeque;

use bytes::Bytes;

/// Bytes for one client, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox(Option<Box<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    sealed: VecDeque<Bytes>,
    sealed_bytes: usize,
    /// Behind everything that is sealed.
    tail: Vec<u8>,
}

impl Outbox {
    /// Where answers are written.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.0.get_or_insert_default().tail
    }

    /// Queues shared bytes behind everything written so far.
    pub(super) fn push(&mut self, bytes: Bytes) {
        let waiting = self.0.get_or_insert_default();
        waiting.seal();
        waiting.sealed_bytes += bytes.len();
        waiting.sealed.push_back(bytes);
    }

    /// Bytes waiting.
    pub(super) fn bytes(&self) -> usize {
        let waiting = self.0.as_ref();
        waiting.map_or(0, |waiting| waiting.sealed_bytes + waiting.tail.len())
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// Moves what is waiting to `pieces`, whole pieces in order, at most `pieces_max` of them and,
    /// after the first, `bytes_max` bytes; none if that is 0. Returns the bytes moved.
    pub(super) fn drain_into(
        &mut self,
        pieces: &mut Vec<Bytes>,
        pieces_max: usize,
        bytes_max: usize,
    ) -> usize {
        let Some(waiting) = self.0.as_mut().filter(|_| bytes_max > 0) else {
            return 0;
        };
        waiting.seal();
        let mut moved = 0;
        for _ in 0..pieces_max {
            match waiting.sealed.front() {
                Some(next) if moved == 0 || moved + next.len() <= bytes_max => moved += next.len(),
                _ => break,
            }
            pieces.extend(waiting.sealed.pop_front());
        }
        waiting.sealed_bytes -= moved;
        if waiting.sealed.is_empty() {
            self.0 = None;
        }
        moved
    }
}

impl Waiting {
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
        assert_eq!(outbox.drain_into(&mut pieces, 8, 0), 0);
        assert_eq!(outbox.drain_into(&mut pieces, 8, 5), 10);
        assert_eq!(outbox.bytes(), 10);
    }
}
