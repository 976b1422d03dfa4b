//! Durations, sizes and counts as people write and read them: `10s`, `16KiB`, `1.50 M`.
//!
//! Used by the command line and by the text report. The JSON report never goes through here: it carries plain numbers with
//! the unit in the field's name.

use std::time::Duration;

/// Somebody else's words without what would steer a terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}

/// Reads `250us`, `20ms`, `10s`, `1.5m`, `2h`. A bare number has no meaning and is refused.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let seconds_per_unit = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("give a number and a unit: 250us, 20ms, 10s, 2m, 1h".into()),
    };
    let value: f64 = number
        .parse()
        .map_err(|_| format!("`{number}` is no number"))?;
    Duration::try_from_secs_f64(value * seconds_per_unit)
        .map_err(|_| format!("`{text}` is out of range"))
}

/// The known name that a mistyped one was probably meant to be, for the message that refuses it.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |candidate: &str| strsim::damerau_levenshtein(candidate, name);
    known
        .min_by_key(|candidate| distance(candidate))
        .filter(|candidate| distance(candidate) <= candidate.len() / 2)
}

/// Reads a number of bytes: `64`, `16KiB`, `1MiB`, `100kB`.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split_unit(text);
    let bytes_per_unit = match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        _ => return Err("give bytes, or a unit: 64, 16KiB, 1MiB, 100kB".into()),
    };
    let value: usize = number
        .parse()
        .map_err(|_| format!("`{number}` is no whole number"))?;
    value
        .checked_mul(bytes_per_unit)
        .ok_or_else(|| format!("`{text}` is out of range"))
}

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// Nanoseconds with a unit that leaves three or four significant digits: `871 ns`, `43.1 us`, `1.234 s`.
pub fn nanoseconds(ns: u64) -> String {
    let value = ns as f64;
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} us", four_digits(value / 1e3)),
        1_000_000..1_000_000_000 => format!("{} ms", four_digits(value / 1e6)),
        _ => format!("{} s", four_digits(value / 1e9)),
    }
}

/// A rate or count with a decimal prefix: `512`, `48.20 k`, `3.101 M`.
pub fn count(value: f64) -> String {
    match value {
        0.0..1e3 if value.fract() == 0.0 => format!("{value:.0}"),
        0.0..1e3 => format!("{value:.1}"),
        1e3..1e6 => format!("{} k", four_digits(value / 1e3)),
        1e6..1e9 => format!("{} M", four_digits(value / 1e6)),
        _ => format!("{} G", four_digits(value / 1e9)),
    }
}

/// Bytes with a binary prefix: `712 B`, `23.50 MiB`.
pub fn bytes(value: u64) -> String {
    let exact = value as f64;
    match value {
        0..0x400 => format!("{value} B"),
        0x400..0x10_0000 => format!("{} KiB", four_digits(exact / 1024.0)),
        0x10_0000..0x4000_0000 => format!("{} MiB", four_digits(exact / 1_048_576.0)),
        _ => format!("{} GiB", four_digits(exact / 1_073_741_824.0)),
    }
}

/// A whole number with thin groups of three: `1 234 567`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A part of 1 as a percentage, rounded down: `99.9999 %` of nearly everything is not everything.
pub fn share(part: f64, decimals: usize) -> String {
    /// What multiplying may take away, in units of the last digit.
    const ROUNDING: f64 = 1e-6;
    let scale = 100.0 * 10_f64.powi(decimals as i32);
    let digits = (part * scale + ROUNDING).floor();
    let digits = if part < 1.0 {
        digits.min(scale - 1.0)
    } else {
        digits
    };
    format!("{:.decimals$} %", digits * 100.0 / scale)
}

fn four_digits(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.3}"),
        10.0..100.0 => format!("{value:.2}"),
        100.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(parse_duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("20 ms"), Ok(Duration::from_millis(20)));
        for wrong in [
            "10",
            "",
            "s",
            "-1s",
            "1.2.3s",
            "10sec",
            "99999999999999999999h",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_may_have_one() {
        assert_eq!(parse_bytes("64"), Ok(64));
        assert_eq!(parse_bytes("16KiB"), Ok(16_384));
        assert_eq!(parse_bytes("100kB"), Ok(100_000));
        for wrong in ["", "KiB", "1.5KiB", "16k", "99999999999999MiB"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nearly_everything_never_reads_as_everything() {
        for (part, decimals, text) in [
            (1.0, 4, "100.0000 %"),
            (1.0 - 1e-12, 4, "99.9999 %"),
            (0.999_999_99, 4, "99.9999 %"),
            (0.999_999_99, 6, "99.999999 %"),
            (0.999_96, 1, "99.9 %"),
            (0.29, 4, "29.0000 %"),
            (0.29, 1, "29.0 %"),
            (1.5, 1, "150.0 %"),
            (0.0, 4, "0.0000 %"),
        ] {
            assert_eq!(share(part, decimals), text);
        }
    }

    #[test]
    fn figures_keep_four_digits() {
        assert_eq!(nanoseconds(871), "871 ns");
        assert_eq!(nanoseconds(43_120), "43.12 us");
        assert_eq!(nanoseconds(1_234_000_000), "1.234 s");
        assert_eq!(count(512.0), "512");
        assert_eq!(count(48_200.0), "48.20 k");
        assert_eq!(bytes(24_641_536), "23.50 MiB");
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(grouped(123), "123");
    }
}
