//! Masking in safe code without a run-time choice: the short pieces of every machine, and all
//! pieces where no kernel exists.
//!
//! A piece of N to 2N bytes is its first N and its last N bytes. They may overlap, so both are
//! read before either is written. The arrays have a constant length: the compiler turns each into
//! one or two of the target's baseline vectors.

use alloc::vec::Vec;

use super::turned;
use crate::limits::MASK_SHORT_BYTES_MAX;

/// Bytes that a long piece is done in, until a short one is left. Keeps the key's phase.
const BLOCK_BYTES: usize = 32;

const _: () = assert!(2 * BLOCK_BYTES == MASK_SHORT_BYTES_MAX && BLOCK_BYTES.is_multiple_of(4));

#[inline]
pub(super) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    if bytes.len() > MASK_SHORT_BYTES_MAX {
        return apply_long(bytes, key);
    }
    match bytes.len() {
        BLOCK_BYTES.. => apply_ends::<BLOCK_BYTES>(bytes, key),
        16.. => apply_ends::<16>(bytes, key),
        8.. => apply_ends::<8>(bytes, key),
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
    let (blocks, rest) = bytes.as_chunks_mut::<BLOCK_BYTES>();
    for block in blocks {
        xor(block, key);
    }
    apply(rest, key);
}

/// N to 2N bytes.
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

#[inline]
fn xor<const N: usize>(block: &mut [u8; N], key: [u8; 4]) {
    for (at, byte) in block.iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
}
