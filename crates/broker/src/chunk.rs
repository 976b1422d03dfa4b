//! Chunks: what one topic gained in one turn, ready to send, one contiguous run for each wire format in use.
//!
//! Immutable once closed. A chunk that crosses cores is shared by one `Arc`, and each core puts its own [`Bytes`]
//! around each run, so that the clones for its sends count on that core alone. One that stays on its home core has no such wrapping.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::limits::CHUNK_OVERHEAD_BYTES;
use crate::name::HashedName;
use crate::position::{Epoch, Position};
use crate::publication::Format;

/// One format's bytes while they are written, and as they travel.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) format: Format,
    pub(crate) bytes: Vec<u8>,
}

/// The publications that a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) epoch: Epoch,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Span {
    /// The position that the chunk follows.
    pub(crate) fn before(&self) -> Position {
        Position {
            epoch: self.epoch,
            offset: self.first - 1,
        }
    }

    pub(crate) fn end(&self) -> Position {
        Position {
            epoch: self.epoch,
            offset: self.last,
        }
    }
}

/// A chunk as cores share it.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) topic: HashedName,
    pub(crate) span: Span,
    pub(crate) runs: SmallVec<[Run; 2]>,
}

/// A chunk's runs as one core sends them.
pub(crate) type Runs = SmallVec<[(Format, Bytes); 1]>;

struct SharedRun {
    chunk: Arc<Chunk>,
    run: usize,
}

impl AsRef<[u8]> for SharedRun {
    fn as_ref(&self) -> &[u8] {
        &self.chunk.runs[self.run].bytes
    }
}

/// One core's own handles of a shared chunk.
pub(crate) fn share(chunk: &Arc<Chunk>) -> Runs {
    let wrap = |(run, at): (usize, &Run)| {
        (
            at.format,
            Bytes::from_owner(SharedRun {
                chunk: chunk.clone(),
                run,
            }),
        )
    };
    chunk.runs.iter().enumerate().map(wrap).collect()
}

/// The handles of a chunk that no other core wants.
pub(crate) fn own(runs: SmallVec<[Run; 2]>) -> Runs {
    runs.into_iter()
        .map(|run| (run.format, Bytes::from(run.bytes)))
        .collect()
}

/// What a chunk counts against the backlog.
pub(crate) fn cost(runs: &Runs) -> usize {
    CHUNK_OVERHEAD_BYTES + runs.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
}
