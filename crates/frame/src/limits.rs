//! Every bound of the frame layer, and how the bounds depend on each other.
//!
//! The constants come from RFC 6455 and cannot be configured. [`Limits`] holds the two that an
//! operator chooses. The relations are asserted when the crate is compiled, so that a changed
//! constant cannot quietly contradict another.

/// Bytes of the longest frame header: 2, a 64-bit length, and a mask key.
pub const HEADER_BYTES_MAX: usize = 14;

/// Payload bytes of the longest control frame (RFC 6455 section 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Bytes of the longest close reason: a control payload without the code.
pub const CLOSE_REASON_BYTES_MAX: usize = 123;

/// Payload bytes that the 7-bit length can say itself; 126 and 127 announce a longer field.
pub const LENGTH_7_MAX: u64 = 125;

/// Payload bytes that the 16-bit length can say.
pub const LENGTH_16_MAX: u64 = 0xffff;

/// Payload bytes that the 64-bit length can say: its top bit must be 0 (RFC 6455 section 5.2).
pub const LENGTH_64_MAX: u64 = 0x7fff_ffff_ffff_ffff;

/// Bytes of a character that can be carried from one read to the next: all but the last of four.
pub const UTF8_CARRY_BYTES_MAX: usize = 3;

/// Bytes of the widest vector that masking knows. Shorter pieces are no kernel's work.
pub(crate) const MASK_VECTOR_BYTES_MAX: usize = 64;

/// Bytes that are masked in place without a kernel: up to here a run-time choice costs more than
/// wide vectors save. (Measured: at 96 bytes in place 2.9 ns without and 3.9 ns with AVX-512.)
pub(crate) const MASK_SHORT_BYTES_MAX: usize = 128;

/// What the operator allows one message to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload bytes of one message, summed over its frames.
    pub message_bytes_max: u64,
    /// Frames of one message. Empty frames count: they cost the receiver work as well.
    pub fragments_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes_max: 64 * 1024,
            fragments_max: 64,
        }
    }
}

const _: () = {
    assert!(HEADER_BYTES_MAX == 2 + size_of::<u64>() + size_of::<[u8; 4]>());
    assert!(CLOSE_REASON_BYTES_MAX + size_of::<u16>() == CONTROL_BYTES_MAX);
    assert!(CONTROL_BYTES_MAX as u64 == LENGTH_7_MAX);
    assert!(LENGTH_7_MAX < LENGTH_16_MAX && LENGTH_16_MAX < LENGTH_64_MAX);
    assert!(LENGTH_16_MAX == u16::MAX as u64);
    assert!(LENGTH_64_MAX == u64::MAX >> 1);
    assert!(MASK_VECTOR_BYTES_MAX <= MASK_SHORT_BYTES_MAX);
    assert!(UTF8_CARRY_BYTES_MAX + 1 == char::MAX.len_utf8());
};
