//! The message that the generator publishes: a 32-byte header and filler, with a checksum over both.
//!
//! Everything that the report says about a delivery comes out of these bytes, so the server under test needs to know
//! nothing about them. All fields are little endian:
//!
//! ```text
//!  0  checksum   u32   low half of XXH3-64 over bytes 4 to the end
//!  4  run        u32   random for each run: tells this run's messages from replayed or foreign ones
//!  8  publisher  u32
//! 12  topic      u32
//! 16  sequence   u64   from 0, counted for each pair of publisher and topic
//! 24  sent_ns    u64   the time of sending: intended (open loop) or actual (closed loop), on the run's clock
//! 32  filler
//! ```

use xxhash_rust::xxh3::xxh3_64;

/// The smallest payload: the header alone.
pub const PAYLOAD_BYTES_MIN: usize = 32;

const CHECKED_FROM: usize = 4;

/// What the header of one message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The run that published it.
    pub run: u32,
    /// Who published it.
    pub publisher: u32,
    /// The topic it was published to, by number.
    pub topic: u32,
    /// Its place among this publisher's messages to this topic.
    pub sequence: u64,
    /// When it was, or should have been, sent.
    pub sent_ns: u64,
}

/// Why bytes that arrived are not a message of the generator as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The length differs from what this run publishes.
    Length,
    /// The checksum does not fit the bytes.
    Checksum,
}

impl Stamp {
    /// Writes the header into the first 32 bytes of `payload` and the checksum over all of it. The bytes behind the header stay.
    ///
    /// # Panics
    /// If `payload` is shorter than [`PAYLOAD_BYTES_MIN`].
    pub fn write(&self, payload: &mut [u8]) {
        payload[4..8].copy_from_slice(&self.run.to_le_bytes());
        payload[8..12].copy_from_slice(&self.publisher.to_le_bytes());
        payload[12..16].copy_from_slice(&self.topic.to_le_bytes());
        payload[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        payload[24..32].copy_from_slice(&self.sent_ns.to_le_bytes());
        let checksum = checksum(payload);
        payload[..4].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Reads the header of a message that should be `bytes_expected` long, after checking its length and checksum.
    pub fn read(payload: &[u8], bytes_expected: usize) -> Result<Stamp, Damage> {
        let Some((header, _)) = payload.split_first_chunk::<PAYLOAD_BYTES_MIN>() else {
            return Err(Damage::Length);
        };
        if payload.len() != bytes_expected {
            return Err(Damage::Length);
        }
        if word(header, 0) != checksum(payload) {
            return Err(Damage::Checksum);
        }
        Ok(Stamp {
            run: word(header, 4),
            publisher: word(header, 8),
            topic: word(header, 12),
            sequence: long(header, 16),
            sent_ns: long(header, 24),
        })
    }
}

/// What stands behind the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filling {
    /// Bytes without a pattern, so that a server that compresses gains nothing from them and a shifted or repeated piece is
    /// seen.
    #[default]
    Noise,
    /// Rows of JSON, as an API sends them.
    Json,
}

/// Payloads without their headers, in turn: of noise one, of JSON as many as no window of a compressor reaches over, so that
/// none is the repetition of one before.
#[derive(Debug)]
pub struct Filler {
    payloads: Vec<Vec<u8>>,
    next: usize,
}

/// The largest window of DEFLATE.
const WINDOW_BYTES: usize = 32 << 10;

impl Filler {
    /// Payloads of that size.
    pub fn new(filling: Filling, payload_bytes: usize) -> Filler {
        let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
        let payloads = match filling {
            Filling::Noise => vec![noise(&mut random, payload_bytes)],
            Filling::Json => (0..2 * WINDOW_BYTES / payload_bytes + 2)
                .map(|_| rows(&mut random, payload_bytes))
                .collect(),
        };
        Filler { payloads, next: 0 }
    }

