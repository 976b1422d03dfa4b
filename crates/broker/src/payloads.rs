//! Where a log's payloads lie: small ones one behind another in segments of the log's own, large ones as slices of the chunk that brought them.
//!
//! Oldest first, and let go in that order. Letting go of a small payload touches none of its bytes, and a chunk is free again as soon as it
//! has been sent. As long as logs held on to the chunks themselves, a publish to one of a thousand topics with a hundred messages each met
//! memory four times that no cache held any more, a tenth of a microsecond each (`cargo xtask peers --row "1000 topics"`: 1.58 times
//! the floor instead of 1.35).

use std::collections::VecDeque;

use bytes::Bytes;

/// A larger payload is kept where it came.
pub(crate) const COPIED_BYTES_MAX: usize = 1024;

/// A segment is not begun anew before it has this many bytes, nor filled beyond the other.
const SEGMENT_BYTES_MIN: usize = 256;
const SEGMENT_BYTES_MAX: usize = 4096;

/// A payload on its way into a log.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// To be copied.
    Bytes(&'a [u8]),
    /// To be held on to.
    Shared(Bytes),
}

/// Where a payload lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    segment: u32,
    start: u32,
    len: u32,
}

impl Place {
    pub(crate) fn len(self) -> usize {
        self.len as usize
    }
}

#[derive(Debug)]
enum Segment {
    Own(Vec<u8>),
    Shared(Bytes),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    segments: VecDeque<Segment>,
    /// The number of the oldest segment.
    first: u32,
    /// An empty segment that was used before.
    spare: Vec<u8>,
}

impl Payloads {
    /// Takes a payload. Segments grow with what the log keeps altogether, `live_bytes`, so that what lies in them unneeded is never much more.
    pub(crate) fn add(&mut self, source: Source<'_>, live_bytes: usize) -> Place {
        let (start, len) = match source {
            Source::Bytes(bytes) => {
                let segment = self.room_for(bytes.len(), live_bytes);
                let start = segment.len();
                segment.extend_from_slice(bytes);
                (start, bytes.len())
            }
            Source::Shared(bytes) => {
                let len = bytes.len();
                self.close();
                self.segments.push_back(Segment::Shared(bytes));
                (0, len)
            }
        };
        Place {
            segment: self.first.wrapping_add(self.segments.len() as u32 - 1),
            start: u32::try_from(start).expect("segments are small"),
            len: u32::try_from(len).expect("a payload is bounded"),
        }
    }

    /// The newest segment if there is room in it, or else another.
    fn room_for(&mut self, bytes: usize, live_bytes: usize) -> &mut Vec<u8> {
        let segment_bytes_max = live_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        let fits = matches!(self.segments.back(), Some(Segment::Own(newest)) if newest.len() + bytes <= segment_bytes_max);
        if !fits {
            let mut segment = std::mem::take(&mut self.spare);
            // A large log's segments are all of one size, so that each can be used again; a small log's fits.
            let is_large = segment_bytes_max == SEGMENT_BYTES_MAX;
            segment.reserve_exact(if is_large {
                bytes.max(SEGMENT_BYTES_MAX)
            } else {
                bytes
            });
            self.segments.push_back(Segment::Own(segment));
        }
        match self.segments.back_mut() {
            Some(Segment::Own(newest)) => newest,
            _ => unreachable!("looked at above"),
        }
    }

    /// Nothing more comes into the newest segment: if most of it is free, that is given back.
    fn close(&mut self) {
        if let Some(Segment::Own(newest)) = self.segments.back_mut()
            && newest.len() < newest.capacity() / 2
        {
            newest.shrink_to_fit();
        }
    }

    pub(crate) fn get(&self, place: Place) -> &[u8] {
        let segment = &self.segments[place.segment.wrapping_sub(self.first) as usize];
        let bytes = match segment {
            Segment::Own(bytes) => bytes.as_slice(),
            Segment::Shared(bytes) => bytes,
        };
        &bytes[place.start as usize..][..place.len()]
    }

