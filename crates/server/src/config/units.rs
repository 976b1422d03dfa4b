//! Sizes and durations as people write them: `"64KiB"`, `"10s"`.
//!
//! A bare number in a configuration file leaves the reader guessing its unit, so every size and
//! every duration carries one. Both types read what they print.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes, written with a unit: `512B`, `64KiB`, `1MiB`, `2GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(u64);

/// A duration, written with a unit: `250ms`, `10s`, `5m`, `2h`. Zero (`0s`) often means "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(u64);

const SIZES: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];
const PERIODS: [(&str, u64); 4] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];

impl Size {
    /// So many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many KiB.
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// The size in bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The size as a length in memory; no size that the configuration accepts is beyond it.
    pub fn len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Whether the size is zero.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Period {
    /// So many milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// So many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1000)
    }

    /// The duration in milliseconds.
    pub const fn ms(self) -> u64 {
        self.0
    }
}

/// The largest of each: sums of a few of them never overflow.
const SIZE_MAX: u64 = 1 << 50;
const PERIOD_MS_MAX: u64 = 100 * 365 * 24 * 3_600_000;

/// Splits `"64KiB"` into its number and the factor of its unit. The longest suffixes stand first
/// in the tables, so that `B` is not found inside `KiB` nor `s` inside `ms`.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Prints with the largest unit that divides the value.
fn print(
    value: u64,
    units: &[(&str, u64)],
    smallest: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let fits = |(_, factor): &&(&str, u64)| value != 0 && value.is_multiple_of(*factor);
    match units.iter().filter(fits).max_by_key(|(_, factor)| *factor) {
        Some((unit, factor)) => write!(f, "{}{unit}", value / factor),
        None => write!(f, "{value}{smallest}"),
    }
}

macro_rules! unit {
    ($name:ident, $table:ident, $most:ident, $zero:literal, $expected:literal) => {
        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                parse(text, &$table)
                    .filter(|value| *value <= $most)
                    .map(Self)
                    .ok_or_else(|| format!(concat!("`{}` is no ", $expected), text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                print(self.0, &$table, $zero, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    };
}

unit!(
    Size,
    SIZES,
    SIZE_MAX,
    "B",
    "size: write a whole number and B, KiB, MiB or GiB, as in \"64KiB\""
);
unit!(
    Period,
    PERIODS,
    PERIOD_MS_MAX,
    "s",
    "duration: write a whole number and ms, s, m or h, as in \"10s\""
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_read_what_they_print() {
        for text in ["0B", "512B", "64KiB", "1MiB", "3GiB", "1025B"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        for text in ["0s", "250ms", "10s", "90s", "5m", "2h"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        assert_eq!("1000ms".parse::<Period>().unwrap().to_string(), "1s");
    }

    #[test]
    fn a_number_without_unit_is_refused_with_the_units_named() {
        for text in [
            "",
            "10",
            "KiB",
            "-1B",
            "+1B",
            "1.5MiB",
            "1 KiB",
            "1kb",
            "99999999999GiB",
        ] {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.contains("KiB, MiB or GiB"), "{error}");
        }
        assert!("10".parse::<Period>().is_err());
        assert!("1d".parse::<Period>().is_err());
        assert!("876000h".parse::<Period>().is_ok() && "876001h".parse::<Period>().is_err());
    }
}
