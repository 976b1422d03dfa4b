//! Rounds: every arm under the same load one after another, several times over, so that whatever else the machine
//! does hits all of them.

use super::arms::Arm;
use super::load::Load;
use super::outcome::{Figures, median};
use super::run::{Bench, Run};

/// An arm that costs so much more than the floor in its first round takes no part in the next ones.
const HOPELESS: f64 = 10.0;

/// What one arm did under one load.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// One for each round; `None` where it took no part.
    pub(super) rounds: Vec<Option<Figures>>,
    /// Why there is no figure. One failure is enough: a server that loses messages now and then loses messages.
    pub(super) failure: Option<String>,
    /// Measured once, since it was far off.
    pub(super) is_hopeless: bool,
}

/// An arm that takes part, or why it cannot.
pub(super) struct Entrant {
    pub(super) arm: Arm,
    pub(super) absent: Option<String>,
}

/// Puts every arm under `load`, `rounds` times. Each run is given to `keep`.
pub(super) fn compare(
    bench: &Bench,
    entrants: &[Entrant],
    load: &Load,
    rounds: usize,
    keep: &mut dyn FnMut(Run),
) -> Result<Vec<Series>, String> {
    let mut all: Vec<Series> = entrants
        .iter()
        .map(|entrant| Series {
            failure: entrant.absent.clone(),
            ..Series::default()
        })
        .collect();
    for round in 0..rounds {
        for (entrant, series) in entrants.iter().zip(&mut all) {
            if series.failure.is_some() || series.is_hopeless {
                series.rounds.push(None);
                continue;
            }
            let run = bench.run(&entrant.arm, load, round + 1)?;
            series.rounds.push(run.outcome.clone().ok());
            series.failure = run.outcome.clone().err();
            keep(run);
        }
        let floor = floor_of_round(entrants, &all, round);
        for series in &mut all {
            let cost = series.rounds[round]
                .as_ref()
                .map(|it| it.cpu_ns_per_delivery);
            if let (Some(cost), Some(floor)) = (cost, floor) {
                series.is_hopeless |= round == 0 && cost > floor * HOPELESS;
            }
        }
    }
    Ok(all)
}

/// What a delivery cost the cheaper floor in a round.
pub(super) fn floor_of_round(entrants: &[Entrant], all: &[Series], round: usize) -> Option<f64> {
    let floors = entrants
        .iter()
        .zip(all)
        .filter(|(entrant, _)| entrant.arm.is_floor);
    floors
        .filter_map(|(_, series)| Some(series.rounds.get(round)?.as_ref()?.cpu_ns_per_delivery))
        .min_by(f64::total_cmp)
}

impl Series {
    /// The median of a figure over the rounds.
    pub(super) fn median(&self, figure: impl Fn(&Figures) -> f64) -> Option<f64> {
        median(self.rounds.iter().flatten().map(figure).collect())
    }

    /// The median over the rounds of the cost as a multiple of the same round's floor.
    pub(super) fn ratio(&self, entrants: &[Entrant], all: &[Series]) -> Option<f64> {
        let ratios = self
            .rounds
            .iter()
            .enumerate()
            .filter_map(|(round, figures)| {
                Some(figures.as_ref()?.cpu_ns_per_delivery / floor_of_round(entrants, all, round)?)
            });
        median(ratios.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::arms;
    use super::*;

    fn series(costs: &[Option<f64>]) -> Series {
        let figures = |cpu_ns_per_delivery| Figures {
            cpu_ns_per_delivery,
            deliveries_per_second: 0.0,
            wire_bytes_per_delivery: 0.0,
            publishes_per_second: 0.0,
            server_cpu_share: 0.0,
            latency_ns: [0.0; 4],
            resident_bytes_per_connection: 0.0,
            connections_per_second: 0.0,
            cpu_ns_per_connection: 0.0,
            resumed_handshakes: 0.0,
            cut_off: 0.0,
            doubt: None,
        };
        Series {
            rounds: costs.iter().map(|cost| cost.map(figures)).collect(),
            ..Series::default()
        }
    }

    /// A ratio is within a round, to that round's cheaper floor; rounds that an arm missed do not count.
    #[test]
    fn a_ratio_is_to_the_same_rounds_floor() {
        let entrants: Vec<Entrant> = arms::of_floor()
            .into_iter()
            .filter(|arm| arm.is_floor || arm.key == "ringwire")
            .map(|arm| Entrant { arm, absent: None })
            .collect();
        let all = [
            series(&[Some(20.0), Some(90.0), None]),
            series(&[Some(10.0), Some(40.0), Some(1.0)]),
            series(&[Some(12.0), Some(30.0), None]),
        ];
        assert_eq!(all[0].ratio(&entrants, &all), Some(2.5));
        assert_eq!(all[2].ratio(&entrants, &all), Some(1.1));
        assert_eq!(floor_of_round(&entrants, &all, 2), Some(1.0));
        assert_eq!(floor_of_round(&entrants, &all, 3), None);
    }
}
