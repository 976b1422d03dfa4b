//! The suite itself: installed once for each change of its pins, and run in its two modes, each time as a process of
//! its own with a folder for its report.
//!
//! It always ends with 0, and may hang. So a run that has said nothing for long is ended, each begins without a
//! report, and is judged by the report that it leaves.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cases::{self, Case, Verdict};
use crate::programs::{Running, free_address, mortal};

/// How long it may be silent. It tells of each case, and gives the longest of them 100 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(150);

/// What judges, by what name the suite calls it.
const AGENT: &str = "judged";

/// What it says, in the folder of its report.
const LOG: &str = "wstest.log";

/// How often a state that makes no event is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Files of a certificate for 127.0.0.1.
pub(super) struct Certificate {
    /// Who signed it.
    pub(super) authority: PathBuf,
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificate {
    /// Lets the broker make one in `folder`.
    pub(super) fn make(ringwire: &Path, folder: &Path) -> Result<Self, String> {
        let status = Command::new(ringwire)
            .args(["cert", "--dev", "--out"])
            .arg(folder)
            .stdout(Stdio::null())
            .status();
        if !status.is_ok_and(|status| status.success()) {
            return Err("no certificate could be made".into());
        }
        Ok(Self {
            authority: folder.join("ca.pem"),
            chain: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        })
    }
}

/// The installed suite.
pub(super) struct Suite {
    program: PathBuf,
    reports: PathBuf,
    /// All that it has.
    pub(super) cases: Vec<Case>,
}

impl Suite {
    /// Installs it below cargo's target folder, unless exactly these versions are there already.
    pub(super) fn install(root: &Path, target: &Path) -> Result<Self, String> {
        let sources = root.join("tests/autobahn");
        let folder = target.join("autobahn");
        let mut wanted = String::new();
        for file in ["setup.sh", "requirements.txt"] {
            wanted += &fs::read_to_string(sources.join(file))
                .map_err(|error| format!("cannot read {file}: {error}"))?;
        }
        let installed = folder.join("installed");
        if !fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
            remove(&folder)?;
            let status = Command::new(sources.join("setup.sh"))
                .arg(&folder)
                .status()
                .map_err(|error| format!("cannot run setup.sh: {error}"))?;
            if !status.success() {
                return Err("the suite could not be installed".into());
            }
            fs::write(&installed, wanted)
                .map_err(|error| format!("cannot write {}: {error}", installed.display()))?;
        }
        Ok(Self {
            program: folder.join("wstest"),
            reports: target.join("autobahn-reports"),
            cases: cases::all(&folder.join("cases.txt"))?,
        })
    }

    /// The pinned version of the suite.
    pub(super) fn version(root: &Path) -> Result<String, String> {
        let pins = fs::read_to_string(root.join("tests/autobahn/requirements.txt"))
            .map_err(|error| format!("cannot read requirements.txt: {error}"))?;
        pins.lines()
            .find_map(|line| line.strip_prefix("autobahntestsuite=="))
            .map(str::to_owned)
            .ok_or_else(|| "requirements.txt does not pin the suite".into())
    }

    /// Lets it play `cases` as a client with the server at `url`.
    pub(super) fn judge_server(
        &self,
        name: &str,
        url: &str,
        cases: &[Case],
    ) -> Result<BTreeMap<Case, Verdict>, String> {
        let folder = self.empty(name)?;
        let spec = json!({
            "outdir": folder,
            "servers": [{"agent": AGENT, "url": url}],
            "cases": numbers(cases),
            "exclude-cases": [],
            "exclude-agent-cases": {},
        });
        let mut suite = self.start("fuzzingclient", &folder, &spec)?;
        end(&mut suite, &folder.join(LOG), name)?;
        cases::verdicts(&folder.join("index.json"))
    }

    /// Lets it play `cases` as a server with the client that `client` makes of its URL. The client has to ask for the
    /// report at its end.
    pub(super) fn judge_client(
        &self,
        name: &str,
        cases: &[Case],
        secure: Option<&Certificate>,
        client: impl FnOnce(&str, &str) -> Command,
    ) -> Result<BTreeMap<Case, Verdict>, String> {
        let folder = self.empty(name)?;
        let address = free_address()?;
        let scheme = if secure.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://{address}");
        let mut spec = json!({
            "outdir": folder,
            "url": url,
            "cases": numbers(cases),
            "exclude-cases": [],
            "exclude-agent-cases": {},
        });
        if let Some(Certificate { chain, key, .. }) = secure {
            spec["cert"] = json!(chain);
            spec["key"] = json!(key);
        }
        let mut suite = self.start("fuzzingserver", &folder, &spec)?;
        suite.until_it_listens(address)?;
        let mut client = Running::start(&mut client(&url, AGENT))?;
        if !end(&mut client, &folder.join(LOG), name)? {
            return Err(format!("{name}: the client failed"));
        }
        cases::verdicts(&folder.join("index.json"))
    }

    /// An empty folder for a run's report.
    fn empty(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.reports.join(name);
        remove(&folder)?;
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        Ok(folder)
    }

    fn start(&self, mode: &str, folder: &Path, spec: &Value) -> Result<Running, String> {
        let written = |error: io::Error| format!("cannot write to {}: {error}", folder.display());
        let file = folder.join("spec.json");
        fs::write(&file, spec.to_string()).map_err(written)?;
        let log = File::create(folder.join(LOG)).map_err(written)?;
        let mut command = mortal(&self.program);
        // No web page about it.
        command.args(["--mode", mode, "--webport", "0", "--spec"]);
        command.arg(&file).current_dir(folder);
        command.env("PYTHONUNBUFFERED", "1").stdin(Stdio::null());
        command.stderr(log.try_clone().map_err(written)?);
        command.stdout(log);
        Running::start(&mut command)
    }
}

fn numbers(cases: &[Case]) -> Vec<String> {
    cases.iter().map(Case::to_string).collect()
}

/// Waits for the end of a process while the suite's log grows: whether that was success.
fn end(process: &mut Running, log: &Path, name: &str) -> Result<bool, String> {
    let (mut said_bytes, mut since) = (0, Instant::now());
    while since.elapsed() < SILENCE_MAX {
        match process.0.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) => thread::sleep(LOOK_AGAIN),
            Err(error) => return Err(format!("{name}: {error}")),
        }
        let says_bytes = fs::metadata(log).map_or(0, |log| log.len());
        if says_bytes != said_bytes {
            (said_bytes, since) = (says_bytes, Instant::now());
        }
    }
    Err(format!(
        "{name}: no word for {} s, see {}",
        SILENCE_MAX.as_secs(),
        log.display()
    ))
}

/// Removes a folder that may be there.
pub(super) fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}
