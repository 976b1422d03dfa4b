//! Masking and unmasking, which are the same XOR (RFC 6455 section 5.3).
//!
//! A payload may be handed over in any pieces: `offset` says where in the payload a piece begins,
//! and with it which byte of the key comes first. Short pieces are done by portable code; longer
//! ones by the widest vectors of this machine. A new architecture is one more file with `apply`,
//! `apply_copy` and `name`, and one more line here.
//!
//! Whether a frame has to be masked is for the protocol machine to say.

use alloc::vec::Vec;

mod portable;

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
#[allow(unsafe_code)]
#[path = "aarch64.rs"]
mod native;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[path = "x86.rs"]
mod native;
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
)))]
use portable as native;

use crate::limits::{MASK_SHORT_BYTES_MAX, MASK_VECTOR_BYTES_MAX};

/// Masks or unmasks `bytes` in place. They stand `offset` bytes into the payload.
#[inline]
pub fn apply(bytes: &mut [u8], key: [u8; 4], offset: usize) {
    let key = turned(key, offset);
    if bytes.len() <= MASK_SHORT_BYTES_MAX {
        portable::apply(bytes, key);
    } else {
        native::apply(bytes, key);
    }
}

/// Appends a masked or unmasked copy of `source` to `target`, in one pass. `source` stands
/// `offset` bytes into the payload.
#[inline]
pub fn apply_copy(source: &[u8], target: &mut Vec<u8>, key: [u8; 4], offset: usize) {
    let key = turned(key, offset);
    if source.len() < MASK_VECTOR_BYTES_MAX {
        portable::apply_copy(source, target, key);
    } else {
        native::apply_copy(source, target, key);
    }
}

/// The name of what does the longer pieces on this machine: "avx512", "avx2", "sse2", "neon" or
/// "portable".
pub fn kernel() -> &'static str {
    native::name()
}

