//! What a completion is about, packed into the 64 bits that the kernel carries along.
//!
//! `operation (8) | generation (24) | index (32)`. The generation only confirms: a slot is used again when nothing of
//! it is in flight, so that a completion of a former user cannot exist, except for cancellations.

/// The generation has 24 bits in a token, so everywhere.
pub(super) const GENERATION_MASK: u32 = 0x00ff_ffff;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Operation {
    Receive = 1,
    Send = 2,
    Connect = 3,
    Accept = 4,
    /// Cancelling a receive; the index is the socket's.
    CancelReceive = 5,
    /// Cancelling an accept; the index is the listener's.
    CancelAccept = 6,
    /// The poll of the event that other threads raise.
    Event = 7,
    /// A message from another ring.
    Wake = 8,
    /// Whatever it came to, nobody asks.
    Unheard = 9,
    /// Shutting down one direction of a direct descriptor; the index is the socket's.
    Shutdown = 10,
    /// Cancelling what a closing socket has in flight; the index is the socket's.
    CancelClosing = 11,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) operation: Operation,
    pub(super) generation: u32,
    pub(super) index: u32,
}

impl Token {
    pub(super) const fn new(operation: Operation, generation: u32, index: u32) -> Self {
        Self {
            operation,
            generation,
            index,
        }
    }

    /// For operations that belong to the ring as a whole.
    pub(super) const fn of_ring(operation: Operation) -> Self {
        Self::new(operation, 0, 0)
    }

    pub(super) const fn to_bits(self) -> u64 {
        (self.operation as u64) << 56
            | ((self.generation & GENERATION_MASK) as u64) << 32
            | self.index as u64
    }

    /// `None` for bits that none of our operations carries.
    pub(super) const fn from_bits(bits: u64) -> Option<Self> {
        let operation = match bits >> 56 {
            1 => Operation::Receive,
            2 => Operation::Send,
            3 => Operation::Connect,
            4 => Operation::Accept,
            5 => Operation::CancelReceive,
            6 => Operation::CancelAccept,
            7 => Operation::Event,
            8 => Operation::Wake,
            9 => Operation::Unheard,
            10 => Operation::Shutdown,
            11 => Operation::CancelClosing,
            _ => return None,
        };
        let generation = (bits >> 32) as u32 & GENERATION_MASK;
        Some(Self::new(operation, generation, bits as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_survives_the_kernel() {
        for code in 0..=255_u64 {
            let bits = code << 56 | 0x00ab_cdef << 32 | 0xffff_fffe;
            match Token::from_bits(bits) {
                Some(token) => {
                    assert_eq!(token.operation as u64, code);
                    assert_eq!((token.generation, token.index), (0x00ab_cdef, 0xffff_fffe));
                    assert_eq!(token.to_bits(), bits);
                }
                None => assert!(!(1..=11).contains(&code)),
            }
        }
    }
}
