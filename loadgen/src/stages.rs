//! An open loop whose rate changes: stages, constant or ramps, and how many messages are due until when.
//!
//! The rate is piecewise linear, so the number of messages due until a moment is piecewise quadratic, and both it and its inverse
//! are computed in one step: no error grows with the run, and no thread needs to know what another one does.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::quantity::{count, parse_duration};

/// The highest rate.
const PER_SECOND_MAX: f64 = 1e8;

/// A part of a run in which the rate is constant or changes evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Publishes per second at its beginning.
    pub from_per_second: f64,
    /// And at its end.
    pub to_per_second: f64,
    /// How long it takes.
    pub length: Duration,
}

/// What `--rate` says.
#[derive(Clone, Debug, PartialEq)]
pub enum Rate {
    /// So many publishes per second.
    Constant(f64),
    /// One after another; their total is the measured window.
    Stages(Vec<Stage>),
}

impl Rate {
    /// Reads `1000`, or stages as in `100..1000:30s,1000:60s`.
    pub fn parse(text: &str) -> Result<Rate, String> {
        if !text.contains(':') {
            return match per_second(text)? {
                0.0 => Err("give more than 0, or --idle".to_owned()),
                rate => Ok(Rate::Constant(rate)),
            };
        }
        let stages: Vec<Stage> = text
            .split(',')
            .map(Stage::parse)
            .collect::<Result<_, _>>()?;
        if stages.iter().all(|stage| stage.messages() == 0.0) {
            return Err("nothing is published in any stage".to_owned());
        }
        Ok(Rate::Stages(stages))
    }

    /// Publishes per second, on the average.
    pub fn mean_per_second(&self) -> f64 {
        match self {
            Rate::Constant(per_second) => *per_second,
            Rate::Stages(stages) => {
                let messages: f64 = stages.iter().map(Stage::messages).sum();
                messages / self.length().unwrap_or_default().as_secs_f64()
            }
        }
    }

    /// How long all stages take together; `None` if the rate is constant.
    pub fn length(&self) -> Option<Duration> {
        match self {
            Rate::Constant(_) => None,
            Rate::Stages(stages) => Some(stages.iter().map(|stage| stage.length).sum()),
        }
    }
}

impl Stage {
    fn parse(text: &str) -> Result<Stage, String> {
        let (rates, length) = text.split_once(':').ok_or(format!(
            "`{text}` has no length: stages are RATE:TIME or FROM..TO:TIME, as in 100..1000:30s,1000:60s"
        ))?;
        let (from, to) = rates.split_once("..").unwrap_or((rates, rates));
        let length = parse_duration(length)?;
        if length.is_zero() {
            return Err(format!("`{text}`: a stage is longer than nothing"));
        }
        Ok(Stage {
            from_per_second: per_second(from)?,
            to_per_second: per_second(to)?,
            length,
        })
    }

    /// How many are published in it.
    fn messages(&self) -> f64 {
        (self.from_per_second + self.to_per_second) / 2.0 * self.length.as_secs_f64()
    }
}

impl Display for Stage {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let length = self.length;
        match self.from_per_second == self.to_per_second {
            true => write!(formatter, "{}/s for {length:?}", count(self.to_per_second)),
            false => write!(
                formatter,
                "{} to {}/s in {length:?}",
                count(self.from_per_second),
                count(self.to_per_second)
            ),
        }
    }
}

fn per_second(text: &str) -> Result<f64, String> {
    let rate: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is no number"))?;
    match (0.0..=PER_SECOND_MAX).contains(&rate) {
        true => Ok(rate),
        false => Err(format!(
            "`{text}`: give 0 to 100 million publishes per second"
        )),
    }
}

/// How many messages are due until when.
#[derive(Clone, Debug)]
pub struct Curve {
    pieces: Vec<Piece>,
}

/// A part of the curve; the last one has no end.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from_ns: f64,
    until_ns: f64,
    /// How many messages were due before it, and before the next one.
    first: f64,
    last: f64,
    per_ns: f64,
    /// What the rate grows by in each nanosecond.
    growth: f64,
}

