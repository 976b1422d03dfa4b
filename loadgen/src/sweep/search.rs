//! Where to look next for the highest rate at which the limits hold, and what is known in the end.
//!
//! Knows nothing of runs: it is told what came of the last one. The rate doubles until it fails; then the gap between the highest
//! that held and the lowest that did not is halved, on a logarithmic scale, until it is as small as was asked for.

use serde::Serialize;

/// What one run has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// The limits held.
    Holds,
    /// A limit was broken, and the figures stand.
    Breaks,
    /// The run was invalid: it shows nothing about the server.
    Invalid,
}

/// What is known in the end. Rates are publishes per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// The server's limit lies between the two.
    Between {
        /// The highest rate that held.
        holds_at: f64,
        /// The lowest that did not.
        breaks_at: f64,
    },
    /// The highest rate that was to be tried held.
    AtLeast {
        /// That rate.
        holds_at: f64,
    },
    /// Not even the first rate held.
    Nowhere {
        /// That rate.
        breaks_at: f64,
    },
    /// The generator came to its own end before the server did.
    Generator {
        /// The highest rate that held, if one did.
        holds_at: Option<f64>,
        /// The lowest rate at which the generator was the limit.
        limited_at: f64,
    },
}

/// A search that goes on.
#[derive(Clone, Debug)]
pub struct Search {
    to: f64,
    precision: f64,
    runs_max: u32,
    holds_at: Option<f64>,
    fails_at: Option<(f64, Finding)>,
    /// The rate that is being tried, and what its runs have shown so far: the worse of it, and how many there were.
    trial: Option<(f64, Finding, u32)>,
    next: f64,
}

impl Search {
    /// From one rate to another. It ends when rates that hold and fail are at most `precision`, a part of 1, apart. A rate
    /// that fails is tried `runs_max` times in all.
    pub fn new(from: f64, to: f64, precision: f64, runs_max: u32) -> Search {
        Search {
            to,
            precision,
            runs_max,
            holds_at: None,
            fails_at: None,
            trial: None,
            next: from,
        }
    }

    /// The rate of the next run, or nothing when the answer is known.
    pub fn next_rate(&self) -> Option<f64> {
        if let Some((rate, ..)) = self.trial {
            return Some(rate);
        }
        match (self.holds_at, self.fails_at) {
            (None, None) => Some(self.next),
            (None, Some(_)) => None,
            (Some(holds_at), None) => (holds_at < self.to).then_some(self.next),
            (Some(holds_at), Some((fails_at, _))) => {
                let is_close = fails_at / holds_at <= 1.0 + self.precision;
                let is_between = holds_at < self.next && self.next < fails_at;
                (!is_close && is_between).then_some(self.next)
            }
        }
    }

    /// What the run at [`Search::next_rate`] has shown.
    pub fn learn(&mut self, finding: Finding) {
        let Some(rate) = self.next_rate() else { return };
        let (earlier, runs) = self
            .trial
            .take()
            .map_or((finding, 0), |(_, earlier, runs)| (earlier, runs));
        let runs = runs + 1;
        if finding == Finding::Holds {
            self.holds_at = Some(rate);
        } else {
            // A run that stands says more than one that does not.
            let finding = if earlier == Finding::Breaks {
                earlier
            } else {
                finding
            };
            if runs < self.runs_max {
                self.trial = Some((rate, finding, runs));
                return;
            }
            self.fails_at = Some((rate, finding));
        }
        self.next = match (self.holds_at, self.fails_at) {
            (Some(holds_at), Some((fails_at, _))) => three_digits((holds_at * fails_at).sqrt()),
            _ => (rate * 2.0).min(self.to),
        };
    }

    /// What is known by now, if anything is.
    pub fn answer(&self) -> Option<Answer> {
        Some(match (self.holds_at, self.fails_at) {
            (None, None) => return None,
            (Some(holds_at), None) => Answer::AtLeast { holds_at },
            (holds_at, Some((limited_at, Finding::Invalid))) => Answer::Generator {
                holds_at,
                limited_at,
            },
            (None, Some((breaks_at, _))) => Answer::Nowhere { breaks_at },
            (Some(holds_at), Some((breaks_at, _))) => Answer::Between {
                holds_at,
                breaks_at,
            },
        })
    }
}

