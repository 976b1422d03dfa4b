//! Masking with NEON, which every aarch64 target of ours has: there is nothing to detect.
//!
//! The algorithm is that of the x86-64 kernels. The first and the last vector are read and masked
//! before anything is written, the middle goes from vector to vector, and the two ends are stored
//! over what the middle may have written there: the same bytes. So no byte is masked twice in
//! place, and there is no loop over single bytes. Unaligned stores cost little here.

use alloc::vec::Vec;
use core::arch::aarch64::*;

use super::turned;

const W: usize = size_of::<uint8x16_t>();

pub(super) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    let target = bytes.as_mut_ptr();
    // SAFETY: source and target are the same exclusively borrowed bytes; this module is compiled
    // only where NEON is there.
    unsafe { run(target, target, bytes.len(), key) }
}

pub(super) fn apply_copy(source: &[u8], target: &mut Vec<u8>, key: [u8; 4]) {
    target.reserve(source.len());
    let spare = target.spare_capacity_mut().as_mut_ptr().cast::<u8>();
    // SAFETY: the spare capacity holds `source.len()` bytes, and nothing else refers to it; NEON
    // as above.
    unsafe { run(source.as_ptr(), spare, source.len(), key) }
    // SAFETY: `run` has written each of the `source.len()` bytes behind the old length.
    unsafe { target.set_len(target.len() + source.len()) }
}

pub(super) fn name() -> &'static str {
    "neon"
}

/// # Safety
///
/// `source` can be read and `target` written for `length` bytes; they are the same address or do
/// not overlap. The target has NEON. All `length` bytes of `target` are written.
#[target_feature(enable = "neon")]
unsafe fn run(source: *const u8, target: *mut u8, length: usize, key: [u8; 4]) {
    assert!(length >= W, "a short piece is not the kernel's");
    let masked = |at: usize, key: uint8x16_t| {
        // SAFETY: every caller below has `at + W <= length`.
        veorq_u8(unsafe { vld1q_u8(source.add(at)) }, key)
    };
    let last_at = length - W;
    let key_of_first = splat(key);
    let first = masked(0, key_of_first);
    let last = masked(last_at, splat(turned(key, last_at)));

    let mut at = W;
    while at + 4 * W <= length {
        let four = [0, 1, 2, 3].map(|vector| masked(at + vector * W, key_of_first));
        for vector in four {
            // SAFETY: the four vectors end within `length`.
            unsafe { vst1q_u8(target.add(at), vector) }
            at += W;
        }
    }
    while at + W <= length {
        let vector = masked(at, key_of_first);
        // SAFETY: the vector ends within `length`.
        unsafe { vst1q_u8(target.add(at), vector) }
        at += W;
    }
    // SAFETY: both stores lie within `length`.
    unsafe {
        vst1q_u8(target.add(last_at), last);
        vst1q_u8(target, first);
    }
}

/// The key four times over.
#[target_feature(enable = "neon")]
fn splat(key: [u8; 4]) -> uint8x16_t {
    vreinterpretq_u8_u32(vdupq_n_u32(u32::from_ne_bytes(key)))
}
