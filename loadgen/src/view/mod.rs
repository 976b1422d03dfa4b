//! How a run goes, while it goes on, on the standard error stream: a picture that stays in its place on a terminal, lines
//! elsewhere.

mod lines;
mod recent;
mod screen;
mod usage;

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;

use self::lines::Lines;
use self::screen::Screen;
use crate::observer::Observer;
use crate::plan::Plan;

/// What is shown while a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// On a terminal a picture that is gone when the report comes, elsewhere lines
    #[default]
    Auto,
    /// A line every second, or every five intervals if that is longer
    Lines,
    /// Nothing
    None,
}

impl Progress {
    /// Who shows it.
    pub fn observer<'p>(self, plan: &'p Plan) -> Option<Box<dyn Observer + 'p>> {
        match self {
            Progress::Auto if stderr().is_terminal() => Some(Box::new(Screen::new(plan))),
            Progress::Auto | Progress::Lines => Some(Box::new(Lines::new(plan, stderr()))),
            Progress::None => None,
        }
    }
}
