//! What TLS was: which versions and suites, how many handshakes of which kind, and whether certificates were checked.

use std::fmt::{self, Formatter};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::LABEL_WIDTH;
use crate::evidence::Evidence;
use crate::plan::Plan;
use crate::quantity::grouped;
use crate::security::Belief;

/// TLS of a run that has any.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Security {
    /// `system`, `file` or `nothing`.
    certificates_checked_against: String,
    full_handshakes: u64,
    resumed_handshakes: u64,
    agreed: Vec<Agreed>,
}

/// Handshakes that agreed on the same.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
struct Agreed {
    version: String,
    cipher_suite: String,
    key_exchange: Option<String>,
    resumed: bool,
    count: u64,
}

impl Security {
    pub(super) fn of(plan: &Plan, evidence: &Evidence) -> Option<Security> {
        let security = plan.security.as_ref()?;
        let checked_against = match security.belief {
            Belief::System => "system",
            Belief::File => "file",
            Belief::Nothing => "nothing",
        };
        let agreed: Vec<Agreed> = evidence
            .handshakes
            .0
            .iter()
            .map(|(agreement, &count)| Agreed {
                version: agreement.version.to_owned(),
                cipher_suite: agreement.cipher_suite.to_owned(),
                key_exchange: agreement.key_exchange.map(str::to_owned),
                resumed: agreement.is_resumed,
                count,
            })
            .collect();
        let count = |resumed| {
            let of_kind = agreed.iter().filter(|agreed| agreed.resumed == resumed);
            of_kind.map(|agreed| agreed.count).sum()
        };
        Some(Security {
            certificates_checked_against: checked_against.to_owned(),
            full_handshakes: count(false),
            resumed_handshakes: count(true),
            agreed,
        })
    }

    pub(super) fn write(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut label = "  TLS";
        for agreed in &self.agreed {
            let kind = if agreed.resumed { "resumed" } else { "full" };
            writeln!(
                formatter,
                "{label:<LABEL_WIDTH$}{:>11} {kind} handshakes, {} {}{}",
                grouped(agreed.count),
                agreed.version,
                agreed.cipher_suite,
                agreed
                    .key_exchange
                    .as_ref()
                    .map_or_else(String::new, |group| format!(" {group}"))
            )?;
            label = "";
        }
        if self.certificates_checked_against == "nothing" {
            writeln!(
                formatter,
                "{label:<LABEL_WIDTH$}--insecure: no certificate was checked"
            )?;
        }
        Ok(())
    }
}
