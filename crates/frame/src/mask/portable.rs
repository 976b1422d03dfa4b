//! Masking in 64-bit words: for short payloads everywhere, and for all of them on machines
//! without a kernel of their own.

use alloc::vec::Vec;

pub(super) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[at & 3];
    }
}

pub(super) fn apply_copy(source: &[u8], target: &mut Vec<u8>, key: [u8; 4]) {
    target.extend(
        source
            .iter()
            .enumerate()
            .map(|(at, byte)| byte ^ key[at & 3]),
    );
}
