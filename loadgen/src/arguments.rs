//! The command line, and its translation into a [`Plan`].
//!
//! The help text teaches: somebody who has never measured a broker should get a trustworthy figure out of it alone.
//! Each group of options has a file of its own, with what it checks.

mod duration;
mod generator;
mod load;
mod output;
mod security;
mod sweep;
mod target;
#[cfg(test)]
mod tests;
mod turnover;
mod wording;

use clap::Parser;

pub use self::duration::Durations;
pub use self::generator::Generator;
pub use self::load::Load;
pub use self::output::Output;
pub use self::security::Tls;
pub use self::sweep::Sweep;
pub use self::target::Target;
pub use self::turnover::Coming;
pub use self::wording::Words;
use crate::failure::Failure;
use crate::payload::Filling;
use crate::plan::{Pace, Plan};

/// The options of a run, in the order in which `--help` shows them.
#[derive(Debug, Parser)]
#[command(name = "ringwire-load", args_override_self = true)]
pub struct Arguments {
    /// Takes the options of a scenario, built in or a file of your own
    ///
    /// `ringwire-load scenarios` lists the built-in ones, `ringwire-load scenarios NAME` prints one to begin a file with.
    /// What the command line says counts more than what the file says
    #[arg(long, value_name = "NAME|FILE", help_heading = "Scenario")]
    pub scenario: Option<String>,

    /// The server.
    #[command(flatten, next_help_heading = "Server")]
    pub target: Target,

    /// The load.
    #[command(flatten)]
    pub load: Load,

    /// Who comes when, and who leaves.
    #[command(flatten)]
    pub coming: Coming,

    /// The durations.
    #[command(flatten)]
    pub durations: Durations,

    /// The report.
    #[command(flatten)]
    pub output: Output,

    /// What the generator runs on.
    #[command(flatten)]
    pub generator: Generator,

    /// TLS.
    #[command(flatten)]
    pub tls: Tls,

    /// The words of messages.
    #[command(flatten)]
    pub words: Words,
}

impl Arguments {
    /// Checks what the parser could not, resolves the names, and says what is to be done.
    pub fn plan(&self) -> Result<Plan, Failure> {
        let payload_bytes = self.load.payload_bytes().map_err(Failure::Usage)?;
        let dialect = (self.target.driver)
            .dialect(&self.words.wording(payload_bytes))
            .map_err(Failure::Usage)?;
        let layout = self.load.layout().map_err(Failure::Usage)?;
        let pace = self.load.pace(&layout).map_err(Failure::Usage)?;
        let topic_names = self
            .load
            .topic_names(layout.topics, &*dialect)
            .map_err(Failure::Usage)?;
        let times = self
            .durations
            .times(pace != Pace::Idle, self.load.stages())
            .map_err(Failure::Usage)?;
        let sources = self.generator.sources().map_err(Failure::Usage)?;
        self.generator.check().map_err(Failure::Usage)?;
        let slow = self
            .load
            .slow(&layout, &pace, self.generator.threads)
            .map_err(Failure::Usage)?;
        self.coming.check().map_err(Failure::Usage)?;
        let turnover = self
            .coming
            .turnover(&layout, pace, times.measure, &*dialect)
            .map_err(Failure::Usage)?;
        let (subscribe, publish) = self.target.endpoints(&*dialect, &layout)?;
        let is_secure = subscribe.server_name.is_some() || publish.server_name.is_some();
        let security = self.tls.security(is_secure)?;
        let handshake = self.target.handshake(&*dialect).map_err(Failure::Usage)?;
        Ok(Plan {
            subscribe,
            publish,
            security,
            handshake,
            driver: self.target.driver.name,
            dialect,
            topic_names,
            layout,
            slow,
            payload_bytes,
            filling: if self.load.json_payload {
                Filling::Json
            } else {
                Filling::Noise
            },
            pace,
            stages: self.load.stages().to_vec(),
            times,
            turnover,
            connects_per_second: self.coming.connect_rate,
            connecting_max: self.generator.connecting,
            threads: self.generator.threads,
            pins: self.generator.pin.clone(),
            sources,
            spins: self.generator.spin,
            server_pid: self.output.server_pid,
            interval: self.output.interval(&times).map_err(Failure::Usage)?,
        })
    }
}
