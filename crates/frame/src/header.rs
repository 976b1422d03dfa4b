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

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn header(opcode: Opcode, payload_len: u64) -> Header {
        Header {
            fin: true,
            rsv: 0,
            opcode,
            mask: None,
            payload_len,
        }
    }

    fn encoded(header: &Header) -> Vec<u8> {
        let mut out = [0; HEADER_BYTES_MAX];
        let length = header.encode(&mut out);
        out[..length].to_vec()
    }

    /// RFC 6455 section 5.7, byte for byte.
    #[test]
    fn the_examples_of_the_rfc_decode_and_encode() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let text = header(Opcode::Text, 5);
        let binary = header(Opcode::Binary, 256);
        let examples: [(&[u8], Header); 7] = [
            (&[0x81, 0x05], text),
            (
                &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d],
                Header {
                    mask: Some(key),
                    ..text
                },
            ),
            (
                &[0x01, 0x03],
                Header {
                    fin: false,
                    payload_len: 3,
                    ..text
                },
            ),
            (&[0x80, 0x02], header(Opcode::Continuation, 2)),
            (&[0x89, 0x05], header(Opcode::Ping, 5)),
            (&[0x82, 0x7e, 0x01, 0x00], binary),
            (
                &[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0],
                Header {
                    payload_len: 65536,
                    ..binary
                },
            ),
        ];
        for (bytes, header) in examples {
            assert_eq!(Header::decode(bytes), Ok(Some((header, bytes.len()))));
            assert_eq!(encoded(&header), bytes);
        }
    }

    #[test]
    fn fin_and_each_reserved_bit_stand_where_the_registry_puts_them() {
        for (byte, rsv) in [
            (0xc1, Header::RSV1),
            (0xa1, Header::RSV2),
            (0x91, Header::RSV3),
        ] {
            let expected = Header {
                rsv,
                ..header(Opcode::Text, 0)
            };
            assert_eq!(Header::decode(&[byte, 0]), Ok(Some((expected, 2))));
            assert_eq!(encoded(&expected), [byte, 0]);
        }
        assert!(!Header::decode(&[0x01, 0]).unwrap().unwrap().0.fin);
    }

    #[test]
    fn every_opcode_decodes_and_every_reserved_one_fails_at_the_first_byte() {
        for bits in 0..=0xf {
            let result = Header::decode(&[0x80 | bits, 0]);
            match Opcode::from_bits(bits) {
                Some(opcode) => assert_eq!(result, Ok(Some((header(opcode, 0), 2)))),
                None => {
                    assert_eq!(result, Err(Error::ReservedOpcode));
                    assert_eq!(Header::decode(&[0x80 | bits]), Err(Error::ReservedOpcode));
                }
            }
        }
    }

    /// Each form of the length at the ends of its range, and one below and above.
    #[test]
    fn a_length_takes_the_shortest_form_and_no_other() {
        let forms = [
            (0, 2),
            (124, 2),
            (125, 2),
            (126, 4),
            (65534, 4),
            (65535, 4),
            (65536, 10),
            ((1 << 31) - 1, 10),
            (1 << 32, 10),
            ((1 << 63) - 1, 10),
        ];
        for (payload_len, header_bytes) in forms {
            for mask in [None, Some([1, 2, 3, 4])] {
                let header = Header {
                    mask,
                    ..header(Opcode::Binary, payload_len)
                };
                let bytes = encoded(&header);
                assert_eq!(bytes.len(), header_bytes + mask.map_or(0, |key| key.len()));
                assert_eq!(bytes.len(), header.encoded_len());
                assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len()))));
            }
        }
        for length in [0_u16, 5, 125] {
            let [high, low] = length.to_be_bytes();
            assert_eq!(
                Header::decode(&[0x82, 126, high, low]),
                Err(Error::LengthNotMinimal)
            );
        }
        for length in [0_u64, 125, 126, 65535] {
            assert_eq!(decode_64(length), Err(Error::LengthNotMinimal));
        }
    }

    #[test]
    fn the_top_bit_of_a_length_must_be_clear() {
        for length in [1 << 63, (1 << 63) + 1, u64::MAX] {
            assert_eq!(decode_64(length), Err(Error::LengthTopBit));
        }
    }

    fn decode_64(length: u64) -> Result<Option<(Header, usize)>, Error> {
        let mut bytes = vec![0x82, 127];
        bytes.extend(length.to_be_bytes());
        Header::decode(&bytes)
    }

    #[test]
    fn a_control_frame_is_whole_and_carries_125_bytes_at_most() {
        for bits in [0x8, 0x9, 0xa] {
            for payload_len in [0, 1, 124, 125] {
                let result = Header::decode(&[0x80 | bits, payload_len])
                    .unwrap()
                    .unwrap();
                assert_eq!(result.0.payload_len, u64::from(payload_len));
            }
            // The announcement of a longer form is enough: its value is not waited for.
            for second in [126, 127, 0x80 | 126, 0x80 | 127] {
                assert_eq!(
                    Header::decode(&[0x80 | bits, second]),
                    Err(Error::ControlTooLong)
                );
            }
            assert_eq!(Header::decode(&[bits]), Err(Error::ControlFragmented));
        }
    }

    #[test]
    #[should_panic(expected = "whole and short")]
    fn this_endpoint_never_sends_a_long_control_frame() {
        encoded(&header(Opcode::Ping, 126));
    }

    fn any_header() -> impl Strategy<Value = Header> {
        let length = prop_oneof![0..=125_u64, 126..=65535_u64, 65536..=LENGTH_64_MAX];
        let opcode = (0..16_u8).prop_filter_map("reserved", Opcode::from_bits);
        let parts = (
            any::<bool>(),
            0..8_u8,
            opcode,
            any::<Option<[u8; 4]>>(),
            length,
        );
        parts.prop_map(|(fin, rsv, opcode, mask, length)| {
            let control = opcode.is_control();
            let payload_len = if control { length % 126 } else { length };
            Header {
                fin: fin || control,
                rsv,
                opcode,
                mask,
                payload_len,
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_and_every_cut_wants_more(header in any_header()) {
            let mut bytes = encoded(&header);
            prop_assert_eq!(bytes.len(), header.encoded_len());
            for cut in 0..bytes.len() {
                prop_assert_eq!(Header::decode(&bytes[..cut]), Ok(None));
            }
            let header_bytes = bytes.len();
            bytes.extend([0xff; 3]);
            prop_assert_eq!(Header::decode(&bytes), Ok(Some((header, header_bytes))));
        }

        /// Any bytes: no panic, a cut changes nothing but the wait, and what decodes is exactly
        /// what would be encoded.
        #[test]
        fn a_cut_never_changes_the_outcome(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let whole = Header::decode(&bytes);
            let outcomes = (0..=bytes.len()).map(|cut| Header::decode(&bytes[..cut]));
            let first = outcomes.into_iter().find(|outcome| *outcome != Ok(None));
            prop_assert_eq!(first.unwrap_or(Ok(None)), whole);
            if let Ok(Some((header, header_bytes))) = whole {
                prop_assert_eq!(encoded(&header), &bytes[..header_bytes]);
            }
        }
    }
}
