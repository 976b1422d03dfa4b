//! DEFLATE (RFC 1951) decoded one bit and one symbol at a time, and permessage-deflate's messages with it
//! (RFC 7692 section 7.2.2).
//!
//! Codes are held to what zlib holds them to: complete, but for a code of one symbol.

use protocol::limits::FINAL_BLOCKS_MAX;

/// Why a message is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Corrupt,
    TooBig,
}

/// The plain message of at most `bytes_max` bytes, which may refer to `history`, and at most
/// `window_bytes` back.
pub(crate) fn message(
    compressed: &[u8],
    history: &[u8],
    window_bytes: usize,
    bytes_max: usize,
) -> Result<Vec<u8>, Refused> {
    if compressed.is_empty() {
        return Ok(Vec::new());
    }
    // The tail of RFC 7692, and a final empty block, which must be where the decoding ends.
    let tail = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];
    let input = [compressed, &tail].concat();
    let mut bits = Bits {
        bytes: &input,
        at: 0,
    };
    let mut plain = Plain {
        bytes: history.to_vec(),
        bytes_max: history.len() + bytes_max,
        window_bytes,
    };
    let mut final_blocks = 0;
    loop {
        let is_final = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut plain)?,
            1 => {
                let (lengths, distances) = fixed_codes();
                symbols(&mut bits, &lengths, &distances, &mut plain)?;
            }
            2 => {
                let (lengths, distances) = dynamic_codes(&mut bits)?;
                symbols(&mut bits, &lengths, &distances, &mut plain)?;
            }
            _ => return Err(Refused::Corrupt),
        }
        if !is_final {
            continue;
        }
        // RFC 7692 section 7.2.1: behind a final block the next one begins with a byte of its own.
        bits.align();
        if bits.at == 8 * input.len() {
            return Ok(plain.bytes.split_off(history.len()));
        }
        final_blocks += 1;
        if final_blocks > FINAL_BLOCKS_MAX {
            return Err(Refused::Corrupt);
        }
    }
}

/// What was decoded, behind the history.
struct Plain {
    bytes: Vec<u8>,
    bytes_max: usize,
    window_bytes: usize,
}

impl Plain {
    fn push(&mut self, byte: u8) -> Result<(), Refused> {
        self.bytes.push(byte);
        if self.bytes.len() > self.bytes_max {
            return Err(Refused::TooBig);
        }
        Ok(())
    }
}

struct Bits<'i> {
    bytes: &'i [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next bits as a number, the first one lowest.
    fn take(&mut self, count: usize) -> Result<usize, Refused> {
        let mut number = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or(Refused::Corrupt)?;
            number |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(number)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// Section 3.2.4.
fn stored(bits: &mut Bits<'_>, plain: &mut Plain) -> Result<(), Refused> {
    bits.align();
    let length = bits.take(16)?;
    if bits.take(16)? != !length & 0xffff {
        return Err(Refused::Corrupt);
    }
    for _ in 0..length {
        plain.push(bits.take(8)? as u8)?;
    }
    Ok(())
}

/// Section 3.2.2: symbols in the order of their codes, and how many codes have each length.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|length| counts[*length] += 1);
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|at| lengths[*at] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        counts[0] = 0;
        Self { counts, symbols }
    }

    /// How many more codes of the greatest length there could be; negative when there are too many.
    fn left(&self) -> i64 {
        let used: i64 = (1..16)
            .map(|length| (self.counts[length] as i64) << (15 - length))
            .sum();
        (1 << 15) - used
    }

    /// No code for a thing that does not occur, one bit for a thing that is alone, else complete.
    fn is_allowed(&self) -> bool {
        let alone = self.symbols.len() == self.counts[1] && self.left() > 0;
        self.left() == 0 || alone
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<usize, Refused> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for length in 1..16 {
            code |= bits.take(1)?;
            let count = self.counts[length];
            if code < first + count {
                return Ok(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Refused::Corrupt)
    }
}

/// Section 3.2.6.
fn fixed_codes() -> (Code, Code) {
    let length = |symbol| match symbol {
        0..=143 => 8,
        144..=255 => 9,
        256..=279 => 7,
        _ => 8,
    };
    let lengths: Vec<usize> = (0..288).map(length).collect();
    (Code::new(&lengths), Code::new(&[5; 30]))
}

/// Section 3.2.7.
fn dynamic_codes(bits: &mut Bits<'_>) -> Result<(Code, Code), Refused> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let literals = bits.take(5)? + 257;
    let distances = bits.take(5)? + 1;
    let given = bits.take(4)? + 4;
    if literals > 286 || distances > 30 {
        return Err(Refused::Corrupt);
    }
    let mut lengths = [0; 19];
    for symbol in &ORDER[..given] {
        lengths[*symbol] = bits.take(3)?;
    }
    let code = Code::new(&lengths);
    if code.left() != 0 {
        return Err(Refused::Corrupt);
    }
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.read(bits)? {
            16 => (*lengths.last().ok_or(Refused::Corrupt)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    if lengths.len() > literals + distances || lengths[256] == 0 {
        return Err(Refused::Corrupt);
    }
    let (lengths, distances) = lengths.split_at(literals);
    let (lengths, distances) = (Code::new(lengths), Code::new(distances));
    if lengths.is_allowed() && distances.is_allowed() {
        Ok((lengths, distances))
    } else {
        Err(Refused::Corrupt)
    }
}

/// Section 3.2.5: literals, and repetitions of what came before.
fn symbols(
    bits: &mut Bits<'_>,
    lengths: &Code,
    distances: &Code,
    plain: &mut Plain,
) -> Result<(), Refused> {
    loop {
        let length = match lengths.read(bits)? {
            literal @ 0..=255 => {
                plain.push(literal as u8)?;
                continue;
            }
            256 => return Ok(()),
            symbol @ 257..=264 => symbol - 254,
            symbol @ 265..=284 => {
                let extra = (symbol - 261) / 4;
                ((4 + (symbol - 261) % 4) << extra) + 3 + bits.take(extra)?
            }
            285 => 258,
            _ => return Err(Refused::Corrupt),
        };
        let distance = match distances.read(bits)? {
            symbol @ 0..=3 => symbol + 1,
            symbol @ 4..=29 => {
                let extra = symbol / 2 - 1;
                ((2 + symbol % 2) << extra) + 1 + bits.take(extra)?
            }
            _ => return Err(Refused::Corrupt),
        };
        let from = plain.bytes.len().checked_sub(distance);
        let from = from
            .filter(|_| distance <= plain.window_bytes)
            .ok_or(Refused::Corrupt)?;
        for at in from..from + length {
            plain.push(plain.bytes[at])?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: usize = 1 << 15;

    /// RFC 7692 section 7.2.3.
    #[test]
    fn the_examples_of_the_rfc_are_hello() {
        let examples: [&[u8]; 3] = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            &[
                0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
            ],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        ];
        for compressed in examples {
            assert_eq!(message(compressed, b"", WINDOW, 5), Ok(b"Hello".to_vec()));
            assert_eq!(message(compressed, b"", WINDOW, 4), Err(Refused::TooBig));
        }
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(message(&again, b"Hello", WINDOW, 5), Ok(b"Hello".to_vec()));
        assert_eq!(message(&again, b"", WINDOW, 5), Err(Refused::Corrupt));
    }
}