impl Curve {
    /// `rate_per_second` for ever if there are no stages. Else the rate with which they begin for as long as the warm-up, the
    /// stages, and the rate with which they end from then on.
    pub fn new(rate_per_second: f64, warm_up: Duration, stages: &[Stage]) -> Curve {
        let mut curve = Curve { pieces: Vec::new() };
        let (mut before, mut after) = (rate_per_second, rate_per_second);
        if let [first, .., last] | [first @ last] = stages {
            (before, after) = (first.from_per_second, last.to_per_second);
        }
        if !stages.is_empty() && !warm_up.is_zero() {
            curve.append(before, before, warm_up.as_nanos() as f64);
        }
        for stage in stages {
            let length_ns = stage.length.as_nanos() as f64;
            curve.append(stage.from_per_second, stage.to_per_second, length_ns);
        }
        curve.append(after, after, f64::INFINITY);
        curve
    }

    fn append(&mut self, from_per_second: f64, to_per_second: f64, length_ns: f64) {
        let (from_ns, first) = match self.pieces.last() {
            Some(piece) => (piece.until_ns, piece.last),
            None => (0.0, 0.0),
        };
        let (per_ns, to_per_ns) = (from_per_second / 1e9, to_per_second / 1e9);
        let is_empty = per_ns + to_per_ns == 0.0;
        self.pieces.push(Piece {
            from_ns,
            until_ns: from_ns + length_ns,
            first,
            last: match is_empty {
                true => first,
                false => first + (per_ns + to_per_ns) / 2.0 * length_ns,
            },
            per_ns,
            growth: (to_per_ns - per_ns) / length_ns,
        });
    }

    /// When message `number` is due, in nanoseconds from the beginning; `None` if never. `piece` is where the search begins, and
    /// then where it ended: numbers of one caller only grow.
    pub fn due_ns(&self, number: u64, piece: &mut usize) -> Option<u64> {
        let number = number as f64;
        while number >= self.pieces.get(*piece)?.last {
            *piece += 1;
        }
        let Piece {
            from_ns,
            first,
            per_ns,
            growth,
            ..
        } = self.pieces[*piece];
        let ahead = number - first;
        // The root of growth/2 t^2 + per_ns t = ahead, in the form that loses no digits where growth is little or nothing. At the
        // end of a ramp down to nothing rounding may leave less than nothing under the root.
        let under = (per_ns * per_ns + 2.0 * growth * ahead).max(0.0);
        let denominator = per_ns + under.sqrt();
        let since_ns = match ahead == 0.0 {
            true => 0.0,
            false => 2.0 * ahead / denominator,
        };
        // 2^53 ns are 104 days, and rounding is by less than a nanosecond until then.
        Some((from_ns + since_ns).round() as u64)
    }

