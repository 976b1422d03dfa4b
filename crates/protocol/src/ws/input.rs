//! Bytes that arrived for a WebSocket connection, consumed from the front.
//!
//! It borrows the receive buffer mutably, because payloads are unmasked where they lie, and gives
//! pieces out for as long as that buffer lives: a message needs no copy to leave the machine.

/// Bytes that arrived.
#[derive(Debug)]
pub struct Input<'i> {
    bytes: &'i mut [u8],
}

impl<'i> Input<'i> {
    /// All of `bytes`, to be unmasked in place as they are consumed.
    pub fn new(bytes: &'i mut [u8]) -> Self {
        Self { bytes }
    }

    /// Whether everything was consumed.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that were not consumed.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn peek(&self) -> &[u8] {
        self.bytes
    }

    /// Takes the first `length` bytes, which must be there.
    pub(super) fn take(&mut self, length: usize) -> &'i mut [u8] {
        let (taken, rest) = std::mem::take(&mut self.bytes).split_at_mut(length);
        self.bytes = rest;
        taken
    }

    pub(super) fn discard(&mut self) {
        self.bytes = &mut [];
    }
}
