//! How a publication looks on the wire, once for each wire format: the one place where the
//! broker's formats, the session's dialects, compression and WebSocket frames meet.
//!
//! The broker asks for it once per message and format, whatever the number of subscribers. A
//! compressed format is a dialect in one class of windows. Each message is compressed by itself, so
//! its frame fits every subscriber of that class; what is short, or gets no shorter, stays plain.

use std::ops::Range;

use broker::{Encode, Format, Formats, Kind, Publication};
use frame::{Header, Opcode};
use protocol::handshake::deflate::Agreed;
use protocol::ws::Deflater;
use session::dialect::json;

/// How many dialects publications are written in: `Format::RAW` and `Format::JSON`.
const DIALECTS: u8 = 2;

/// The windows that messages are compressed for: a client gets the class of the largest one that
/// is not larger than its own. Browsers have the last, Python's `websockets` asks for the second,
/// the first is for whoever has no memory at all.
const WINDOW_BITS: [u8; 3] = [8, 12, 15];

/// The largest answer to one client that is compressed: each holds up everybody else on its core,
/// half a millisecond for this much, and a client may ask for many.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What one turn compresses of the past, and what each message counts for beside its payload: four
/// milliseconds. One question may bring ten thousand messages, which hold up everybody as an answer does.
const PAST_BYTES_PER_TURN: usize = 256 * 1024;
const PAST_MESSAGE_BYTES: usize = 1024;

const _: () = assert!(DIALECTS as usize * (1 + WINDOW_BITS.len()) <= Format::COUNT);

/// The format for a client of this dialect that agreed to that.
pub fn format(dialect: Format, agreed: Option<Agreed>) -> Format {
    Format::new(dialect.number() + DIALECTS * class(agreed))
}

/// All formats of one dialect.
pub fn formats(dialect: Format) -> Formats {
    (0..=WINDOW_BITS.len() as u8)
        .map(|class| Format::new(dialect.number() + DIALECTS * class))
        .fold(Formats::NONE, Formats::with)
}

/// 0 for plain messages, else one more than the index of the window.
fn class(agreed: Option<Agreed>) -> u8 {
    agreed.map_or(0, |agreed| {
        let fits = |bits: &&u8| **bits <= agreed.server.window_bits;
        WINDOW_BITS.iter().filter(fits).count() as u8
    })
}

/// When messages are compressed, and how hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compressing {
    /// 1, the least work, to 9.
    pub level: u8,
    /// Shorter messages stay plain.
    pub threshold_bytes: usize,
}

/// Encodes publications into frames. Keeps its buffers from call to call.
#[derive(Debug, Default)]
pub struct WireEncoder {
    scratch: Vec<u8>,
    framer: Framer,
    /// What this turn has compressed of the past.
    past_bytes: usize,
}

impl WireEncoder {
    /// One that compresses like this, or not at all.
    pub fn new(compressing: Option<Compressing>) -> Self {
        let mut encoder = Self::default();
        encoder.set(compressing);
        encoder
    }

    /// A turn begins, which has time for a part of the past again.
    pub fn begin_turn(&mut self) {
        self.past_bytes = 0;
    }

    /// From now on messages are compressed like this, or not at all: clients that agreed to
    /// compression take plain ones too.
    pub fn set(&mut self, compressing: Option<Compressing>) {
        self.framer = Framer {
            compressing,
            compressions: self.framer.compressions,
            ..Framer::default()
        };
    }

    /// Appends an answer for one client alone.
    pub fn answer(
        &mut self,
        agreed: Option<Agreed>,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) {
        let class = if payload.len() <= ANSWER_BYTES_MAX {
            class(agreed)
        } else {
            0
        };
        self.framer.write(class, opcode, payload, out);
    }

    /// Messages that were compressed, those included that got no shorter.
    pub fn compressions(&self) -> u64 {
        self.framer.compressions
    }
}

impl Encode for WireEncoder {
    fn encode(
        &mut self,
        format: Format,
        topic: &str,
        publication: &Publication<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        let (class, dialect) = (format.number() / DIALECTS, format.number() % DIALECTS);
        if dialect == Format::RAW.number() {
            let opcode = match publication.kind {
                Kind::Text | Kind::Json => Opcode::Text,
                Kind::Binary => Opcode::Binary,
            };
            return self.framer.write(class, opcode, publication.payload, out);
        }
        self.scratch.clear();
        let verbatim = json::message(&mut self.scratch, topic, publication);
        let message = self.framer.write(class, Opcode::Text, &self.scratch, out)?;
        verbatim.map(|within| message.start + within.start..message.start + within.end)
    }

    /// Compressed as far as the turn has time for it, then plain.
    fn encode_past(
        &mut self,
        format: Format,
        topic: &str,
        publication: &Publication<'_>,
        out: &mut Vec<u8>,
    ) {
        let plain = Format::new(format.number() % DIALECTS);
        if format != plain {
            self.past_bytes += publication.payload.len() + PAST_MESSAGE_BYTES;
        }
        let has_time = self.past_bytes <= PAST_BYTES_PER_TURN;
        self.encode(
            if has_time { format } else { plain },
            topic,
            publication,
            out,
        );
    }
}