    /// Lets go of everything older than `oldest`, or of everything.
    pub(crate) fn release(&mut self, oldest: Option<Place>) {
        let Some(oldest) = oldest else {
            *self = Self::default();
            return;
        };
        while self.first != oldest.segment {
            self.first = self.first.wrapping_add(1);
            if let Some(Segment::Own(mut gone)) = self.segments.pop_front()
                && gone.capacity() == SEGMENT_BYTES_MAX
            {
                gone.clear();
                self.spare = gone;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is held for what is kept.
    fn held(payloads: &Payloads) -> usize {
        let segments = payloads.segments.iter().map(|segment| match segment {
            Segment::Own(bytes) => bytes.capacity(),
            Segment::Shared(bytes) => bytes.len(),
        });
        segments.sum::<usize>() + payloads.spare.capacity()
    }

    proptest! {
        #[test]
        fn every_payload_is_found_until_it_is_released(
            sizes in prop::collection::vec(prop_oneof![0..100_usize, 900..1100_usize, 3000..9000_usize], 1..80),
            kept_max in 1..20_usize,
        ) {
            let mut payloads = Payloads::default();
            let mut kept: VecDeque<(Place, Vec<u8>)> = VecDeque::new();
            for (number, size) in sizes.into_iter().enumerate() {
                let payload = vec![number as u8; size];
                let live_bytes = kept.iter().map(|(_, payload)| payload.len()).sum();
                let source = match size {
                    0..=COPIED_BYTES_MAX => Source::Bytes(&payload),
                    _ => Source::Shared(payload.clone().into()),
                };
                let place = payloads.add(source, live_bytes);
                kept.push_back((place, payload));
                if kept.len() > kept_max {
                    kept.pop_front();
                }
                payloads.release(kept.front().map(|(place, _)| *place));
                for (place, payload) in &kept {
                    prop_assert_eq!(payloads.get(*place), payload);
                }
                let live_bytes: usize = kept.iter().map(|(_, payload)| payload.len()).sum();
                prop_assert!(held(&payloads) <= 2 * live_bytes + 4 * SEGMENT_BYTES_MAX);
            }
            payloads.release(None);
            prop_assert_eq!(held(&payloads), 0);
        }
    }

    #[test]
    fn small_payloads_between_large_ones_hold_little() {
        let mut payloads = Payloads::default();
        let large = vec![7; COPIED_BYTES_MAX + 1];
        let mut live_bytes = 0;
        for _ in 0..1000 {
            payloads.add(Source::Bytes(&[7]), live_bytes);
            payloads.add(Source::Shared(large.clone().into()), live_bytes + 1);
            live_bytes += 1 + large.len();
        }
        assert!(
            held(&payloads) <= live_bytes + SEGMENT_BYTES_MAX,
            "{} for {live_bytes}",
            held(&payloads)
        );
    }

    #[test]
    fn a_topic_that_keeps_its_last_value_holds_little_for_it() {
        let mut payloads = Payloads::default();
        for _ in 0..1000 {
            let place = payloads.add(Source::Bytes(&[7; 50]), 50);
            payloads.release(Some(place));
        }
        assert!(
            held(&payloads) <= 2 * SEGMENT_BYTES_MIN,
            "{}",
            held(&payloads)
        );
    }

    #[test]
    fn in_the_long_run_segments_are_used_again() {
        for size in [50, 60, 64, 100, 300, 600, 1024] {
            let mut payloads = Payloads::default();
            let mut places = VecDeque::new();
            for round in 0..10_000 {
                let spare_was = payloads.spare.capacity();
                let segments_were = payloads.segments.len();
                places.push_back(payloads.add(Source::Bytes(&vec![7; size]), 100 * size));
                if round > 1000 && payloads.segments.len() > segments_were {
                    assert_eq!(spare_was, SEGMENT_BYTES_MAX, "payloads of {size}");
                }
                if places.len() > 100 {
                    places.pop_front();
                }
                payloads.release(places.front().copied());
            }
        }
    }
}
