//! Where a subscription or a history begins, as clients write it: a position, an age, a count, or a position for each topic of a pattern.
//!
//! The JSON dialect and the query of a URL share this reader, so that `since` means one thing everywhere. An age becomes a time only in
//! [`Since::start`], where the caller says what time it is.

use crate::limits::{AGE_S_MAX, LAST_MAX, POSITIONS_MAX};
use crate::{Cause, Reason, topic};
use broker::{Pattern, Position, Start, TopicName};

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Since {
    /// With what is published from now on.
    #[default]
    Live,
    /// After this position.
    Position(Position),
    /// With what was published within the last seconds.
    Age {
        /// How many seconds back.
        age_s: u64,
    },
    /// With at most so many of the newest.
    Last(u32),
    /// After these positions, one for each topic of a pattern; each topic once, in the order of their names.
    Each(Vec<(TopicName, Position)>),
}

const BAD_SINCE: Cause = Cause::new(
    Reason::BadPosition,
    "since is a position, an age like 90s, 5m or 2h, or one position for each topic",
);
const BAD_LAST: Cause = Cause::new(
    Reason::BadPosition,
    "last is a whole number, at most 1000000",
);
const TOO_MANY: Cause = Cause::new(Reason::BadPosition, "since names too many topics");
const TWICE: Cause = Cause::new(Reason::BadPosition, "since names a topic twice");
const WRONG_TOPIC: Cause = Cause::new(
    Reason::BadPosition,
    "since names a topic that the pattern does not match",
);
const PATTERN_NEEDS_EACH: Cause = Cause::new(
    Reason::BadPosition,
    "a pattern goes on from one position for each topic, not from a single one",
);
const TOPIC_NEEDS_ONE: Cause = Cause::new(
    Reason::BadPosition,
    "a topic goes on from one position, not from one for each topic",
);

impl Since {
    /// Reads a position (`k3v9x2:41`) or an age (`90s`, `5m`, `2h`).
    pub fn parse(text: &str) -> Result<Since, Cause> {
        if text.contains(':') {
            return text.parse().map(Since::Position).map_err(|_| BAD_SINCE);
        }
        let (digits, unit_s) = match text.as_bytes() {
            [digits @ .., b's'] => (digits, 1),
            [digits @ .., b'm'] => (digits, 60),
            [digits @ .., b'h'] => (digits, 3600),
            _ => return Err(BAD_SINCE),
        };
        let age_s = decimal(digits)
            .and_then(|count| count.checked_mul(unit_s))
            .filter(|&age_s| age_s <= AGE_S_MAX)
            .ok_or(BAD_SINCE)?;
        Ok(Since::Age { age_s })
    }

    /// Reads the count of `last`.
    pub fn parse_last(text: &str) -> Result<Since, Cause> {
        let count = decimal(text.as_bytes()).and_then(|count| u32::try_from(count).ok());
        count
            .filter(|&count| count <= LAST_MAX)
            .map(Since::Last)
            .ok_or(BAD_LAST)
    }

    /// Reads one position for each topic from the pairs of an object.
    pub(crate) fn each(
        pairs: impl Iterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
    ) -> Result<Since, Cause> {
        let mut positions = Vec::new();
        for (topic, position) in pairs {
            if positions.len() == POSITIONS_MAX {
                return Err(TOO_MANY);
            }
            positions.push((
                topic::readable(topic.as_ref())?,
                position.as_ref().parse().map_err(|_| BAD_SINCE)?,
            ));
        }
        positions.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        match positions.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            true => Err(TWICE),
            false => Ok(Since::Each(positions)),
        }
    }

    /// Whether a subscription to `pattern` can begin here.
    pub(crate) fn fits(self, pattern: &Pattern) -> Result<Since, Cause> {
        match &self {
            Since::Position(_) if !pattern.is_exact() => Err(PATTERN_NEEDS_EACH),
            Since::Each(_) if pattern.is_exact() => self.fits_topic(),
            Since::Each(positions)
                if !positions
                    .iter()
                    .all(|(topic, _)| pattern.matches(topic.as_str())) =>
            {
                Err(WRONG_TOPIC)
            }
            _ => Ok(self),
        }
    }

    /// Whether the history of one topic can begin here.
    pub(crate) fn fits_topic(self) -> Result<Since, Cause> {
        match self {
            Since::Each(_) => Err(TOPIC_NEEDS_ONE),
            since => Ok(since),
        }
    }

    /// The broker's form. `time_ms` is the Unix time that an age is counted back from.
    pub fn start(self, time_ms: u64) -> Start {
        match self {
            Since::Live => Start::Live,
            Since::Position(position) => Start::Since(position),
            Since::Age { age_s } => Start::SinceTime(time_ms.saturating_sub(age_s * 1000)),
            Since::Last(count) => Start::Last(count),
            Since::Each(positions) => Start::SinceEach(positions),
        }
    }

    /// The broker's form for a history: one that names no beginning asks for as much as there is room for in an answer.
    pub fn history_start(self, time_ms: u64) -> Start {
        match self {
            Since::Live => Start::Last(LAST_MAX),
            since => since.start(time_ms),
        }
    }
}

/// A number of decimal digits alone: no sign, no blank, no point.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
