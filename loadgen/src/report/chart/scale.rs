//! Axes: where a value lies between the two ends, and which round values are written beside it.

/// The steps of round numbers within a factor of ten.
const ROUND: [f64; 3] = [1.0, 2.0, 5.0];

/// Factors of ten up to which a logarithmic axis names 2 and 5 as well.
const FINE_DECADES_MAX: f64 = 3.0;

/// Beyond this many values the next nine is lost in the 53 bits of a quantile.
const COUNT_MAX: f64 = 1e15;

/// The smallest step between ticks.
const STEP_MIN: f64 = 1e-9;

/// Room above the highest value, so that a line there is seen whole.
const HEADROOM: f64 = 0.06;

/// A round value on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Tick {
    /// From 0 to 1.
    pub(super) at: f64,
    pub(super) label: String,
    /// Not named where there is little room.
    pub(super) is_minor: bool,
}

impl Tick {
    /// How its label is placed: towards the middle where it would leave the drawing otherwise.
    pub(super) fn class(&self) -> &'static str {
        match self.at {
            ..0.02 => "first",
            0.96.. => "last",
            _ if self.is_minor => "minor",
            _ => "",
        }
    }
}

/// One axis.
#[derive(Clone, Debug)]
pub(in crate::report) struct Scale {
    measure: fn(f64) -> f64,
    low: f64,
    high: f64,
    pub(super) ticks: Vec<Tick>,
}

impl Scale {
    /// From `low` to a little above `high`, in about `ticks` round steps.
    pub(in crate::report) fn linear(
        low: f64,
        high: f64,
        ticks: u32,
        name: impl Fn(f64) -> String,
    ) -> Scale {
        let step = round_step((high - low) / f64::from(ticks));
        Scale::evenly(low, high + (high - low) * HEADROOM, step, name)
    }

    /// Counts from 0 to a little above `highest`.
    pub(in crate::report) fn rates(highest: f64) -> Scale {
        Scale::linear(0.0, highest.max(1.0), 3, short)
    }

    /// Seconds from 0 to exactly `seconds`.
    pub(in crate::report) fn time(seconds: f64) -> Scale {
        let (unit, name) = match seconds {
            ..180.0 => (1.0, "s"),
            ..10_800.0 => (60.0, "min"),
            _ => (3600.0, "h"),
        };
        let step = round_step(seconds / unit / 8.0) * unit;
        Scale::evenly(0.0, seconds, step, |at| {
            format!("{} {name}", short(at / unit))
        })
    }

    fn evenly(low: f64, high: f64, step: f64, name: impl Fn(f64) -> String) -> Scale {
        let mut scale = Scale {
            measure: |value| value,
            low,
            high,
            ticks: Vec::new(),
        };
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        scale.ticks = (first..=last)
            .map(|index| Tick {
                at: scale.at(index as f64 * step),
                label: name(index as f64 * step),
                is_minor: (index - first) % 2 != 0,
            })
            .collect();
        scale
    }

    /// Nanoseconds, each factor of ten equally long, from a round value at or below `low` to one at or above `high`.
    pub(in crate::report) fn logarithmic(low: f64, high: f64) -> Scale {
        let low = round_values()
            .take_while(|&value| value <= low.max(1.0))
            .last()
            .unwrap_or(1.0);
        let high = round_values()
            .find(|&value| value >= high.max(low * 2.0))
            .unwrap_or(f64::MAX);
        Scale::logarithmic_exactly(low, high)
    }

    /// The same without rounding the ends.
    pub(in crate::report) fn logarithmic_exactly(low: f64, high: f64) -> Scale {
        Scale::by_factors(low, high, round_duration)
    }

    /// Offered rates that were doubled and halved: each factor is equally long.
    pub(in crate::report) fn offered(low: f64, high: f64) -> Scale {
        Scale::by_factors(low.max(1.0), high.max(low.max(1.0) * 2.0), short)
    }

    fn by_factors(low: f64, high: f64, name: fn(f64) -> String) -> Scale {
        let mut scale = Scale {
            measure: f64::log10,
            low,
            high,
            ticks: Vec::new(),
        };
        let names_all = (high / low).log10() <= FINE_DECADES_MAX;
        scale.ticks = round_values()
            .enumerate()
            .skip_while(|&(_, value)| value < low * 0.999)
            .take_while(|&(_, value)| value <= high * 1.001)
            .filter(|(index, _)| names_all || index % ROUND.len() == 0)
            .map(|(_, value)| Tick {
                at: scale.at(value),
                label: name(value),
                is_minor: false,
            })
            .collect();
        scale
    }

