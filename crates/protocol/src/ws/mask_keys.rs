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
        let mut hash = SipHasher13::new_with_keys(self.seed, 0);
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

    /// RFC 6455 section 5.3: a key "MUST NOT make it simple [...] to predict the masking key for a
    /// subsequent frame". A counter, however it is scrambled with a constant, would be: its steps
    /// repeat, by difference or by exclusive or. And every bit of a key is as often set as not.
    #[test]
    fn a_key_does_not_tell_the_next() {
        let mut generator = MaskKeys::new(1);
        let keys: Vec<u32> = (0..1024)
            .map(|_| u32::from_le_bytes(generator.next()))
            .collect();
        let steps: HashSet<_> = keys.windows(2).map(|pair| pair[0] ^ pair[1]).collect();
        let differences: HashSet<_> = keys
            .windows(2)
            .map(|pair| pair[1].wrapping_sub(pair[0]))
            .collect();
        assert!(steps.len() > 1020 && differences.len() > 1020);
        for bit in 0..32 {
            let set = keys.iter().filter(|key| *key >> bit & 1 == 1).count();
            assert!((400..624).contains(&set), "bit {bit}: {set} of 1024");
        }
    }
}