/// Writes frames, and compresses what goes into them.
#[derive(Debug, Default)]
struct Framer {
    compressing: Option<Compressing>,
    /// One for each window that somebody has had.
    deflaters: [Option<Box<Deflater>>; WINDOW_BITS.len()],
    compressions: u64,
}

impl Framer {
    /// Appends one frame; returns where the payload stands, if it does.
    #[inline]
    fn write(
        &mut self,
        class: u8,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        if class > 0 && self.write_compressed(usize::from(class) - 1, opcode, payload, out) {
            return None;
        }
        Some(write_frame(opcode, payload, out))
    }

    /// Whether that was worth it; otherwise nothing was written.
    #[inline(never)]
    fn write_compressed(
        &mut self,
        window: usize,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(Compressing {
            level,
            threshold_bytes,
        }) = self.compressing
        else {
            return false;
        };
        if payload.len() < threshold_bytes {
            return false;
        }
        self.compressions += 1;
        let deflater = self.deflaters[window]
            .get_or_insert_with(|| Box::new(Deflater::new(level, WINDOW_BITS[window])));
        let Some(compressed) = deflater.deflate(payload) else {
            return false;
        };
        append(Header::RSV1, opcode, compressed, out);
        true
    }
}

/// Appends one unmasked, unfragmented frame; returns where its payload stands.
pub fn write_frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) -> Range<usize> {
    append(0, opcode, payload, out)
}

fn append(rsv: u8, opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) -> Range<usize> {
    let header = Header {
        fin: true,
        rsv,
        opcode,
        mask: None,
        payload_len: payload.len() as u64,
    };
    let mut head = [0; Header::BYTES_MAX];
    let head_bytes = header.encode(&mut head);
    out.reserve(head_bytes + payload.len());
    out.extend_from_slice(&head[..head_bytes]);
    let start = out.len();
    out.extend_from_slice(payload);
    start..out.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::handshake::deflate::Compressing as Peer;

    fn agreed(window_bits: u8) -> Option<Agreed> {
        let peer = Peer {
            context_takeover: false,
            window_bits,
        };
        Some(Agreed {
            server: peer,
            client: peer,
        })
    }

    #[test]
    fn every_client_gets_a_window_that_is_no_larger_than_its_own() {
        assert_eq!(format(Format::JSON, None), Format::JSON);
        for bits in 8..=15 {
            for dialect in [Format::RAW, Format::JSON] {
                let format = format(dialect, agreed(bits));
                assert_eq!(format.number() % DIALECTS, dialect.number());
                let class = usize::from(format.number() / DIALECTS);
                assert!(WINDOW_BITS[class - 1] <= bits);
                assert!(WINDOW_BITS.get(class).is_none_or(|larger| *larger > bits));
                assert!(formats(dialect).contains(format));
            }
        }
    }

    /// A question for all of the past costs everybody a turn that is not much longer than others.
    #[test]
    fn a_turn_compresses_a_part_of_the_past_and_all_that_is_live() {
        let mut encoder = WireEncoder::new(Some(Compressing {
            level: 3,
            threshold_bytes: 0,
        }));
        let payload = [b'x'; 3 * 1024];
        let publication = Publication {
            at: "k3v9:1".parse().unwrap(),
            time_ms: 0,
            kind: Kind::Text,
            payload: &payload,
        };
        let compressed = format(Format::RAW, agreed(15));
        for _ in 0..2 {
            encoder.begin_turn();
            let before = encoder.compressions();
            let mut out = Vec::new();
            (0..100).for_each(|_| encoder.encode_past(compressed, "a", &publication, &mut out));
            assert_eq!(encoder.compressions() - before, 64, "256 KiB of 4 KiB each");
            let plain = write_frame(Opcode::Text, &payload, &mut Vec::new()).end;
            assert!(out.ends_with(&payload) && out.len() > 36 * plain);
            encoder.encode(compressed, "a", &publication, &mut out);
            assert_eq!(encoder.compressions() - before, 65);
        }
    }

    #[test]
    fn what_is_short_or_gets_no_shorter_stays_plain() {
        let compressing = Compressing {
            level: 6,
            threshold_bytes: 100,
        };
        let mut encoder = WireEncoder::new(Some(compressing));
        let mut first = |length: usize, agreed: Option<Agreed>| {
            let payload: Vec<u8> = (0..length).map(|at| (at * at / 7) as u8).collect();
            let mut out = Vec::new();
            encoder.answer(agreed, Opcode::Binary, &payload, &mut out);
            (out[0], out.len() < payload.len(), encoder.compressions())
        };
        assert_eq!(first(99, agreed(15)), (0x82, false, 0));
        assert_eq!(first(100, agreed(15)), (0x82, false, 1), "dense");
        assert_eq!(first(10_000, agreed(15)), (0xc2, true, 2));
        assert_eq!(first(10_000, None), (0x82, false, 2));
        assert_eq!(first(ANSWER_BYTES_MAX + 1, agreed(15)), (0x82, false, 2));
        encoder.set(None);
        let mut out = Vec::new();
        encoder.answer(agreed(15), Opcode::Text, &[b'x'; 1000], &mut out);
        assert_eq!(out[0], 0x81, "switched off");
    }
}
