//! Bytes that arrived before they could be looked at: behind a request that waits for its answer,
//! before the 101, or behind more answers than the client takes.
//!
//! A connection that holds much is not read from, so this is bounded by what was under way when
//! reading stopped. Nothing held owns no memory.

/// Held bytes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Held(Option<Box<Bytes>>);

#[derive(Debug, Default)]
struct Bytes {
    bytes: Vec<u8>,
    /// The first that was not taken.
    start: usize,
    /// The peer's end came behind them.
    ended: bool,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let held = self.0.as_ref();
        held.map_or(0, |held| held.bytes.len() - held.start)
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let held = self.0.get_or_insert_default();
            if held.start > 0 && held.bytes.len() + bytes.len() > held.bytes.capacity() {
                // What was looked at makes room. A client that asks as fast as it is answered always
                // has something that waits, and this would hold all that it ever said.
                held.bytes.drain(..held.start);
                held.start = 0;
            }
            held.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Some(held) => &mut held.bytes[held.start..],
            None => &mut [],
        }
    }

    /// The first `count` were looked at. Nothing moves: many small requests may lie here.
    pub(super) fn advance(&mut self, count: usize) {
        if let Some(held) = &mut self.0 {
            held.start += count;
            if held.start == held.bytes.len() {
                self.0 = None;
            }
        }
    }

    /// The peer's end came. Whether it is behind something that is held.
    pub(super) fn end(&mut self) -> bool {
        match &mut self.0 {
            Some(held) => {
                held.ended = true;
                true
            }
            None => false,
        }
    }

    /// Whether the peer's end is behind what is held.
    pub(super) fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|held| held.ended)
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
        assert!(held.is_empty());
        assert_eq!(held.as_mut(), b"");
    }

    /// Whoever sends as fast as it is answered is never without something that waits.
    #[test]
    fn what_was_looked_at_is_given_back_though_others_always_come() {
        let mut held = Held::default();
        held.push(&[0; 1000]);
        for _ in 0..1000 {
            held.push(&[0; 1000]);
            held.advance(1000);
            let capacity = held.0.as_ref().map(|held| held.bytes.capacity());
            assert!(capacity.is_some_and(|bytes| bytes <= 4000), "{capacity:?}");
        }
        assert_eq!(held.len(), 1000);
    }
}
