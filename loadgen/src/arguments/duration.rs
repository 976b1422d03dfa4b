//! How long each part of a run takes.

use std::time::Duration;

use clap::Args;

use crate::plan::Times;
use crate::quantity::parse_duration;
use crate::stages::Stage;

/// The measured window, unless something else is said.
const DURATION: Duration = Duration::from_secs(10);

/// The durations.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub struct Durations {
    /// Publishing before the measured window
    #[arg(long, default_value = "2s", value_parser = parse_duration, value_name = "TIME")]
    pub warm_up: Duration,

    /// The measured window: `10s`, `2m` [default: 10s, or what the stages of --rate take together]
    #[arg(short, long, value_parser = parse_duration, value_name = "TIME")]
    pub duration: Option<Duration>,

    /// Silence between the last connection and the first publish
    #[arg(long, default_value = "100ms", value_parser = parse_duration, value_name = "TIME")]
    pub settle: Duration,

    /// The longest that one connection may take until it is subscribed
    #[arg(long, default_value = "30s", value_parser = parse_duration, value_name = "TIME")]
    pub connect_timeout: Duration,

    /// How long a missing delivery is waited for before it counts as lost
    ///
    /// At the end of a run, and in a closed loop
    #[arg(long, default_value = "5s", value_parser = parse_duration, value_name = "TIME")]
    pub patience: Duration,

    /// INVALID when 1 % of the messages leave the generator later than this
    ///
    /// Open loop: counted from the time at which each was due. Then the generator was the bottleneck, or had no CPU of its own
    #[arg(long, default_value = "1ms", value_parser = parse_duration, value_name = "TIME")]
    pub late_max: Duration,
}

impl Durations {
    /// The parts of a run. One that publishes nothing has no warm-up, one whose rate has stages is as long as those.
    pub(super) fn times(&self, publishes: bool, stages: &[Stage]) -> Result<Times, String> {
        let of_stages = stages.iter().map(|stage| stage.length).sum();
        let duration = match (self.duration, stages) {
            (None, []) => DURATION,
            (None, _) => of_stages,
            (Some(duration), []) => duration,
            (Some(duration), _) => {
                return Err(format!(
                    "--duration {duration:?}: the stages of --rate take {of_stages:?} together, and that is the window; leave --duration out"
                ));
            }
        };
        if duration.is_zero() || self.connect_timeout.is_zero() || self.patience.is_zero() {
            return Err(
                "--duration, --connect-timeout and --patience are longer than nothing".into(),
            );
        }
        Ok(Times {
            connect: self.connect_timeout,
            settle: self.settle,
            warm_up: if publishes {
                self.warm_up
            } else {
                Duration::ZERO
            },
            measure: duration,
            patience: self.patience,
            late_max: self.late_max,
        })
    }
}