/// The key as it begins `bytes` later in the payload.
#[inline]
fn turned(key: [u8; 4], bytes: usize) -> [u8; 4] {
    let turn = 8 * (bytes & 3) as u32;
    u32::from_le_bytes(key).rotate_right(turn).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    const LENGTH_MAX: usize = 300;
    const ALIGNMENTS: usize = 64;

    /// RFC 6455 section 5.3: octet i of the payload is XORed with octet i modulo 4 of the key.
    fn naive(bytes: &[u8], key: [u8; 4], offset: usize) -> Vec<u8> {
        let at = |(index, byte): (usize, &u8)| byte ^ key[(offset + index) % 4];
        bytes.iter().enumerate().map(at).collect()
    }

    type InPlace = Box<dyn Fn(&mut [u8], [u8; 4], usize)>;
    type Copying = Box<dyn Fn(&[u8], &mut Vec<u8>, [u8; 4], usize)>;

    struct Candidate {
        name: &'static str,
        bytes_min: usize,
        apply: InPlace,
        apply_copy: Copying,
    }

    /// Everything that can mask on this machine.
    fn candidates() -> Vec<Candidate> {
        let mut candidates = vec![
            Candidate {
                name: "public",
                bytes_min: 0,
                apply: Box::new(apply),
                apply_copy: Box::new(apply_copy),
            },
            Candidate {
                name: "portable",
                bytes_min: 0,
                apply: Box::new(|bytes, key, offset| portable::apply(bytes, turned(key, offset))),
                apply_copy: Box::new(|source, target, key, offset| {
                    portable::apply_copy(source, target, turned(key, offset));
                }),
            },
        ];
        candidates.extend(native_candidates());
        candidates
    }

    #[cfg(target_arch = "x86_64")]
    fn native_candidates() -> impl Iterator<Item = Candidate> {
        native::Kernel::available().map(|kernel| Candidate {
            name: kernel.name(),
            bytes_min: MASK_VECTOR_BYTES_MAX,
            apply: Box::new(move |bytes, key, offset| kernel.apply(bytes, turned(key, offset))),
            apply_copy: Box::new(move |source, target, key, offset| {
                kernel.apply_copy(source, target, turned(key, offset));
            }),
        })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn native_candidates() -> impl Iterator<Item = Candidate> {
        core::iter::once(Candidate {
            name: native::name(),
            bytes_min: MASK_VECTOR_BYTES_MAX,
            apply: Box::new(|bytes, key, offset| native::apply(bytes, turned(key, offset))),
            apply_copy: Box::new(|source, target, key, offset| {
                native::apply_copy(source, target, turned(key, offset));
            }),
        })
    }

    fn payload(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at * 167 + 13) as u8).collect()
    }

    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    #[test]
    fn the_widest_vectors_of_this_machine_are_used() {
        let widest = if std::is_x86_feature_detected!("avx512f") {
            "avx512"
        } else if std::is_x86_feature_detected!("avx2") {
            "avx2"
        } else {
            "sse2"
        };
        assert_eq!(kernel(), widest);
    }

    #[test]
    fn every_kernel_masks_as_the_naive_loop_does_and_touches_nothing_else() {
        let payload = payload(LENGTH_MAX);
        for candidate in candidates() {
            for length in candidate.bytes_min..=LENGTH_MAX {
                for offset in 0..4 {
                    let expected = naive(&payload[..length], KEY, offset);
                    for alignment in 0..ALIGNMENTS {
                        check(&candidate, &payload[..length], &expected, offset, alignment);
                    }
                }
            }
        }
    }

    /// Masks a piece in the midst of a buffer, and a copy behind what a vector holds already.
    fn check(candidate: &Candidate, piece: &[u8], expected: &[u8], offset: usize, margin: usize) {
        let case = (candidate.name, piece.len(), offset, margin);
        let end = margin + piece.len();

        let mut buffer = [0x5a; LENGTH_MAX + 2 * ALIGNMENTS];
        buffer[margin..end].copy_from_slice(piece);
        (candidate.apply)(&mut buffer[margin..end], KEY, offset);
        assert_eq!(&buffer[margin..end], expected, "{case:?}");
        assert!(
            buffer[..margin].iter().all(|&byte| byte == 0x5a),
            "{case:?}"
        );
        assert!(buffer[end..].iter().all(|&byte| byte == 0x5a), "{case:?}");

        let mut target = vec![0x5a; margin];
        (candidate.apply_copy)(piece, &mut target, KEY, offset);
        assert_eq!(&target[margin..], expected, "{case:?}");
        assert!(
            target[..margin].iter().all(|&byte| byte == 0x5a),
            "{case:?}"
        );
    }

    #[test]
    fn a_key_of_zeros_changes_nothing() {
        for candidate in candidates() {
            let mut bytes = payload(LENGTH_MAX);
            (candidate.apply)(&mut bytes, [0; 4], 1);
            assert_eq!(bytes, payload(LENGTH_MAX), "{}", candidate.name);
        }
    }

    #[test]
    fn the_key_goes_on_where_the_largest_offset_left_it() {
        for before_end in 0..4 {
            let offset = usize::MAX - before_end;
            let mut bytes = [0; 100];
            apply(&mut bytes, KEY, offset);
            assert_eq!(bytes[0], KEY[offset % 4]);
            assert_eq!(bytes[99], KEY[(offset % 4 + 99) % 4]);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_widest_kernel_of_the_machine_is_chosen() {
        assert_eq!(
            Some(kernel()),
            native::Kernel::available().map(native::Kernel::name).next()
        );
    }

    proptest! {
        #[test]
        fn masking_twice_gives_the_payload_back(
            mut bytes in prop::collection::vec(any::<u8>(), 0..2000),
            key in any::<[u8; 4]>(),
            offset in any::<usize>(),
        ) {
            let mut copy = Vec::new();
            apply_copy(&bytes, &mut copy, key, offset);
            apply(&mut copy, key, offset);
            prop_assert_eq!(&copy, &bytes);
            apply(&mut bytes, key, offset);
            apply(&mut bytes, key, offset);
            prop_assert_eq!(&copy, &bytes);
        }

        #[test]
        fn a_payload_may_come_in_any_pieces(
            whole in prop::collection::vec(any::<u8>(), 0..2000),
            key in any::<[u8; 4]>(),
            mut cuts in prop::collection::vec(0..2000_usize, 0..6),
        ) {
            cuts.extend([0, whole.len()]);
            cuts.retain(|&cut| cut <= whole.len());
            cuts.sort_unstable();
            let mut in_place = whole.clone();
            let mut copy = Vec::new();
            for cut in cuts.windows(2) {
                apply(&mut in_place[cut[0]..cut[1]], key, cut[0]);
                apply_copy(&whole[cut[0]..cut[1]], &mut copy, key, cut[0]);
            }
            prop_assert_eq!(&in_place, &naive(&whole, key, 0));
            prop_assert_eq!(&copy, &in_place);
        }
    }
}