/// A rate that is easy to read and to type again.
fn three_digits(rate: f64) -> f64 {
    let step = 10_f64.powf(rate.log10().floor() - 2.0);
    (rate / step).round() * step
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs a search against a server that holds up to `capacity` and a generator that is valid up to `own`.
    fn search(mut search: Search, capacity: f64, own: f64) -> (Vec<f64>, Option<Answer>) {
        let mut rates = Vec::new();
        while let Some(rate) = search.next_rate() {
            rates.push(rate);
            assert!(rates.len() < 200, "it ends: {rates:?}");
            search.learn(match rate {
                rate if rate > own => Finding::Invalid,
                rate if rate > capacity => Finding::Breaks,
                _ => Finding::Holds,
            });
        }
        (rates, search.answer())
    }

    #[test]
    fn it_doubles_then_halves_the_gap() {
        let (rates, answer) = search(Search::new(100.0, 1e6, 0.1, 1), 900.0, f64::MAX);
        assert_eq!(
            rates,
            [100.0, 200.0, 400.0, 800.0, 1600.0, 1130.0, 951.0, 872.0]
        );
        assert_eq!(
            answer,
            Some(Answer::Between {
                holds_at: 872.0,
                breaks_at: 951.0
            })
        );
    }

    #[test]
    fn the_ends_of_the_range_are_said() {
        let (rates, answer) = search(Search::new(100.0, 300.0, 0.1, 1), 900.0, f64::MAX);
        assert_eq!(rates, [100.0, 200.0, 300.0]);
        assert_eq!(answer, Some(Answer::AtLeast { holds_at: 300.0 }));
        let (rates, answer) = search(Search::new(100.0, 300.0, 0.1, 2), 50.0, f64::MAX);
        assert_eq!(rates, [100.0, 100.0]);
        assert_eq!(answer, Some(Answer::Nowhere { breaks_at: 100.0 }));
    }

    #[test]
    fn the_generators_end_is_not_taken_for_the_servers() {
        let (_, answer) = search(Search::new(100.0, 1e6, 0.1, 2), 900.0, 500.0);
        let Some(Answer::Generator {
            holds_at: Some(holds_at),
            limited_at,
        }) = answer
        else {
            panic!("{answer:?}");
        };
        assert!(holds_at <= 500.0 && limited_at > 500.0 && limited_at / holds_at <= 1.1);
        let (_, answer) = search(Search::new(100.0, 1e6, 0.1, 1), 900.0, 50.0);
        assert_eq!(
            answer,
            Some(Answer::Generator {
                holds_at: None,
                limited_at: 100.0
            })
        );
    }

    #[test]
    fn a_rate_that_fails_has_another_run() {
        let mut search = Search::new(100.0, 100.0, 0.1, 3);
        for finding in [Finding::Breaks, Finding::Invalid] {
            search.learn(finding);
            assert_eq!(search.next_rate(), Some(100.0));
        }
        let mut lucky = search.clone();
        lucky.learn(Finding::Holds);
        assert_eq!(
            (lucky.next_rate(), lucky.answer()),
            (None, Some(Answer::AtLeast { holds_at: 100.0 }))
        );
        search.learn(Finding::Invalid);
        assert_eq!(
            search.answer(),
            Some(Answer::Nowhere { breaks_at: 100.0 }),
            "one run stood and broke it"
        );
    }

    proptest! {
        #[test]
        fn the_limit_lies_between_what_held_and_what_broke(from in 1.0_f64..1e4, capacity in 1.0_f64..1e6, precision in 0.01_f64..0.5) {
            let (_, answer) = search(Search::new(from, 2e6, precision, 2), capacity, f64::MAX);
            match answer {
                Some(Answer::Nowhere { breaks_at }) => prop_assert!(breaks_at > capacity),
                Some(Answer::Between { holds_at, breaks_at }) => {
                    prop_assert!(holds_at <= capacity && capacity < breaks_at);
                    // Rates of three digits are up to 1 % apart.
                    prop_assert!(breaks_at / holds_at <= 1.02 + precision, "{holds_at} {breaks_at}");
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