    /// Quantiles, on the axis of 1/(1-q): each further nine takes as much room as the first. Ends with the largest of `count`
    /// values, which is where the quantile 1 is drawn.
    pub(in crate::report) fn nines(count: u64) -> Scale {
        let high = 1.0 - 1.0 / (count as f64).clamp(10.0, COUNT_MAX);
        let mut scale = Scale {
            measure: |quantile| -(1.0 - quantile).log10(),
            low: 0.0,
            high,
            ticks: Vec::new(),
        };
        let nines = (scale.measure)(high) as i32;
        scale.ticks = std::iter::once((0.5, "50 %".to_owned(), true))
            .chain((1..=nines).map(|nines| {
                let quantile = 1.0 - 10_f64.powi(-nines);
                let decimals = (nines - 2).max(0) as usize;
                (
                    quantile,
                    format!("{:.decimals$} %", quantile * 100.0),
                    nines > 2 && nines % 2 == 0,
                )
            }))
            .map(|(quantile, label, is_minor)| Tick {
                at: scale.at(quantile),
                label,
                is_minor,
            })
            .collect();
        scale
    }

    /// Where `value` lies: 0 is the low end, 1 the high one. What is outside lies at the end.
    pub(in crate::report) fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let [low, high, value] = [self.low, self.high, value].map(self.measure);
        if high > low {
            (value - low) / (high - low)
        } else {
            0.0
        }
    }
}

/// 1, 2, 5, 10, 20, ... to well beyond ten minutes in nanoseconds.
fn round_values() -> impl Iterator<Item = f64> {
    (0..=15).flat_map(|exponent| ROUND.map(|digit| digit * 10_f64.powi(exponent)))
}

/// The smallest of 1, 2, 5 times a power of ten that is no less than `step`.
fn round_step(step: f64) -> f64 {
    let step = step.max(STEP_MIN);
    let magnitude = 10_f64.powf(step.log10().floor());
    let digit = ROUND
        .into_iter()
        .find(|digit| digit * magnitude >= step * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * magnitude
}

/// A round duration without digits that say nothing: `5 ms`.
fn round_duration(ns: f64) -> String {
    let (value, unit) = match ns {
        ..1e3 => (ns, "ns"),
        ..1e6 => (ns / 1e3, "µs"),
        ..1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    format!("{} {unit}", short(value))
}

/// A tick's number: a decimal prefix, and no zeros behind the point.
pub(in crate::report) fn short(value: f64) -> String {
    let (value, prefix) = match value {
        ..1e3 => (value, ""),
        ..1e6 => (value / 1e3, " k"),
        ..1e9 => (value / 1e6, " M"),
        _ => (value / 1e9, " G"),
    };
    let digits = format!("{value:.3}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits}{prefix}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_named_with_their_unit() {
        assert_eq!(labels(&Scale::rates(200_000.0)), ["0", "100 k", "200 k"]);
        assert_eq!(labels(&Scale::rates(0.0)), ["0", "0.5", "1"]);
        assert_eq!(
            labels(&Scale::time(12.3)),
            ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s", "12 s"]
        );
        assert_eq!(
            labels(&Scale::time(600.0)),
            ["0 min", "2 min", "4 min", "6 min", "8 min", "10 min"]
        );
        assert_eq!(
            labels(&Scale::logarithmic(1_300.0, 9_000.0)),
            ["1 µs", "2 µs", "5 µs", "10 µs"]
        );
        assert_eq!(
            labels(&Scale::logarithmic(900.0, 2e9)),
            ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"]
        );
        assert_eq!(
            labels(&Scale::offered(150.0, 4_100.0)),
            ["200", "500", "1 k", "2 k"]
        );
        assert_eq!(
            labels(&Scale::nines(20_000)),
            ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
    }

    #[test]
    fn each_nine_takes_as_much_room() {
        let scale = Scale::nines(1_000);
        for (quantile, at) in [
            (0.0, 0.0),
            (0.9, 1.0 / 3.0),
            (0.99, 2.0 / 3.0),
            (0.999, 1.0),
            (1.0, 1.0),
        ] {
            assert!(
                (scale.at(quantile) - at).abs() < 1e-9,
                "{quantile}: {}",
                scale.at(quantile)
            );
        }
    }

    proptest! {
        #[test]
        fn larger_is_further_and_all_is_inside(low in 0.0_f64..1e12, length in 0.0_f64..1e12, count in 0_u64..u64::MAX, one in 0.0_f64..1e12, other in 0.0_f64..1e12) {
            let high = low + length;
            for scale in [Scale::linear(low, high.max(low + 1.0), 4, short), Scale::time(length), Scale::logarithmic(low, high), Scale::nines(count)] {
                let (small, large) = (scale.at(one.min(other)), scale.at(one.max(other)));
                prop_assert!((0.0..=1.0).contains(&small) && small <= large && large <= 1.0, "{scale:?}");
                prop_assert!(scale.ticks.len() <= 60, "{} ticks: {scale:?}", scale.ticks.len());
                prop_assert!(scale.ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)), "{scale:?}");
            }
        }
    }
}
