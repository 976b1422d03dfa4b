//! The mask keys of a client's frames (RFC 6455 section 5.3 and 10.3).
//!
//! Whoever chooses a payload must not foresee its key, or they choose bytes on the wire. So keys
//! are SipHash of a counter under a seed that the caller drew from the operating system: seen keys
//! do not tell the next one, and a key costs no system call.

use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

/// The generator of one connection.
#[derive(Clone, Debug)]
pub(super) struct MaskKeys {
    seed: u64,
    frames: u64,
}

impl MaskKeys {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, frames: 0 }
    }

    pub(super) fn next(&mut self) -> [u8; 4] {
        let mut hash = SipHasher13::new_with_keys(self.seed, !self.seed);
        hash.write_u64(self.frames);
        self.frames = self.frames.wrapping_add(1);
        let [a, b, c, d, ..] = hash.finish().to_le_bytes();
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_differ_between_frames_and_between_seeds() {
        let keys: HashSet<_> = (0..4)
            .flat_map(|seed| {
                let mut keys = MaskKeys::new(seed);
                (0..64).map(move |_| keys.next())
            })
            .collect();
        assert_eq!(keys.len(), 4 * 64);
    }
}