    /// Where the next message is written.
    #[inline]
    pub fn next_payload(&mut self) -> &mut [u8] {
        self.next += 1;
        if self.next >= self.payloads.len() {
            self.next = 0;
        }
        &mut self.payloads[self.next]
    }
}

/// xorshift64: any generator with a long period serves here.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn noise(random: &mut Xorshift, payload_bytes: usize) -> Vec<u8> {
    let words = std::iter::repeat_with(|| random.next().to_le_bytes());
    words.flatten().take(payload_bytes).collect()
}

/// The header's place, and orders behind it; the last one is cut.
fn rows(random: &mut Xorshift, payload_bytes: usize) -> Vec<u8> {
    let mut text = " ".repeat(PAYLOAD_BYTES_MIN);
    while text.len() < payload_bytes {
        let mut below = |bound: u64| random.next() % bound;
        let side = ["buy", "sell"][usize::from(below(2) == 0)];
        let symbol = ["EURUSD", "GBPUSD", "USDJPY", "AUDNZD"][below(4) as usize];
        let (id, price, cents, amount) = (below(1 << 40), below(10_000), below(100), below(10_000));
        text += &format!(
            "{{\"id\":{id},\"symbol\":\"{symbol}\",\"side\":\"{side}\",\"price\":{price}.{cents:02},\"amount\":{amount}}},"
        );
    }
    text.truncate(payload_bytes);
    text.into_bytes()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is the checksum"
)]
fn checksum(payload: &[u8]) -> u32 {
    xxh3_64(&payload[CHECKED_FROM..]) as u32
}

fn word(header: &[u8; PAYLOAD_BYTES_MIN], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

fn long(header: &[u8; PAYLOAD_BYTES_MIN], at: usize) -> u64 {
    u64::from(word(header, at)) | u64::from(word(header, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamps() -> impl Strategy<Value = Stamp> {
        any::<(u32, u32, u32, u64, u64)>().prop_map(|(run, publisher, topic, sequence, sent_ns)| {
            Stamp {
                run,
                publisher,
                topic,
                sequence,
                sent_ns,
            }
        })
    }

    #[test]
    fn no_row_of_json_repeats_one_that_a_window_still_holds() {
        for payload_bytes in [64, 1024, 40_000] {
            let mut filler = Filler::new(Filling::Json, payload_bytes);
            let between = WINDOW_BYTES.div_ceil(payload_bytes);
            let recent: std::collections::HashSet<_> = (0..=between)
                .map(|_| filler.next_payload().to_vec())
                .collect();
            assert_eq!(recent.len(), between + 1);
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(stamp in stamps(), payload_bytes in PAYLOAD_BYTES_MIN..600) {
            let mut filler = Filler::new(Filling::Noise, payload_bytes);
            let mut payload = filler.next_payload().to_vec();
            stamp.write(&mut payload);
            prop_assert_eq!(Stamp::read(&payload, payload_bytes), Ok(stamp));
        }

        #[test]
        fn any_flipped_bit_is_seen(stamp in stamps(), payload_bytes in PAYLOAD_BYTES_MIN..300, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut filler = Filler::new(Filling::Noise, payload_bytes);
            let mut payload = filler.next_payload().to_vec();
            stamp.write(&mut payload);
            payload[at.index(payload_bytes)] ^= 1_u8 << bit;
            prop_assert_eq!(Stamp::read(&payload, payload_bytes), Err(Damage::Checksum));
        }

        #[test]
        fn any_other_length_is_seen(payload_bytes in 0_usize..200) {
            let mut payload = vec![b'x'; 100];
            Stamp { run: 1, publisher: 2, topic: 3, sequence: 4, sent_ns: 5 }.write(&mut payload);
            payload.resize(payload_bytes, 0);
            prop_assume!(payload_bytes != 100);
            prop_assert_eq!(Stamp::read(&payload, 100), Err(Damage::Length));
        }
    }

    #[test]
    fn the_layout_is_little_endian() {
        let mut payload = [0; PAYLOAD_BYTES_MIN];
        Stamp {
            run: 0x0403_0201,
            publisher: 5,
            topic: 6,
            sequence: 7,
            sent_ns: 0x0102,
        }
        .write(&mut payload);
        assert_eq!(
            &payload[4..],
            [
                1, 2, 3, 4, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0
            ]
        );
    }
}
