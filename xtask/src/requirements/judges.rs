//! What the judges found, as they wrote it down: the Autobahn suite and the mutation runs.
//!
//! Each judge owns the form of its file. What is not there yet is left out of the page.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::mutants;

/// Written by `cargo xtask conformance --full --record`.
const AUTOBAHN: &str = "tests/autobahn/results.toml";

/// Written by `cargo test -p ringwire-conformance -- --record`.
const OWN_SUITE: &str = "tests/conformance/results.toml";

/// What is there of it.
#[derive(Debug, Default)]
pub(super) struct Judges {
    pub(super) autobahn: Option<Autobahn>,
    pub(super) own_suite: Option<OwnSuite>,
    pub(super) mutants: Option<mutants::Record>,
}

/// What our own suite found.
#[derive(Debug, Deserialize)]
pub(super) struct OwnSuite {
    pub(super) machine: Score,
    pub(super) server: Score,
}

/// How many cases there are, and how many of them are right.
#[derive(Debug, Deserialize)]
pub(super) struct Score {
    pub(super) cases: u32,
    pub(super) passed: u32,
}

/// What the Autobahn suite found.
#[derive(Debug, Deserialize)]
pub(super) struct Autobahn {
    pub(super) suite: Suite,
    pub(super) peers: Vec<Peer>,
}

/// Which edition of it.
#[derive(Debug, Deserialize)]
pub(super) struct Suite {
    pub(super) version: String,
}

/// One implementation in one role, over one transport.
#[derive(Debug, Deserialize)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) role: String,
    pub(super) transport: String,
    pub(super) total: Verdicts,
    /// By the number of the section.
    pub(super) sections: BTreeMap<String, Verdicts>,
    /// Cases that are not right, and what they are.
    pub(super) faults: BTreeMap<String, String>,
}

/// How often each verdict was given.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Verdicts {
    pub(super) cases: u32,
    pub(super) ok: u32,
    pub(super) informational: u32,
    pub(super) non_strict: u32,
    pub(super) unimplemented: u32,
    pub(super) failed: u32,
}

pub(super) fn read(root: &Path) -> Result<Judges, String> {
    Ok(Judges {
        autobahn: read_file(root, AUTOBAHN)?,
        own_suite: read_file(root, OWN_SUITE)?,
        mutants: read_file(root, mutants::RECORD)?,
    })
}

fn read_file<T: DeserializeOwned>(root: &Path, path: &str) -> Result<Option<T>, String> {
    let Ok(text) = fs::read_to_string(root.join(path)) else {
        return Ok(None);
    };
    toml::from_str(&text)
        .map(Some)
        .map_err(|error| format!("{path}: {error}"))
}
