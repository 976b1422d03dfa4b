//! The stages of an open loop whose rate changes, as they stand in the report.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stages;

/// One of them: constant if both rates are the same.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Stage {
    from_per_second: f64,
    to_per_second: f64,
    seconds: f64,
}

impl Stage {
    pub(super) fn of(stage: &stages::Stage) -> Stage {
        Stage {
            from_per_second: stage.from_per_second,
            to_per_second: stage.to_per_second,
            seconds: stage.length.as_secs_f64(),
        }
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        stages::Stage {
            from_per_second: self.from_per_second,
            to_per_second: self.to_per_second,
            length: Duration::try_from_secs_f64(self.seconds).unwrap_or_default(),
        }
        .to_string()
    }
}
