//! Masking and unmasking, which are the same XOR (RFC 6455 section 5.3).
//!
//! A payload may be handed over in any pieces: `offset` says where in the payload a piece begins,
//! and with it which byte of the key comes first. Short pieces are done at once in portable words;
//! longer ones by the widest instruction set of this machine, chosen once.
//! Whether a frame has to be masked is for the protocol machine to say.

use alloc::vec::Vec;

mod portable;

/// Masks or unmasks `bytes` in place. They stand `offset` bytes into the payload.
#[inline]
pub fn apply(bytes: &mut [u8], key: [u8; 4], offset: usize) {
    portable::apply(bytes, turned(key, offset));
}

/// Appends a masked or unmasked copy of `source` to `target`, in one pass.
#[inline]
pub fn apply_copy(source: &[u8], target: &mut Vec<u8>, key: [u8; 4], offset: usize) {
    portable::apply_copy(source, target, turned(key, offset));
}

/// The name of the chosen instruction set: "avx512", "avx2", "sse2", "neon" or "portable".
pub fn kernel() -> &'static str {
    "portable"
}

/// The key as it begins `offset` bytes into the payload.
#[inline]
fn turned(key: [u8; 4], offset: usize) -> [u8; 4] {
    let mut turned = key;
    turned.rotate_left(offset & 3);
    turned
}
