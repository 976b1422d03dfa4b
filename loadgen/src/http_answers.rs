//! How a server answered what was published over HTTP.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::grouped;

/// Answers by what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub struct HttpAnswers {
    /// Requests that were answered with a status of 200 to 299.
    pub accepted: u64,
    /// Requests that were answered with another one, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Requests whose connection ended before the answer. They are not sent again: the server may have taken them.
    pub broken_off: u64,
    /// Connections that the server closed, and that were opened again.
    pub reopened: u64,
}

impl HttpAnswers {
    /// Counts one answer.
    pub fn note(&mut self, status: u16) {
        match status {
            200..=299 => self.accepted += 1,
            _ => *self.refused.entry(status).or_default() += 1,
        }
    }

    /// Adds what another thread has counted.
    pub fn add(&mut self, other: HttpAnswers) {
        self.accepted += other.accepted;
        self.broken_off += other.broken_off;
        self.reopened += other.reopened;
        for (status, count) in other.refused {
            *self.refused.entry(status).or_default() += count;
        }
    }

    /// Requests that the server did not take, or did not say so.
    pub fn failed(&self) -> u64 {
        self.refused.values().sum::<u64>() + self.broken_off
    }
}

impl Display for HttpAnswers {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} accepted", grouped(self.accepted))?;
        for (status, count) in &self.refused {
            write!(formatter, ", {} answered with {status}", grouped(*count))?;
        }
        for (count, what) in [
            (self.broken_off, "not answered: the connection ended"),
            (self.reopened, "connections opened again"),
        ] {
            if count > 0 {
                write!(formatter, ", {} {what}", grouped(count))?;
            }
        }
        Ok(())
    }
}
