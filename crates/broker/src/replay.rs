//! Replays: the past of a topic, encoded for one format and shared by all who ask for it at about the same time.
//!
//! After a restart or a lost network everybody comes back at once and asks for nearly the same. So what was encoded for one is kept for a moment,
//! and the next one is given slices of the same memory, from its own position: a herd costs one encoding, not a copy for each client.

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
    bytes: Bytes,
    /// Where each publication ends, oldest first.
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
            Some(replay) if replay.ends.len() >= count => replay,
            _ => {
                known.and_then(|index| self.recent.remove(index));
                self.recent.truncate(REPLAYS_MAX - 1);
                self.encodes += count as u64;
                self.recent
                    .push_front(Replay::new(encode, topic, format, log, count));
                &self.recent[0]
            }
        };
        replay.pieces(count)
    }

    /// Forgets what was made; those who were given it still have it.
    pub(crate) fn clear(&mut self) {
        self.recent = VecDeque::new();
    }
}

impl Replay {
    fn new(encode: &mut dyn Encode, topic: &str, format: Format, log: &Log, count: usize) -> Self {
        let mut bytes = Vec::new();
        let encoded = log.read(log.len() - count..log.len()).map(|publication| {
            encode.encode(format, topic, &publication, &mut bytes);
            bytes.len()
        });
        let ends = encoded.collect();
        Self {
            end: log.end(),
            format,
            bytes: Bytes::from(bytes),
            ends,
        }
    }

    fn pieces(&self, count: usize) -> Vec<Bytes> {
        let first = self.ends.len() - count;
        let mut start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut pieces = Vec::new();
        for &end in &self.ends[first..] {
            let is_last = end == self.bytes.len();
            if end - start >= REPLAY_PIECE_BYTES || is_last && end > start {
                pieces.push(self.bytes.slice(start..end));
                start = end;
            }
        }
        pieces
    }
}
