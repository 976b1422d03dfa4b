//! Raw DEFLATE for the cases: another implementation than the one under test.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// What a flush ends with, and what RFC 7692 section 7.2.1 takes off.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Behind the tail: a final block, so that an end in the middle of something is told from a good one.
const FINAL_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// The bytes of a message that is compressed on its own.
pub fn deflated(message: &[u8]) -> Vec<u8> {
    const LEVEL: i32 = 6;
    const RAW: i32 = -15;
    const DEFAULT_STRATEGY: i32 = 0;
    let flags = create_comp_flags_from_zip_params(LEVEL, RAW, DEFAULT_STRATEGY);
    let mut compressor = CompressorOxide::new(flags);
    // Larger than anything that becomes of a message, whatever is in it.
    let mut out = vec![0; message.len() + message.len() / 8 + 64];
    let (status, read, written) = compress(&mut compressor, message, &mut out, TDEFLFlush::Sync);
    assert!(
        status == TDEFLStatus::Okay && read == message.len(),
        "there is room for all of it"
    );
    out.truncate(written);
    let payload = out
        .strip_suffix(&TAIL)
        .expect("a flush ends with an empty block");
    payload.to_vec()
}

/// The message that an endpoint compressed on its own.
///
/// # Errors
/// It is no such thing, or larger than `bytes_max`.
pub fn inflated(payload: &[u8], bytes_max: usize) -> Result<Vec<u8>, String> {
    let whole = [payload, &TAIL, &FINAL_BLOCK].concat();
    decompress_to_vec_with_limit(&whole, bytes_max)
        .map_err(|error| format!("it wrote what does not inflate: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7692 section 7.2.3.1, and what this crate makes itself.
    #[test]
    fn what_is_compressed_can_be_read_again() {
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflated(&hello, 5).as_deref(), Ok(b"Hello".as_slice()));
        for message in [
            b"".to_vec(),
            b"Hello".to_vec(),
            vec![0; 100_000],
            (0..=255).collect(),
        ] {
            assert_eq!(inflated(&deflated(&message), 100_000), Ok(message));
        }
        assert!(inflated(&hello[..4], 5).is_err());
        assert!(inflated(&hello, 4).is_err());
    }
}
