//! Masking against the two-line loop of RFC 6455 section 5.3.
//!
//! The first bytes of the input are the key, how far into the payload the piece begins, and how
//! far into its buffer: so every alignment is met. Bytes outside the piece must not change.

use frame::mask;

pub(crate) fn judge(input: &[u8]) {
    let Some((&[k0, k1, k2, k3, offset, margin], payload)) = input.split_first_chunk() else {
        return;
    };
    let key = [k0, k1, k2, k3];
    let offset = usize::from(offset);
    let margin = usize::from(margin);
    let naive: Vec<u8> = payload
        .iter()
        .enumerate()
        .map(|(at, byte)| byte ^ key[(offset + at) % 4])
        .collect();

    let mut buffer = vec![0x5a; margin + payload.len() + 64];
    let piece = margin..margin + payload.len();
    buffer[piece.clone()].copy_from_slice(payload);
    mask::apply(&mut buffer[piece.clone()], key, offset);
    assert_eq!(&buffer[piece.clone()], naive);
    assert!(
        buffer[..piece.start]
            .iter()
            .chain(&buffer[piece.end..])
            .all(|&byte| byte == 0x5a)
    );

    let mut copy = vec![0x5a; margin];
    mask::apply_copy(payload, &mut copy, key, offset);
    assert_eq!(&copy[margin..], naive);
    assert!(copy[..margin].iter().all(|&byte| byte == 0x5a));
}
