//! Masking in safe code without a run-time choice: the short pieces of every machine, and all
//! pieces where no kernel exists.
//!
//! A short piece of N to 2N bytes is its first N and its last N bytes. They may overlap, so both
//! are read before either is written. The arrays have a constant length: the compiler turns each
//! into a few of the target's baseline vectors.

use alloc::vec::Vec;

use super::turned;
use crate::limits::MASK_SHORT_BYTES_MAX;

const _: () = assert!(MASK_SHORT_BYTES_MAX == 2 * 64, "the largest N below");

// Always: the lengths are tested where the piece's own length is known best, and below some ten
// bytes a call costs as much as the work.
#[inline(always)]
pub(super) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    match bytes.len() {
        129.. => apply_long(bytes, key),
        65.. => apply_ends::<64>(bytes, key),
        33.. => apply_ends::<32>(bytes, key),
        17.. => apply_ends::<16>(bytes, key),
        9.. => apply_ends::<8>(bytes, key),
        4.. => apply_ends::<4>(bytes, key),
        _ => {
            for (byte, key) in bytes.iter_mut().zip(key) {
                *byte ^= key;
            }
        }
    }
}

#[inline]
pub(super) fn apply_copy(source: &[u8], target: &mut Vec<u8>, key: [u8; 4]) {
    target.reserve(source.len());
    // Each piece is masked while it is in the nearest cache.
    for piece in source.chunks(MASK_SHORT_BYTES_MAX) {
        let at = target.len();
        target.extend_from_slice(piece);
        apply(&mut target[at..], key);
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
)))]
pub(super) fn name() -> &'static str {
    "portable"
}

fn apply_long(bytes: &mut [u8], key: [u8; 4]) {
    for piece in bytes.chunks_mut(MASK_SHORT_BYTES_MAX) {
        apply(piece, key);
    }
}

/// `bytes` are N to 2N, and N is a multiple of 4.
#[inline]
fn apply_ends<const N: usize>(bytes: &mut [u8], key: [u8; 4]) {
    let last_at = bytes.len() - N;
    let mut first = [0; N];
    let mut last = [0; N];
    first.copy_from_slice(&bytes[..N]);
    last.copy_from_slice(&bytes[last_at..]);
    xor(&mut first, key);
    xor(&mut last, turned(key, last_at));
    bytes[..N].copy_from_slice(&first);
    bytes[last_at..].copy_from_slice(&last);
}

/// Whole keys rather than bytes: the compiler spreads them over a vector.
#[inline]
fn xor<const N: usize>(block: &mut [u8; N], key: [u8; 4]) {
    let key = u32::from_ne_bytes(key);
    for word in block.as_chunks_mut::<4>().0 {
        *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
}
