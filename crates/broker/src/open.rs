//! What a topic gains in one turn, while it is written: one run for each format, and where each payload lies that is to be kept.

use smallvec::SmallVec;

use crate::chunk::{Run, Runs};
use crate::limits::{CHUNK_PUBLICATIONS_MAX, ENVELOPE_BYTES};
use crate::log::{Keep, Log};
use crate::payloads::{COPIED_BYTES_MAX, Source};
use crate::publication::{Encode, Format, Kind, Publication};
use crate::rules::Rule;

/// A publication as it came, on its way into a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) kind: Kind,
    pub(crate) time_ms: u64,
    pub(crate) payload: &'a [u8],
}

/// Where the payload of a publication of this turn lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    kind: Kind,
    time_ms: u64,
    /// Which of the runs holds it verbatim; `None` for the loose bytes.
    run: Option<u8>,
    start: usize,
    end: usize,
}

/// What a topic has gained in this turn.
#[derive(Debug, Default)]
pub(crate) struct OpenChunk {
    pub(crate) publications: u64,
    pub(crate) runs: SmallVec<[Run; 2]>,
    places: Vec<Place>,
    /// Payloads that are to be kept, and that no run holds verbatim.
    loose: Vec<u8>,
}

impl OpenChunk {
    /// Each publication is encoded once for each run; its payload is copied only if it must be kept and stands in none of them.
    pub(crate) fn append(
        &mut self,
        encode: &mut dyn Encode,
        topic: &str,
        publication: &Publication<'_>,
        keep: bool,
    ) {
        let mut place = None;
        for (run, at) in self.runs.iter_mut().enumerate() {
            let verbatim = encode.encode(at.format, topic, publication, &mut at.bytes);
            debug_assert!(
                verbatim
                    .clone()
                    .is_none_or(|range| at.bytes[range] == *publication.payload)
            );
            place = place.or_else(|| verbatim.map(|range| (Some(run as u8), range)));
        }
        self.publications += 1;
        if keep {
            let (run, range) = place.unwrap_or_else(|| {
                let start = self.loose.len();
                self.loose.extend_from_slice(publication.payload);
                (None, start..self.loose.len())
            });
            self.places.push(Place {
                kind: publication.kind,
                time_ms: publication.time_ms,
                run,
                start: range.start,
                end: range.end,
            });
        }
    }

    /// A run begins, with room for the turn's first publication and a usual envelope.
    pub(crate) fn begin(&mut self, format: Format, payload_bytes: usize) {
        let bytes = Vec::with_capacity(payload_bytes + ENVELOPE_BYTES);
        self.runs.push(Run { format, bytes });
    }

    /// What the rule keeps goes into the log, once the runs are closed. Large payloads stay where they are, unless that would hold on to much more
    /// than is kept.
    pub(crate) fn keep(&mut self, runs: &Runs, log: &mut Log, rule: &Rule) {
        let last = log.end().offset + self.publications;
        let places = self.kept(rule);
        let is_large = |place: &&Place| place.len() > COPIED_BYTES_MAX;
        let large_bytes: usize = places.iter().filter(is_large).map(Place::len).sum();
        let runs_bytes: usize = runs.iter().map(|(_, run)| run.len()).sum();
        let shares = large_bytes > 0 && runs_bytes <= 2 * large_bytes;
        let kept = places.iter().map(|place| {
            let payload = match place.run {
                Some(run) if shares && is_large(&place) => {
                    Source::Shared(runs[run as usize].1.slice(place.start..place.end))
                }
                _ => Source::Bytes(place.of(runs, &self.loose)),
            };
            Keep {
                kind: place.kind,
                time_ms: place.time_ms,
                payload,
            }
        });
        log.extend(last, kept, rule);
    }

    /// The newest publications, as many as the rule keeps.
    fn kept(&self, rule: &Rule) -> &[Place] {
        let mut bytes = 0;
        let newest = self.places.iter().rev().take(rule.messages_max as usize);
        let kept = newest.take_while(|place| {
            bytes += place.len();
            bytes <= rule.bytes_max
        });
        &self.places[self.places.len() - kept.count()..]
    }

    /// Empty again, with its room, if that is worth keeping.
    pub(crate) fn recycle(&mut self) -> bool {
        self.publications = 0;
        self.places.clear();
        self.loose = Vec::new();
        self.places.capacity() <= 64
    }

    pub(crate) fn is_full(&self, bytes_max: usize) -> bool {
        let longest = self
            .runs
            .iter()
            .map(|run| run.bytes.len())
            .max()
            .unwrap_or(0)
            .max(self.loose.len());
        longest >= bytes_max || self.publications >= CHUNK_PUBLICATIONS_MAX as u64
    }
}

impl Place {
    fn len(&self) -> usize {
        self.end - self.start
    }

    fn of<'a>(&self, runs: &'a Runs, loose: &'a [u8]) -> &'a [u8] {
        let bytes = self.run.map_or(loose, |run| &runs[run as usize].1);
        &bytes[self.start..self.end]
    }
}