    /// How many messages are due before `until_ns`, with the part of the one that comes next.
    pub fn messages_until(&self, until_ns: u64) -> f64 {
        let until_ns = until_ns as f64;
        let piece = self
            .pieces
            .iter()
            .rfind(|piece| piece.from_ns <= until_ns)
            .unwrap_or(&self.pieces[0]);
        let since_ns = until_ns - piece.from_ns;
        piece.first + (piece.per_ns + piece.growth * since_ns / 2.0) * since_ns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_stage() -> impl Strategy<Value = Stage> {
        let rate = || prop_oneof![1 => Just(0.0), 4 => 1.0_f64..5_000.0];
        (rate(), rate(), any::<bool>(), 1_u64..2_000).prop_map(|(from, to, is_constant, ms)| {
            Stage {
                from_per_second: from,
                to_per_second: if is_constant { from } else { to },
                length: Duration::from_millis(ms),
            }
        })
    }

    proptest! {
        /// Beside the rate added up in small steps: as many messages until each moment, each at the moment that its number says,
        /// never one before the one before it.
        #[test]
        fn messages_are_due_where_the_rate_added_up_reaches_their_number(stages in prop::collection::vec(any_stage(), 1..5), warm_up_ms in 0_u64..500) {
            let warm_up = Duration::from_millis(warm_up_ms);
            let curve = Curve::new(0.0, warm_up, &stages);
            let rate_at = |ms: f64| {
                let mut at_ms = ms - warm_up_ms as f64;
                if at_ms < 0.0 {
                    return stages[0].from_per_second;
                }
                for stage in &stages {
                    let length_ms = stage.length.as_millis() as f64;
                    if at_ms < length_ms {
                        return stage.from_per_second + (stage.to_per_second - stage.from_per_second) * at_ms / length_ms;
                    }
                    at_ms -= length_ms;
                }
                stages[stages.len() - 1].to_per_second
            };
            let length_ms = warm_up_ms + stages.iter().map(|stage| stage.length.as_millis() as u64).sum::<u64>();
            let mut sum = 0.0;
            for ms in 0..length_ms {
                let told = curve.messages_until(ms * 1_000_000);
                prop_assert!((told - sum).abs() < 1e-6 * (1.0 + sum), "{} for {} at {} ms", told, sum, ms);
                // Exact for a straight line: no stage ends within a millisecond.
                sum += rate_at(ms as f64 + 0.5) / 1e3;
            }
            let (mut piece, mut last_ns) = (0, 0);
            for number in 0..sum.floor() as u64 {
                let due_ns = curve.due_ns(number, &mut piece).expect("before the end");
                prop_assert!(due_ns >= last_ns && due_ns <= length_ms * 1_000_000, "{} after {}", due_ns, last_ns);
                let told = curve.messages_until(due_ns);
                // The time is a whole nanosecond, at up to 5 messages in a microsecond.
                prop_assert!((told - number as f64).abs() < 1e-4, "{} for {}", told, number);
                last_ns = due_ns;
            }
        }
    }

    #[test]
    fn a_ramp_from_nothing_sends_half_of_its_messages_in_its_last_part() {
        let rate = Rate::parse("0..100:10s").expect("stages");
        let Rate::Stages(stages) = &rate else {
            panic!("{rate:?}")
        };
        let curve = Curve::new(0.0, Duration::ZERO, stages);
        let mut piece = 0;
        let due: Vec<_> = [0, 5, 20, 125, 499]
            .map(|number| curve.due_ns(number, &mut piece))
            .into_iter()
            .flatten()
            .map(|ns| ns / 1_000_000)
            .collect();
        // t = sqrt(2 k / (10 per second each second))
        assert_eq!(due, [0, 1_000, 2_000, 5_000, 9_989]);
        assert_eq!(
            (rate.mean_per_second(), rate.length()),
            (50.0, Some(Duration::from_secs(10)))
        );
    }

    #[test]
    fn a_ramp_to_nothing_comes_to_an_end() {
        let curve = Curve::new(
            0.0,
            Duration::ZERO,
            &[Stage {
                from_per_second: 100.0,
                to_per_second: 0.0,
                length: Duration::from_secs(1),
            }],
        );
        let mut piece = 0;
        let due = (0..).map_while(|number| curve.due_ns(number, &mut piece));
        assert_eq!(due.count(), 50);
    }

    #[test]
    fn stages_are_read_and_written() {
        let Ok(Rate::Stages(stages)) = Rate::parse("100..1000:30s,1000:1.5m") else {
            panic!("two stages")
        };
        let texts: Vec<_> = stages.iter().map(Stage::to_string).collect();
        assert_eq!(texts, ["100 to 1.000 k/s in 30s", "1.000 k/s for 90s"]);
        assert_eq!(Rate::parse("2.5"), Ok(Rate::Constant(2.5)));
        for wrong in [
            "",
            "0",
            "nan",
            "-1",
            "1e9",
            "10..20",
            "10:1s,20",
            "10:5",
            "10:0s",
            "0:5s",
            "1..2..3:1s",
        ] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
    }
}
