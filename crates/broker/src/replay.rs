//! Replays: the past of a topic, encoded for one format and shared by all who ask for it at about the same time.
//!
//! After a restart or a lost network everybody comes back at once and asks for nearly the same. So what was encoded for one is kept for a moment,
//! and the next one is given the same memory, from its own position: a herd costs one encoding, not a copy for each client.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::limits::{REPLAY_PIECE_BYTES, REPLAYS_MAX};
use crate::log::Log;
use crate::position::Position;
use crate::publication::{Encode, Format};

/// The newest part of a log, encoded. Good for as long as the log has the same end.
#[derive(Debug)]
struct Replay {
    /// The log's end. Its epoch tells topics apart as well: no two lives have the same on one core.
    end: Position,
    format: Format,
    count: usize,
    /// Oldest first.
    pieces: Vec<Piece>,
}

/// An allocation of its own, so that whoever holds the last piece does not hold all of them.
#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// Where each publication ends.
    ends: Vec<usize>,
}

/// The replays that one home core made lately.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    recent: VecDeque<Replay>,
    /// Calls of the encoder.
    pub(crate) encodes: u64,
}

impl Replays {
    /// The newest `count` publications of a log, in pieces of a bounded size.
    pub(crate) fn newest(
        &mut self,
        encode: &mut dyn Encode,
        topic: &str,
        format: Format,
        log: &Log,
        count: usize,
    ) -> Vec<Bytes> {
        if count == 0 {
            return Vec::new();
        }
        let same = |replay: &Replay| replay.end == log.end() && replay.format == format;
        let known = self.recent.iter().position(same);
        let replay = match known.map(|index| &self.recent[index]) {
            Some(replay) if replay.count >= count => replay,
            _ => {
                known.and_then(|index| self.recent.remove(index));
                self.recent.truncate(REPLAYS_MAX - 1);
                self.encodes += count as u64;
                self.recent
                    .push_front(Replay::new(encode, topic, format, log, count));
                &self.recent[0]
            }
        };
        replay.newest(count)
    }

    /// Forgets what was made; those who were given it still have it.
    pub(crate) fn clear(&mut self) {
        self.recent = VecDeque::new();
    }
}

impl Replay {
    fn new(encode: &mut dyn Encode, topic: &str, format: Format, log: &Log, count: usize) -> Self {
        let (mut pieces, mut bytes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for publication in log.read(log.len() - count..log.len()) {
            encode.encode_past(format, topic, &publication, &mut bytes);
            ends.push(bytes.len());
            if bytes.len() >= REPLAY_PIECE_BYTES {
                pieces.push(Piece::new(&mut bytes, &mut ends));
            }
        }
        if !ends.is_empty() {
            pieces.push(Piece::new(&mut bytes, &mut ends));
        }
        Self {
            end: log.end(),
            format,
            count,
            pieces,
        }
    }

    fn newest(&self, count: usize) -> Vec<Bytes> {
        let mut passed_over = self.count - count;
        let parts = self.pieces.iter().map(|piece| {
            let here = passed_over.min(piece.ends.len());
            passed_over -= here;
            piece.after(here)
        });
        parts.filter(|part| !part.is_empty()).collect()
    }
}

impl Piece {
    fn new(bytes: &mut Vec<u8>, ends: &mut Vec<usize>) -> Self {
        Self {
            bytes: std::mem::take(bytes).into_boxed_slice().into(),
            ends: std::mem::take(ends),
        }
    }

    /// What follows the first so many publications. A small part is copied: a slice would hold the whole piece, and who holds it
    /// is charged for the part alone.
    fn after(&self, publications: usize) -> Bytes {
        let start = match publications {
            0 => 0,
            publications => self.ends[publications - 1],
        };
        let part = &self.bytes[start..];
        if part.len() < self.bytes.len() / 2 {
            Bytes::copy_from_slice(part)
        } else {
            self.bytes.slice(start..)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who holds a part holds at most twice its bytes, wherever the part begins.
    #[test]
    fn a_small_part_of_a_piece_is_no_slice_of_it() {
        let (mut bytes, mut ends) = (vec![b'x'; 1000], (1..=100).map(|end| end * 10).collect());
        let piece = Piece::new(&mut bytes, &mut ends);
        for publications in 0..=100 {
            let part = piece.after(publications);
            assert_eq!(part.len(), 1000 - publications * 10);
            let shared = piece.bytes.as_ptr_range().contains(&part.as_ptr());
            assert_eq!(shared, publications <= 50, "behind {publications}");
        }
    }
}
