//! The frame header of RFC 6455 section 5.2: two to fourteen bytes.
//!
//! [`Header::decode`] checks all that one header alone can show: the opcode is registered, the
//! length is written in the fewest bytes and fits 63 bits, a control frame is whole and short.
//! Whether the mask and the reserved bits are right depends on role and extensions, which only
//! the protocol machine knows.

use crate::limits::{HEADER_BYTES_MAX, LENGTH_7_MAX, LENGTH_16_MAX, LENGTH_64_MAX};
use crate::{Error, Opcode};

/// Byte 0: the frame ends its message.
const FIN_BIT: u8 = 0x80;
/// Byte 0: how far left the three reserved bits stand.
const RSV_SHIFT: u32 = 4;
/// Byte 0: the opcode.
const OPCODE_BITS: u8 = 0x0f;
/// Byte 1: a mask key follows the length.
const MASK_BIT: u8 = 0x80;
/// Byte 1: the length, or one of the two announcements.
const LENGTH_BITS: u8 = 0x7f;
/// A length of 16 bits follows.
const LENGTH_16: u8 = 126;
/// A length of 64 bits follows.
const LENGTH_64: u8 = 127;

/// What stands before a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The frame ends its message.
    pub fin: bool,
    /// The reserved bits: any of [`Header::RSV1`], [`Header::RSV2`], [`Header::RSV3`].
    pub rsv: u8,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The key, if the payload is masked. Clients mask every frame, servers none.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload that follow.
    pub payload_len: u64,
}

impl Header {
    /// Bytes of the longest header.
    pub const BYTES_MAX: usize = HEADER_BYTES_MAX;
    /// The first reserved bit: a compressed message, where permessage-deflate was negotiated.
    pub const RSV1: u8 = 4;
    /// The second reserved bit: no registered extension uses it.
    pub const RSV2: u8 = 2;
    /// The third reserved bit: no registered extension uses it.
    pub const RSV3: u8 = 1;

    /// Reads the header at the start of `input`, and says how many bytes it takes. `None`: the
    /// header goes on beyond `input`.
    ///
    /// A broken rule is reported as soon as the bytes that show it are there, and rules are
    /// looked at in the order of their bytes, so cutting the input does not change the outcome.
    ///
    /// # Errors
    ///
    /// [`Error::ReservedOpcode`], [`Error::ControlFragmented`], [`Error::ControlTooLong`],
    /// [`Error::LengthNotMinimal`], [`Error::LengthTopBit`].
    #[inline]
    pub fn decode(input: &[u8]) -> Result<Option<(Header, usize)>, Error> {
        let Some(&first) = input.first() else {
            return Ok(None);
        };
        let fin = first & FIN_BIT != 0;
        let opcode = Opcode::from_bits(first & OPCODE_BITS).ok_or(Error::ReservedOpcode)?;
        if opcode.is_control() && !fin {
            return Err(Error::ControlFragmented);
        }
        let Some(&second) = input.get(1) else {
            return Ok(None);
        };
        // Both announcements are above 125, so this covers every form of the length.
        if opcode.is_control() && u64::from(second & LENGTH_BITS) > LENGTH_7_MAX {
            return Err(Error::ControlTooLong);
        }
        let Some((payload_len, after_length)) = decode_length(second, input)? else {
            return Ok(None);
        };
        let (mask, header_bytes) = if second & MASK_BIT == 0 {
            (None, after_length)
        } else {
            let Some(&key) = input[after_length..].first_chunk::<4>() else {
                return Ok(None);
            };
            (Some(key), after_length + 4)
        };
        let rsv = (first & !FIN_BIT) >> RSV_SHIFT;
        let header = Header {
            fin,
            rsv,
            opcode,
            mask,
            payload_len,
        };
        Ok(Some((header, header_bytes)))
    }

    /// Writes the header to the start of `out`, and returns its length.
    ///
    /// # Panics
    ///
    /// If the header breaks a rule that [`decode`](Header::decode) enforces: only this endpoint's
    /// own code can ask for that.
    #[inline]
    pub fn encode(&self, out: &mut [u8; HEADER_BYTES_MAX]) -> usize {
        assert!(self.rsv <= 7, "three reserved bits");
        assert!(self.payload_len <= LENGTH_64_MAX, "63 bits of length");
        assert!(
            !self.opcode.is_control() || (self.fin && self.payload_len <= LENGTH_7_MAX),
            "a control frame is whole and short"
        );
        out[0] = u8::from(self.fin) << 7 | self.rsv << RSV_SHIFT | self.opcode.bits();
        let after_length = if self.payload_len <= LENGTH_7_MAX {
            out[1] = self.payload_len as u8;
            2
        } else if self.payload_len <= LENGTH_16_MAX {
            out[1] = LENGTH_16;
            out[2..4].copy_from_slice(&(self.payload_len as u16).to_be_bytes());
            4
        } else {
            out[1] = LENGTH_64;
            out[2..10].copy_from_slice(&self.payload_len.to_be_bytes());
            10
        };
        let Some(key) = self.mask else {
            return after_length;
        };
        out[1] |= MASK_BIT;
        out[after_length..after_length + 4].copy_from_slice(&key);
        after_length + 4
    }

    /// Bytes that [`encode`](Header::encode) writes.
    #[inline]
    pub const fn encoded_len(&self) -> usize {
        let after_length = if self.payload_len <= LENGTH_7_MAX {
            2
        } else if self.payload_len <= LENGTH_16_MAX {
            4
        } else {
            10
        };
        let key = if self.mask.is_some() { 4 } else { 0 };
        after_length + key
    }
}

/// The length that the header's second byte gives or announces, and where it ends.
#[inline]
fn decode_length(second: u8, input: &[u8]) -> Result<Option<(u64, usize)>, Error> {
    match second & LENGTH_BITS {
        LENGTH_16 => {
            let Some(&bytes) = input[2..].first_chunk::<2>() else {
                return Ok(None);
            };
            let length = u64::from(u16::from_be_bytes(bytes));
            if length <= LENGTH_7_MAX {
                return Err(Error::LengthNotMinimal);
            }
            Ok(Some((length, 4)))
        }
        LENGTH_64 => {
            let Some(&bytes) = input[2..].first_chunk::<8>() else {
                return Ok(None);
            };
            let length = u64::from_be_bytes(bytes);
            if length > LENGTH_64_MAX {
                return Err(Error::LengthTopBit);
            }
            if length <= LENGTH_16_MAX {
                return Err(Error::LengthNotMinimal);
            }
            Ok(Some((length, 10)))
        }
        length => Ok(Some((u64::from(length), 2))),
    }
}
