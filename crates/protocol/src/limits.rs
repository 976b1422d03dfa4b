//! The bounds of this crate that no configuration moves, and how they relate.
//!
//! What an operator may change arrives as an argument (`http1::Limits`, `ws::Config`). What stands
//! here only has to be generous for honest peers and small for hostile ones.

/// Bytes of chunk extensions in one whole body. Nobody uses them for anything that we serve, so
/// they are read and dropped, and a flood of them ends the connection.
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 1024;

/// Hexadecimal digits of one chunk size: all of a `u64`, and no endless row of zeros.
pub const CHUNK_SIZE_DIGITS_MAX: u32 = 16;

/// Interim (1xx) responses before the final one; more are taken for an endless row of them.
pub const INTERIM_RESPONSES_MAX: usize = 8;

/// Pongs that wait for the socket at the same time. A peer that pings faster than it reads gets an
/// answer to its latest ping alone, which RFC 6455 section 5.5.3 allows. Ten large pings in one read
/// are all answered, from some two kilobytes.
pub const PONGS_MAX: usize = 16;

/// How far a peer's pings and pongs may be ahead of their rate, in milliseconds of that rate. It is
/// long because what an honest peer sent at its own pace may be read all at once, after a minute in
/// which this end did not read; and it may be long because waiting pongs are bounded anyway.
pub const CONTROL_AHEAD_MS_MAX: u16 = 60_000;

/// The largest rate of control frames that can be told from none, in frames a second.
pub const CONTROL_FRAMES_PER_S_MAX: u16 = 1_000;

/// The largest payload of a control frame (RFC 6455 section 5.5).
pub const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;

/// Bytes of state that an idle WebSocket connection may hold, and it holds no buffer beside them.
pub const CONNECTION_BYTES_MAX: usize = 40;

/// Room for an inflated message to begin with.
pub const INFLATED_BYTES_MIN: usize = 16 * 1024;

/// Room for inflated messages that an inflater keeps from one to the next.
pub const INFLATED_BYTES_KEPT_MAX: usize = 256 * 1024;

/// Room for compressed messages that a deflater keeps from one to the next.
pub const DEFLATED_BYTES_KEPT_MAX: usize = 256 * 1024;

/// Final blocks (BFINAL) in one compressed message. RFC 7692 section 7.2.1 bounds them nowhere, and
/// senders that set the bit at all set it once; each costs the receiver a whole window.
pub const FINAL_BLOCKS_MAX: usize = 16;

/// What taking a compressed byte may be as much work as, in plain bytes made. One byte made is 1 to 2.3 ns
/// of JSON (`cargo bench -p ringwire-benches --bench deflate`). A byte of blocks with the deepest trees, which make nothing, is 48 ns (`cargo xtask
/// attacks --row C7`); honest ones would wait too often if each counted as that.
pub const WORK_PER_COMPRESSED_BYTE: u64 = 8;

/// Bytes of text to refer to that are as much work to begin with as one that is made: they are copied.
pub const HISTORY_BYTES_PER_WORK: u64 = 16;

/// Bytes that a compressed message of at most `message_bytes_max` plain bytes may take on the wire.
/// DEFLATE makes what does not compress larger: by 5 bytes for each stored block, of which a small
/// encoder writes one for some hundred bytes, or by an eighth in a block with fixed codes.
pub const fn compressed_bytes_max(message_bytes_max: u64) -> u64 {
    message_bytes_max
        .saturating_add(message_bytes_max / 8)
        .saturating_add(64)
}

const _: () = {
    assert!(INFLATED_BYTES_MIN > 0 && INFLATED_BYTES_MIN <= INFLATED_BYTES_KEPT_MAX);
    assert!(CONTROL_PAYLOAD_BYTES_MAX <= u8::MAX as usize);
    // One frame more than allowed still fits the counter.
    assert!(CONTROL_AHEAD_MS_MAX <= u16::MAX - CONTROL_FRAMES_PER_S_MAX);
    assert!(CHUNK_SIZE_DIGITS_MAX * 4 == u64::BITS);
};

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1951 sections 3.2.4 and 3.2.6: five bytes before a stored block, nine bits for a byte in a
    /// block with fixed codes, and ten around them. More room than that only serves who attacks.
    #[test]
    fn what_does_not_compress_fits_and_little_more() {
        for plain in [0, 1, 125, 65_536, 1 << 20, 1 << 50] {
            let bytes = compressed_bytes_max(plain);
            let stored = plain + 5 * plain.div_ceil(100);
            let fixed = (9 * plain + 10).div_ceil(8);
            assert!(bytes >= stored && bytes >= fixed, "{plain}");
            assert!(bytes <= plain + plain / 4 + 64, "{plain}");
        }
        assert_eq!(compressed_bytes_max(u64::MAX), u64::MAX);
    }
}
