//! What is said about the subscribers that read slowly.

use std::fmt::{self, Formatter};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ratio;
use super::text::LABEL_WIDTH;
use crate::evidence::Evidence;
use crate::plan::Plan;
use crate::quantity::{bytes, grouped, nanoseconds};

/// They are in no other figure of the report.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct SlowReaders {
    count: u32,
    /// What each of them was to read in a second, and what it did read while it was slow.
    bytes_per_second: u64,
    read_bytes_per_second: f64,
    messages_expected: u64,
    messages_received: u64,
    cut_off: u64,
    /// When the first cut-off was seen, from the first publish on.
    first_cut_off_seconds: Option<f64>,
    standing: u64,
    cut_offs: Vec<CutOff>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
struct CutOff {
    how: String,
    count: u64,
}

impl SlowReaders {
    pub(super) fn of(plan: &Plan, evidence: &Evidence) -> Option<SlowReaders> {
        let slow = plan.slow?;
        let found = evidence.slow_readers.as_ref()?;
        let reading_seconds = found.slow_ns as f64 / 1e9 * f64::from(slow.count);
        let cut_offs = found.cut_off.iter().map(|(how, &count)| CutOff {
            how: how.clone(),
            count,
        });
        Some(SlowReaders {
            count: slow.count,
            bytes_per_second: slow.bytes_per_second,
            read_bytes_per_second: ratio(found.bytes_while_slow as f64, reading_seconds),
            messages_expected: found.messages_expected,
            messages_received: found.messages,
            cut_off: found.cut_off.values().sum(),
            first_cut_off_seconds: found.first_cut_off_ns.map(|ns| ns as f64 / 1e9),
            standing: found.standing,
            cut_offs: cut_offs.collect(),
        })
    }

    pub(super) fn write(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let reading = match self.bytes_per_second {
            0 => "stopped reading".to_owned(),
            wanted => format!(
                "read {}/s ({}/s wanted)",
                bytes(self.read_bytes_per_second as u64),
                bytes(wanted)
            ),
        };
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{} {reading} and had {} of {} messages in the end; the figures above leave them out",
            "slow readers",
            grouped(u64::from(self.count)),
            grouped(self.messages_received),
            grouped(self.messages_expected),
        )?;
        if let Some(seconds) = self.first_cut_off_seconds {
            writeln!(
                formatter,
                "{:<LABEL_WIDTH$}{} cut off by the server, the first seen {} after the first publish; {} still stood",
                "",
                grouped(self.cut_off),
                nanoseconds((seconds * 1e9) as u64),
                grouped(self.standing),
            )?;
        }
        for CutOff { how, count } in &self.cut_offs {
            writeln!(formatter, "{:<LABEL_WIDTH$}{}: {how}", "", grouped(*count))?;
        }
        Ok(())
    }
}
