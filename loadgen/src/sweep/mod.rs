//! A sweep: run after run at other offered rates, until the highest rate is known at which the limits hold.
//!
//! Each step is a whole run with connections of its own. A rate that is too high leaves a server with queues, and connections
//! that it has closed; going on with those, the next step would be judged for the last one. What that costs is the connecting.

pub mod search;

use self::search::{Finding, Search};
use crate::arguments::Arguments;
use crate::arguments::Sweep as Options;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::figure::Figures;
use crate::interrupt::Interrupt;
use crate::plan::Pace;
use crate::report::sweep::{Setting, Step, SweepReport};
use crate::report::{Environment, Report};
use crate::stages::Rate;
use crate::threshold::Condition;

/// What must hold beside the limits that were given, unless they speak of the same figure.
const IMPLIED: [&str; 2] = ["reach>=1", "unsent<=0"];

/// A sweep that is ready to begin.
#[derive(Debug)]
pub struct Sweep {
    arguments: Arguments,
    limits: Vec<Condition>,
    search: Search,
    report: SweepReport,
}

impl Sweep {
    /// Checks what is to be done.
    pub fn new(mut arguments: Arguments, options: &Options) -> Result<Sweep, Failure> {
        let Pace::Open { rate_per_second } = arguments.plan()?.pace else {
            return Err(Failure::Usage(
                "a sweep offers rates (open loop): leave out what says otherwise".to_owned(),
            ));
        };
        if !arguments.load.stages().is_empty() {
            return Err(Failure::Usage(
                "a sweep offers rates that are constant: give --rate as one number".to_owned(),
            ));
        }
        if arguments.output.hgrm.is_some() || arguments.output.hlog.is_some() {
            return Err(Failure::Usage(
                "--hgrm and --hlog are the files of one run; a sweep's report (--json) has the curve and the timeline of each".to_owned(),
            ));
        }
        if !arguments.output.fail_if.is_empty() {
            return Err(Failure::Usage(
                "a sweep has no --fail-if: say with --limit what must hold. Exit code 5 says that it does not even hold at --from".to_owned(),
            ));
        }
        let output = &arguments.output;
        if output.hgrm.is_some() || output.hlog.is_some() {
            return Err(Failure::Usage(
                "--hgrm and --hlog are for one run: a sweep has many".to_owned(),
            ));
        }
        let search = options.search(rate_per_second).map_err(Failure::Usage)?;
        arguments.load.rate = search.next_rate().map(Rate::Constant);
        let limits = with_implied(&options.limit);
        let setting = Setting::new(options, &limits, search.next_rate().unwrap_or_default());
        Ok(Sweep {
            report: SweepReport::new(setting, Environment::look()),
            arguments,
            limits,
            search,
        })
    }

    /// What is known so far: before the first step, what is going to be done.
    pub fn report(&self) -> &SweepReport {
        &self.report
    }

    /// Makes all steps. `tell` hears of each when it is over.
    ///
    /// # Errors
    /// Whatever keeps the first run from being made. Later it ends the sweep, and stands in the report.
    pub fn run(
        mut self,
        interrupt: &Interrupt,
        tell: impl Fn(&Step),
    ) -> Result<SweepReport, Failure> {
        while let Some(rate) = self.search.next_rate() {
            match self.step(rate, interrupt) {
                Err(failure) if self.report.is_empty() => return Err(failure),
                Err(failure) => {
                    self.report.cut_short(failure.to_string());
                    break;
                }
                Ok(_) if interrupt.has_come() => {
                    self.report.cut_short("interrupted".to_owned());
                    break;
                }
                Ok(step) => {
                    tell(&step);
                    self.search.learn(step.finding());
                    self.report.add(step);
                }
            }
        }
        self.report.conclude(self.search.answer());
        Ok(self.report)
    }

    fn step(&mut self, rate: f64, interrupt: &Interrupt) -> Result<Step, Failure> {
        self.arguments.load.rate = Some(Rate::Constant(rate));
        let plan = self.arguments.plan()?;
        let mut engine = Engine::new(&plan);
        if let Some(view) = self.arguments.output.progress.observer(&plan) {
            engine = engine.watched_by(view);
        }
        interrupt.ends(engine.brake());
        let environment = Environment::look();
        let evidence = engine.run()?;
        if let Some(failure) = evidence.failure {
            return Err(failure);
        }
        let command = std::env::args().collect();
        let report = Report::new(&plan, &evidence, command).made_on(environment);
        let figures = Figures::of(&report);
        let broken = self.limits.iter().map(|limit| limit.judge(&figures));
        // A limit fails where it does not hold: the opposite of a condition of --fail-if.
        let broken: Vec<_> = broken
            .filter(|judged| judged.seen.is_none() || !judged.failed)
            .collect();
        let finding = match (report.is_valid(), broken.is_empty()) {
            (false, _) => Finding::Invalid,
            (true, false) => Finding::Breaks,
            (true, true) => Finding::Holds,
        };
        Ok(Step::new(rate, finding, &broken, report))
    }
}

fn with_implied(limits: &[Condition]) -> Vec<Condition> {
    let implied = IMPLIED
        .iter()
        .map(|text| Condition::parse(text).expect("constants that parse"));
    let is_new = |implied: &Condition| {
        limits
            .iter()
            .all(|limit| limit.figure().path() != implied.figure().path())
    };
    limits
        .iter()
        .cloned()
        .chain(implied.filter(is_new))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(texts: &[&str]) -> Vec<Condition> {
        texts
            .iter()
            .map(|text| Condition::parse(text).expect(text))
            .collect()
    }

    #[test]
    fn everything_must_arrive_unless_a_limit_says_otherwise() {
        assert_eq!(
            with_implied(&conditions(&["p99<5ms"])),
            conditions(&["p99<5ms", "reach>=1", "unsent<=0"])
        );
        assert_eq!(
            with_implied(&conditions(&["reach>=99.9%", "max<1s"])),
            conditions(&["reach>=99.9%", "max<1s", "unsent<=0"])
        );
    }
}
