//! Publications, the wire formats they are written in, and the encoder that the server brings along.
//!
//! The broker never looks into a payload and knows no wire format: it asks the encoder once for each publication and format.

use std::ops::Range;

use crate::position::Position;

/// What the bytes of a payload are, as their publisher said and the session checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
    /// One JSON value.
    Json,
}

/// One message of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication<'a> {
    /// Where it stands in its topic.
    pub at: Position,
    /// What its bytes are.
    pub kind: Kind,
    /// When its home core took it, in Unix milliseconds.
    pub time_ms: u64,
    /// The bytes as published.
    pub payload: &'a [u8],
}

/// One way of writing a publication on the wire, a number below 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Format(u8);

impl Format {
    /// How many formats there can be.
    pub const COUNT: usize = 8;
    /// The payload alone.
    pub const RAW: Self = Self(0);
    /// The message form of the JSON dialect.
    pub const JSON: Self = Self(1);

    /// The format with this number, which must be below [`Format::COUNT`].
    pub const fn new(number: u8) -> Self {
        assert!((number as usize) < Self::COUNT);
        Self(number)
    }

    /// The format's number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A set of formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Formats(u8);

impl Formats {
    /// No format.
    pub const NONE: Self = Self(0);

    /// The set with `format` in it.
    #[must_use]
    pub const fn with(self, format: Format) -> Self {
        Self(self.0 | 1 << format.0)
    }

    /// Whether `format` is in the set.
    pub const fn contains(self, format: Format) -> bool {
        self.0 & 1 << format.0 != 0
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The formats of the set, lowest number first.
    pub fn iter(self) -> impl Iterator<Item = Format> {
        (0..Format::COUNT as u8)
            .map(Format)
            .filter(move |&format| self.contains(format))
    }
}

/// Writes publications for the wire.
pub trait Encode {
    /// Appends the publication's ready-to-send bytes in `format`; returns where in `out` the payload stands verbatim, if it
    /// does. Must append the same bytes whenever it is asked for the same publication and format.
    fn encode(
        &mut self,
        format: Format,
        topic: &str,
        publication: &Publication<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Range<usize>>;

    /// The same for a publication of the past, of which one question may bring thousands. It may be written in fewer words, or
    /// in more, than when it was live, as long as who listens in `format` understands it.
    fn encode_past(
        &mut self,
        format: Format,
        topic: &str,
        publication: &Publication<'_>,
        out: &mut Vec<u8>,
    ) {
        self.encode(format, topic, publication, out);
    }
}
